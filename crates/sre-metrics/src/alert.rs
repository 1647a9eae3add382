//! Alerts as Prometheus has them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::value::{Labels, SampleValue};

/// An alert of `/api/v1/alerts`: pending or firing, silenced or not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Alert {
    /// What identifies it, `alertname` included.
    #[serde(default)]
    pub labels: Labels,
    /// What it says.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// Pending or firing.
    pub state: AlertState,
    /// Since when its expression holds.
    #[serde(default)]
    pub active_at: Option<Timestamp>,
    /// The value of its expression.
    #[serde(default)]
    pub value: Option<SampleValue>,
}

/// How far an alert has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum AlertState {
    /// Its expression does not hold.
    Inactive,
    /// Its expression holds, but not for long enough.
    Pending,
    /// It fires.
    Firing,
    /// A word we do not know.
    #[serde(other)]
    Unknown,
}

/// The `data` of `/api/v1/alerts`.
#[derive(Debug, Deserialize)]
pub(crate) struct AlertList {
    #[serde(default)]
    pub(crate) alerts: Vec<Alert>,
}
