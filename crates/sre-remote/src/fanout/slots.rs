//! Who is worked on. A host has a slot from its start to its end, but for the time in which it waits: for its server's first
//! words, or for another attempt. Then the next host may have it, and it queues for one when its server speaks.

use std::collections::{HashSet, VecDeque};

use tokio::sync::oneshot;

/// The slots of a run.
#[derive(Debug)]
pub(super) struct Slots {
    workers: usize,
    /// Hosts under way, with a slot or without.
    active: usize,
    /// Those whose slot others may have.
    lent: HashSet<usize>,
    /// Those of them that want one again, in the order in which they asked.
    returning: VecDeque<(usize, oneshot::Sender<Answer>)>,
}

/// What a host hears that wants a slot again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// Here it is.
    GoOn,
    /// The run was stopped before it was its turn.
    Stopped,
}

// === impl Slots ===

impl Slots {
    pub(super) fn new(workers: usize) -> Self {
        Self { workers, active: 0, lent: HashSet::new(), returning: VecDeque::new() }
    }

    /// How many hosts may be under way: as many again as have a slot. A single worker works strictly in order.
    pub(super) fn most(workers: usize) -> usize {
        if workers > 1 { workers.saturating_mul(2) } else { 1 }
    }

    pub(super) fn active(&self) -> usize {
        self.active
    }

    /// Whether a host that has not begun may begin.
    pub(super) fn may_start(&self) -> bool {
        self.has_room() && self.returning.is_empty() && self.active < Self::most(self.workers)
    }

    pub(super) fn start(&mut self) {
        self.active += 1;
    }

    /// Its host waits.
    pub(super) fn lend(&mut self, index: usize) {
        self.lent.insert(index);
    }

    /// It wants to go on.
    pub(super) fn ask_back(&mut self, index: usize, answer: oneshot::Sender<Answer>) {
        self.returning.push_back((index, answer));
    }

    /// Gives free slots to those that were under way before.
    pub(super) fn serve(&mut self) {
        while self.has_room() {
            let Some((index, answer)) = self.returning.pop_front() else { return };
            // Who does not listen any more is about to end.
            if answer.send(Answer::GoOn).is_ok() {
                self.lent.remove(&index);
            }
        }
    }

    /// Sends those away that have no slot: the run stops.
    pub(super) fn dismiss(&mut self) {
        for (_, answer) in self.returning.drain(..) {
            let _ = answer.send(Answer::Stopped);
        }
    }

    /// Its result was taken.
    pub(super) fn end(&mut self, index: usize) {
        self.active -= 1;
        self.lent.remove(&index);
        self.returning.retain(|(other, _)| *other != index);
    }

    fn has_room(&self) -> bool {
        self.active - self.lent.len() < self.workers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_lends_its_slot_and_comes_back_before_new_hosts() {
        let mut slots = Slots::new(2);
        slots.start();
        slots.start();
        assert!(!slots.may_start());
        slots.lend(0);
        assert!(slots.may_start());
        slots.start();
        let (sender, mut answer) = oneshot::channel();
        slots.ask_back(0, sender);
        slots.serve();
        assert!(answer.try_recv().is_err(), "both slots are taken");
        slots.end(1);
        assert!(!slots.may_start(), "it is the turn of the one that came first");
        slots.serve();
        assert_eq!(answer.try_recv(), Ok(Answer::GoOn));
        assert!(!slots.may_start() && slots.active() == 2);
    }

    #[test]
    fn no_more_wait_than_work() {
        let mut slots = Slots::new(2);
        for index in 0..4 {
            assert!(slots.may_start());
            slots.start();
            slots.lend(index);
        }
        assert!(!slots.may_start());
        let mut alone = Slots::new(1);
        alone.start();
        alone.lend(0);
        assert!(!alone.may_start());
    }

    #[test]
    fn who_gives_up_while_it_waits_leaves_no_trace() {
        let mut slots = Slots::new(1);
        slots.start();
        slots.lend(0);
        let (sender, _) = oneshot::channel();
        slots.ask_back(0, sender);
        slots.end(0);
        assert!(slots.may_start() && slots.active() == 0);
        let (sender, mut answer) = oneshot::channel();
        slots.start();
        slots.lend(1);
        slots.ask_back(1, sender);
        slots.dismiss();
        assert_eq!(answer.try_recv(), Ok(Answer::Stopped));
    }
}
