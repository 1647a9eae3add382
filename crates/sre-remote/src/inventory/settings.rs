//! What an inventory says about a host besides its name.

use std::sync::Arc;

use sre_core::config::nearest;

use crate::host::Host;

use super::error::{Flaw, InventoryErrorKind, clip};
use super::spec::parse_port;

/// The variables with a meaning of their own; see the [module](super).
pub(super) const SPECIAL: [&str; 7] = ["user", "port", "address", "key", "jump", "transport", "shell"];

const TRANSPORTS: [&str; 3] = ["ssh", "openssh", "local"];
const SHELLS: [&str; 2] = ["posix", "raw"];

/// Settings in the order in which they were said; a later one wins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Settings {
    user: Option<Arc<str>>,
    port: Option<u16>,
    address: Option<Arc<str>>,
    vars: Vec<(Arc<str>, Arc<str>)>,
}

// === impl Settings ===

impl Settings {
    /// Takes `key=value`. The flaw has no offset.
    pub(super) fn set(&mut self, key: &str, value: &str) -> Result<(), Flaw> {
        let known = |names: &[&str], what: &str| match names.contains(&value) {
            true => Ok(()),
            false => Err(unknown_value(names, what, value)),
        };
        match key {
            "port" => self.port = Some(parse_port(value)?),
            _ if SPECIAL.contains(&key) && value.is_empty() => {
                let flaw = Flaw::new(InventoryErrorKind::InvalidValue, 0, format!("`{key}` has no value"));
                return Err(flaw);
            }
            "user" | "address" if value.starts_with('-') => {
                let message = format!("`{}` begins with `-`, and no {key} does", clip(value));
                return Err(Flaw::new(InventoryErrorKind::InvalidValue, 0, message));
            }
            "user" => self.user = Some(value.into()),
            "address" => self.address = Some(value.into()),
            "transport" => known(&TRANSPORTS, "transport")?,
            "shell" => known(&SHELLS, "shell")?,
            _ => {}
        }
        if !matches!(key, "user" | "port" | "address") {
            self.vars.push((key.into(), value.into()));
        }
        Ok(())
    }

    /// The host with these settings; what they do not say stays.
    pub(super) fn apply(&self, mut host: Host) -> Host {
        if let Some(user) = &self.user {
            host = host.with_user(Arc::clone(user));
        }
        if let Some(port) = self.port {
            host = host.with_port(port);
        }
        if let Some(address) = &self.address {
            host = host.with_address(Arc::clone(address));
        }
        self.vars.iter().fold(host, |host, (key, value)| host.with_var(Arc::clone(key), Arc::clone(value)))
    }

    /// The host with these settings where it has none of its own.
    pub(super) fn fill(&self, mut host: Host) -> Host {
        if let Some(user) = self.user.as_ref().filter(|_| host.user().is_none()) {
            host = host.with_user(Arc::clone(user));
        }
        if let Some(port) = self.port.filter(|_| host.port().is_none()) {
            host = host.with_port(port);
        }
        if let Some(address) = self.address.as_ref().filter(|_| host.explicit_address().is_none()) {
            host = host.with_address(Arc::clone(address));
        }
        // Of a key that was said twice, the later value counts.
        self.vars.iter().rev().fold(host, |host, (key, value)| match host.var(key) {
            Some(_) => host,
            None => host.with_var(Arc::clone(key), Arc::clone(value)),
        })
    }

    pub(super) fn port(&self) -> Option<u16> {
        self.port
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn unknown_value(names: &[&str], what: &str, value: &str) -> Flaw {
    let flaw = Flaw::new(InventoryErrorKind::InvalidValue, 0, format!("`{}` is not a {what}", clip(value)));
    let one_of = format!("one of: {}", names.join(", "));
    match nearest(value, names.iter().copied()) {
        Some(likely) => flaw.help(format!("did you mean `{likely}`? ({one_of})")),
        None => flaw.help(one_of),
    }
}

/// A name for a variable: no `=`, quotes or spaces.
pub(super) fn is_key(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}
