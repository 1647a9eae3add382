//! Titles and texts as somebody wants them: [minijinja](https://docs.rs/minijinja) templates, for all receivers or one.
//!
//! A template sees `title`, `text`, `severity`, `event` (`firing`, `acknowledged`, `resolved`), `source`, `key`, `link`,
//! `labels`, `fields` and `alerts` (each as in JSON). It is checked when it is loaded: against a sample, and a name that
//! is none of these is a mistake. What it makes is cut at 1 KiB (title) and 32 KiB (text); the receiver's own limits come
//! after that. One that fails later leaves the notification as it was: a message in plain words is better than none.
//!
//! ```
//! use sre_alerts::pipeline::TemplateConfig;
//! let template = TemplateConfig::new().title("{{ severity | upper }}: {{ title }}{% if labels.dc %} in {{ labels.dc }}{% endif %}");
//! assert!(template.check().is_ok());
//! assert!(TemplateConfig::new().title("{{ severty }}").check().is_err());
//! assert!(TemplateConfig::new().text("{% for a in alerts %}{{ a.title }}").check().is_err());
//! ```

use std::io::{self, Write};

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value};
use serde::{Deserialize, Serialize};
use sre_core::Severity;
use sre_core::output::width;

use super::error::InvalidConfig;
use crate::alert::{Alert, AlertBuilder};
use crate::notify::Notification;

/// Templates as the settings say them; what is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TemplateConfig {
    /// One line.
    pub title: Option<String>,
    /// Any number of lines.
    pub text: Option<String>,
}

/// Templates that have been checked.
#[derive(Debug)]
pub(super) struct Templates(Environment<'static>);

const TITLE: &str = "title";
const TEXT: &str = "text";
const LONGEST_TITLE: usize = 1024;
const LONGEST_TEXT: usize = 32 * 1024;
/// Instructions of one rendering: fifty alerts with a loop within a loop need a hundredth of it.
const FUEL: u64 = 1_000_000;
const KNOWN: [&str; 10] = ["alerts", "event", "fields", "key", "labels", "link", "severity", "source", "text", "title"];

// === impl TemplateConfig ===

impl TemplateConfig {
    /// Nothing changed.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The title.
    #[must_use]
    pub fn title(mut self, template: impl Into<String>) -> Self {
        self.title = Some(template.into());
        self
    }

    /// The text.
    #[must_use]
    pub fn text(mut self, template: impl Into<String>) -> Self {
        self.text = Some(template.into());
        self
    }

    /// Checks it against a sample.
    ///
    /// # Errors
    /// It is no template, uses a name that there is not, or fails with the sample.
    pub fn check(&self) -> Result<(), InvalidConfig> {
        Templates::new(self, "template").map(|_| ())
    }

    /// What becomes of a notification.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn preview(&self, notification: &Notification) -> Result<Notification, InvalidConfig> {
        let mut changed = notification.clone();
        Templates::new(self, "template")?.apply(&mut changed);
        Ok(changed)
    }
}

// === impl Templates ===

impl Templates {
    pub(super) fn new(config: &TemplateConfig, key: &str) -> Result<Self, InvalidConfig> {
        let mut env = Environment::new();
        env.set_auto_escape_callback(|_| AutoEscape::None);
        env.set_fuel(Some(FUEL));
        let sources = [(TITLE, &config.title), (TEXT, &config.text)];
        for (name, source) in sources.into_iter().filter_map(|(name, source)| Some((name, source.as_ref()?))) {
            let wrong = |why: String| InvalidConfig::new(format!("{key}.{name}"), why);
            let shown = |e: minijinja::Error| wrong(format!("is no template: {e}"));
            env.add_template_owned(name, source.clone()).map_err(shown)?;
            let template = env.get_template(name).map_err(shown)?;
            let globals = env.globals().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
            let unknown = |n: &String| !KNOWN.contains(&n.as_str()) && !globals.contains(n);
            if let Some(name) = template.undeclared_variables(false).into_iter().find(unknown) {
                return Err(wrong(format!("there is no `{name}` (one of: {})", KNOWN.join(", "))));
            }
        }
        let templates = Self(env);
        for sample in samples() {
            for name in [TITLE, TEXT] {
                let wrong = |e| InvalidConfig::new(format!("{key}.{name}"), format!("fails with a sample: {e}"));
                templates.render(name, &sample, LONGEST_TEXT).transpose().map_err(wrong)?;
            }
        }
        Ok(templates)
    }

    /// Puts title and text in place.
    pub(super) fn apply(&self, n: &mut Notification) {
        let made = [(TITLE, LONGEST_TITLE), (TEXT, LONGEST_TEXT)].map(|(name, longest)| self.render(name, n, longest));
        let [title, text] = made.map(|made| match made {
            Some(Ok(text)) => Some(text),
            Some(Err(error)) => {
                tracing::warn!(%error, "template of a notification");
                None
            }
            None => None,
        });
        if let Some(title) = title.map(|title| width::clean(&title).trim().to_owned()).filter(|title| !title.is_empty())
        {
            n.title = title;
        }
        if let Some(text) = text {
            n.text = text;
        }
    }

    /// `None` when there is no such template.
    fn render(&self, name: &str, n: &Notification, longest: usize) -> Option<Result<String, minijinja::Error>> {
        let template = self.0.get_template(name).ok()?;
        let mut out = Cut { bytes: Vec::new(), longest, full: false };
        let result = template.render_captured_to(Value::from(Serde(n)), &mut out).map(|_| ());
        if out.full {
            return Some(Ok(out.into_text()));
        }
        Some(result.map(|()| out.into_text()))
    }
}

/// Takes no more than fits, and stops the template then.
struct Cut {
    bytes: Vec<u8>,
    longest: usize,
    full: bool,
}

impl Cut {
    /// What was cut within a character loses that character.
    fn into_text(self) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        text.trim_end_matches(char::REPLACEMENT_CHARACTER).to_owned()
    }
}

impl Write for Cut {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.longest - self.bytes.len();
        self.bytes.extend(bytes.iter().take(room));
        if bytes.len() > room {
            self.full = true;
            return Err(io::Error::other("too long"));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An alert that says everything, and one that says hardly anything: what a template must be able to take.
fn samples() -> [Notification; 2] {
    let start = |builder: AlertBuilder| builder.starts_at(jiff::Timestamp::UNIX_EPOCH).build();
    let disk = Alert::builder(Severity::Critical, "disk /data is 97 % full").source("web-03").label("service", "api");
    let mut full = Notification::new(Severity::Critical, "disk /data is 97 % full").key("disk").field("Free", "1 GiB");
    full = full.text("df says so").link("https://wiki.example/disk").at(jiff::Timestamp::UNIX_EPOCH);
    full.source = "web-03".to_owned();
    full.labels.insert("service".to_owned(), "api".to_owned());
    full.alerts.extend(start(disk));
    let mut bare = Notification::new(Severity::Info, "x");
    bare.alerts.extend(start(Alert::builder(Severity::Info, "x")));
    [full, bare]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(config: &TemplateConfig) -> (String, String) {
        let templates = Templates::new(config, "t").unwrap();
        let [mut n, _] = samples();
        templates.apply(&mut n);
        (n.title, n.text)
    }

    #[test]
    fn what_a_template_sees() {
        let config = TemplateConfig::new()
            .title("{{ event }} {{ severity | upper }} {{ title }} ({{ labels.service }})\n")
            .text("{% for a in alerts %}{{ a.source }}: {{ a.title }} since {{ a.starts_at }}{% endfor %}{{ labels.none }}<b>");
        let (title, text) = made(&config);
        assert_eq!(title, "firing CRITICAL disk /data is 97 % full (api)");
        assert_eq!(text, "web-03: disk /data is 97 % full since 1970-01-01T00:00:00Z<b>");
        assert_eq!(made(&TemplateConfig::new()), ("disk /data is 97 % full".to_owned(), "df says so".to_owned()));
    }

    #[test]
    fn mistakes_are_found_when_loading() {
        for (template, expected) in [
            ("{{ titel }}", "there is no `titel`"),
            ("{{ title", "is no template"),
            ("{{ title | nosuch }}", "filter nosuch is unknown"),
            ("{{ nosuch(title) }}", "there is no `nosuch`"),
            ("{% for i in range(9000) %}{% for j in range(9000) %}{% endfor %}{% endfor %}", "fails with a sample"),
            ("{{ 1 // 0 }}", "fails with a sample"),
        ] {
            let error = TemplateConfig::new().text(template).check().unwrap_err().to_string();
            assert!(error.starts_with("template.text: ") && error.contains(expected), "{template}: {error}");
        }
    }

    #[test]
    fn what_is_long_is_cut_between_characters() {
        let (title, text) =
            made(&TemplateConfig::new().title("{{ 'é' * 5000 }}").text("{% for i in range(9000) %}abcdé{% endfor %}"));
        assert!(title.len() <= LONGEST_TITLE && title.chars().all(|c| c == 'é'), "{}", title.len());
        assert!(text.len() > LONGEST_TEXT - 8 && text.len() <= LONGEST_TEXT);
    }
}
