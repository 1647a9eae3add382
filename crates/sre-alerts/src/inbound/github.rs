//! `/webhook/github`: broken runs, checks and deployments become alerts; the next good one resolves them
//! (<https://docs.github.com/en/webhooks/webhook-events-and-payloads>).
//!
//! | event | alert |
//! | --- | --- |
//! | `workflow_run` completed | error on `failure`, `timed_out`, `startup_failure`; resolved on `success` |
//! | `check_run`, `check_suite` completed | the same |
//! | `deployment_status` | error on `failure` and `error`; resolved on `success` |
//! | `deployment` | info: who deploys what where |
//! | `ping` | none |
//!
//! What else these events say (queued, cancelled, skipped) is taken and is no alert.

use jiff::Timestamp;
use serde::Deserialize;
use sre_core::Severity;

use super::rejection::{Rejection, RejectionKind};
use super::{foreign, json};
use crate::alert::{Alert, AlertBuilder, longest};

#[derive(Debug, Deserialize)]
struct Repository {
    full_name: String,
}

#[derive(Debug, Deserialize)]
struct WorkflowEvent {
    workflow_run: Run,
    repository: Repository,
}

#[derive(Debug, Deserialize)]
struct CheckRunEvent {
    check_run: CheckRun,
    repository: Repository,
}

#[derive(Debug, Deserialize)]
struct CheckSuiteEvent {
    check_suite: Run,
    repository: Repository,
}

#[derive(Debug, Deserialize)]
struct CheckRun {
    #[serde(flatten)]
    run: Run,
    check_suite: Option<Suite>,
}

#[derive(Debug, Deserialize)]
struct Suite {
    head_branch: Option<String>,
}

/// What runs, checks and suites have in common.
#[derive(Debug, Deserialize)]
struct Run {
    name: Option<String>,
    head_branch: Option<String>,
    #[serde(default)]
    head_sha: String,
    conclusion: Option<String>,
    #[serde(default)]
    html_url: String,
    app: Option<App>,
}

#[derive(Debug, Deserialize)]
struct App {
    #[serde(default)]
    slug: String,
}

#[derive(Debug, Deserialize)]
struct DeploymentEvent {
    deployment: Deployment,
    deployment_status: Option<DeploymentStatus>,
    repository: Repository,
}

#[derive(Debug, Deserialize)]
struct Deployment {
    #[serde(default, rename = "ref")]
    reference: String,
    #[serde(default)]
    environment: String,
    creator: Option<Creator>,
}

#[derive(Debug, Deserialize)]
struct Creator {
    #[serde(default)]
    login: String,
}

#[derive(Debug, Deserialize)]
struct DeploymentStatus {
    #[serde(default)]
    state: String,
    description: Option<String>,
    log_url: Option<String>,
}

/// Reads the body of an event, named by the header `X-GitHub-Event`.
///
/// # Errors
/// [`RejectionKind::Malformed`] with the field, [`RejectionKind::UnknownType`] for an event that is not in the table:
/// unsubscribe from it.
pub fn parse(event: &str, body: &[u8], now: Timestamp) -> Result<Vec<Alert>, Rejection> {
    let alert = match event {
        "ping" => None,
        "workflow_run" => {
            let WorkflowEvent { workflow_run, repository } = json::read(body)?;
            run("workflow", &workflow_run, workflow_run.head_branch.as_deref(), &repository, now)
        }
        "check_run" => {
            let CheckRunEvent { check_run: CheckRun { run: check, check_suite }, repository } = json::read(body)?;
            let branch = check_suite.and_then(|suite| suite.head_branch);
            run("check", &check, branch.as_deref(), &repository, now)
        }
        "check_suite" => {
            let CheckSuiteEvent { check_suite, repository } = json::read(body)?;
            run("check_suite", &check_suite, check_suite.head_branch.as_deref(), &repository, now)
        }
        "deployment" | "deployment_status" => deployment(&json::read(body)?, now),
        _ => return Err(Rejection::new(RejectionKind::UnknownType, "is not handled here").field("X-GitHub-Event")),
    };
    alert.map(|builder| foreign::build(builder, "")).into_iter().collect()
}

fn run(kind: &str, run: &Run, branch: Option<&str>, repository: &Repository, now: Timestamp) -> Option<AlertBuilder> {
    let conclusion = run.conclusion.as_deref().unwrap_or_default();
    let good = match conclusion {
        "failure" | "timed_out" | "startup_failure" => false,
        "success" => true,
        _ => return None,
    };
    // A suite has no name of its own; the app that made it is what tells suites apart.
    let app = run.app.as_ref().map(|app| app.slug.as_str());
    let (name, branch) = (run.name.as_deref().or(app).unwrap_or("unnamed"), branch.unwrap_or("unknown branch"));
    let verb = if conclusion == "timed_out" { "timed out" } else { "failed" };
    let title = format!("{} {name} {verb} on {branch}", kind.replace('_', " "));
    let repo = &repository.full_name;
    let builder = Alert::builder(Severity::Error, foreign::line(&title, longest::TITLE))
        .source(foreign::line(repo, longest::SOURCE))
        .dedup_key(foreign::key(&format!("github:{kind}:{repo}:{branch}:{name}")))
        .labels(foreign::labels([
            ("type", format!("github_{kind}").as_str()),
            ("repository", repo),
            ("branch", branch),
            ("name", name),
        ]))
        .field("Commit", foreign::clip(&run.head_sha, longest::FIELD))
        .starts_at(now);
    let builder = foreign::link(builder, "run", &run.html_url);
    Some(if good { builder.resolved_at(now) } else { builder })
}

fn deployment(event: &DeploymentEvent, now: Timestamp) -> Option<AlertBuilder> {
    let (repo, reference) = (&event.repository.full_name, &event.deployment.reference);
    let environment = &event.deployment.environment;
    let creator = event.deployment.creator.as_ref().map_or("somebody", |creator| &creator.login);
    let what = format!("deployment of {repo} {reference} to {environment}");
    let labels = foreign::labels([
        ("type", "github_deployment"),
        ("repository", repo.as_str()),
        ("environment", environment),
        ("ref", reference),
    ]);
    let builder = |severity: Severity, title: &str, key: &str| {
        Alert::builder(severity, foreign::line(title, longest::TITLE))
            .source(foreign::line(repo, longest::SOURCE))
            .dedup_key(foreign::key(key))
            .labels(labels.clone())
            .field("By", foreign::clip(creator, longest::FIELD))
            .starts_at(now)
    };
    let Some(status) = &event.deployment_status else {
        let key = format!("github:deployment:{repo}:{environment}:{reference}:started");
        return Some(builder(Severity::Info, &format!("{what} by {creator}"), &key));
    };
    // One key an environment: the next deployment that works resolves it, whatever its ref.
    let failed =
        builder(Severity::Error, &format!("{what} failed"), &format!("github:deployment:{repo}:{environment}"))
            .message(foreign::clip(status.description.as_deref().unwrap_or_default(), longest::MESSAGE));
    let failed = foreign::link(failed, "log", status.log_url.as_deref().unwrap_or_default());
    match status.state.as_str() {
        "failure" | "error" => Some(failed),
        "success" => Some(failed.resolved_at(now)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(event: &str, body: &Value) -> Result<Vec<Alert>, Rejection> {
        parse(event, body.to_string().as_bytes(), "2026-03-23T07:00:00Z".parse().unwrap())
    }

    fn workflow(conclusion: &str) -> Value {
        json!({ "action": "completed", "repository": { "full_name": "acme/shop" }, "workflow_run": {
            "name": "CI", "head_branch": "main", "head_sha": "0123abc", "conclusion": conclusion, "status": "completed",
            "html_url": "https://github.com/acme/shop/actions/runs/1" } })
    }

    #[test]
    fn a_failed_run_fires_and_a_good_one_resolves_it() {
        let failed = read("workflow_run", &workflow("failure")).unwrap();
        insta::assert_json_snapshot!(failed);
        let good = read("workflow_run", &workflow("success")).unwrap();
        assert!(good[0].is_resolved() && good[0].key() == failed[0].key());
        for other in ["cancelled", "skipped", "neutral", "stale", "action_required"] {
            assert_eq!(read("workflow_run", &workflow(other)).unwrap(), [], "{other}");
        }
    }

    #[test]
    fn checks_and_suites() {
        let check = json!({ "action": "completed", "repository": { "full_name": "acme/shop" }, "check_run": {
            "name": "lint", "head_sha": "0", "conclusion": "timed_out", "html_url": "https://github.com/x",
            "check_suite": { "head_branch": "main" } } });
        assert_eq!(read("check_run", &check).unwrap()[0].title, "check lint timed out on main");
        let suite = json!({ "action": "completed", "repository": { "full_name": "acme/shop" }, "check_suite": {
            "head_branch": null, "conclusion": "failure", "app": { "slug": "travis" } } });
        assert_eq!(read("check_suite", &suite).unwrap()[0].title, "check suite travis failed on unknown branch");
    }

    #[test]
    fn deployments() {
        let started = json!({ "repository": { "full_name": "acme/shop" },
            "deployment": { "ref": "v2", "environment": "production", "creator": { "login": "ada" } } });
        let alert = read("deployment", &started).unwrap().remove(0);
        assert_eq!(
            (alert.severity, alert.title.as_str()),
            (Severity::Info, "deployment of acme/shop v2 to production by ada")
        );
        let mut status = started;
        status["deployment_status"] = json!({ "state": "failure", "description": null, "log_url": "https://ci/1" });
        let failed = read("deployment_status", &status).unwrap().remove(0);
        assert_eq!((failed.severity, failed.is_resolved()), (Severity::Error, false));
        status["deployment"]["ref"] = json!("v3");
        status["deployment_status"]["state"] = json!("success");
        let good = read("deployment_status", &status).unwrap().remove(0);
        assert!(good.is_resolved() && good.key() == failed.key());
    }

    #[test]
    fn a_ping_is_fine_and_an_unknown_event_is_not() {
        assert_eq!(read("ping", &json!({ "zen": "x" })).unwrap(), []);
        assert_eq!(read("star", &json!({})).unwrap_err().kind(), RejectionKind::UnknownType);
        let error = read("workflow_run", &json!({ "repository": { "full_name": "x" } })).unwrap_err();
        assert!(error.to_string().starts_with("workflow_run: missing field"), "{error}");
    }
}
