//! Who may do what: nothing that is not granted.
//!
//! ```yaml
//! - { commands: [check, status], users: ["*"], teams: [T024BE7LD] }
//! - { commands: ["fleet restart-web", deploy], users: [U0G9QF9C6], channels: [C2147483705] }
//! ```

use serde::{Deserialize, Serialize};

use super::invocation::Caller;
use super::registry::Registry;

/// A permission: these users may give these commands there. Ids only; names can be changed by whoever bears them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Grant {
    /// `check`; `fleet restart-web` and `deploy shop` with what they are about; `*` for all.
    pub commands: Vec<String>,
    /// `U…`, or `*` for everybody in the workspace. At least one.
    pub users: Vec<String>,
    /// `C…`; none means any channel.
    pub channels: Vec<String>,
    /// `T…`; none means any workspace that has the app.
    pub teams: Vec<String>,
}

/// All that is granted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Permissions {
    grants: Vec<Grant>,
}

/// A grant that means nothing, or more than it says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("grant {number}: {why}")]
pub struct InvalidGrant {
    /// Which one, from 1.
    pub number: usize,
    /// What is wrong.
    pub why: String,
}

// === impl Grant ===

impl Grant {
    /// A grant of these commands to these users, in any channel and workspace.
    #[must_use]
    pub fn new<C: Into<String>, U: Into<String>>(
        commands: impl IntoIterator<Item = C>,
        users: impl IntoIterator<Item = U>,
    ) -> Self {
        Self {
            commands: commands.into_iter().map(Into::into).collect(),
            users: users.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    fn is_for(&self, caller: &Caller) -> bool {
        let among = |ids: &[String], id: &str| ids.iter().any(|known| known == id);
        let user = self.users.iter().any(|user| user == "*") || among(&self.users, &caller.user);
        user && (self.channels.is_empty() || among(&self.channels, &caller.channel))
            && (self.teams.is_empty() || among(&self.teams, &caller.team))
    }

    fn covers(&self, command: &str, scope: Option<&str>) -> bool {
        self.commands.iter().any(|granted| match granted.split_once(' ') {
            None => granted == "*" || granted == command,
            Some((name, narrowed)) => name == command && scope == Some(narrowed),
        })
    }

    /// Whether it has anything to do with the command.
    fn mentions(&self, command: &str) -> bool {
        self.commands.iter().any(|granted| granted == "*" || granted.split(' ').next() == Some(command))
    }
}

// === impl Permissions ===

impl Permissions {
    /// What is granted; none of it means nothing is.
    ///
    /// # Errors
    /// A grant without users or commands, or with a command that is not in the registry.
    pub fn new(grants: Vec<Grant>, registry: &Registry) -> Result<Self, InvalidGrant> {
        let permissions = Self { grants };
        permissions.check(registry)?;
        Ok(permissions)
    }

    /// Checks what was read from a configuration.
    ///
    /// # Errors
    /// A grant without users or commands, or with a command that is not in the registry.
    pub fn check(&self, registry: &Registry) -> Result<(), InvalidGrant> {
        for (index, grant) in self.grants.iter().enumerate() {
            let invalid = |why: String| Err(InvalidGrant { number: index + 1, why });
            if grant.users.is_empty() {
                return invalid("it names no users; write `*` for everybody".to_owned());
            }
            if grant.commands.is_empty() {
                return invalid("it names no commands".to_owned());
            }
            for command in &grant.commands {
                let name = command.split(' ').next().unwrap_or_default();
                if name != "*" && !registry.contains(name) {
                    return invalid(registry.unknown(name));
                }
            }
        }
        Ok(())
    }

    /// Whether the caller has anything to do with the command, whatever it is about.
    pub(super) fn mentions(&self, caller: &Caller, command: &str) -> bool {
        self.grants.iter().any(|grant| grant.is_for(caller) && grant.mentions(command))
    }

    /// The number of the grant, from 1, by which the caller may give this command about this.
    #[must_use]
    pub fn granted(&self, caller: &Caller, command: &str, scope: Option<&str>) -> Option<usize> {
        self.grants.iter().position(|grant| grant.is_for(caller) && grant.covers(command, scope)).map(|index| index + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(user: &str, channel: &str, team: &str) -> Caller {
        Caller { user: user.into(), channel: channel.into(), team: team.into(), ..Caller::default() }
    }

    #[test]
    fn nothing_that_is_not_granted() {
        let grants = serde_json::from_value(serde_json::json!([
            { "commands": ["check"], "users": ["*"], "teams": ["T1"] },
            { "commands": ["fleet uptime", "deploy"], "users": ["U1", "U2"], "channels": ["C1"] },
            { "commands": ["*"], "users": ["U9"] },
        ]));
        let permissions = Permissions::new(grants.unwrap(), &Registry::new([])).unwrap();
        for (who, command, scope, expected) in [
            (("U5", "C5", "T1"), "check", None, Some(1)),
            (("U5", "C5", "T2"), "check", None, None),
            (("U1", "C1", "T2"), "fleet", Some("uptime"), Some(2)),
            (("U1", "C1", "T2"), "fleet", Some("restart"), None),
            (("U1", "C1", "T2"), "fleet", None, None),
            (("U1", "C2", "T2"), "deploy", Some("shop"), None),
            (("U2", "C1", "T2"), "deploy", Some("shop"), Some(2)),
            (("U9", "C5", "T5"), "scale", Some("shop"), Some(3)),
            (("", "", ""), "status", None, None),
        ] {
            assert_eq!(
                permissions.granted(&caller(who.0, who.1, who.2), command, scope),
                expected,
                "{who:?} {command}"
            );
        }
        assert_eq!(Permissions::default().granted(&caller("U9", "C1", "T1"), "check", None), None);
    }

    #[test]
    fn grants_that_mean_nothing() {
        let registry = Registry::new([]);
        let none: [&str; 0] = [];
        for (grant, expected) in [
            (Grant::new(["check"], none), "grant 1: it names no users; write `*` for everybody"),
            (Grant::new(none, ["*"]), "grant 1: it names no commands"),
            (Grant::new(["chekc"], ["*"]), "grant 1: `/chekc` is not known here; did you mean `/check`?"),
        ] {
            assert_eq!(Permissions::new(vec![grant], &registry).unwrap_err().to_string(), expected);
        }
    }
}
