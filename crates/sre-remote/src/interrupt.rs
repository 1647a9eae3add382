//! Telling running work to stop.

use tokio_util::sync::CancellationToken;

/// A switch that can be thrown once and is seen by every clone: work in progress then kills what it started on the
/// host, and ends as interrupted.
///
/// ```
/// use sre_remote::Interrupt;
/// let interrupt = Interrupt::new();
/// let seen_by_a_host = interrupt.clone();
/// interrupt.trigger();
/// assert!(seen_by_a_host.is_triggered());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Interrupt(CancellationToken);

// === impl Interrupt ===

impl Interrupt {
    /// One that nobody has thrown.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Throws it; later calls do nothing.
    pub fn trigger(&self) {
        self.0.cancel();
    }

    /// Whether it was thrown.
    #[must_use]
    pub fn is_triggered(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until it is thrown.
    ///
    /// # Cancel safety
    /// Safe: nothing is lost when the future is dropped.
    pub async fn triggered(&self) {
        self.0.cancelled().await;
    }
}
