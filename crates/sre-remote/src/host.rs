//! One machine of a fleet, as the inventory names it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use sre_core::Target;

/// A host with what its inventory says about it. What is `None` is decided later: by the command line's defaults,
/// then by `~/.ssh/config`, then by SSH's own defaults (port 22, our own user name).
///
/// Cloning is cheap enough for 100,000 of them: names are shared, an empty map holds no memory.
///
/// ```
/// use sre_remote::Host;
/// let host = Host::new("web-01").with_user("sre").with_port(2222);
/// assert_eq!(host.to_string(), "web-01");
/// assert_eq!(host.port(), Some(2222));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    name: Arc<str>,
    address: Option<Arc<str>>,
    user: Option<Arc<str>>,
    port: Option<u16>,
    vars: BTreeMap<Arc<str>, Arc<str>>,
}

// === impl Host ===

impl Host {
    /// A host of that name and nothing more.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), address: None, user: None, port: None, vars: BTreeMap::new() }
    }

    /// Where to connect when it is not the name (a name or an IP address).
    #[must_use]
    pub fn with_address(mut self, address: impl Into<Arc<str>>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// Who logs in.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<Arc<str>>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// The port of its SSH server.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// A variable of the inventory (`key=value`).
    #[must_use]
    pub fn with_var(mut self, key: impl Into<Arc<str>>, value: impl Into<Arc<str>>) -> Self {
        self.vars.insert(key.into(), value.into());
        self
    }

    /// The name in the inventory: what results are reported under.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where to connect: the address if one was given, else the name.
    #[must_use]
    pub fn address(&self) -> &str {
        self.address.as_deref().unwrap_or(&self.name)
    }

    /// The address, only where the inventory gives one.
    #[must_use]
    pub fn explicit_address(&self) -> Option<&str> {
        self.address.as_deref()
    }

    /// Who logs in, where the inventory says so.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The port, where the inventory says so.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The inventory's variables, by name.
    pub fn vars(&self) -> impl Iterator<Item = (&str, &str)> {
        self.vars.iter().map(|(key, value)| (&**key, &**value))
    }

    /// One variable.
    #[must_use]
    pub fn var(&self, key: &str) -> Option<&str> {
        self.vars.get(key).map(|value| &**value)
    }

    /// The name that errors and reports use.
    #[must_use]
    pub fn target(&self) -> Target {
        Target::new(&*self.name)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
