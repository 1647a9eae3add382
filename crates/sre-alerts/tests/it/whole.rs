//! The whole way: a signed webhook comes in, is on disk, goes to a chat and a pager, survives a restart, and is over.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sre_alerts::inbound::{Credential, Inbound, signature};
use sre_alerts::pagerduty::PagerDuty;
use sre_alerts::pipeline::{Config, Pipeline};
use sre_alerts::slack::SlackWebhook;
use sre_alerts::stage::RouteConfig;
use sre_alerts::{SharedIntake, SharedNotifier};
use sre_core::http::Client;
use sre_core::{Clock, Secret, SystemClock};
use sre_testkit::pagerduty::{self, ROUTING_KEY, State};
use sre_testkit::scripted::Reply;
use sre_testkit::slack;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

const SECRET: &str = "a-signing-secret-of-the-tests";

struct Outside {
    slack: slack::SlackWebhook,
    pager: pagerduty::PagerDuty,
}

/// What a daemon puts together.
struct Service {
    pipeline: Pipeline,
    addr: SocketAddr,
    stop: oneshot::Sender<()>,
    served: tokio::task::JoinHandle<()>,
}

impl Service {
    fn start(store: &Path, outside: &Outside) -> Self {
        let client = || Client::builder().build().unwrap();
        let chat = SlackWebhook::new(client(), Secret::new(outside.slack.url())).unwrap();
        let pager = PagerDuty::at(client(), &outside.pager.url(), Secret::new(ROUTING_KEY)).unwrap();
        let receivers = BTreeMap::from([
            ("slack".to_owned(), Arc::new(chat) as SharedNotifier),
            ("pagerduty".to_owned(), Arc::new(pager) as SharedNotifier),
        ]);
        let mut config = Config::default();
        let all = RouteConfig::new("all", ["slack", "pagerduty"]).group_by(["..."]);
        config.routes = vec![all.grouping(Duration::ZERO, Duration::ZERO)];
        config.delivery.base = Duration::from_millis(50);
        let pipeline = Pipeline::open(config, store, receivers, SystemClock::shared()).unwrap();
        let intake: SharedIntake = Arc::new(pipeline.clone());
        let credential = Credential::hmac(Secret::new(SECRET)).unwrap();
        let inbound = Inbound::builder(intake, SystemClock::shared()).alerts(credential, []).build().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(async move {
            let _ = inbound.serve(listener, async { drop(stopped.await) }).await.unwrap();
        });
        Self { pipeline, addr, stop, served }
    }

    async fn stop(self) {
        let _ = self.stop.send(());
        self.served.await.unwrap();
        self.pipeline.shutdown(Duration::from_secs(5)).await;
    }

    async fn post(&self, body: &str) -> String {
        let now = SystemClock.now().as_second();
        let signed = signature::sign_v0(&Secret::new(SECRET), now, body.as_bytes());
        let request = format!(
            "POST /webhook/alert HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: application/json\r\n\
             {}: {now}\r\n{}: {signed}\r\ncontent-length: {}\r\n\r\n{body}",
            signature::TIMESTAMP_HEADER,
            signature::SIGNATURE_HEADER,
            body.len()
        );
        let mut stream = TcpStream::connect(self.addr).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.lines().next().unwrap_or_default().to_owned()
    }
}

async fn eventually(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..400 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("never: {what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn from_a_webhook_to_the_pager_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("alerts.db");
    let outside = Outside { slack: slack::SlackWebhook::start().await, pager: pagerduty::PagerDuty::start().await };
    let alert = |status: &str| {
        format!(
            r#"{{"type":"disk_full","title":"disk is full","severity":"critical","hostname":"web-03","status":"{status}"}}"#
        )
    };

    let service = Service::start(&store, &outside);
    // The pager is down at first: the chat hears of it all the same.
    (0..6).for_each(|_| outside.pager.reply_next(Reply::text(503, "down")));
    assert_eq!(service.post(&alert("firing")).await, "HTTP/1.1 200 OK");
    eventually("the chat is told", || outside.slack.messages().len() == 1).await;
    assert_eq!(outside.pager.incidents().len(), 0);
    service.stop().await;

    // What the pager did not take is still on disk.
    let service = Service::start(&store, &outside);
    eventually("the pager is told", || outside.pager.incidents().len() == 1).await;
    assert_eq!(service.post(&alert("firing")).await, "HTTP/1.1 200 OK");
    assert_eq!(service.post(&alert("resolved")).await, "HTTP/1.1 200 OK");
    eventually("the incident is closed", || outside.pager.incidents()[0].state == State::Resolved).await;
    eventually("the chat hears of the end", || outside.slack.messages().len() == 2).await;
    service.stop().await;
    let incidents = outside.pager.incidents();
    assert_eq!((incidents.len(), incidents[0].triggers), (1, 1), "the repeated alert was suppressed");
    assert_eq!((outside.slack.refused().len(), outside.pager.refused().len()), (0, 6), "nothing but the 503s");
}
