//! Writes to both streams from a thread of its own, in the order in which things were said.
//!
//! Whoever reads our output may stop reading (a pager does): connections and deadlines must not wait for that.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// The writer's handle. What is said waits in memory until it is written.
#[derive(Debug)]
pub(crate) struct Pen {
    sender: Option<Sender<Stroke>>,
    thread: Option<JoinHandle<Option<io::Error>>>,
    failed: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Stroke {
    Result(Vec<u8>),
    Note(Vec<u8>),
}

// === impl Pen ===

impl Pen {
    /// Starts the thread. Without one nothing is written, and [`Pen::finish`] says so.
    pub(crate) fn new() -> Self {
        let (sender, strokes) = channel();
        let failed = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&failed);
        let thread = std::thread::Builder::new().name("output".to_owned()).spawn(move || write(&strokes, &seen));
        Self { sender: Some(sender), thread: thread.ok(), failed }
    }

    /// A part of the result, to stdout.
    pub(crate) fn result(&self, text: &[u8]) {
        self.send(Stroke::Result(text.to_vec()));
    }

    /// Anything else, to stderr.
    pub(crate) fn note(&self, text: &[u8]) {
        self.send(Stroke::Note(text.to_vec()));
    }

    /// Whether stdout takes no more. That does not end a run: hosts are changed, and half of them is the worst choice.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// Waits until all is written. The first error of stdout.
    pub(crate) fn finish(&mut self) -> Option<io::Error> {
        self.sender = None;
        let thread = self.thread.take()?;
        thread.join().unwrap_or_else(|_| Some(io::Error::other("the writer ended early")))
    }

    fn send(&self, stroke: Stroke) {
        if let Some(sender) = &self.sender {
            let _ = sender.send(stroke);
        }
    }
}

impl Drop for Pen {
    fn drop(&mut self) {
        self.finish();
    }
}

fn write(strokes: &Receiver<Stroke>, failed: &AtomicBool) -> Option<io::Error> {
    let mut failure = None;
    for stroke in strokes {
        match stroke {
            Stroke::Note(text) => {
                let mut err = io::stderr().lock();
                let _ = err.write_all(&text).and_then(|()| err.flush());
            }
            Stroke::Result(_) if failure.is_some() => {}
            Stroke::Result(text) => {
                let mut out = io::stdout().lock();
                if let Err(e) = out.write_all(&text).and_then(|()| out.flush()) {
                    failed.store(true, Ordering::Relaxed);
                    failure = Some(e);
                }
            }
        }
    }
    failure
}
