//! An alert on its way in, with all that can be worked out about it on its caller's thread: the pipeline's own thread is
//! the only one of its kind, callers are many.

use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::fast::FixedState;

use crate::alert::{Alert, KeyHash};

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) alert: Alert,
    pub(super) key: KeyHash,
    /// See [`content`].
    pub(super) content: u64,
    /// The alert as JSON.
    pub(super) body: String,
}

// === impl Arrival ===

impl Arrival {
    pub(super) fn new(alert: Alert) -> Self {
        Self { key: KeyHash::of(&alert), content: content(&alert), body: json(&alert), alert }
    }
}

/// All that people see of an alert but its times: sources that repeat themselves often send the time of day along. Only
/// to be compared within this process.
pub(super) fn content(alert: &Alert) -> u64 {
    let mut hash = FixedState::default().build_hasher();
    (&alert.title, alert.severity, &alert.source, &alert.message).hash(&mut hash);
    (&alert.fields, &alert.labels).hash(&mut hash);
    for link in &alert.links {
        (&link.title, &link.url).hash(&mut hash);
    }
    hash.finish()
}

/// An alert is plain data: this cannot fail, and an empty body would be noticed when it is read.
pub(super) fn json(alert: &Alert) -> String {
    serde_json::to_string(alert).unwrap_or_default()
}
