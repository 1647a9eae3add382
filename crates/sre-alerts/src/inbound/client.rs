//! Who asks: the address on the other side, or the one a trusted proxy names.
//!
//! No proxy is trusted unless it is configured: anybody can write `X-Forwarded-For`.
//!
//! ```
//! use sre_alerts::inbound::Network;
//!
//! let network: Network = "10.0.0.0/8".parse()?;
//! assert!(network.contains("10.1.2.3".parse().unwrap()) && !network.contains("11.1.2.3".parse().unwrap()));
//! # Ok::<(), sre_alerts::inbound::SetupError>(())
//! ```

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use axum::http::HeaderMap;

use super::setup::SetupError;

/// A block of addresses: `10.0.0.0/8`, `2001:db8::/32`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

// === impl Network ===

impl Network {
    /// Whether the address is one of the block. IPv4 in IPv6 (`::ffff:10.0.0.1`) counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - self.prefix).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - self.prefix).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = SetupError;

    fn from_str(text: &str) -> Result<Self, SetupError> {
        let bad = || SetupError::Network(text.to_owned());
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let address: IpAddr = address.trim().parse().map_err(|_| bad())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(longest), |prefix| prefix.trim().parse().map_err(|_| bad()))?;
        if prefix > longest { Err(bad()) } else { Ok(Self { address, prefix }) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// The nearest address that is no trusted proxy, read from the right of `X-Forwarded-For`.
pub(super) fn address(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer;
    let named = headers.get_all("x-forwarded-for");
    let lines: Vec<&str> = named.iter().map(|value| value.to_str().unwrap_or_default()).collect();
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        if !is_trusted(client) {
            break;
        }
        match hop.trim().parse() {
            Ok(address) => client = address,
            Err(_) => break,
        }
    }
    client
}

/// The id that a trusted proxy gave the request.
pub(super) fn request_id(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> Option<String> {
    let id = headers.get("x-request-id")?.to_str().ok()?;
    let is_plain = (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    (is_plain && trusted.iter().any(|network| network.contains(peer))).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let trusted: Vec<Network> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn nobody_is_trusted_by_default() {
        assert_eq!(named("192.0.2.1", &["203.0.113.9"], &[]), "192.0.2.1");
    }

    #[test]
    fn the_nearest_stranger_counts_and_not_what_he_says() {
        let trusted = ["10.0.0.0/8", "fd00::/8"];
        assert_eq!(named("10.0.0.1", &["6.6.6.6, 203.0.113.9, 10.0.0.2"], &trusted), "203.0.113.9");
        assert_eq!(named("10.0.0.1", &["6.6.6.6", "203.0.113.9"], &trusted), "203.0.113.9");
        assert_eq!(named("::ffff:10.0.0.1", &["203.0.113.9"], &trusted), "203.0.113.9");
        assert_eq!(named("10.0.0.1", &["6.6.6.6, <script>, 10.0.0.2"], &trusted), "10.0.0.2");
        assert_eq!(named("10.0.0.1", &[], &trusted), "10.0.0.1");
        assert_eq!(named("192.0.2.1", &["203.0.113.9"], &trusted), "192.0.2.1");
    }

    #[test]
    fn networks_and_what_is_none() {
        for text in ["0.0.0.0/0", "::/0", "10.0.0.1", "::1"] {
            assert!(text.parse::<Network>().is_ok(), "{text}");
        }
        assert!("0.0.0.0/0".parse::<Network>().unwrap().contains("1.2.3.4".parse().unwrap()));
        for text in ["", "10.0.0.0/33", "10.0.0.0/-1", "::/129", "host/8", "10.0.0.0/"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
