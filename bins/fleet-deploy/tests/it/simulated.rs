//! Simulated rollouts: the same seed tells the same story.

use crate::program::{Program, Run};

/// Shows transcripts without what differs from run to run: the time in a journal's name.
fn shown(name: &str, runs: &[Run]) {
    let text: Vec<String> = runs.iter().map(ToString::to_string).collect();
    insta::with_settings!({filters => vec![(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ", "TIME")]}, {
        insta::assert_snapshot!(name, text.join("\n\n"));
    });
}

const TEN: [&str; 7] = ["v2.3.1", "-w", "web-[01-10]", "--simulate", "--fast", "--seed", "7"];

fn ten<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&TEN[..], more].concat()
}

#[test]
fn a_deployment_that_goes_well() {
    let program = Program::new();
    let args = ten(&["--batch-size", "3,6", "--canary", "1", "--delay", "30"]);
    shown("well", &[program.run(&args), program.run(&[&args[..], &["--resume"]].concat())]);
}

#[test]
fn one_that_is_aborted_and_rolled_back_and_tried_again() {
    let program = Program::new();
    let args = ten(&["--batch-size", "3", "--simulate-failure", "25%", "--rollback"]);
    shown("aborted", &[program.run(&args), program.run(&[&args[..], &["--resume"]].concat())]);
}

#[test]
fn failures_within_the_allowance_and_without_a_rollback() {
    let allowed = Program::new();
    let args = ten(&["--batch-size", "5", "--simulate-failure", "30%"]);
    shown("allowed", &[allowed.run(&[&args[..], &["--max-fail", "60%"]].concat()), Program::new().run(&args)]);
}

#[test]
fn a_pause_between_batches_and_the_rest_of_it() {
    let program = Program::new();
    let args = ten(&["--batch-size", "4", "--pause-after", "1", "--resume"]);
    shown("paused", &[program.run(&args[..args.len() - 1]), program.run(&args), program.run(&args)]);
}

#[test]
fn a_dry_run_says_what_would_be_done() {
    let plan = "batches: 1,2\ndelay: 30s\nsteps:\n  - name: package\n    upload: app-{version}.deb\n    to: /tmp/app.deb\n    mode: \"0644\"\n  - command: [dpkg, -i, /tmp/app.deb]\n    sudo: true\n  - link: /opt/app/current\n    to: /opt/app/{version}\ngate:\n  checks:\n    - http: http://{address}:8080/healthz\n    - query: sum(rate(errors[1m]))\n      prometheus: http://prom:9090\n      below: 0.1\nrollback:\n  - restore: /opt/app/current\n  - shell: apt-get install -y --allow-downgrades app\n    sudo: true\n";
    let program = Program::new().file("deploy.yaml", plan).file("app-v2.deb", "content");
    let args = ["v2", "--plan", "deploy.yaml", "-w", "web-[01-04]", "--rollback", "--dry-run"];
    shown("dry_run", &[program.run(&args), program.run(&[&args[..], &["-o", "json"]].concat())]);
    assert!(!program.path(".local").exists(), "a dry run leaves nothing behind");
}

#[test]
fn the_report_is_data() {
    let program = Program::new();
    let args =
        ten(&["--batch-size", "5", "--simulate-failure", "25%", "--rollback", "-o", "json", "--output-file", "r.json"]);
    let run = program.run(&args);
    let report = run.json();
    let file = std::fs::read_to_string(program.path("r.json")).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&file).unwrap(), report);
    assert_eq!(report["exit_code"], i64::from(run.code.unwrap()));
    assert_eq!((&report["outcome"], &report["simulated"]), (&"rolled-back".into(), &7.into()));
    assert!(report["elapsed_seconds"].as_f64().unwrap() > 2.0, "virtual time passes: {report}");
    let states: Vec<&str> =
        report["hosts"].as_array().unwrap().iter().map(|host| host["state"].as_str().unwrap()).collect();
    assert!(states.contains(&"rolled-back") && states.contains(&"skipped") && states.len() == 10, "{states:?}");
    assert!(std::path::Path::new(report["journal"].as_str().unwrap()).is_file());
}
