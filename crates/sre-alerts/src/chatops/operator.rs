//! Who executes: a trait that binaries implement.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Mutex;

use super::command::Action;
use super::invocation::Caller;
use super::reply::Reply;
use super::respond::Responder;

/// What [`Operator::perform`] returns: what to say, or why it went wrong.
pub type PerformFuture<'a> = Pin<Box<dyn Future<Output = Result<Reply, String>> + Send + 'a>>;

/// An operator that many tasks share.
pub type SharedOperator = Arc<dyn Operator>;

/// Executes what was granted.
pub trait Operator: fmt::Debug + Send + Sync {
    /// Does it. The words in the action are checked data: hand them on as arguments, never as shell text.
    ///
    /// # Errors
    /// Why it went wrong, for whoever asked and for the audit log.
    ///
    /// # Cancel safety
    /// The future is dropped when it takes longer than [`ChatOpsBuilder::timeout`](super::ChatOpsBuilder::timeout).
    fn perform<'a>(&'a self, order: &'a Order, progress: &'a Progress) -> PerformFuture<'a>;
}

/// What is to be done, for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Order {
    /// The same in the audit log.
    pub id: String,
    /// When it was given.
    pub at: Timestamp,
    /// Who gave it, where.
    pub caller: Caller,
    /// What is to be done.
    pub action: Action,
}

/// Says how far it is, up to three times; the other posts that Slack takes are for the end.
#[derive(Debug)]
pub struct Progress {
    responder: Mutex<Option<Responder>>,
}

/// Posts that are kept for the end: one, and one more try.
const KEPT: u32 = 2;

// === impl Progress ===

impl Progress {
    pub(super) fn new(responder: Option<Responder>) -> Self {
        Self { responder: Mutex::new(responder) }
    }

    /// Says something; without effect when Slack takes no more.
    pub async fn say(&self, reply: &Reply) {
        if let Some(responder) = self.responder.lock().await.as_mut().filter(|responder| responder.left() > KEPT) {
            responder.post(reply).await;
        }
    }

    /// Says the last word; whether Slack took it.
    pub(super) async fn finish(&self, reply: &Reply) -> bool {
        match self.responder.lock().await.as_mut() {
            Some(responder) => responder.post(reply).await,
            None => false,
        }
    }
}
