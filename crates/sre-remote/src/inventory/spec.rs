//! `user@host:port`, `[v6]:port`, or just a name.

use std::net::Ipv6Addr;

use super::error::{Flaw, InventoryErrorKind, clip};

/// A host as it is written on a line or in an expression, ranges expanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spec<'t> {
    pub(super) user: Option<&'t str>,
    /// An IPv6 address stands here without brackets.
    pub(super) host: &'t str,
    pub(super) port: Option<u16>,
}

/// DNS allows 253 characters; a name in an inventory need not be in DNS, but should fit a file name.
const LONGEST: usize = 253;

// === impl Spec ===

impl<'t> Spec<'t> {
    /// Reads one; all flaws are at offset 0, because ranges may stand before the place.
    pub(super) fn parse(text: &'t str) -> Result<Self, Flaw> {
        // A user may have an `@` of its own (user@domain), a host may not.
        let (user, rest) = text.rsplit_once('@').map_or((None, text), |(user, rest)| (Some(user), rest));
        if user.is_some_and(|user| user.is_empty() || user.starts_with('-')) {
            return Err(Flaw::syntax(0, format!("no user stands before the `@` of `{}`", clip(text))));
        }
        let (host, port) = split_port(rest)?;
        // ssh would take it for an option.
        if host.starts_with('-') {
            return Err(Flaw::syntax(0, format!("`{}` begins with `-`, and no host does", clip(host))));
        }
        if host.is_empty() {
            return Err(Flaw::syntax(0, format!("no host stands in `{}`", clip(text))));
        }
        if host.len() > LONGEST {
            let message = format!("`{}` is longer than {LONGEST} characters", clip(host));
            return Err(Flaw::new(InventoryErrorKind::Limit, 0, message));
        }
        Ok(Self { user, host, port: port.map(parse_port).transpose()? })
    }
}

fn split_port(text: &str) -> Result<(&str, Option<&str>), Flaw> {
    if let Some(inside) = text.strip_prefix('[') {
        let Some((address, rest)) = inside.split_once(']') else {
            return Err(Flaw::syntax(0, format!("the `[` of `{}` is not closed", clip(text))));
        };
        check_v6(address)?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((address, Some(port))),
            None if rest.is_empty() => Ok((address, None)),
            None => Err(Flaw::syntax(0, format!("expected `:PORT` after `[{address}]`, found `{}`", clip(rest)))),
        };
    }
    match text.split_once(':') {
        None => Ok((text, None)),
        Some((host, port)) if !port.contains(':') => Ok((host, Some(port))),
        Some(_) => check_v6(text).map(|()| (text, None)),
    }
}

/// `fe80::1%eth0`: the zone is the local system's matter.
fn check_v6(text: &str) -> Result<(), Flaw> {
    let address = text.split_once('%').map_or(text, |(address, _)| address);
    if address.parse::<Ipv6Addr>().is_ok() {
        return Ok(());
    }
    let flaw = Flaw::syntax(0, format!("`{}` is neither `HOST:PORT` nor an IPv6 address", clip(text)));
    Err(flaw.help("with a port, an IPv6 address stands in brackets: `[2001:db8::1]:22`"))
}

pub(super) fn parse_port(text: &str) -> Result<u16, Flaw> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let port = text.parse::<u16>().ok().filter(|port| digits && *port > 0);
    port.ok_or_else(|| {
        let message = format!("`{}` is not a port: expected a number from 1 to 65535", clip(text));
        Flaw::new(InventoryErrorKind::InvalidValue, 0, message)
    })
}

/// How a host with a port is written.
pub(super) fn with_port(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_ports_and_addresses_are_told_apart() {
        for (text, user, host, port) in [
            ("web-01", None, "web-01", None),
            ("sre@web-01:2222", Some("sre"), "web-01", Some(2222)),
            ("a@corp@web-01", Some("a@corp"), "web-01", None),
            ("::1", None, "::1", None),
            ("root@[fe80::1%eth0]:22", Some("root"), "fe80::1%eth0", Some(22)),
            ("[::1]", None, "::1", None),
            ("10.0.0.1:22", None, "10.0.0.1", Some(22)),
        ] {
            assert_eq!(Spec::parse(text).unwrap(), Spec { user, host, port }, "{text}");
        }
        assert_eq!((with_port("::1", 22), with_port("a", 1)), ("[::1]:22".to_owned(), "a:1".to_owned()));
    }

    #[test]
    fn what_is_no_host_says_so() {
        for (text, message) in [
            ("web-01:", "`` is not a port: expected a number from 1 to 65535"),
            ("web-01:0", "`0` is not a port: expected a number from 1 to 65535"),
            ("web-01:+22", "`+22` is not a port: expected a number from 1 to 65535"),
            ("web-01:65536", "`65536` is not a port: expected a number from 1 to 65535"),
            ("@web-01", "no user stands before the `@` of `@web-01`"),
            ("sre@", "no host stands in `sre@`"),
            (":22", "no host stands in `:22`"),
            ("-oProxyCommand", "`-oProxyCommand` begins with `-`, and no host does"),
            ("a:b:c", "`a:b:c` is neither `HOST:PORT` nor an IPv6 address"),
            ("[::1]22", "expected `:PORT` after `[::1]`, found `22`"),
        ] {
            assert_eq!(Spec::parse(text).unwrap_err().message, message, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in r"[a-c@:\[\]%.0-9-]{0,16}|\PC*") {
            let _ = Spec::parse(&text);
        }
    }
}
