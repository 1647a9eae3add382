//! Events: the cluster's own words about what goes wrong.

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
