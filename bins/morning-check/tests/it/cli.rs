//! What someone sees who types at it: help, mistakes, settings, plain and coloured reports.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use sre_testkit::scripted::{Reply, Server};

use crate::program::{Program, Run};

/// Shows a run with what differs from one run to the next taken out.
fn snapshot(name: &str, run: &Run) {
    let filters = [
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[time]"),
        (r"answered in [\d.]+(ms|s|m)", "answered in [took]"),
        (r"\((\d+ attempts, )?[\d.]+(ms|s)\)", "([took])"),
        (r"(?m)^ local       this host: .*$", " local       this host: [facts]"),
    ];
    insta::with_settings!({ filters => filters, prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, run.to_string());
    });
}

#[test]
fn help_is_short_and_long() {
    snapshot("help", &Program::new().run(&["--help"]));
    snapshot("help-short", &Program::new().run(&["-h"]));
    snapshot("help-init", &Program::new().run(&["init", "-h"]));
    let version = Program::new().run(&["--version"]);
    assert_eq!(version.stdout, concat!("morning-check ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn init_writes_once_and_replaces_only_when_told() {
    let program = Program::new();
    snapshot("init-dry", &program.run(&["init", "-n"]));
    assert!(!program.path(".config").exists());
    snapshot("init", &program.run(&["init"]));
    snapshot("init-twice", &program.run(&["init"]));
    snapshot("check-config", &program.run(&["check-config"]));
    let file = program.path(".config/morning-check/config.yaml");
    std::fs::write(&file, "timeout: 5s\n").unwrap();
    snapshot("init-force", &program.run(&["init", "--force"]));
    let printed = program.run(&["init", "--stdout"]);
    assert_eq!((printed.code, printed.stderr.as_str()), (Some(0), ""));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), printed.stdout);
    assert_eq!(program.run(&["init", "own.yaml"]).code, Some(0));
    assert_eq!(std::fs::read_to_string(program.path("own.yaml")).unwrap(), printed.stdout);
    let nowhere = program.run(&["init", "/proc/nowhere/config.yaml"]);
    assert_eq!((nowhere.code, nowhere.stdout.as_str()), (Some(73), ""));
    snapshot("init-nowhere", &nowhere);
}

#[test]
fn a_mistake_in_the_file_is_shown_with_its_place() {
    let wrong = |name: &str, yaml: &str| snapshot(name, &Program::new().config(yaml).run(&["--no-state"]));
    wrong("wrong-key", "prometheus:\n  url: http://prom:9090\n  alert_severity_treshold: warning\n");
    wrong("wrong-key-in-list", "clusters:\n  - context: prod\n    critcal: false\n");
    wrong("wrong-duration", "timeout: soon\n");
    wrong("wrong-bool", "aws:\n  buckets: perhaps\n");
    wrong("wrong-list", "aws:\n  regions: us-east-1\n");
    wrong("wrong-word", "fail_on: sometimes\n");
    wrong("wrong-yaml", "clusters: [\n");
    wrong("wrong-limits", "local:\n  thresholds:\n    disk_used_percent: {warning: 95}\n");
    wrong("wrong-promql-check", "prometheus:\n  url: http://prom\n  checks:\n    hot_nodes: {cpu_percent: -1}\n");
    wrong("blanket-ignore", "ignore:\n  - reason: all is well\n");
    wrong("secret-in-file", "slack:\n  webhook: https://hooks.slack.com/services/T000/B000/verysecret\n");
    snapshot("no-such-file", &Program::new().run(&["--config", "gone.yaml"]));
}

#[test]
fn a_mistake_on_the_command_line_says_what_to_type() {
    let wrong = |name: &str, args: &[&str]| {
        let run = Program::new().run(args);
        assert_eq!((run.code, run.stdout.as_str()), (Some(64), ""), "{run}");
        snapshot(name, &run);
    };
    wrong("wrong-flag", &["--prometeus-url", "http://prom:9090"]);
    wrong("wrong-source", &["--only", "promtheus"]);
    wrong("wrong-timeout", &["--timeout", "soon"]);
    wrong("no-url", &["--only", "prometheus"]);
    wrong("alertmanager-alone", &["--alertmanager-url", "http://am:9093"]);
    wrong("nothing-to-check", &["--skip", "local"]);
    wrong("only-and-skip", &["--only", "local", "--skip", "local"]);
    wrong("wrong-query", &["--query", "findings[?severity=='critical'"]);
    wrong("wrong-query-literal", &["--query", "findings[?severity==`critical`]"]);
    wrong("query-and-text", &["--query", "findings", "-o", "text"]);
    wrong("wrong-code", &["explain", "K8S-CRASHLOP"]);
    wrong("wrong-webhook", &["--slack-webhook", "not a url at all"]);
}

#[test]
fn a_wrong_variable_is_named() {
    snapshot("wrong-variable", &Program::new().env("MORNING_CHECK_TIMOUT", "5s").run(&["check-config"]));
    snapshot("wrong-variable-value", &Program::new().env("MORNING_CHECK_TIMEOUT", "soon").run(&["check-config"]));
}

#[test]
fn common_flags_stand_before_or_after_the_subcommand() {
    let program = Program::new();
    std::fs::write(program.path("own.yaml"), "aws: {regions: [us-east-1, eu-west-1]}\n").unwrap();
    let expected = "own.yaml: ok; a run would check 2 AWS regions\n";
    assert_eq!(program.run(&["--config", "own.yaml", "check-config"]).stdout, expected);
    assert_eq!(program.run(&["check-config", "--config", "own.yaml"]).stdout, expected);
    let with_flags = program.run(&["-c", "prod", "-c", "staging", "check-config"]);
    assert_eq!(with_flags.stdout, "no configuration file: ok; a run would check 2 clusters\n");
}

#[test]
fn explain_tells_one_code_or_lists_all() {
    snapshot("explain", &Program::new().run(&["explain", "k8s-crashloop"]));
    let list = Program::new().run(&["explain"]);
    let codes: Vec<&str> = list.stdout.lines().filter_map(|l| l.split_whitespace().next()).collect();
    let known: Vec<&str> = morning_check::catalogue::all().map(|doc| doc.code.as_str()).collect();
    assert_eq!(codes, known);
}

#[test]
fn without_a_configuration_it_checks_this_host() {
    let mut run = Program::new().run(&[]);
    assert!(matches!(run.code, Some(0 | 1)), "{run}");
    let (verdict, _) = run.stdout.split_once('\n').unwrap();
    assert!(verdict.starts_with("HEALTHY  ") || verdict.starts_with("UNHEALTHY  "), "{run}");
    assert!(verdict.contains("   1 of 1 sources answered in "), "{run}");
    let from = run.stdout.find("\n local  ").unwrap_or_else(|| panic!("no summary in {run}"));
    run.stdout.drain(..=from);
    run.code = Some(0);
    snapshot("no-config", &run);
}

/// Nothing but the program's own words: the one source wants other credentials.
fn refused(program: &Program, more: &[&str]) -> Run {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start(|_| Reply::text(401, "who are you?")));
    let url = server.url();
    let mut run = program.run(&[&["--prometheus-url", &url, "--no-state"], more].concat());
    run.forget_args();
    run
}

#[test]
fn what_goes_into_a_pipe_is_plain() {
    let run = refused(&Program::new(), &[]);
    assert!(!run.stdout.contains('\x1b') && run.stderr.is_empty(), "{run}");
    assert_eq!(run.code, Some(3));
    snapshot("piped", &run);
}

#[test]
fn colour_is_forced_and_forbidden() {
    let coloured = |program: &Program, more: &[&str]| refused(program, more).stdout.contains("\x1b[");
    let force = || Program::new().env("CLICOLOR_FORCE", "1");
    assert!(coloured(&force(), &[]));
    assert!(coloured(&Program::new(), &["--color", "always"]));
    assert!(!coloured(&force().env("NO_COLOR", "1"), &[]));
    assert!(!coloured(&force(), &["--color", "never"]));
    assert!(coloured(&Program::new().env("NO_COLOR", "1"), &["--color", "always"]));
    snapshot("coloured", &refused(&force(), &[]));
    snapshot("ascii", &refused(&Program::new().env("LC_ALL", "C"), &[]));
}

#[test]
fn settings_are_shown_with_their_origin_and_without_secrets() {
    let program = Program::new()
        .config("timeout: 20s\nprometheus:\n  url: http://prom:9090\n  checks:\n    hot_nodes: {cpu_percent: 70}\n")
        .env("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T000/B000/verysecret")
        .env("PROMETHEUS_URL", "http://operator:verysecret@other:9090")
        .env("MORNING_CHECK_DEADLINE", "90s");
    let run = program.run(&["--show-config", "-r", "eu-west-1"]);
    assert!(!run.to_string().contains("verysecret"), "{run}");
    snapshot("show-config", &run);
    let json = program.run(&["--show-config", "-o", "json"]);
    assert!(!json.to_string().contains("verysecret"), "{json}");
    let shown: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(shown["slack.webhook"]["origin"], "environment variable SLACK_WEBHOOK_URL");
    assert_eq!((&shown["slack.webhook"]["value"], &shown["timeout"]["value"]), (&"***".into(), &"20s".into()));
    assert_eq!(shown["deadline"]["layer"], "environment");
}

#[test]
fn a_webhook_that_cannot_be_had_is_said_and_the_report_still_printed() {
    let run = refused(&Program::new().config("slack:\n  webhook_env: NOT_SET\n"), &["--exit-zero"]);
    snapshot("webhook-missing", &run);
}

#[test]
fn the_log_goes_to_stderr_and_to_a_file() {
    let program = Program::new();
    let log = program.path("log.jsonl");
    let args = ["-vv", "--log-format", "json", "--log-file", "log.jsonl", "--only", "local", "--no-state"];
    let run = program.run(&[&args[..], &["-o", "json"]].concat());
    serde_json::from_str::<serde_json::Value>(&run.stdout).expect("stdout is the report alone");
    let written = std::fs::read_to_string(log).unwrap();
    assert_eq!(written, run.stderr);
    for line in written.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("each line is JSON");
        assert!(line.get("level").is_some() || line.get("lvl").is_some(), "{line}");
    }
    let quiet = Program::new().run(&["--only", "local", "--no-state"]);
    assert_eq!(quiet.stderr, "");
    let nowhere = Program::new().run(&["--log-file", "/proc/nowhere/log"]);
    assert_eq!(nowhere.code, Some(64), "{nowhere}");
    snapshot("wrong-log-file", &nowhere);
}

#[test]
fn an_output_file_holds_the_report_and_stdout_nothing() {
    let program = Program::new();
    let run = program.run(&["--only", "local", "--no-state", "-o", "json", "--output-file", "report.json"]);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(program.path("report.json")).unwrap()).unwrap();
    assert_eq!(report["schema_version"], "1.0");
    let nowhere = program.run(&["--only", "local", "--no-state", "--output-file", "/proc/nowhere/report"]);
    assert_eq!(nowhere.code, Some(64), "{nowhere}");
    snapshot("output-file-nowhere", &nowhere);
    // Not even a full disk loses the report.
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_morning-check"));
    let run = program.equip(command.args(["--only", "local", "--no-state"])).stdout(full).output().unwrap();
    assert_eq!(run.status.code(), Some(73));
    assert!(String::from_utf8_lossy(&run.stderr).contains("stdout cannot be written"));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let program = Program::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_morning-check"));
    let command = program.equip(&mut command).arg("--help").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut first = String::new();
    BufReader::with_capacity(16, child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}
