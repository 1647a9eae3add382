//! Work that goes on when its caller has its answer.

use std::time::Duration;

use tokio::time::timeout;
use tokio_util::task::TaskTracker;

/// How long a result waits for the news that its command was killed: a host that does not answer holds nobody up.
const NEWS: Duration = Duration::from_millis(350);
/// How long a run waits at its end for killing that goes on.
const LONGEST: Duration = Duration::from_secs(10);

/// The killing that a transport does behind its callers' backs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Background(TaskTracker);

// === impl Background ===

impl Background {
    /// Starts work and waits a moment for its outcome; it goes on without us after that. Whether it is done and worked.
    pub(crate) async fn killing(&self, work: impl Future<Output = bool> + Send + 'static) -> bool {
        matches!(timeout(NEWS, self.0.spawn(work)).await, Ok(Ok(true)))
    }

    /// Waits until all of it is done, a few seconds at most.
    pub(crate) async fn settle(&self) {
        self.0.close();
        if timeout(LONGEST, self.0.wait()).await.is_err() {
            tracing::warn!(tasks = self.0.len(), "commands are still being killed");
        }
        self.0.reopen();
    }
}
