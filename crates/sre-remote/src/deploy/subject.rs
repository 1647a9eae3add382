//! What is deployed where: what holes stand for, and what commands find in their environment.

use super::template::{Hole, Template};
use super::version::Version;
use crate::command::Command;
use crate::host::Host;

/// One version on one host.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) version: &'a Version,
    pub(super) host: &'a Host,
}

/// Why a host's name or address cannot be filled into paths, URLs and queries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotPlain(String);

// === impl Subject ===

impl Subject<'_> {
    pub(super) fn fill(self, template: &Template) -> String {
        template.fill(|hole| self.value(hole).to_owned())
    }

    /// For URLs, in which an IPv6 address stands in brackets.
    pub(super) fn fill_url(self, template: &Template) -> String {
        template.fill(|hole| match self.value(hole) {
            v6 if hole != Hole::Version && v6.parse::<std::net::Ipv6Addr>().is_ok() => format!("[{v6}]"),
            other => other.to_owned(),
        })
    }

    /// The command with the version and the host in its environment, and whether it deploys, rolls back or asks.
    pub(super) fn equip(self, command: Command, phase: &str) -> Command {
        command
            .with_env("DEPLOY_PHASE", phase)
            .with_env("DEPLOY_VERSION", self.version.as_str())
            .with_env("DEPLOY_HOST", self.host.name())
            .with_env("DEPLOY_ADDRESS", self.host.address())
    }

    fn value(&self, hole: Hole) -> &str {
        match hole {
            Hole::Version => self.version.as_str(),
            Hole::Host => self.host.name(),
            Hole::Address => self.host.address(),
        }
    }
}

/// A host that is filled into text must not be able to mean anything there: no quotes, slashes or blanks.
pub(super) fn check_plain(host: &Host) -> Result<(), NotPlain> {
    let fits = |c: char| c.is_alphanumeric() || "._:-@%+".contains(c);
    let plain = |text: &str| text.chars().all(fits) && !text.starts_with('-') && !text.contains("..");
    match [host.name(), host.address()].into_iter().find(|text| !plain(text)) {
        Some(odd) => Err(NotPlain(odd.to_owned())),
        None => Ok(()),
    }
}

impl std::fmt::Display for NotPlain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the host `{}` cannot be filled into paths or URLs, as the plan wants it", self.0.escape_debug())
    }
}
