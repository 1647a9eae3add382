//! Slash commands from the form that Slack sends to the answer that people read.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use sre_alerts::chatops::{
    Action, AuditLog, AuditRecord, ChatOps, Grant, Operator, Order, PerformFuture, Permissions, Progress, Registry,
    Reply, Worker,
};
use sre_alerts::inbound::{Credential, signature};
use sre_core::http::Client;
use sre_core::{RetryPolicy, Secret, SystemClock};
use sre_testkit::scripted::{self, Server};

use super::door::{Answer, Door, NOW, SIGNING};

/// Keeps the orders; a `/status` takes its time.
#[derive(Debug, Default)]
struct Crew {
    orders: Mutex<Vec<Order>>,
    slow: tokio::sync::Notify,
}

impl Operator for Crew {
    fn perform<'a>(&'a self, order: &'a Order, progress: &'a Progress) -> PerformFuture<'a> {
        Box::pin(async move {
            self.orders.lock().unwrap().push(order.clone());
            match &order.action {
                Action::Status => {
                    for step in 0..10 {
                        progress.say(&Reply::ephemeral(format!("step {step}"))).await;
                    }
                    self.slow.notified().await;
                    Ok(Reply::in_channel("all is well"))
                }
                Action::Scale { .. } => Err("no such <workload>".to_owned()),
                action => Ok(Reply::in_channel("done").output(&format!("{action:?}"))),
            }
        })
    }
}

#[derive(Debug, Default)]
struct Written {
    records: Mutex<Vec<AuditRecord>>,
    broken: Mutex<bool>,
}

impl AuditLog for Written {
    fn record(&self, record: &AuditRecord) -> std::io::Result<()> {
        if *self.broken.lock().unwrap() {
            return Err(std::io::Error::other("disk full"));
        }
        self.records.lock().unwrap().push(record.clone());
        Ok(())
    }
}

impl Written {
    fn outcomes(&self) -> Vec<Value> {
        let records = self.records.lock().unwrap();
        records.iter().map(|record| serde_json::to_value(record).unwrap()["outcome"].clone()).collect()
    }
}

struct Room {
    door: Door,
    crew: Arc<Crew>,
    written: Arc<Written>,
    slack: Server,
}

impl Room {
    /// U1 may give any command in C1, others may look.
    async fn open(queue: usize) -> (Self, Worker) {
        let slack = Server::start(|_| scripted::Reply::text(200, "ok")).await;
        let (crew, written) = (Arc::new(Crew::default()), Arc::new(Written::default()));
        let registry = Registry::new(["restart-web".to_owned()]);
        let mut all = Grant::new(["*"], ["U1"]);
        all.channels = vec!["C1".to_owned()];
        let grants = vec![Grant::new(["check"], ["*"]), all];
        let permissions = Permissions::new(grants, &registry).unwrap();
        let client = Client::builder().retry(RetryPolicy::never()).build().unwrap();
        let chatops =
            ChatOps::builder(registry, permissions, crew.clone(), written.clone(), client, SystemClock::shared());
        let (chatops, worker) = chatops.queue(queue).workers(1).origins([slack.url()]).build().unwrap();
        let door =
            Door::open_with(|builder| builder.commands(Credential::slack(Secret::new(SIGNING)).unwrap(), chatops));
        (Self { door, crew, written, slack }, worker)
    }

    async fn give(&self, user: &str, command: &str, text: &str) -> Answer {
        self.give_with_url(user, command, text, &format!("{}/commands/T1/s3cr3t", self.slack.url())).await
    }

    async fn give_with_url(&self, user: &str, command: &str, text: &str, url: &str) -> Answer {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs([("team_id", "T1"), ("channel_id", "C1"), ("user_id", user), ("user_name", "ada")]);
        form.extend_pairs([("command", command), ("text", text), ("response_url", url)]);
        self.send(form.finish().as_bytes()).await
    }

    async fn send(&self, body: &[u8]) -> Answer {
        let (at, signed) = (NOW.to_string(), signature::sign_v0(&Secret::new(SIGNING), NOW, body));
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-slack-request-timestamp", at.as_str()),
            ("x-slack-signature", signed.as_str()),
        ];
        self.door.post("/slack/commands", &headers, body).await
    }
}

#[tokio::test]
async fn answers_audit_and_permissions() {
    let (room, worker) = Room::open(8).await;
    let worker = tokio::spawn(worker.run());
    for (user, command, text, expected) in [
        ("U7", "/check", "web-01", "done\n```\nCheck { hosts: [HostName(\"web-01\")] }\n```"),
        ("U7", "/check", "web-01;reboot", "`web-01;reboot` is not a host name"),
        ("U7", "/check", "help", "usage: `/check HOST…`: look at hosts"),
        ("U7", "/deploy", "shop v1", "you may not give `/deploy` here"),
        ("U1", "/deploy", "shop v1", "done"),
        ("U1", "/deplyo", "shop v1", "`/deplyo` is not known here; did you mean `/deploy`?"),
        ("U1", "/fleet", "restart-wep", "no such command; did you mean `restart-web`?"),
        ("U1", "/scale", "shop 3", "`/scale` failed: no such &lt;workload&gt;"),
    ] {
        let answer = room.give(user, command, text).await;
        let json = answer.json();
        assert_eq!(answer.status, 200);
        assert!(json["text"].as_str().unwrap().starts_with(expected), "{json}");
        let in_channel = expected.starts_with("done");
        assert_eq!(json["response_type"], if in_channel { "in_channel" } else { "ephemeral" });
    }
    let expected = json!([
        "begun",
        "done",
        "explained",
        "explained",
        "denied",
        "begun",
        "done",
        "unknown",
        "explained",
        "begun",
        "failed"
    ]);
    assert_eq!(json!(room.written.outcomes()), expected);
    *room.written.broken.lock().unwrap() = true;
    let answer = room.give("U1", "/deploy", "shop v2").await.json();
    assert_eq!(answer["text"], "the audit log cannot be written, so nothing was done");
    assert_eq!(room.crew.orders.lock().unwrap().len(), 3);
    room.door.close().await;
    worker.await.unwrap();
}

#[tokio::test]
async fn what_takes_longer_goes_to_the_response_url() {
    let (room, worker) = Room::open(8).await;
    let worker = tokio::spawn(worker.run());
    let answer = room.give("U1", "/status", "").await.json();
    assert_eq!(answer["text"], "on it: `/status`");
    room.crew.slow.notify_one();
    let posted = async {
        while room.slack.requests().len() < 4 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), posted).await.unwrap();
    room.door.close().await;
    worker.await.unwrap();
    // Three of ten steps: Slack takes five posts, and the end needs some.
    let texts: Vec<Value> = room.slack.requests().iter().map(|r| r.json::<Value>().unwrap()["text"].clone()).collect();
    assert_eq!(json!(texts), json!(["step 0", "step 1", "step 2", "all is well"]));
}

#[tokio::test]
async fn nothing_is_posted_elsewhere() {
    let (room, worker) = Room::open(8).await;
    let worker = tokio::spawn(worker.run());
    let other = Server::start(|_| scripted::Reply::text(200, "ok")).await;
    room.crew.slow.notify_one();
    room.give_with_url("U1", "/status", "", &format!("{}/metadata", other.url())).await;
    room.door.close().await;
    worker.await.unwrap();
    assert_eq!((other.requests().len(), room.slack.requests().len()), (0, 0));
}

#[tokio::test]
async fn a_full_queue_and_odd_forms() {
    // Nobody works: the first command waits, the second finds no room.
    let (room, _worker) = Room::open(1).await;
    let (first, second) = tokio::join!(room.give("U1", "/deploy", "shop v1"), async {
        while room.written.records.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        room.give("U1", "/deploy", "shop v2").await
    });
    assert_eq!(first.json()["text"], "on it: `/deploy shop v1`");
    assert_eq!(second.json()["text"], "too much is going on; try again in a minute");
    let answer = room.send(b"command=%2Fcheck&text=x").await;
    assert_eq!((answer.status, answer.json()["field"].as_str()), (400, Some("user_id")));
    assert_eq!(room.send(b"ssl_check=1&token=x").await.status, 200);
    assert_eq!(room.send(b"\xff\xfe=%ff&&&==%").await.status, 400);
}
