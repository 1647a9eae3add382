//! What was asked: a host, a URL, a context, a region.
//!
//! ```
//! use sre_core::Target;
//! assert_eq!(Target::new("https://me:pw@prom.example:9090").to_string(), "https://***@prom.example:9090");
//! ```

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::redact;

/// The name of something that was asked. It is redacted when made, so it may be shown anywhere.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Target(String);

impl Target {
    /// Takes a host, URL, context or region; secrets in URLs are masked at once.
    #[must_use]
    pub fn new(name: impl AsRef<str>) -> Self {
        Self(redact::text(name.as_ref()).into_owned())
    }

    /// The redacted name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
