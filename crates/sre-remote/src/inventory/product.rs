//! Rows of numbers as few products of sets: the n-dimensional half of folding.
//!
//! Rows that are equal in all but one dimension are merged along that dimension, one dimension after the other, until
//! nothing changes. The result depends on the order of the dimensions, so a few orders are tried and the shortest result
//! wins. Each step is linear (hashing), unlike a comparison of all pairs.

use std::collections::HashMap;
use std::rc::Rc;

/// Rows up to which all orders of three dimensions are tried; beyond, the first and the reverse one.
const MANY_ROWS: usize = 20_000;

/// Rounds over all dimensions; a second one rarely finds more, a third one almost never.
const ROUNDS: usize = 4;

/// One set of ranks for each dimension that varies.
type Row = Vec<Set>;
type Set = Rc<[u32]>;

/// `numbers` holds rows of `dimensions` each; a product holds sorted values for each dimension. The products have no row in
/// common and stand in the order of their first rows.
pub(super) fn products<'n>(numbers: &[&'n str], dimensions: usize) -> Vec<Vec<Vec<&'n str>>> {
    let axes: Vec<Axis<'n>> = (0..dimensions).map(|d| Axis::new(numbers, d, dimensions)).collect();
    let varying: Vec<usize> = (0..dimensions).filter(|d| axes[*d].values.len() > 1).collect();
    if varying.len() <= 1 {
        return if numbers.is_empty() { Vec::new() } else { vec![axes.into_iter().map(|axis| axis.values).collect()] };
    }
    let rows = rank_rows(numbers, dimensions, &axes, &varying);
    let mut found = orders(varying.len(), rows.len())
        .into_iter()
        .map(|order| merge_all(&rows, &order))
        .reduce(|best, next| if next.len() < best.len() { next } else { best })
        .unwrap_or_default();
    found.sort_unstable();
    found.into_iter().map(|row| named(&row, &axes, &varying)).collect()
}

/// The distinct values of one dimension, shorter ones first, then by their digits.
struct Axis<'n> {
    values: Vec<&'n str>,
}

// === impl Axis ===

impl<'n> Axis<'n> {
    fn new(numbers: &[&'n str], dimension: usize, dimensions: usize) -> Self {
        let mut values: Vec<&'n str> = numbers.iter().skip(dimension).step_by(dimensions).copied().collect();
        // As a rule they come in order or all alike.
        values.dedup();
        values.sort_unstable_by_key(|value| (value.len(), *value));
        values.dedup();
        Self { values }
    }

    fn ranks(&self) -> HashMap<&'n str, u32> {
        self.values.iter().zip(0..).map(|(value, rank)| (*value, rank)).collect()
    }
}

/// The distinct rows as ranks in the varying dimensions.
fn rank_rows(numbers: &[&str], dimensions: usize, axes: &[Axis<'_>], varying: &[usize]) -> Vec<Vec<u32>> {
    let ranks: Vec<HashMap<&str, u32>> = varying.iter().map(|d| axes[*d].ranks()).collect();
    let rank = |row: &[&str], i: usize| ranks[i].get(row[varying[i]]).copied().unwrap_or_default();
    let mut rows: Vec<Vec<u32>> =
        numbers.chunks_exact(dimensions).map(|row| (0..varying.len()).map(|i| rank(row, i)).collect()).collect();
    rows.sort_unstable();
    rows.dedup();
    rows
}

fn orders(axes: usize, rows: usize) -> Vec<Vec<usize>> {
    if axes == 3 && rows <= MANY_ROWS {
        return [[2, 1, 0], [0, 1, 2], [2, 0, 1], [1, 0, 2], [0, 2, 1], [1, 2, 0]].map(Vec::from).to_vec();
    }
    vec![(0..axes).rev().collect(), (0..axes).collect()]
}

/// Sets that are equal get the same number, so that rows can be compared by numbers.
#[derive(Default)]
struct Sets {
    known: HashMap<Set, u32>,
    sets: Vec<Set>,
}

// === impl Sets ===

impl Sets {
    fn id(&mut self, set: Vec<u32>) -> u32 {
        if let Some(id) = self.known.get(set.as_slice()) {
            return *id;
        }
        let id = u32::try_from(self.sets.len()).unwrap_or(u32::MAX);
        let set: Set = set.into();
        self.known.insert(Rc::clone(&set), id);
        self.sets.push(set);
        id
    }
}

fn merge_all(rows: &[Vec<u32>], order: &[usize]) -> Vec<Row> {
    let mut sets: Vec<Sets> = order.iter().map(|_| Sets::default()).collect();
    let mut rows: Vec<Vec<u32>> =
        rows.iter().map(|row| row.iter().zip(&mut sets).map(|(rank, sets)| sets.id(vec![*rank])).collect()).collect();
    for _ in 0..ROUNDS {
        let before = rows.len();
        for axis in order {
            rows = merge(rows, *axis, &mut sets[*axis]);
        }
        if rows.len() == before {
            break;
        }
    }
    let row = |ids: Vec<u32>| ids.iter().zip(&sets).map(|(id, sets)| Rc::clone(&sets.sets[*id as usize])).collect();
    rows.into_iter().map(row).collect()
}

/// Rows that differ along `axis` only become one.
fn merge(rows: Vec<Vec<u32>>, axis: usize, sets: &mut Sets) -> Vec<Vec<u32>> {
    let mut places: HashMap<Vec<u32>, usize> = HashMap::with_capacity(rows.len());
    let mut merged: Vec<(Vec<u32>, Vec<u32>)> = Vec::new();
    for mut row in rows {
        // What stands on the axis itself does not count for the comparison.
        let id = std::mem::take(&mut row[axis]);
        match places.get(&row) {
            Some(place) => merged[*place].1.push(id),
            None => {
                places.insert(row.clone(), merged.len());
                merged.push((row, vec![id]));
            }
        }
    }
    let union = |(mut row, ids): (Vec<u32>, Vec<u32>)| {
        row[axis] = match ids.as_slice() {
            [one] => *one,
            many => {
                let mut all: Vec<u32> = many.iter().flat_map(|id| sets.sets[*id as usize].iter().copied()).collect();
                all.sort_unstable();
                sets.id(all)
            }
        };
        row
    };
    merged.into_iter().map(union).collect()
}

fn named<'n>(row: &Row, axes: &[Axis<'n>], varying: &[usize]) -> Vec<Vec<&'n str>> {
    let mut named: Vec<Vec<&'n str>> = axes.iter().map(|axis| axis.values[..1].to_vec()).collect();
    for (set, dimension) in row.iter().zip(varying) {
        named[*dimension] = set.iter().map(|rank| axes[*dimension].values[*rank as usize]).collect();
    }
    named
}
