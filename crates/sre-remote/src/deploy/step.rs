//! One thing that is done on a host.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sre_core::duration;

use super::subject::Subject;
use super::template::Template;
use crate::quote;

/// One step of a plan. Steps must be idempotent: after a run was killed, a host's steps run again from the first one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawStep")]
#[non_exhaustive]
pub struct Step {
    /// What people call it; shown instead of what it does.
    pub name: Option<String>,
    /// What it does.
    pub action: Action,
    /// How long it may take; the plan's `timeout` when not set.
    pub timeout: Option<Duration>,
    /// Whether it runs as root, by `sudo`.
    pub sudo: bool,
    /// Variables that commands find, besides `DEPLOY_VERSION`, `DEPLOY_HOST` and `DEPLOY_ADDRESS`.
    pub env: BTreeMap<String, String>,
    /// The folder that commands run in.
    pub cwd: Option<Template>,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Runs a program; each word arrives as it is.
    Command(Vec<Template>),
    /// Runs shell text, as it was written.
    Shell(String),
    /// Brings a file or folder to the host.
    Upload {
        /// The local path.
        from: Template,
        /// The path on the host.
        to: Template,
        /// The mode of the file, or of all files of the folder.
        mode: Option<u32>,
    },
    /// Lets a symbolic link point somewhere else, in one step: it never is missing. Where it pointed before is kept in
    /// `LINK.previous`.
    Link {
        /// The link.
        link: Template,
        /// Where to; it must be there.
        to: Template,
    },
    /// Lets a link of the plan point where it pointed before this version, if it points to this version now.
    Restore {
        /// The link.
        link: Template,
        /// Where this version let it point.
        to: Template,
    },
}

/// Characters of a title.
const LONGEST_TITLE: usize = 60;

/// A step as the plan file spells it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawStep {
    name: Option<String>,
    command: Option<Vec<Template>>,
    shell: Option<String>,
    upload: Option<Template>,
    link: Option<Template>,
    restore: Option<Template>,
    to: Option<Template>,
    mode: Option<String>,
    #[serde(with = "optional_duration")]
    timeout: Option<Duration>,
    sudo: bool,
    env: BTreeMap<String, String>,
    cwd: Option<Template>,
}

/// A duration that need not be there.
pub(super) mod optional_duration {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};
    use sre_core::duration;

    #[derive(Deserialize)]
    struct Text(#[serde(with = "duration::serde")] Duration);

    pub(in super::super) fn serialize<S: Serializer>(
        value: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => duration::serde::serialize(value, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Option::<Text>::deserialize(deserializer).map(|text| text.map(|text| text.0))
    }
}

// === impl Step ===

impl Step {
    /// What is done, in a line. With a subject, as it is done there.
    pub(super) fn describe(&self, subject: Option<Subject<'_>>) -> String {
        let fill = |template: &Template| subject.map_or_else(|| template.to_string(), |subject| subject.fill(template));
        let what = match &self.action {
            Action::Command(words) => format!("run {}", quote::words(words.iter().map(fill))),
            Action::Shell(text) => format!("shell: {}", text.trim().lines().collect::<Vec<_>>().join("; ")),
            Action::Upload { from, to, mode } => {
                let mode = mode.map(|mode| format!(" (mode {mode:04o})")).unwrap_or_default();
                format!("upload {} to {}{mode}", fill(from), fill(to))
            }
            Action::Link { link, to } => format!("link {} to {}", fill(link), fill(to)),
            Action::Restore { link, to } => format!("restore {} if it points to {}", fill(link), fill(to)),
        };
        let cwd = self.cwd.as_ref().map(|cwd| format!(" in {}", fill(cwd))).unwrap_or_default();
        format!("{}{what}{cwd}", if self.sudo { "sudo " } else { "" })
    }

    /// Its name, or what it does.
    #[must_use]
    pub fn title(&self) -> String {
        let title = self.name.clone().unwrap_or_else(|| self.describe(None));
        if title.chars().count() <= LONGEST_TITLE {
            return title;
        }
        title.chars().take(LONGEST_TITLE - 1).chain(['…']).collect()
    }

    /// All its texts with holes.
    pub(super) fn templates(&self) -> Vec<&Template> {
        let mut all: Vec<&Template> = match &self.action {
            Action::Command(words) => words.iter().collect(),
            Action::Shell(_) => Vec::new(),
            Action::Upload { from, to, .. } => vec![from, to],
            Action::Link { link, to } | Action::Restore { link, to } => vec![link, to],
        };
        all.extend(&self.cwd);
        all
    }
}

impl TryFrom<RawStep> for Step {
    type Error = String;

    fn try_from(raw: RawStep) -> Result<Self, String> {
        raw.check()?;
        let action = match (raw.command, raw.shell, raw.upload, raw.link, raw.restore) {
            (Some(words), ..) => Action::Command(words),
            (_, Some(text), ..) => Action::Shell(text),
            (_, _, Some(from), ..) => {
                let to = raw.to.ok_or("an upload needs `to`, the path on the host")?;
                Action::Upload { from, to, mode: raw.mode.as_deref().map(mode).transpose()? }
            }
            (.., Some(link), _) => Action::Link { link, to: raw.to.ok_or("a link needs `to`, where it shall point")? },
            // The plan knows where this version lets the link point.
            (.., Some(link)) => Action::Restore { to: link.clone(), link },
            _ => return Err(format!("a step needs one of {KINDS}")),
        };
        let step = Self { name: raw.name, action, timeout: raw.timeout, sudo: raw.sudo, env: raw.env, cwd: raw.cwd };
        check_action(&step.action)?;
        Ok(step)
    }
}

const KINDS: &str = "command, shell, upload, link, restore";

// === impl RawStep ===

impl RawStep {
    fn check(&self) -> Result<(), String> {
        let kinds = [
            ("command", self.command.is_some()),
            ("shell", self.shell.is_some()),
            ("upload", self.upload.is_some()),
            ("link", self.link.is_some()),
            ("restore", self.restore.is_some()),
        ];
        let given: Vec<&str> = kinds.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
        let [kind] = given[..] else {
            return Err(match given[..] {
                [] => format!("a step needs one of {KINDS}"),
                _ => format!("a step does one thing, this one has {}", given.join(" and ")),
            });
        };
        let runs = matches!(kind, "command" | "shell");
        for (name, given, fits) in [
            ("to", self.to.is_some(), matches!(kind, "upload" | "link")),
            ("mode", self.mode.is_some(), kind == "upload"),
            ("cwd", self.cwd.is_some(), runs),
            ("env", !self.env.is_empty(), runs),
        ] {
            if given && !fits {
                return Err(format!("`{name}` has no meaning for `{kind}`"));
            }
        }
        if let Some(name) = self.env.keys().find(|name| !quote::is_variable_name(name)) {
            return Err(format!("`{name}` is no name of a variable"));
        }
        if let Some(name) = self.env.keys().find(|name| name.starts_with("DEPLOY_")) {
            return Err(format!("`{name}` cannot be set: DEPLOY_… is what the deployment says of itself"));
        }
        if self.timeout.is_some_and(|timeout| timeout.is_zero()) {
            return Err("a timeout of nothing lets nothing happen".to_owned());
        }
        Ok(())
    }
}

fn check_action(action: &Action) -> Result<(), String> {
    match action {
        Action::Command(words) => check_words(words),
        Action::Shell(text) => check_shell(text),
        Action::Upload { from, to, .. } if from.as_str().is_empty() || to.as_str().is_empty() => {
            Err("an upload needs two paths".to_owned())
        }
        Action::Link { link, to } | Action::Restore { link, to } => {
            if !link.as_str().starts_with('/') || link.as_str().ends_with('/') {
                return Err(format!("the link `{link}` must be an absolute path without a slash at its end"));
            }
            if to.as_str().is_empty() || to.as_str().starts_with('-') {
                return Err(format!("`{to}` is nothing that a link can point to"));
            }
            Ok(())
        }
        Action::Upload { .. } => Ok(()),
    }
}

pub(super) fn check_words(words: &[Template]) -> Result<(), String> {
    match words.first() {
        None => Err("a command needs at least one word".to_owned()),
        Some(first) if first.as_str().is_empty() => Err("a command needs a program".to_owned()),
        Some(_) => Ok(()),
    }
}

/// Nothing is filled into shell text; whoever expects it is told so, unless it is the shell's own `${version}`.
pub(super) fn check_shell(text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("there is nothing to run".to_owned());
    }
    for (hole, variable) in [("{version}", "VERSION"), ("{host}", "HOST"), ("{address}", "ADDRESS")] {
        let filled = text.match_indices(hole).any(|(at, _)| !text[..at].ends_with('$'));
        if filled {
            return Err(format!(
                "`{hole}` is not filled into shell text; write \"$DEPLOY_{variable}\", with its quotes"
            ));
        }
    }
    Ok(())
}

fn mode(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    let mode = u32::from_str_radix(digits, 8).ok().filter(|mode| *mode <= 0o7777 && !digits.starts_with('+'));
    mode.ok_or_else(|| format!("`{text}` is no mode; write four octal digits such as 0644"))
}

/// What counts for the hash of a plan: not the name, not the time limit.
impl Serialize for Step {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut out = serializer.serialize_struct("Step", 4)?;
        out.serialize_field("does", &self.describe(None))?;
        out.serialize_field("env", &self.env)?;
        out.serialize_field("name", &self.name)?;
        out.serialize_field("timeout", &self.timeout.map(|timeout| duration::exact(timeout).to_string()))?;
        out.end()
    }
}
