//! An event as far as the checks use it, and when and how often it was seen.
//!
//! ```
//! use sre_cloud::kubernetes::Event;
//!
//! let event: Event = serde_json::from_str(r#"{"type": "Warning", "eventTime": "2026-03-23T06:00:00.000000Z",
//!     "series": {"count": 42, "lastObservedTime": "2026-03-23T06:41:00.000000Z"}}"#).unwrap();
//! assert_eq!((event.times(), event.last_seen().unwrap().to_string().as_str()), (42, "2026-03-23T06:41:00Z"));
//! ```

use jiff::Timestamp;
use serde::Deserialize;

use super::lenient;
use super::meta::Meta;

/// An event (`v1`), old style or new.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Event {
    /// Name, namespace, version.
    #[serde(deserialize_with = "lenient::object")]
    pub metadata: Meta,
    /// `Normal` or `Warning`.
    #[serde(rename = "type", deserialize_with = "lenient::text")]
    pub kind: Box<str>,
    /// One word why.
    #[serde(deserialize_with = "lenient::text")]
    pub reason: Box<str>,
    /// A sentence.
    #[serde(deserialize_with = "lenient::text")]
    pub message: Box<str>,
    /// What it is about.
    #[serde(deserialize_with = "lenient::object")]
    pub involved_object: ObjectReference,
    /// How often, old style.
    #[serde(deserialize_with = "lenient::maybe_int")]
    pub count: Option<i64>,
    /// First seen, old style.
    #[serde(deserialize_with = "lenient::time")]
    pub first_timestamp: Option<Timestamp>,
    /// Last seen, old style.
    #[serde(deserialize_with = "lenient::time")]
    pub last_timestamp: Option<Timestamp>,
    /// First seen, new style.
    #[serde(deserialize_with = "lenient::time")]
    pub event_time: Option<Timestamp>,
    /// How often and when last seen, new style.
    #[serde(deserialize_with = "lenient::maybe")]
    pub series: Option<EventSeries>,
}

/// What an event is about.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ObjectReference {
    /// `Pod`, `Node`, `Deployment`.
    #[serde(deserialize_with = "lenient::text")]
    pub kind: Box<str>,
    /// Empty for cluster-wide kinds.
    #[serde(deserialize_with = "lenient::text")]
    pub namespace: Box<str>,
    /// The object's name.
    #[serde(deserialize_with = "lenient::text")]
    pub name: Box<str>,
}

/// The repetition of an event.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct EventSeries {
    /// How often.
    #[serde(deserialize_with = "lenient::maybe_int")]
    pub count: Option<i64>,
    /// Last seen.
    #[serde(deserialize_with = "lenient::time")]
    pub last_observed_time: Option<Timestamp>,
}

// === impl Event ===

impl Event {
    /// When it was last seen: of the series, else old style, else the beginning.
    #[must_use]
    pub fn last_seen(&self) -> Option<Timestamp> {
        let series = self.series.as_ref().and_then(|s| s.last_observed_time);
        series.or(self.last_timestamp).or(self.event_time).or(self.first_timestamp)
    }

    /// How often it was seen: of the series, else old style, else once.
    #[must_use]
    pub fn times(&self) -> u64 {
        let count = self.series.as_ref().and_then(|s| s.count).or(self.count);
        count.and_then(|n| u64::try_from(n).ok()).unwrap_or(1).max(1)
    }

    /// Whether the cluster itself calls it a warning.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        &*self.kind == "Warning"
    }
}
