//! The commands that are always known.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use sre_core::config::nearest;
use sre_core::duration;

use super::command::{Action, Command, Usage};

/// Hosts of one `/check`.
const MOST_HOSTS: usize = 50;

/// Longer silences are forgotten ones.
const LONGEST_SILENCE: Duration = Duration::from_secs(30 * 86_400);

/// A slip of the finger should not ask for a million.
const MOST_REPLICAS: u32 = 1000;

/// A command that is nothing but a function.
#[derive(Debug)]
struct Builtin {
    name: &'static str,
    usage: &'static str,
    summary: &'static str,
    parse: fn(&[String]) -> Result<Action, Usage>,
}

/// `/fleet`: commands are in the configuration, never in the text.
#[derive(Debug)]
struct Fleet {
    names: BTreeSet<String>,
}

/// All of them; `fleet` are the names that `/fleet` knows.
pub(super) fn all(fleet: BTreeSet<String>) -> Vec<Arc<dyn Command>> {
    let builtin =
        |name, usage, summary, parse| -> Arc<dyn Command> { Arc::new(Builtin { name, usage, summary, parse }) };
    vec![
        builtin("check", "HOST…", "look at hosts", check),
        builtin("status", "", "say how things are", status),
        builtin("silence", "LABEL=VALUE… DURATION REASON…", "notify nobody of what fits", silence),
        builtin("ack", "KEY [NOTE…]", "say that somebody is at it", ack),
        builtin("deploy", "APP VERSION [ENVIRONMENT]", "roll out a version", deploy),
        builtin("scale", "WORKLOAD REPLICAS", "run that many", scale),
        Arc::new(Fleet { names: fleet }),
    ]
}

// === impl Builtin ===

impl Command for Builtin {
    fn name(&self) -> &str {
        self.name
    }

    fn usage(&self) -> Cow<'_, str> {
        self.usage.into()
    }

    fn summary(&self) -> &str {
        self.summary
    }

    fn parse(&self, words: &[String]) -> Result<Action, Usage> {
        (self.parse)(words)
    }
}

fn check(words: &[String]) -> Result<Action, Usage> {
    match words.len() {
        0 => return Err(Usage::new("which host?")),
        n if n > MOST_HOSTS => return Err(Usage::new(format!("{n} hosts are too many: {MOST_HOSTS} at once"))),
        _ => {}
    }
    let host = |word: &String| word.parse().map_err(|why| Usage::new(format!("`{word}` is {why}")));
    Ok(Action::Check { hosts: words.iter().map(host).collect::<Result<_, _>>()? })
}

fn status(words: &[String]) -> Result<Action, Usage> {
    if words.is_empty() { Ok(Action::Status) } else { Err(Usage::new("it takes no words")) }
}

fn silence(words: &[String]) -> Result<Action, Usage> {
    let matchers: Vec<String> = words.iter().map_while(|word| matcher(word)).collect();
    let (length, reason) = match &words[matchers.len()..] {
        _ if matchers.is_empty() => return Err(Usage::new("silence what? Name labels, as in `service=api`")),
        [] => return Err(Usage::new("for how long?")),
        [length, reason @ ..] => (length, reason.join(" ")),
    };
    let duration = duration::parse(length).map_err(|error| Usage::new(error.to_string()))?;
    if duration.is_zero() || duration > LONGEST_SILENCE {
        return Err(Usage::new("a silence lasts a second at least and 30 days at most"));
    }
    if reason.trim().is_empty() {
        return Err(Usage::new("why? The reason is for those who wonder"));
    }
    Ok(Action::Silence { matchers, duration, reason })
}

/// `name=value` as `name="value"`; nothing when the word is no matcher.
fn matcher(word: &str) -> Option<String> {
    let start = word.find(['=', '!', '<', '>'])?;
    let (name, rest) = word.split_at(start);
    let op = ["=~", "!~", "!=", "==", ">=", "<=", "=", ">", "<"].into_iter().find(|op| rest.starts_with(op))?;
    if !crate::alert::is_label_name(name) {
        return None;
    }
    let value = rest[op.len()..].replace('\\', "\\\\").replace('"', "\\\"");
    Some(format!("{name}{op}\"{value}\""))
}

fn ack(words: &[String]) -> Result<Action, Usage> {
    match words {
        [key, note @ ..] if !key.is_empty() && key.len() <= 255 => {
            Ok(Action::Ack { key: key.clone(), note: note.join(" ") })
        }
        _ => Err(Usage::new("which alert? Its key is in the notification")),
    }
}

fn deploy(words: &[String]) -> Result<Action, Usage> {
    let (app, version, environment) = match words {
        [app, version] => (app, version, None),
        [app, version, environment] => (app, version, Some(name("an environment", environment)?)),
        _ => return Err(Usage::new("it takes an application and a version")),
    };
    Ok(Action::Deploy { app: name("an application", app)?, version: name("a version", version)?, environment })
}

fn scale(words: &[String]) -> Result<Action, Usage> {
    let [workload, replicas] = words else { return Err(Usage::new("it takes a workload and a number")) };
    let replicas = replicas.parse().ok().filter(|n| *n <= MOST_REPLICAS);
    let replicas = replicas.ok_or_else(|| Usage::new(format!("replicas are a number up to {MOST_REPLICAS}")))?;
    Ok(Action::Scale { workload: name("a workload", workload)?, replicas })
}

/// A name of something: what image tags, Git references and Kubernetes names have in common. Never an option, never a
/// way out of a folder.
fn name(what: &str, word: &str) -> Result<String, Usage> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"._-/+:@".contains(&b);
    let fits = (1..=128).contains(&word.len())
        && word.bytes().all(is_plain)
        && word.as_bytes()[0].is_ascii_alphanumeric()
        && !word.split('/').any(|part| part.is_empty() || part == "." || part == "..");
    if fits { Ok(word.to_owned()) } else { Err(Usage::new(format!("`{word}` is no name of {what}"))) }
}

// === impl Fleet ===

impl Command for Fleet {
    fn name(&self) -> &str {
        "fleet"
    }

    fn usage(&self) -> Cow<'_, str> {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        names.join(" | ").into()
    }

    fn summary(&self) -> &str {
        "run a command of the configuration"
    }

    fn parse(&self, words: &[String]) -> Result<Action, Usage> {
        let [name] = words else { return Err(Usage::new("it takes one name, and no free text")) };
        if self.names.contains(name) {
            return Ok(Action::Fleet { name: name.clone() });
        }
        Err(Usage::new(match nearest(name, self.names.iter().map(String::as_str)) {
            Some(likely) => format!("no such command; did you mean `{likely}`?"),
            None => "no such command in the configuration".to_owned(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::words;
    use super::*;

    fn parse(line: &str) -> Result<Action, Usage> {
        let (name, text) = line.split_once(' ').unwrap_or((line, ""));
        let commands = all(BTreeSet::from(["restart-web".to_owned(), "uptime".to_owned()]));
        commands.iter().find(|command| command.name() == name).unwrap().parse(&words::split(text)?)
    }

    #[test]
    fn what_is_understood() {
        let lines = [
            "check web-01 <http://web-02.example|web-02.example>",
            "status",
            "silence service=api dc!~\"eu.*\" 2h new kernel",
            "silence title=\"disk is full\" 1h30m \"known, see #42\"",
            "ack 5f2a on it",
            "deploy shop v1.2.3",
            "deploy acme/shop 1.2.3+4 production",
            "scale shop 5",
            "fleet restart-web",
        ];
        let said = |line: &&str| format!("{line}\n  {}\n", serde_json::to_string(&parse(line).unwrap()).unwrap());
        insta::assert_snapshot!(lines.iter().map(said).collect::<String>());
    }

    #[cfg(feature = "pipeline")]
    #[test]
    fn silences_are_what_the_pipeline_understands() {
        let line = r#"silence service=api dc!~"eu.*|us\d" severity&gt;=warning title="say "it"\" host== 2h why"#;
        let Action::Silence { matchers, .. } = parse(line).unwrap() else { panic!() };
        let read = |text: &String| text.parse::<crate::stage::Matcher>().unwrap().to_string();
        let read: Vec<String> = matchers.iter().map(read).collect();
        assert_eq!(
            read,
            [r#"service="api""#, r#"dc!~"eu.*|us\\d""#, r#"severity>="warning""#, r#"title="say it\\""#, r#"host="""#]
        );
    }

    #[test]
    fn what_is_not() {
        for (line, expected) in [
            ("check", "which host?"),
            (
                "check web-01;reboot",
                "`web-01;reboot` is not a host name: letters, digits, `-`, `_` and `.` only, or an IP address",
            ),
            (
                "check -oProxyCommand=sh",
                "`-oProxyCommand=sh` is not a host name: letters, digits, `-`, `_` and `.` only, or an IP address",
            ),
            ("status now", "it takes no words"),
            ("silence 2h why", "silence what? Name labels, as in `service=api`"),
            ("silence a=b", "for how long?"),
            (
                "silence a=b soon x",
                "`soon` is not a duration: a number is missing; write 30s, 2m, 1h30m, or a number of seconds",
            ),
            ("silence a=b 2h", "why? The reason is for those who wonder"),
            ("silence a=b 40d x", "a silence lasts a second at least and 30 days at most"),
            ("deploy shop ../../etc/passwd", "`../../etc/passwd` is no name of a version"),
            ("deploy shop $(id)", "`$(id)` is no name of a version"),
            ("deploy --force v1", "`--force` is no name of an application"),
            ("scale shop -1", "replicas are a number up to 1000"),
            ("scale shop 1001", "replicas are a number up to 1000"),
            ("fleet restart-wep", "no such command; did you mean `restart-web`?"),
            ("fleet rm -rf /", "it takes one name, and no free text"),
        ] {
            assert_eq!(parse(line).unwrap_err().to_string(), expected, "{line}");
        }
    }
}
