//! Golden data: what a real Kubernetes 1.36 API server said, and what its own printer made of it.
//!
//! ```
//! let pods: serde_json::Value = serde_json::from_str(sre_testkit::fixtures::pods_hand()).unwrap();
//! let table: Vec<sre_testkit::fixtures::Row> = sre_testkit::fixtures::table_hand();
//! assert_eq!(pods["items"].as_array().unwrap().len(), table.len());
//! ```

use serde::Deserialize;
use serde_json::Value;

/// What `kubectl get pods` prints for one pod.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// The pod's name; a table is of one namespace.
    pub name: String,
    /// Such as `1/2`.
    pub ready: String,
    /// Such as `Init:0/1` or `CrashLoopBackOff`.
    pub status: String,
    /// The count, and in brackets the age of the last one if the printer shows it.
    pub restarts: String,
}

/// A PodList of 54 pods made by hand, each a case of its own.
#[must_use]
pub const fn pods_hand() -> &'static str {
    include_str!("../fixtures/kubernetes/hand.pods.json")
}

/// A PodList of 150 pods with random statuses.
#[must_use]
pub const fn pods_random() -> &'static str {
    include_str!("../fixtures/kubernetes/random.pods.json")
}

/// What the server's printer says of [`pods_hand`].
///
/// # Panics
/// When the fixture is damaged.
#[must_use]
pub fn table_hand() -> Vec<Row> {
    serde_json::from_str(include_str!("../fixtures/kubernetes/hand.table.json")).expect("a list of rows")
}

/// What the server's printer says of [`pods_random`].
///
/// # Panics
/// When the fixture is damaged.
#[must_use]
pub fn table_random() -> Vec<Row> {
    serde_json::from_str(include_str!("../fixtures/kubernetes/random.table.json")).expect("a list of rows")
}

/// The items of one of the lists.
///
/// # Panics
/// When the text is no list.
#[must_use]
pub fn items(list: &str) -> Vec<Value> {
    let mut list: Value = serde_json::from_str(list).expect("a list in JSON");
    serde_json::from_value(list["items"].take()).expect("a list with items")
}

/// A wrong or expired token.
#[must_use]
pub const fn error_401() -> &'static str {
    include_str!("../fixtures/kubernetes/error-401.json")
}

/// A user without the right to list pods at the cluster scope.
#[must_use]
pub const fn error_403() -> &'static str {
    include_str!("../fixtures/kubernetes/error-403.json")
}

/// A pod that does not exist.
#[must_use]
pub const fn error_404() -> &'static str {
    include_str!("../fixtures/kubernetes/error-404.json")
}

/// A continue token that has expired, with a fresh one inside.
#[must_use]
pub const fn error_410() -> &'static str {
    include_str!("../fixtures/kubernetes/error-410.json")
}
