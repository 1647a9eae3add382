//! A slash command as Slack sends it: a form
//! (<https://docs.slack.dev/interactivity/implementing-slash-commands#app_command_handling>).

use serde::Serialize;
use sre_core::Secret;

/// The longest text in bytes; people type less.
const LONGEST_TEXT: usize = 8 * 1024;

/// The longest id, name or URL in bytes.
const LONGEST: usize = 1024;

/// Who asked, where. Ids decide (names can be changed at will); names are for people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Caller {
    /// `U…`.
    pub user: String,
    /// The user's name.
    pub user_name: String,
    /// `C…`.
    pub channel: String,
    /// The channel's name.
    pub channel_name: String,
    /// `T…`: the workspace.
    pub team: String,
}

/// A command that somebody typed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Invocation {
    /// Without the slash, in lower case.
    pub command: String,
    /// What follows it, with Slack's escapes.
    pub text: String,
    /// Who asked, where.
    pub caller: Caller,
    /// Where later answers go; as good as a password for half an hour.
    pub response_url: Option<Secret>,
    /// Slack only asks whether we are there.
    pub is_probe: bool,
}

/// A form that is no command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct InvalidForm {
    /// The field at fault.
    pub field: &'static str,
    /// What is wrong with it.
    pub why: &'static str,
}

// === impl Invocation ===

impl Invocation {
    /// Reads the form. Bytes that are no UTF-8 become U+FFFD.
    ///
    /// # Errors
    /// When `command`, `user_id`, `channel_id` or `team_id` is missing, or a field is too long.
    pub fn from_form(body: &[u8]) -> Result<Self, InvalidForm> {
        let mut form = Self {
            command: String::new(),
            text: String::new(),
            caller: Caller::default(),
            response_url: None,
            is_probe: false,
        };
        for (name, value) in url::form_urlencoded::parse(body) {
            let (field, slot, longest) = match name.as_ref() {
                "command" => ("command", &mut form.command, LONGEST),
                "text" => ("text", &mut form.text, LONGEST_TEXT),
                "user_id" => ("user_id", &mut form.caller.user, LONGEST),
                "user_name" => ("user_name", &mut form.caller.user_name, LONGEST),
                "channel_id" => ("channel_id", &mut form.caller.channel, LONGEST),
                "channel_name" => ("channel_name", &mut form.caller.channel_name, LONGEST),
                "team_id" => ("team_id", &mut form.caller.team, LONGEST),
                "response_url" if value.len() <= LONGEST => {
                    form.response_url = Some(Secret::new(value));
                    continue;
                }
                "ssl_check" => {
                    form.is_probe = value == "1";
                    continue;
                }
                _ => continue,
            };
            if value.len() > longest {
                return Err(InvalidForm { field, why: "is too long" });
            }
            *slot = value.into_owned();
        }
        form.check()
    }

    fn check(mut self) -> Result<Self, InvalidForm> {
        if self.is_probe {
            return Ok(self);
        }
        let caller = &self.caller;
        for (field, value) in [
            ("command", &self.command),
            ("user_id", &caller.user),
            ("channel_id", &caller.channel),
            ("team_id", &caller.team),
        ] {
            if value.is_empty() {
                return Err(InvalidForm { field, why: "is missing" });
            }
        }
        self.command = self.command.trim_start_matches('/').to_ascii_lowercase();
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "token=x&team_id=T1&team_domain=acme&channel_id=C1&channel_name=ops&user_id=U1&user_name=ada\
        &command=%2FCheck&text=web-01+web-02&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1%2Fx&trigger_id=1";

    #[test]
    fn a_form() {
        let form = Invocation::from_form(FORM.as_bytes()).unwrap();
        assert_eq!((form.command.as_str(), form.text.as_str()), ("check", "web-01 web-02"));
        assert_eq!(
            (form.caller.user.as_str(), form.caller.channel.as_str(), form.caller.team.as_str()),
            ("U1", "C1", "T1")
        );
        assert!(!format!("{form:?}").contains("hooks.slack.com"));
    }

    #[test]
    fn a_fault_names_its_field() {
        for (from, to, expected) in [
            ("user_id=U1", "user_id=", "user_id: is missing"),
            ("team_id=T1&", "", "team_id: is missing"),
            ("command=%2FCheck", "", "command: is missing"),
            ("text=web-01", &format!("text={}", "x".repeat(9000)), "text: is too long"),
        ] {
            let error = Invocation::from_form(FORM.replace(from, to).as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
        assert!(Invocation::from_form(b"ssl_check=1&token=x").unwrap().is_probe);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(body: Vec<u8>, text in "\\PC*") {
            let _ = Invocation::from_form(&body);
            let _ = Invocation::from_form(text.as_bytes());
        }
    }
}
