//! Who executes: a trait that binaries implement, over SSH, with a Kubernetes client, with HTTP.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use super::plan::Step;
use crate::host::HostName;

/// What [`Executor::execute`] returns: what came of it, or why it could not be done.
pub type ExecuteFuture<'a> = Pin<Box<dyn Future<Output = Result<Output, String>> + Send + 'a>>;

/// An executor that many tasks share.
pub type SharedExecutor = Arc<dyn Executor>;

/// More output than this is cut, in bytes.
const LONGEST: usize = 64 * 1024;

/// Executes a step.
pub trait Executor: fmt::Debug + Send + Sync {
    /// Does it on this host.
    ///
    /// The arguments of a [`Step::Command`] are to arrive at the program one by one, as they are. Where a transport has
    /// only one command line (SSH), quote each of them; never join them with spaces.
    ///
    /// # Errors
    /// When it could not be done at all: no connection, no such program. A program that fails is an [`Output`].
    ///
    /// # Cancel safety
    /// The future is dropped when the step's timeout is over; what it began is to end then.
    fn execute<'a>(&'a self, host: &'a HostName, step: &'a Step) -> ExecuteFuture<'a>;
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Output {
    /// Exit code 0, status 2xx.
    pub success: bool,
    /// What it printed, cut at 64 KiB.
    pub text: String,
}

// === impl Output ===

impl Output {
    /// What came of a step.
    #[must_use]
    pub fn new(success: bool, text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.len() > LONGEST {
            text.truncate(text.floor_char_boundary(LONGEST));
            text.push('…');
        }
        Self { success, text }
    }
}
