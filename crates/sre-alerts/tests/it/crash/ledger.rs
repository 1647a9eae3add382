//! What the killed processes said before they died.

use std::collections::{BTreeSet, HashSet};

use super::random;

/// Titles of alerts; each alert has a title of its own.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Their acceptance was answered.
    pub(super) accepted: BTreeSet<String>,
    /// Somebody began to say that they are over.
    pub(super) ending: BTreeSet<String>,
    /// That was answered too.
    pub(super) ended: BTreeSet<String>,
}

/// So many alerts of earlier lives are ended by the next one.
const LEFT: usize = 60;

impl Ledger {
    /// Takes what one process said: `+`, `?` or `-` and a title, a line each.
    pub(super) fn add(&mut self, lines: &[String]) {
        for line in lines {
            let Some((sign, title)) = line.split_once(' ') else { continue };
            let list = match sign {
                "+" => &mut self.accepted,
                "?" => &mut self.ending,
                "-" => &mut self.ended,
                _ => continue,
            };
            list.insert(title.to_owned());
        }
    }

    /// Some alerts of earlier lives that fire, of which the receiver heard, and that nobody has ended.
    pub(super) fn left(&self, told: &HashSet<String>) -> Vec<String> {
        let fires = self.accepted.difference(&self.ending);
        let mut left = fires.filter(|title| told.contains(*title)).collect::<Vec<_>>();
        left.sort_by_cached_key(|_| random(u64::MAX));
        left.into_iter().take(LEFT).cloned().collect()
    }
}
