//! The line on a terminal that says who is still working.

use std::convert::Infallible;
use std::io::{self, Write};
use std::time::Duration;

use sre_core::duration;
use sre_core::output::Glyphs;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::gather::Progress;

const TICK: Duration = Duration::from_millis(120);
/// Back to the first column, then erase to the end of the line.
const CLEAR: &str = "\r\x1b[K";

/// Draws until dropped; the line is then gone.
pub(crate) async fn draw(mut progress: watch::Receiver<Progress>, width: usize, glyphs: Glyphs) -> Infallible {
    let _line = Line;
    let started = Instant::now();
    let mut ticks = tokio::time::interval(TICK);
    loop {
        ticks.tick().await;
        let text = line(&progress.borrow_and_update(), started.elapsed());
        let text = sre_core::output::width::truncate(&text, width.saturating_sub(1), glyphs).into_owned();
        let mut err = io::stderr().lock();
        // The cursor waits in the first column, so that what others write there begins a line.
        let _ = write!(err, "{CLEAR}{text}\r");
        let _ = err.flush();
    }
}

fn line(progress: &Progress, elapsed: Duration) -> String {
    let all = progress.done + progress.waiting.len();
    let waiting = progress.waiting.join(", ");
    format!("{}/{all} sources  {}  waiting for {waiting}", progress.done, duration::format(elapsed))
}

/// Erases the line when the drawing ends, however it ends.
struct Line;

impl Drop for Line {
    fn drop(&mut self) {
        let mut err = io::stderr().lock();
        let _ = write!(err, "{CLEAR}");
        let _ = err.flush();
    }
}
