//! What comes out: every format, filters, queries, Slack and its failures, exit codes, and no secret anywhere.

use serde_json::{Value, json};
use sre_testkit::aws::AwsApi;
use sre_testkit::kubernetes::{KubeApi, Kubeconfig, objects};
use sre_testkit::scripted::{Reply, Server};
use sre_testkit::slack::SlackWebhook;

use crate::rig::{Rig, source};

/// A cluster with a crash loop and a home directory that knows it as `prod`.
async fn crash_loop() -> (KubeApi, Rig) {
    let api = KubeApi::builder()
        .token("a-token-that-no-log-may-show")
        .pods(vec![objects::crash_looping_pod("shop", "web"), objects::pod("shop", "cart")])
        .nodes(vec![objects::node("node-1", true)]);
    let api = api.start().await;
    let rig = Rig::new();
    rig.kubeconfig(&Kubeconfig::new().api("prod", &api));
    (api, rig)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_can_be_read() {
    let (_api, rig) = crash_loop().await;
    for format in ["text", "json", "slack", "markdown", "junit", "html"] {
        let run = rig.run(["-c", "prod", "-o", format]).await;
        assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""), "{run:?}");
        let text = &run.stdout;
        assert!(text.contains("CrashLoopBackOff") || text.contains("K8S-CRASHLOOP"), "{text}");
        match format {
            "json" | "slack" => assert!(serde_json::from_str::<Value>(text).unwrap().is_object()),
            "junit" => assert!(text.starts_with("<?xml") && balanced(text) && text.contains("<failure"), "{text}"),
            "html" => assert!(text.starts_with("<!doctype html>") && balanced(text), "{text}"),
            _ => assert!(!text.contains('\u{1b}') && text.contains("UNHEALTHY"), "{text}"),
        }
        let file = rig.home().join(format!("report.{format}"));
        let run = rig.run(["-c", "prod", "-o", format, "--output-file", file.to_str().unwrap()]).await;
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{run:?}");
        assert_eq!(std::fs::read_to_string(file).unwrap().lines().count() > 3, text.lines().count() > 3);
    }
}

/// Whether each element that is opened is closed, in the right order.
fn balanced(document: &str) -> bool {
    let mut open: Vec<&str> = Vec::new();
    for tag in document.split('<').skip(1).map(|rest| rest.split_once('>').map_or("", |(tag, _)| tag)) {
        let name = tag.split([' ', '\n', '/']).next().unwrap_or_default();
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return false;
            }
        } else if !(tag.starts_with(['?', '!']) || tag.ends_with('/') || ["meta", "br", "link", "hr"].contains(&name)) {
            open.push(name);
        }
    }
    open.is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_skip_and_query_select() {
    let (_api, rig) = crash_loop().await;
    let kinds = async |args: &[&str]| {
        let base =
            ["-c", "prod", "--prometheus-url", "http://127.0.0.1:9", "--timeout", "3s", "--query", "sources[].source"];
        let run = rig.run(base.iter().chain(args)).await;
        (run.code, run.json())
    };
    assert_eq!(kinds(&[]).await, (Some(1), json!(["kubernetes", "prometheus"])));
    assert_eq!(kinds(&["--only", "kubernetes"]).await, (Some(1), json!(["kubernetes"])));
    assert_eq!(kinds(&["--skip", "kubernetes"]).await, (Some(2), json!(["prometheus"])));
    assert_eq!(kinds(&["--only", "kubernetes", "--fail-on", "never"]).await.0, Some(0));
    assert_eq!(kinds(&["--skip", "kubernetes", "--exit-zero"]).await.0, Some(0));
    let run = rig.run(["-c", "prod", "--query", "verdict.status"]).await;
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), "unhealthy\n"), "a bare string has no quotes");
    let run = rig.run(["-c", "prod", "--query", "findings[?"]).await;
    assert_eq!((run.code, run.stdout.as_str()), (Some(64), ""), "told before anything is asked: {run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_what_slack_would_get_and_posts_nothing() {
    let (_api, mut rig) = crash_loop().await;
    let slack = SlackWebhook::start().await;
    rig.set("SLACK_WEBHOOK_URL", slack.url());
    let args = ["-c", "prod", "--no-state"];
    let dry = rig.run(args.iter().chain(&["-n"])).await;
    assert_eq!((dry.code, slack.server().count()), (Some(1), 0), "{dry:?}");
    let payload = dry.stdout.split_once("would post the report").unwrap().1;
    let payload: Value = serde_json::from_str(payload.split_once('\n').unwrap().1).unwrap();
    let run = rig.run(args).await;
    assert_eq!((run.code, slack.refused()), (Some(1), vec![]), "{run:?}");
    let posted = slack.messages();
    assert_eq!(posted.len(), 1);
    assert_eq!(timeless(&payload), timeless(&posted[0]), "all but the time that it took");
    assert!(!rig.home().join(".local").exists(), "neither left a trace");
}

/// A message without the time that the run took.
fn timeless(message: &Value) -> String {
    let text = message.to_string();
    let (head, rest) = text.split_once(" answered in ").unwrap();
    format!("{head}{}", rest.trim_start_matches(|c: char| c.is_ascii_digit() || ".ms ".contains(c)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_fails_is_exit_2_and_the_report_is_printed() {
    let (_api, mut rig) = crash_loop().await;
    let slack = SlackWebhook::start().await;
    rig.set("SLACK_WEBHOOK_URL", slack.url());
    for error in ["no_service", "channel_is_archived"] {
        slack.fail_next(error);
        let run = rig.run(["-c", "prod"]).await;
        assert!(run.code == Some(2) && run.stdout.contains("UNHEALTHY"), "{run:?}");
        assert!(run.stderr.contains("was not posted") && run.stderr.contains(error), "{run:?}");
    }
    rig.set("SLACK_WEBHOOK_URL", format!("{}{}", sre_testkit::refused_url(), slack.path()));
    let run = rig.run(["-c", "prod", "--timeout", "3s"]).await;
    assert!(run.code == Some(2) && run.stdout.contains("UNHEALTHY"), "{run:?}");
    assert!(run.stderr.contains("was not posted") && !run.stderr.contains("aSecret"), "{run:?}");
    rig.unset("SLACK_WEBHOOK_URL");
    rig.config("slack: {webhook_env: NOBODY_SET_THIS}");
    let run = rig.run(["-c", "prod"]).await;
    assert!(run.code == Some(2) && run.stderr.contains("NOBODY_SET_THIS"), "{run:?}");
    let run = rig.run(["-c", "prod", "--exit-zero"]).await;
    assert_eq!(run.code, Some(0), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_printed_logged_or_kept() {
    let (api, mut rig) = crash_loop().await;
    let slack = SlackWebhook::start().await;
    let refusing = Server::start(|_| Reply::text(401, "bad token")).await;
    let cloud = AwsApi::builder().region("us-east-1").start().await;
    let secrets = [
        ("SLACK_WEBHOOK_URL", slack.url()),
        ("PROM_TOKEN", "prometheus-secret-1".to_owned()),
        ("AM_PASSWORD", "alertmanager-secret-2".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "aws-secret-3".to_owned()),
        ("AWS_SESSION_TOKEN", "aws-secret-4".to_owned()),
    ];
    secrets.iter().for_each(|(name, value)| rig.set(name, value));
    rig.set("AWS_ENDPOINT_URL", cloud.url());
    rig.config(&format!(
        "prometheus: {{url: '{0}', auth: {{bearer_env: PROM_TOKEN}}}}
alertmanager: {{url: '{0}', auth: {{username: me, password_env: AM_PASSWORD}}}}
aws: {{regions: [us-east-1], buckets: false}}
",
        refusing.url().replace("http://", "http://user:url-secret-5@")
    ));
    let hidden: Vec<&str> = secrets[1..].iter().map(|(_, value)| value.as_str()).collect();
    let hidden = [&hidden[..], &["url-secret-5", api.token(), slack.path(), "aSecretThat"]].concat();
    let log = rig.home().join("run.log");
    for fails in [false, true] {
        if fails {
            slack.fail_next("no_service");
        }
        let run = rig.run(["-c", "prod", "-vvv", "--log-file", log.to_str().unwrap()]).await;
        assert_eq!(run.code, Some(if fails { 2 } else { 1 }), "{run:?}");
        assert!(run.stderr.lines().count() > 20, "-vvv tells everything else: {}", run.stderr);
        let shown = rig.run(["-c", "prod", "--show-config"]).await.stdout;
        for secret in &hidden {
            assert!(!run.stdout.contains(secret), "{secret} on stdout: {}", run.stdout);
            let line = run.stderr.lines().find(|line| line.contains(secret));
            assert!(line.is_none(), "{secret} on stderr: {line:?}");
            assert!(!shown.contains(secret), "{secret} in --show-config: {shown}");
            for (path, text) in rig.everything_written() {
                let ours = path.ends_with(".kube/config") || path.ends_with("config.yaml");
                assert!(ours || !text.contains(secret), "{secret} in {}", path.display());
            }
        }
    }
    assert!(log.exists() && !refusing.requests().is_empty() && !cloud.calls().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn when_nobody_lets_us_in_it_is_exit_3() {
    let (api, mut rig) = crash_loop().await;
    rig.kubeconfig(&Kubeconfig::new().api_with_token("prod", &api, "of-yesterday"));
    let refusing = Server::start(|_| Reply::text(403, "no")).await;
    let cloud = AwsApi::builder().region("us-east-1");
    let cloud = cloud.fault(|_, _| Some(sre_testkit::aws::sts_error(403, "ExpiredToken", "expired"))).start().await;
    rig.set("AWS_ENDPOINT_URL", cloud.url());
    let args = ["-c", "prod", "-r", "us-east-1", "--prometheus-url", &refusing.url(), "-o", "json"];
    let run = rig.run(args).await;
    let report = run.json();
    assert_eq!((run.code, &report["verdict"]["exit_code"]), (Some(3), &json!(3)), "{run:?}");
    assert!(report["sources"].as_array().unwrap().iter().all(|s| s["error"]["class"] == "auth"));
    assert_eq!(source(&report, "aws", "account")["error"]["attempts"], 1, "one error, not one a region");
    let local = rig.run(args.iter().chain(&["--only", "kubernetes", "--only", "local"])).await;
    assert_ne!(local.code, Some(0), "this host needs no credentials and is no excuse");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_permission_is_a_partial_answer_with_its_remedy() {
    let api = KubeApi::builder()
        .forbid("nodes")
        .forbid_in("jobs", "shop")
        .pods(vec![objects::pod("shop", "cart"), objects::crash_looping_pod("pay", "api")]);
    let api = api.start().await;
    let rig = Rig::new();
    rig.kubeconfig(&Kubeconfig::new().api("prod", &api));
    let run = rig.run(["-c", "prod", "--namespace", "shop", "-o", "json"]).await;
    let report = run.json();
    assert_eq!((run.code, &report["verdict"]["status"]), (Some(2), &json!("unknown")), "never healthy: {run:?}");
    let prod = source(&report, "kubernetes", "prod");
    assert_eq!((&prod["state"], &prod["error"]), (&json!("partial"), &Value::Null));
    assert_eq!(prod["notes"], json!(["no permission to list nodes", "no permission to list jobs in shop"]));
    assert_eq!(
        (&report["kubernetes"][0]["pods"]["total"], &report["kubernetes"][0]["nodes"]),
        (&json!(1), &Value::Null)
    );
    let denied = report["findings"].as_array().unwrap().iter().filter(|f| f["code"] == "K8S-DENIED");
    let roles: Vec<String> = denied.map(|f| f["evidence"].to_string()).collect();
    assert!(roles.len() == 2 && roles.iter().all(|role| role.contains("ClusterRole")), "{roles:?}");
    let all = rig.run(["-c", "prod"]).await;
    assert_eq!(all.code, Some(1), "what can be seen is judged: {all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_side_by_side_leave_one_whole_memory() {
    let (_api, rig) = crash_loop().await;
    let run = || rig.run(["-c", "prod", "-o", "json"]);
    let runs = tokio::join!(run(), run(), run(), run());
    for run in [runs.0, runs.1, runs.2, runs.3] {
        assert_eq!(run.code, Some(1), "{run:?}");
    }
    let state = std::fs::read_to_string(rig.home().join(".local/state/morning-check/last-run.json")).unwrap();
    assert!(serde_json::from_str::<Value>(&state).unwrap()["findings"].is_object(), "{state}");
    let next = run().await.json();
    assert!(next["findings"].as_array().unwrap().iter().all(|f| f["age"] == "ongoing"), "{next}");
}
