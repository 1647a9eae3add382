//! The outbox does the retrying: each of its tries is one request, whatever the receiver does when it is left to itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sre_alerts::alertmanager::Alertmanager;
use sre_alerts::discord::Discord;
use sre_alerts::outbox::{EntryState, NotificationQuery};
use sre_alerts::pagerduty::PagerDuty;
use sre_alerts::pipeline::{Config, Pipeline};
use sre_alerts::slack::SlackWebhook;
use sre_alerts::stage::RouteConfig;
use sre_alerts::teams::Teams;
use sre_alerts::webhook::Webhook;
use sre_alerts::{Alert, Intake, SharedNotifier};
use sre_core::http::Client;
use sre_core::{Clock, Secret, Severity, SystemClock};
use sre_testkit::scripted::{Reply, Request, Server};

const KINDS: [&str; 6] = ["alertmanager", "discord", "pagerduty", "slack", "teams", "webhook"];
const ROUTING_KEY: &str = "00000000000000000000000000000000";

/// As anybody would make it, with its own retries.
fn receiver(kind: &str, url: String) -> SharedNotifier {
    let (client, url) = (Client::builder().build().unwrap(), Secret::new(url));
    match kind {
        "alertmanager" => Arc::new(Alertmanager::new(client, [url]).unwrap()),
        "discord" => Arc::new(Discord::new(client, url).unwrap()),
        "pagerduty" => Arc::new(PagerDuty::at(client, url.expose(), Secret::new(ROUTING_KEY)).unwrap()),
        "slack" => Arc::new(SlackWebhook::new(client, url).unwrap()),
        "teams" => Arc::new(Teams::new(client, url).unwrap()),
        _ => Arc::new(Webhook::new(client, url).unwrap().idempotent()),
    }
}

/// Twice 503, then what each of them takes for a success.
fn answer(request: &Request) -> Reply {
    match (request.nth, request.path.as_str()) {
        (0 | 1, _) => Reply::text(503, "try later"),
        (_, "/pagerduty") => Reply::json(202, &serde_json::json!({ "status": "success" })),
        (_, "/discord") => Reply::json(200, &serde_json::json!({ "id": "1" })),
        (_, "/teams") => Reply::text(202, ""),
        _ => Reply::text(200, "ok"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_try_of_the_outbox_is_one_request() {
    let folder = tempfile::tempdir().unwrap();
    let mut servers = Vec::new();
    let mut receivers = BTreeMap::new();
    for kind in KINDS {
        let server = Server::start(answer).await;
        receivers.insert(kind.to_owned(), receiver(kind, format!("{}/{kind}", server.url())));
        servers.push(server);
    }
    let mut config = Config::default();
    config.routes = vec![RouteConfig::new("all", KINDS).grouping(Duration::ZERO, Duration::ZERO)];
    config.delivery.base = Duration::from_millis(50);
    let pipeline = Pipeline::open(config, folder.path().join("a.db"), receivers, SystemClock::shared()).unwrap();
    let alert = Alert::builder(Severity::Critical, "api is down").starts_at(SystemClock.now()).build().unwrap();
    pipeline.accept(vec![alert]).await.unwrap();
    for server in &servers {
        server.wait_for_requests(3).await;
    }
    let sent = async {
        while pipeline.counts().sent < KINDS.len() as u64 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), sent).await.unwrap();
    let notifications = pipeline.notifications(NotificationQuery::default()).await.unwrap();
    for (kind, server) in KINDS.iter().zip(&servers) {
        let one = notifications.iter().find(|n| n.receiver == *kind).unwrap();
        assert_eq!((one.state, one.attempts as usize, server.count()), (EntryState::Sent, 3, 3), "{kind}");
    }
    pipeline.shutdown(Duration::from_secs(5)).await;
}
