//! A jump host as `ProxyJump` and `--jump` name it.

use std::fmt;

use super::value;

/// `[user@]host[:port]`, or `ssh://[user@]host[:port]`. What is missing comes from the host's own configuration.
///
/// ```
/// use sre_remote::ssh_config::Jump;
/// let jumps = Jump::parse_list("ops@gate:2222,inner").unwrap();
/// assert_eq!((jumps[0].user.as_deref(), jumps[0].host.as_str(), jumps[0].port), (Some("ops"), "gate", Some(2222)));
/// assert_eq!(jumps[1].to_string(), "inner");
/// assert!(Jump::parse_list("none").unwrap().is_empty());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Jump {
    /// Who logs in there.
    pub user: Option<String>,
    /// Its name, which its own configuration may lead elsewhere.
    pub host: String,
    /// The port of its SSH server.
    pub port: Option<u16>,
}

// === impl Jump ===

impl Jump {
    /// A list with commas, the hop nearest to us first; `none` is the empty list.
    ///
    /// # Errors
    /// A lower-case fragment that names the part that is no host.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, String> {
        if text.eq_ignore_ascii_case("none") {
            return Ok(Vec::new());
        }
        text.split(',').map(Self::parse).collect()
    }

    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no jump host: [user@]host[:port]");
        let rest = text.strip_prefix("ssh://").unwrap_or(text);
        let (user, rest) = match rest.rsplit_once('@') {
            Some((user, rest)) => (Some(user), rest),
            None => (None, rest),
        };
        let (host, port) = match rest.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']').ok_or_else(wrong)?;
                let port = rest.strip_prefix(':');
                if port.is_none() && !rest.is_empty() {
                    return Err(wrong());
                }
                (host, port)
            }
            None => rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port))),
        };
        // A name with a leading dash would be an option to whatever program is handed it.
        let bad = |name: &str| name.is_empty() || name.starts_with('-') || name.contains([' ', '\t', '/']);
        if bad(host) || user.is_some_and(bad) {
            return Err(wrong());
        }
        let port = port.map(value::port).transpose().map_err(|_| wrong())?;
        Ok(Self { user: user.map(str::to_owned), host: host.to_owned(), port })
    }
}

impl fmt::Display for Jump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        match self.port {
            Some(port) if self.host.contains(':') => write!(f, "[{}]:{port}", self.host),
            Some(port) => write!(f, "{}:{port}", self.host),
            None if self.host.contains(':') => write!(f, "[{}]", self.host),
            None => f.write_str(&self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for text in ["a", "u@a", "a:22", "u@a:22", "[::1]", "u@[::1]:99", "a@b@c:4", "%h-gate"] {
            let jumps = Jump::parse_list(text).unwrap();
            assert_eq!(jumps[0].to_string(), text);
        }
        assert_eq!(Jump::parse_list("ssh://u@h:5,b").unwrap()[0].to_string(), "u@h:5");
        assert_eq!(Jump::parse_list("NONE").unwrap(), []);
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in
            ["", "a:b", "a@", "@a", "a,", ",a", "::1", "a:0", "[a", "[a]x", "-x", "-l@a", "ssh://u@h:5/x", "a b"]
        {
            Jump::parse_list(text).unwrap_err();
        }
    }
}
