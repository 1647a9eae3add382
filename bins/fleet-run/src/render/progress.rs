//! The line on a terminal that says how far a run is.

use std::time::Duration;

use sre_core::duration;
use sre_core::output::Glyphs;
use sre_remote::fanout::Status;

/// What has happened so far.
#[derive(Debug)]
pub(crate) struct Progress {
    all: usize,
    running: usize,
    ok: usize,
    failed: usize,
    unreachable: usize,
    other: usize,
}

/// Columns of the bar.
const BAR: usize = 20;

// === impl Progress ===

impl Progress {
    pub(crate) fn new(all: usize) -> Self {
        Self { all, running: 0, ok: 0, failed: 0, unreachable: 0, other: 0 }
    }

    pub(crate) fn started(&mut self) {
        self.running += 1;
    }

    pub(crate) fn finished(&mut self, status: &Status) {
        if *status != Status::Skipped {
            self.running = self.running.saturating_sub(1);
        }
        match status {
            Status::Ok => self.ok += 1,
            Status::Exit { .. } | Status::Signal { .. } | Status::Failed { .. } => self.failed += 1,
            Status::Skipped | Status::Interrupted => self.other += 1,
            _ => self.unreachable += 1,
        }
    }

    pub(crate) fn line(&self, elapsed: Duration, glyphs: Glyphs) -> String {
        let done = self.ok + self.failed + self.unreachable + self.other;
        let (full, empty) = if glyphs == Glyphs::ASCII { ("#", ".") } else { ("█", "░") };
        let filled = (done * BAR).checked_div(self.all).unwrap_or(BAR);
        let bar = full.repeat(filled) + &empty.repeat(BAR - filled);
        let mut text = format!(" {bar}  {done}/{}  ok {}", self.all, self.ok);
        for (word, count) in [("failed", self.failed), ("unreachable", self.unreachable), ("running", self.running)] {
            if count > 0 {
                text += &format!("  {word} {count}");
            }
        }
        let rate = done as f64 / elapsed.as_secs_f64().max(0.1);
        let seconds = Duration::from_secs(elapsed.as_secs());
        text + &format!("  {rate:.1}/s  {}", duration::format(seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_counts_states() {
        let mut progress = Progress::new(4);
        (0..3).for_each(|_| progress.started());
        progress.finished(&Status::Ok);
        progress.finished(&Status::Exit { code: 1 });
        let line = progress.line(Duration::from_secs(2), Glyphs::ASCII);
        assert_eq!(line, " ##########..........  2/4  ok 1  failed 1  running 1  1.0/s  2s");
    }
}
