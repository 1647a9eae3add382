//! `docs/morning-check.md` says what the program does: its codes, its flags, its keys.

use morning_check::catalogue;
use morning_check::cli::Args;
use morning_check::config::Config;
use sre_core::config::Layers;

const PAGE: &str = include_str!("../../../../docs/morning-check.md");

/// What stands between two lines of the page.
fn between<'p>(from: &str, to: &str) -> &'p str {
    let (_, rest) = PAGE.split_once(from).unwrap_or_else(|| panic!("no {from:?} in the page"));
    rest.split_once(to).map_or(rest, |(found, _)| found)
}

#[test]
fn the_table_of_codes_is_the_catalogue() {
    let table: Vec<&str> = between("| code | what it is |\n| --- | --- |\n", "\n\n").lines().collect();
    let known: Vec<String> = catalogue::all().map(|doc| format!("| `{}` | {} |", doc.code, doc.title)).collect();
    assert_eq!(table, known);
}

#[test]
fn every_flag_and_subcommand_is_explained() {
    let command = <Args as clap::CommandFactory>::command();
    let words: Vec<&str> = PAGE.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).collect();
    let flags = command.get_arguments().filter_map(|arg| arg.get_long()).map(|long| format!("--{long}"));
    let missing: Vec<String> = flags.filter(|flag| !words.contains(&flag.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        assert!(PAGE.contains(&format!("`{}", sub.get_name())), "{}", sub.get_name());
    }
}

#[test]
fn its_keys_and_defaults_are_the_programs() {
    let yaml = between("All keys and their defaults:\n\n```yaml\n", "```");
    let loaded = Layers::new().text("page", yaml).unwrap().load::<Config>().unwrap().value;
    let defaults = serde_json::to_value(Config::default()).unwrap();
    assert_eq!(serde_json::to_value(loaded).unwrap(), defaults);
    for key in sre_core::config::keys::<Config>() {
        let name = key.path.rsplit('.').next().unwrap_or_default();
        let shown = yaml.contains(&format!("{name}:")) || key.path.contains("[]") || key.path == "slack.webhook";
        assert!(shown, "{key} is not in the page");
    }
    let example = between("What most begin with:\n\n```yaml\n", "```");
    Layers::new().text("page", example).unwrap().load::<Config>().unwrap();
    let rule = between("## Ignore rules\n\n```yaml\n", "```");
    assert_eq!(Layers::new().text("page", rule).unwrap().load::<Config>().unwrap().value.ignore.len(), 1);
}
