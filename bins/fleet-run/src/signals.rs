//! Ctrl-C and SIGTERM, level by level.

use sre_core::exit::ExitCode;
use sre_remote::fanout::Stop;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// No further host.
    Drain,
    /// End what runs.
    Kill,
    /// Do not even wait for that.
    Leave,
}

/// The signals of this process from now on.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
    stop: Stop,
    count: u8,
    /// The code of the first signal.
    pub(crate) code: Option<ExitCode>,
}

// === impl Signals ===

impl Signals {
    pub(crate) fn listen(stop: Stop) -> Self {
        let interrupt = signal(SignalKind::interrupt()).ok();
        let terminate = signal(SignalKind::terminate()).ok();
        Self { interrupt, terminate, stop, count: 0, code: None }
    }

    /// The next one; its effect on the run is done then. SIGTERM, as a supervisor sends it, kills at once.
    ///
    /// # Cancel safety
    /// Safe: a signal is not lost.
    pub(crate) async fn next(&mut self) -> Level {
        let code = tokio::select! {
            () = received(&mut self.interrupt) => ExitCode::INTERRUPTED,
            () = received(&mut self.terminate) => ExitCode::TERMINATED,
        };
        self.code.get_or_insert(code);
        self.count = match (code, self.count) {
            (ExitCode::TERMINATED, 0) => 2,
            (_, count) => count + 1,
        };
        match self.count {
            1 => {
                self.stop.drain();
                Level::Drain
            }
            2 => {
                self.stop.kill();
                Level::Kill
            }
            _ => Level::Leave,
        }
    }
}

async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}
