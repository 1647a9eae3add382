//! The file that `init` writes: every key is in it, and what it calls a default is one.

use morning_check::config::Config;
use serde_json::Value;
use sre_core::config::{Layers, keys, read_documents};

const TEMPLATE: &str = include_str!("../../templates/config.yaml");

/// Keys that no template shows: a secret that files must not have, and second spellings.
const NOT_SHOWN: [&str; 3] = ["slack.webhook", "ignore[].target", "prometheus.checks.custom[].query"];

/// Removes the `#` from every line of settings; prose has a single space behind it. An example goes out with all that
/// is below it when `examples` is false.
fn uncommented(examples: bool) -> String {
    let mut skipped = None;
    let mut text = String::new();
    for line in TEMPLATE.lines() {
        let Some(code) = line.strip_prefix('#').filter(|code| !is_prose(code)) else { continue };
        let depth = code.len() - code.trim_start().len();
        if skipped.is_some_and(|above| depth > above) {
            continue;
        }
        skipped = (!examples && code.contains("# for example")).then_some(depth);
        if skipped.is_none() {
            text += &format!("{code}\n");
        }
    }
    text
}

fn is_prose(code: &str) -> bool {
    code.is_empty() || (code.starts_with(' ') && !code.starts_with("  "))
}

fn load(yaml: &str) -> Config {
    Layers::new().text("template", yaml).unwrap().load::<Config>().unwrap().value
}

/// Whether the document says something at a dotted key, in any item of a list.
fn says(value: &Value, path: &[&str]) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    let Some(value) = value.get(first.trim_end_matches("[]")) else { return false };
    match value {
        Value::Array(items) if first.ends_with("[]") => items.iter().any(|item| says(item, rest)),
        _ => says(value, rest),
    }
}

#[test]
fn as_written_it_changes_nothing() {
    assert_eq!(serde_json::to_value(load(TEMPLATE)).unwrap(), serde_json::to_value(Config::default()).unwrap());
}

#[test]
fn what_it_calls_a_default_is_one() {
    let config = load(&uncommented(false));
    assert_eq!(serde_json::to_value(config).unwrap(), serde_json::to_value(Config::default()).unwrap());
}

#[test]
fn every_key_is_in_it_and_every_line_loads() {
    let yaml = uncommented(true);
    load(&yaml);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("template.yaml");
    std::fs::write(&path, yaml).unwrap();
    let documents: Vec<Value> = read_documents(&path, Default::default()).unwrap();
    let known: Vec<String> = keys::<Config>().into_iter().map(|key| key.path).collect();
    let missing: Vec<&String> = known
        .iter()
        .filter(|key| !NOT_SHOWN.contains(&key.as_str()))
        .filter(|key| !says(&documents[0], &key.split('.').collect::<Vec<_>>()))
        .collect();
    assert!(missing.is_empty(), "the template does not show {missing:?}");
    let gone: Vec<_> = NOT_SHOWN.iter().filter(|key| !known.iter().any(|k| k == *key)).collect();
    assert!(gone.is_empty(), "no such keys: {gone:?}");
}

#[test]
fn lines_fit_a_wide_terminal() {
    let long: Vec<&str> = TEMPLATE.lines().filter(|line| line.chars().count() > 120).collect();
    assert!(long.is_empty(), "{long:#?}");
}
