//! What Prometheus scrapes.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use sre_core::redact;

use crate::value::Labels;

/// An active scrape target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ScrapeTarget {
    /// `job`, `instance` and whatever relabelling left.
    #[serde(default)]
    pub labels: Labels,
    /// The scrape configuration it comes from.
    #[serde(default)]
    pub scrape_pool: String,
    /// Whether the last scrape worked.
    pub health: Health,
    /// Why not, redacted; or empty.
    #[serde(default, deserialize_with = "redacted")]
    pub last_error: String,
    /// When it was last scraped.
    #[serde(default)]
    pub last_scrape: Option<Timestamp>,
}

/// Whether a target's last scrape worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Health {
    /// It did.
    Up,
    /// It did not.
    Down,
    /// Not yet scraped, or a word we do not know.
    #[serde(other)]
    Unknown,
}

/// The `data` of `/api/v1/targets`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TargetList {
    #[serde(default)]
    pub(crate) active_targets: Vec<ScrapeTarget>,
}

/// A scrape error quotes the scrape URL, whose parameters may hold a token.
fn redacted<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    String::deserialize(deserializer).map(|text| redact::text(&text).into_owned())
}
