//! Configuration as `morning-check` has it: every mistake is shown as a person sees it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sre_core::config::{Error, ErrorKind, Layers, Loaded, SecretRef, outside_files};
use sre_core::{Clock as _, Secret, Severity, SystemClock, duration};

#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
struct Config {
    clusters: Vec<Cluster>,
    prometheus: Prometheus,
    aws: Aws,
    slack: Slack,
    #[serde(with = "duration::serde")]
    timeout: Duration,
    thresholds: Thresholds,
    checks: Vec<Check>,
    ignore: Vec<Ignore>,
    labels: BTreeMap<String, String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            clusters: Vec::new(),
            prometheus: Prometheus::default(),
            aws: Aws::default(),
            slack: Slack::default(),
            timeout: Duration::from_secs(30),
            thresholds: Thresholds { restarts: 5, disk_used: 0.9 },
            checks: Vec::new(),
            ignore: Vec::new(),
            labels: BTreeMap::new(),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Cluster {
    context: String,
    #[serde(default)]
    critical: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
struct Prometheus {
    url: Option<String>,
    alert_severity_threshold: Severity,
    queries: Vec<String>,
}

impl Default for Prometheus {
    fn default() -> Self {
        Self { url: None, alert_severity_threshold: Severity::Warning, queries: Vec::new() }
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Aws {
    regions: Vec<String>,
    profile: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Slack {
    webhook_env: Option<String>,
    webhook_file: Option<PathBuf>,
    #[serde(deserialize_with = "outside_files")]
    webhook: Option<Secret>,
    channel: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
struct Thresholds {
    restarts: u32,
    disk_used: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { restarts: 5, disk_used: 0.9 }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Check {
    name: String,
    query: String,
    above: f64,
    #[serde(default)]
    kind: Kind,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    #[default]
    Instant,
    Range {
        #[serde(with = "duration::serde")]
        step: Duration,
    },
}

#[derive(Debug, Serialize, Deserialize)]
struct Ignore {
    code: String,
    until: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    mode: String,
}

const GOOD: &str = r##"clusters:
  - context: prod-us-east-1
    critical: true          # false: its findings are at most warnings
  - context: staging-us-east-1
    critical: no
prometheus:
  url: http://bob:hunter2@prometheus.internal:9090
  alert_severity_threshold: warning
aws:
  regions: [us-east-1, eu-west-1]
  profile: prod-readonly
slack:
  webhook_env: SLACK_WEBHOOK_URL
  channel: "#ops-morning"
checks:
  - name: slow
    query: 'histogram_quantile(0.99, rate(http_seconds_bucket{job="api"}[5m])) > 1'
    above: 1
    kind: {range: {step: 30s}}
ignore:
  - code: NO
    until: 2026-03-23
    version: 1.10
    mode: 0777
labels: {country: NO, "on": 1e3}
"##;

fn text(yaml: &str) -> Result<Loaded<Config>, Error> {
    Layers::new().text("/etc/morning-check/config.yaml", yaml)?.load()
}

fn mistake(yaml: &str) -> String {
    format!("error: {}", text(yaml).unwrap_err())
}

fn env(variables: &[(&str, &str)]) -> Result<Loaded<Config>, Error> {
    Layers::new()
        .text("c.yaml", GOOD)?
        .env("MORNING_CHECK", variables.iter().copied())
        .env_alias("PROMETHEUS_URL", "prometheus.url")
        .env_alias("SLACK_WEBHOOK_URL", "slack.webhook")
        .env_known("MORNING_CHECK_CONFIG")
        .load()
}

#[test]
fn a_scalar_is_what_its_field_says() {
    let config = text(GOOD).unwrap().value;
    let ignore = &config.ignore[0];
    assert_eq!((ignore.code.as_str(), ignore.until.as_str()), ("NO", "2026-03-23"));
    assert_eq!((ignore.version.as_str(), ignore.mode.as_str()), ("1.10", "0777"));
    assert_eq!(config.labels["country"], "NO");
    assert_eq!(config.labels["on"], "1e3");
    assert!(config.clusters[0].critical && !config.clusters[1].critical);
    assert!(matches!(config.checks[0].kind, Kind::Range { step } if step == Duration::from_secs(30)));
    assert!((config.checks[0].above - 1.0).abs() < f64::EPSILON);
}

#[test]
fn mistakes_as_people_see_them() {
    let mistakes = [
        "clusters: []\n\naws: {}\n\nprometheus:\n  url: http://p\n  alert_severity_treshold: warning\n",
        "promethus:\n  url: x\n",
        "nonsense_that_nobody_meant: 1\n",
        "clusters:\n  - context: a\n  - contxt: b\n",
        "clusters:\n  - context: a\n  - critical: true\n",
        "clusters:\n  - context: a\n    critical: maybe\n",
        "clusters: prod\n",
        "clusters:\n  context: prod\n",
        "clusters: [prod]\n",
        "aws:\n  regions: us-east-1\n",
        "aws: us-east-1\n",
        "timeout: soon\n",
        "timeout: -5\n",
        "timeout:\n",
        "thresholds: {restarts: 0010}\n",
        "thresholds: {restarts: \"5\"}\n",
        "thresholds: {restarts: -1}\n",
        "thresholds: {restarts: 99999999999}\n",
        "thresholds: {disk_used: half}\n",
        "prometheus: {alert_severity_threshold: warnin}\n",
        "checks: [{name: a, query: b, above: 1, kind: ranje}]\n",
        "checks: [{name: a, query: b, above: 1, kind: {range: {stepp: 1}}}]\n",
        "checks: [{name: a, query: b, above: 1, kind: {range: {step: 1}, instant: 2}}]\n",
        "ignore: [{code: null, until: x}]\n",
        "slack:\n  webhook: https://hooks.slack.com/services/T0/B0/verysecret\n",
        "slack:\n  webhook_url: https://hooks.slack.com/services/T0/B0/verysecret\n",
        "aws: {profile: a, profile: b}\n",
        "timeout: 5\naws: {}\ntimeout: 6\n",
        "aws:\n\tprofile: a\n",
        "aws: profile: a\n",
        "aws: {profile: a\n",
        "timeout: !soon 5\n",
        "timeout: *soon\n",
        "timeout: 5s\n@x\n",
        "- a\n- b\n",
        "just text\n",
        "[a]: b\n",
        "aws:\n  <<: 5\n",
    ];
    let shown: Vec<String> = mistakes.iter().map(|yaml| format!("{yaml}{}\n", mistake(yaml))).collect();
    let all = shown.join("\n");
    assert!(!all.contains("verysecret\n  -->") && !all.contains("B0/verysecret`"), "{all}");
    insta::assert_snapshot!(all);
}

#[test]
fn no_mistake_shows_a_secret() {
    for yaml in ["slack: {webhook: verysecret}", "slack: {webhook: [verysecret]}", "slack: {webhook_url: verysecret}"] {
        let error = text(yaml).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InlineSecret, "{error}");
        assert!(!format!("{error} {error:?} {error:#}").contains("verysecret"), "{error:?}");
    }
    assert_eq!(text("slack: {webhook: x}").unwrap_err().key(), "slack.webhook");
}

#[test]
fn layers_win_in_their_order_and_say_so() {
    let loaded: Loaded<Config> = Layers::new()
        .flag("--timeout", "timeout", Some("5s"))
        .flag("--profile", "aws.profile", None::<String>)
        .flag_list("--region", "aws.regions", ["ap-south-1"])
        .flag_list("--cluster", "clusters", Vec::<String>::new())
        .env(
            "MORNING_CHECK",
            [
                ("MORNING_CHECK_TIMEOUT", "1m"),
                ("MORNING_CHECK_THRESHOLDS_RESTARTS", "9"),
                ("MORNING_CHECK_PROMETHEUS_QUERIES", "up, down,"),
                ("MORNING_CHECK_AWS_PROFILE", ""),
            ],
        )
        .text("c.yaml", GOOD)
        .unwrap()
        .text("d.yaml", "aws:\n  profile: other\n---\nprometheus:\nthresholds:\n  restarts: 7\n")
        .unwrap()
        .load()
        .unwrap();
    assert_eq!(loaded.value.timeout, Duration::from_secs(5));
    assert_eq!(loaded.value.prometheus.queries, ["up", "down"]);
    assert_eq!(loaded.layered("thresholds.restarts", |c| c.thresholds.restarts).value, 9);
    assert_eq!(loaded.origin("aws.regions").layer(), "flag");
    assert_eq!(loaded.origin("slack.webhook_env").to_string(), "c.yaml:13:16");
    insta::assert_snapshot!(loaded.show());
    insta::assert_json_snapshot!(loaded.show().to_json());
}

#[test]
fn what_is_shown_can_be_read_again() {
    let shown = text(&GOOD.replace("bob:hunter2@", "")).unwrap().show().to_string();
    let again = text(&shown).unwrap().show();
    let values = |json: serde_json::Value| -> Vec<serde_json::Value> {
        json.as_object().unwrap().values().map(|v| v["value"].clone()).collect()
    };
    assert_eq!(values(again.to_json()), values(text(&GOOD.replace("bob:hunter2@", "")).unwrap().show().to_json()));
}

#[test]
fn the_environment_names_itself_in_errors_and_warnings() {
    let wrong = [
        [("MORNING_CHECK_TIMEOUT", "soon")],
        [("MORNING_CHECK_THRESHOLDS_DISK_USED", "much")],
        [("PROMETHEUS_URL", "http://prom:9090")],
        [("MORNING_CHECK_TIMOUT", "5s")],
        [("MORNING_CHECK_CLUSTERS", "a,b")],
        [("MORNING_CHECK_LABELS", "a")],
        [("MORNING_CHECK_WHATEVER", "a")],
        [("MORNING_CHECK_CONFIG", "/x")],
        [("MORNING_CHECKED", "1")],
    ];
    let say = |variables: &[(&str, &str)]| match env(variables) {
        Ok(loaded) => format!("{} {:?}", loaded.origin("prometheus.url"), loaded.warnings),
        Err(error) => format!("error: {error}"),
    };
    let all: Vec<String> = wrong.iter().map(|v| format!("{v:?}\n{}\n", say(v))).collect();
    insta::assert_snapshot!(all.join("\n"));
    let slack = env(&[("SLACK_WEBHOOK_URL", "https://hooks.slack.com/x")]).unwrap();
    assert_eq!(slack.value.slack.webhook.as_ref().unwrap().expose(), "https://hooks.slack.com/x");
    assert!(!slack.show().to_string().contains("hooks.slack.com"), "{}", slack.show());
    let prefixed = env(&[("PROMETHEUS_URL", "http://a"), ("MORNING_CHECK_PROMETHEUS_URL", "http://b")]).unwrap();
    assert_eq!(prefixed.value.prometheus.url.as_deref(), Some("http://b"));
}

#[test]
fn a_wrong_flag_is_named() {
    let error = Layers::new().flag("--timeout", "timeout", Some("soon")).load::<Config>().unwrap_err();
    insta::assert_snapshot!(format!("error: {error}\none line: {error:#}"));
}

#[test]
fn files_that_cannot_be_read_say_why() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::write(at("config.yaml"), "timeout: 5s\n").unwrap();
    std::fs::write(at("latin.yaml"), b"a: 1\nb: caf\xe9\n").unwrap();
    std::fs::write(at("big.yaml"), vec![b'#'; 2 << 20]).unwrap();
    let say = |name: &str| Layers::new().file(at(name)).map(|_| ()).unwrap_err();
    let all: Vec<String> = ["confg.yaml", "latin.yaml", "big.yaml", ".", "config.yaml/x"]
        .iter()
        .map(|name| format!("error: {}", say(name)).replace(&dir.path().display().to_string(), "DIR"))
        .collect();
    insta::assert_snapshot!(all.join("\n"));
    assert!(Layers::new().file_if_exists(at("none.yaml")).unwrap().load::<Config>().unwrap().files.is_empty());
    assert_eq!(Layers::new().file_if_exists(at("latin.yaml")).unwrap_err().kind(), ErrorKind::NotUtf8);
    let loaded = Layers::new().file_if_exists(at("config.yaml")).unwrap().load::<Config>().unwrap();
    assert_eq!(loaded.files, [at("config.yaml")]);
    assert_eq!(say("confg.yaml").exit_code().get(), 64);
}

#[test]
fn a_secret_file_is_trimmed_and_must_not_be_writable_by_others() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("webhook");
    std::fs::write(&path, " https://hooks.slack.com/services/x \n").unwrap();
    let chmod = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    let reference = SecretRef::new("slack.webhook", None, Some(path.clone()));
    chmod(0o600);
    let secret = reference.resolve(|_| None).unwrap().unwrap();
    assert_eq!(secret.expose(), "https://hooks.slack.com/services/x");
    chmod(0o666);
    let open = reference.resolve(|_| None).unwrap_err();
    std::fs::write(&path, "\n").unwrap();
    chmod(0o600);
    let empty = reference.resolve(|_| None).unwrap_err();
    let missing = SecretRef::new("slack.webhook", None, Some(dir.path().join("none"))).resolve(|_| None).unwrap_err();
    let unset = SecretRef::new("slack.webhook", Some("HOOK".into()), None).resolve(|_| None).unwrap_err();
    let inline = SecretRef::new("slack.webhook", Some("https://x".into()), None).resolve(|_| None).unwrap_err();
    let both = SecretRef::new("slack.webhook", Some("A".into()), Some("b".into())).resolve(|_| None).unwrap_err();
    let all: Vec<String> = [open, empty, missing, unset, inline, both]
        .iter()
        .map(|e| format!("error: {e}").replace(&dir.path().display().to_string(), "DIR"))
        .collect();
    insta::assert_snapshot!(all.join("\n"));
    assert!(SecretRef::default().resolve(|_| None).unwrap().is_none());
}

#[test]
fn hostile_files_end_quickly() {
    let clock = SystemClock;
    let started = clock.instant();
    let laughs = (1..20).fold("a0: &a0 x\n".to_owned(), |text, i| {
        format!("{text}a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 9].join(","))
    });
    for yaml in [laughs, "[".repeat(900_000), "{a: ".repeat(200_000), "- ".repeat(100_000), "? ".repeat(100_000)] {
        let error = text(&yaml).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Limit | ErrorKind::Syntax), "{error}");
    }
    let took = clock.instant() - started;
    assert!(took < Duration::from_secs(20), "{took:?}");
}

proptest::proptest! {
    #[test]
    fn random_yaml_never_panics(
        lines in proptest::collection::vec(
            "( {0,4})(- )?(clusters|context|prometheus|url|timeout|slack|webhook|labels|<<)?(: )?[\\[{&*!|>'\"~a-c0-9.,:\\]}#\t-]{0,6}",
            0..12,
        )
    ) {
        let _ = text(&lines.join("\n")).map(|loaded| loaded.show().to_string());
    }

    #[test]
    fn text_survives_whatever_it_looks_like(value in "[A-Za-z0-9.:/_+-]{1,12}") {
        let quoted = format!("aws:\n  profile: {value:?}\n");
        assert_eq!(text(&quoted).unwrap().value.aws.profile, Some(value));
    }
}
