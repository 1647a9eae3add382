//! Whose turn it is: inventory order, but nobody waits behind a way that is full.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use super::gate::{Gate, Permit};

/// The hosts that have not begun, as places in the inventory.
#[derive(Debug)]
pub(super) struct Queue {
    rest: Range<usize>,
    ways: HashMap<Option<String>, Way>,
    direct: usize,
    startups: usize,
}

#[derive(Debug)]
struct Way {
    gate: Arc<Gate>,
    /// Its hosts that found no room.
    parked: VecDeque<usize>,
}

/// A host that may begin.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) index: usize,
    pub(super) gate: Arc<Gate>,
    pub(super) permit: Permit,
}

// === impl Queue ===

impl Queue {
    pub(super) fn new(hosts: usize, direct: usize, startups: usize) -> Self {
        Self { rest: 0..hosts, ways: HashMap::new(), direct, startups }
    }

    /// The first host whose way has room.
    pub(super) fn next(&mut self, gateway: impl Fn(usize) -> Option<String>) -> Option<Turn> {
        if let Some(turn) = self.next_parked() {
            return Some(turn);
        }
        for index in self.rest.by_ref() {
            let name = gateway(index);
            let (direct, startups) = (self.direct, self.startups);
            let way = self.ways.entry(name).or_insert_with_key(|name| {
                let gate = if name.is_some() { Gate::new(startups, true) } else { Gate::new(direct, false) };
                Way { gate, parked: VecDeque::new() }
            });
            match way.gate.try_enter() {
                Some(permit) if way.parked.is_empty() => return Some(Turn { index, gate: way.gate.clone(), permit }),
                _ => way.parked.push_back(index),
            }
        }
        None
    }

    /// The first host that found no room: nobody else is at work, and somebody has to be.
    pub(super) fn force(&mut self) -> Option<Turn> {
        let parked = self.ways.values_mut().filter(|way| !way.parked.is_empty());
        let way = parked.min_by_key(|way| way.parked.front().copied())?;
        let index = way.parked.pop_front()?;
        Some(Turn { index, gate: way.gate.clone(), permit: way.gate.force() })
    }

    fn next_parked(&mut self) -> Option<Turn> {
        let mut open: Vec<_> = self.ways.values_mut().filter(|way| !way.parked.is_empty()).collect();
        open.sort_unstable_by_key(|way| way.parked.front().copied());
        open.into_iter().find_map(|way| {
            let permit = way.gate.try_enter()?;
            let index = way.parked.pop_front()?;
            Some(Turn { index, gate: way.gate.clone(), permit })
        })
    }

    /// Any host that has not begun, in inventory order.
    pub(super) fn drain(&mut self) -> Option<usize> {
        let parked = self.ways.values_mut().filter(|way| !way.parked.is_empty());
        let first = parked.min_by_key(|way| way.parked.front().copied());
        first.and_then(|way| way.parked.pop_front()).or_else(|| self.rest.next())
    }
}
