//! Ctrl-C and SIGTERM: the first one stops, the second one kills, the third one does not wait for that either.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use sre_core::exit::ExitCode;
use sre_remote::Interrupt;
use tokio::signal::unix::{SignalKind, signal};

use crate::screen::Screen;

/// What signals throw.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signals {
    /// Nothing more is begun.
    pub(crate) stop: Interrupt,
    /// What runs on the hosts is killed.
    pub(crate) kill: Interrupt,
    /// We leave.
    pub(crate) leave: Interrupt,
    code: Arc<AtomicU8>,
}

// === impl Signals ===

impl Signals {
    /// The exit code of the first signal that came; Ctrl-C's when none did.
    pub(crate) fn code(&self) -> ExitCode {
        match self.code.load(Ordering::Relaxed) {
            143 => ExitCode::TERMINATED,
            _ => ExitCode::INTERRUPTED,
        }
    }

    /// Listens until the process ends.
    pub(crate) fn listen(&self, screen: Screen) {
        let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            return;
        };
        let signals = self.clone();
        tokio::spawn(async move {
            let switches = [
                (&signals.stop, "stopping: what runs on hosts comes to its end; once more kills it"),
                (&signals.kill, "killing what runs on hosts; once more leaves at once"),
                (&signals.leave, "leaving"),
            ];
            for (switch, text) in switches {
                let code = tokio::select! {
                    _ = interrupt.recv() => ExitCode::INTERRUPTED,
                    _ = terminate.recv() => ExitCode::TERMINATED,
                };
                let _ = signals.code.compare_exchange(0, code.get(), Ordering::Relaxed, Ordering::Relaxed);
                screen.note(text);
                switch.trigger();
            }
        });
    }
}
