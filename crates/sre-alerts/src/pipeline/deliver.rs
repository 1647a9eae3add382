//! Handing notifications to receivers.

use std::time::Duration;

use sre_core::chain::ErrorChain;
use sre_core::{Classify, RetryHint, SharedClock};
use tokio::runtime::Handle;
use tokio::sync::mpsc::UnboundedSender;

use super::engine::Dispatch;
use super::outcome::Outcome;
use super::work::Command;
use crate::error::Error;
use crate::notify::SharedNotifier;

/// Sends, each in a task of its own, and reports.
#[derive(Debug)]
pub(super) struct Couriers {
    pub(super) runtime: Handle,
    /// By receiver.
    pub(super) notifiers: Vec<SharedNotifier>,
    pub(super) timeout: Duration,
    pub(super) clock: SharedClock,
    pub(super) reports: UnboundedSender<Command>,
}

impl Couriers {
    pub(super) fn send(&self, dispatch: Dispatch) {
        let Dispatch { entry, receiver, notification } = dispatch;
        let Some(notifier) = self.notifiers.get(usize::from(receiver.0)).cloned() else { return };
        let (reports, clock, timeout) = (self.reports.clone(), self.clock.clone(), self.timeout);
        self.runtime.spawn(async move {
            // In a task of its own, so that a receiver that panics is a notification that failed.
            let sending = tokio::spawn(async move { notifier.attempt(&notification).await });
            let abort = sending.abort_handle();
            let outcome = tokio::select! {
                result = sending => match result {
                    Ok(Ok(_)) => Outcome::Sent,
                    Ok(Err(error)) => failed(&error),
                    Err(_) => broken("the receiver's code panicked", true),
                },
                () = clock.sleep(timeout) => {
                    abort.abort();
                    broken("no answer in time; it may have arrived", false)
                }
            };
            // Nobody listens any more: it is sent again after the restart.
            let _ = reports.send(Command::Outcome { entry, outcome });
        });
    }
}

fn failed(error: &Error) -> Outcome {
    let after = match error.retry_hint() {
        RetryHint::After(wait) => Some(wait),
        _ => None,
    };
    Outcome::Failed { permanent: error.kind().is_permanent(), after, error: ErrorChain(error).to_string() }
}

fn broken(why: &str, permanent: bool) -> Outcome {
    Outcome::Failed { permanent, after: None, error: why.to_owned() }
}
