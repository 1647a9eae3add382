//! Host names that came from outside: checked once, data from then on.
//!
//! ```
//! use sre_alerts::HostName;
//!
//! assert_eq!("Web-03.EU.example".parse::<HostName>()?.as_str(), "web-03.eu.example");
//! for hostile in ["-oProxyCommand=sh", "a;reboot", "$(id)", "../etc", "a b", ""] {
//!     assert!(hostile.parse::<HostName>().is_err(), "{hostile}");
//! }
//! # Ok::<(), sre_alerts::InvalidHostName>(())
//! ```

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A DNS name (RFC 1123, and `_` as in many inventories) in lower case, or an IP address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostName(String);

/// Text that is no host name. What it was is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a host name: letters, digits, `-`, `_` and `.` only, or an IP address")]
pub struct InvalidHostName;

// === impl HostName ===

impl HostName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HostName {
    type Err = InvalidHostName;

    fn from_str(text: &str) -> Result<Self, InvalidHostName> {
        // RFC 1035: 253 characters, labels of 63.
        if text.len() > 253 {
            return Err(InvalidHostName);
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self(address.to_string()));
        }
        let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let is_label = |label: &str| match label.as_bytes() {
            [only] => is_word(*only),
            [first, middle @ .., last] => {
                label.len() <= 63
                    && is_word(*first)
                    && is_word(*last)
                    && middle.iter().all(|b| is_word(*b) || *b == b'-')
            }
            [] => false,
        };
        if text.split('.').all(is_label) { Ok(Self(text.to_ascii_lowercase())) } else { Err(InvalidHostName) }
    }
}

impl TryFrom<String> for HostName {
    type Error = InvalidHostName;

    fn try_from(text: String) -> Result<Self, InvalidHostName> {
        text.parse()
    }
}

impl From<HostName> for String {
    fn from(host: HostName) -> Self {
        host.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses() {
        for good in ["a", "web-03", "web_03.eu", "10.0.0.1", "2001:db8::1", "1host", "xn--nxasmq6b"] {
            assert!(good.parse::<HostName>().is_ok(), "{good}");
        }
        let long = "a".repeat(64);
        for bad in
            ["a-", "-a", "a..b", ".a", "a.", "a\n", "ü", "a/b", "user@host", "host:22", "[::1]", "fe80::1%eth0", &long]
        {
            assert!(bad.parse::<HostName>().is_err(), "{bad}");
        }
        let longest = [63, 63, 63, 61].map(|n| "a".repeat(n)).join(".");
        assert!(longest.parse::<HostName>().is_ok() && format!("{longest}a").parse::<HostName>().is_err());
    }

    proptest::proptest! {
        #[test]
        fn what_is_accepted_is_harmless(text in "\\PC*") {
            if let Ok(host) = text.parse::<HostName>() {
                assert!(host.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b)));
                assert!(!host.as_str().starts_with('-'));
            }
        }
    }
}
