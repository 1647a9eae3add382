//! Commands by name, with help and the nearest name to a misspelt one.

use std::collections::BTreeMap;
use std::sync::Arc;

use sre_core::config::nearest;

use super::builtin;
use super::command::{Action, Command, Usage};
use super::words;

/// The commands that are known.
#[derive(Debug, Clone)]
pub struct Registry {
    commands: BTreeMap<String, Arc<dyn Command>>,
}

/// What a line of text means.
#[derive(Debug)]
pub(super) enum Meaning {
    Act(Action),
    Help(String),
    /// The command is there, its words make no sense; the text says why and how it is used.
    Unclear(String),
}

// === impl Registry ===

impl Registry {
    /// `/check`, `/status`, `/silence`, `/ack`, `/deploy`, `/scale`, and `/fleet` with these names.
    #[must_use]
    pub fn new(fleet: impl IntoIterator<Item = String>) -> Self {
        let commands = builtin::all(fleet.into_iter().collect());
        Self { commands: commands.into_iter().map(|command| (command.name().to_owned(), command)).collect() }
    }

    /// Adds a command, or replaces the one of that name.
    #[must_use]
    pub fn with(mut self, command: Arc<dyn Command>) -> Self {
        self.commands.insert(command.name().to_owned(), command);
        self
    }

    /// Takes a command away: what is not there cannot be permitted by mistake.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.commands.remove(name);
        self
    }

    /// Whether there is such a command.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.commands.contains_key(name)
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.commands.keys().map(String::as_str)
    }

    /// The action that the text after a command asks for; nothing when the command is not known.
    ///
    /// # Errors
    /// Why the text makes no sense.
    #[must_use]
    pub fn parse(&self, name: &str, text: &str) -> Option<Result<Action, Usage>> {
        let command = self.commands.get(name)?;
        Some(words::split(text).and_then(|words| command.parse(&words)))
    }

    /// What the text after a known command means; nothing when the command is not known.
    pub(super) fn read(&self, name: &str, text: &str) -> Option<Meaning> {
        let command = self.commands.get(name)?;
        let unclear = |why: &str| Meaning::Unclear(format!("{why}\n{}", help(command.as_ref())));
        let words = match words::split(text) {
            Ok(words) => words,
            Err(why) => return Some(unclear(&why.to_string())),
        };
        if matches!(words.as_slice(), [word] if word == "help" || word == "--help") {
            return Some(Meaning::Help(help(command.as_ref())));
        }
        Some(match command.parse(&words) {
            Ok(action) => Meaning::Act(action),
            Err(why) => unclear(&why.to_string()),
        })
    }

    /// What to say to a command that is not there.
    pub(super) fn unknown(&self, name: &str) -> String {
        match nearest(name, self.names()) {
            Some(likely) => format!("`/{name}` is not known here; did you mean `/{likely}`?"),
            None => {
                let known: Vec<String> = self.names().map(|name| format!("`/{name}`")).collect();
                format!("`/{name}` is not known here; there are {}", known.join(", "))
            }
        }
    }
}

fn help(command: &dyn Command) -> String {
    format!("usage: `/{} {}`: {}", command.name(), command.usage(), command.summary()).replace(" `:", "`:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_and_suggestions() {
        let registry = Registry::new(["uptime".to_owned()]).without("scale");
        let Some(Meaning::Help(text)) = registry.read("check", "help") else { panic!("no help") };
        assert_eq!(text, "usage: `/check HOST…`: look at hosts");
        let Some(Meaning::Unclear(text)) = registry.read("status", "now") else { panic!("clear") };
        assert_eq!(text, "it takes no words\nusage: `/status`: say how things are");
        assert_eq!(registry.unknown("chekc"), "`/chekc` is not known here; did you mean `/check`?");
        assert_eq!(
            registry.unknown("reboot"),
            "`/reboot` is not known here; there are `/ack`, `/check`, `/deploy`, `/fleet`, `/silence`, `/status`"
        );
        assert!(registry.read("scale", "shop 1").is_none());
    }
}
