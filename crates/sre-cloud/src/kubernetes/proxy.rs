//! Which proxy stands between us and an API server.
//!
//! The kubeconfig's `proxy-url` always counts, as in kubectl. Else the environment's `HTTPS_PROXY` does, unless
//! `NO_PROXY` names the *API server's* host or the host is this machine. The rules are Go's
//! (<https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config>), because that is what kubectl follows. The client
//! library reads the environment itself and matches `NO_PROXY` with the proxy's own host, so it is not asked.
//!
//! ```
//! use sre_cloud::kubernetes::ProxySettings;
//! let proxy = ProxySettings::new("http://proxy:3128", ".internal, 10.0.0.0/8");
//! assert_eq!(proxy.for_host("api.eu.example"), Some("http://proxy:3128"));
//! assert_eq!(proxy.for_host("api.internal"), None);
//! assert_eq!(proxy.for_host("10.1.2.3"), None);
//! assert_eq!(proxy.for_host("127.0.0.1"), None);
//! ```

use std::fmt;
use std::net::IpAddr;

use sre_core::redact;

/// The values of `HTTPS_PROXY` and `NO_PROXY`, handed in by the caller. Default: no proxy.
#[derive(Clone, Default)]
pub struct ProxySettings {
    https_proxy: String,
    no_proxy: String,
}

impl ProxySettings {
    /// Empty text means "not set".
    #[must_use]
    pub fn new(https_proxy: impl Into<String>, no_proxy: impl Into<String>) -> Self {
        Self { https_proxy: https_proxy.into().trim().to_owned(), no_proxy: no_proxy.into() }
    }

    /// The proxy to use for `host` (a name or address without port), if any.
    pub fn for_host(&self, host: &str) -> Option<&str> {
        let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
        let bypassed = is_this_machine(&host) || self.no_proxy.split(',').any(|rule| matches(rule.trim(), &host));
        (!self.https_proxy.is_empty() && !bypassed).then_some(self.https_proxy.as_str())
    }
}

impl fmt::Debug for ProxySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxySettings")
            .field("https_proxy", &redact::url(&self.https_proxy))
            .field("no_proxy", &self.no_proxy)
            .finish()
    }
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn matches(rule: &str, host: &str) -> bool {
    if rule.is_empty() {
        return false;
    }
    if rule == "*" {
        return true;
    }
    let rule = rule.to_ascii_lowercase();
    if let Ok(ip) = host.parse::<IpAddr>() {
        return rule.parse::<IpAddr>().is_ok_and(|r| r == ip) || in_network(&rule, ip);
    }
    let name = rule.split_once(':').map_or(rule.as_str(), |(name, _port)| name);
    let name = name.strip_prefix('*').unwrap_or(name);
    match name.strip_prefix('.') {
        Some(domain) => host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')),
        None => host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.')),
    }
}

fn in_network(rule: &str, ip: IpAddr) -> bool {
    let Some((network, bits)) = rule.split_once('/') else { return false };
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else { return false };
    match (network, ip) {
        (IpAddr::V4(n), IpAddr::V4(ip)) if bits <= 32 => {
            let shift = 32 - bits;
            n.to_bits().checked_shr(shift).unwrap_or(0) == ip.to_bits().checked_shr(shift).unwrap_or(0)
        }
        (IpAddr::V6(n), IpAddr::V6(ip)) if bits <= 128 => {
            let shift = 128 - bits;
            n.to_bits().checked_shr(shift).unwrap_or(0) == ip.to_bits().checked_shr(shift).unwrap_or(0)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bypasses_what_no_proxy_names() {
        let proxy =
            ProxySettings::new(" http://u:pw@p:1 ", "a.example,.b.example,*.c.example,fd00::/8,192.0.2.7,x:443");
        for (host, proxied) in [
            ("a.example", false),
            ("deep.a.example", false),
            ("aa.example", true),
            ("b.example", true),
            ("x.b.example", false),
            ("x.c.example", false),
            ("[fd00::5]", false),
            ("fe80::5", true),
            ("192.0.2.7", false),
            ("192.0.2.8", true),
            ("x", false),
            ("LOCALHOST", false),
            ("[::1]", false),
            ("127.9.9.9", false),
        ] {
            assert_eq!(proxy.for_host(host).is_some(), proxied, "{host}");
        }
        assert!(!format!("{proxy:?}").contains("pw"));
        assert_eq!(ProxySettings::default().for_host("a"), None);
        assert_eq!(ProxySettings::new("http://p", "*").for_host("a"), None);
        assert_eq!(ProxySettings::new("http://p", "0.0.0.0/0").for_host("8.8.8.8"), None);
    }
}
