//! `docs/fleet-deploy.md` says what the program does: its flags and its plans.

use fleet_deploy::cli::Args;
use sre_core::config::Layers;
use sre_remote::deploy::Plan;

const PAGE: &str = include_str!("../../../../docs/fleet-deploy.md");

#[test]
fn every_flag_is_explained() {
    let command = <Args as clap::CommandFactory>::command();
    let words: Vec<&str> = PAGE.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).collect();
    let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
    let flags = shown.filter_map(|arg| arg.get_long()).map(|long| format!("--{long}"));
    let missing: Vec<String> = flags.filter(|flag| !words.contains(&flag.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_plan_can_be_read_and_every_key_is_shown() {
    let plans: Vec<&str> = PAGE.split("```yaml\n").skip(1).map(|rest| rest.split_once("```").unwrap().0).collect();
    assert!(plans.len() >= 2);
    for plan in &plans {
        Layers::new().text("page", plan).unwrap().load::<Plan>().unwrap().value.prepared().unwrap();
    }
    // The limits of a host's health are fleet-run's page.
    for key in sre_core::config::keys::<Plan>().iter().filter(|key| !key.path.contains(".health.")) {
        let name = key.path.rsplit('.').next().unwrap_or_default();
        assert!(PAGE.contains(&format!("{name}:")), "{key} is not in the page");
    }
}
