//! The receivers: they note every notification and how they answered, and fail at times.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use sre_alerts::webhook::Webhook;
use sre_alerts::{Alert, Notification, SharedNotifier};
use sre_core::Secret;
use sre_core::http::Client;
use sre_testkit::scripted::{Reply, Request, Server};

use super::random;

/// Hears of each batch alone.
pub(super) const PAGER: &str = "pager";
/// Hears of all together.
pub(super) const CHAT: &str = "chat";
/// The same, and takes its time.
pub(super) const SLOW: &str = "slow";
pub(super) const ALL: [&str; 3] = [PAGER, CHAT, SLOW];

const RUN: &str = "x-run";

/// All receivers; they outlive the processes that send to them.
#[derive(Debug)]
pub(super) struct Outside {
    servers: BTreeMap<&'static str, (Server, Notes)>,
}

type Notes = Arc<Mutex<Vec<Heard>>>;

/// One request.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    /// Which process sent it.
    pub(super) run: String,
    /// The notification as JSON.
    pub(super) text: String,
    /// The alerts that it says fire, by their titles.
    pub(super) firing: Vec<String>,
    /// Those that are over.
    pub(super) over: Vec<String>,
    /// The answer was a success, whether or not anybody lived to read it.
    pub(super) taken: bool,
}

impl Outside {
    pub(super) async fn start() -> Self {
        let mut servers = BTreeMap::new();
        for name in ALL {
            let heard = Notes::default();
            let notes = Arc::clone(&heard);
            let server = Server::start(move |request| answer(name, request, &notes)).await;
            servers.insert(name, (server, heard));
        }
        Self { servers }
    }

    pub(super) fn urls(&self) -> Vec<String> {
        ALL.iter().map(|name| self.servers[name].0.url()).collect()
    }

    pub(super) fn heard(&self, name: &str) -> Vec<Heard> {
        self.servers[name].1.lock().unwrap().clone()
    }

    /// Of which alerts the pager has heard.
    pub(super) fn told(&self) -> HashSet<String> {
        let heard = self.servers[PAGER].1.lock().unwrap();
        heard.iter().filter(|one| one.taken).flat_map(|one| one.firing.iter().cloned()).collect()
    }
}

/// What a process sends with.
pub(super) fn notifiers(urls: &[String], run: &str) -> BTreeMap<String, SharedNotifier> {
    let client = Client::builder().read_timeout(Duration::from_secs(5)).build().unwrap();
    let webhook = |url: &String| {
        let webhook = Webhook::new(client.clone(), Secret::new(url.clone())).unwrap();
        Arc::new(webhook.header(RUN, Secret::new(run)).unwrap()) as SharedNotifier
    };
    ALL.iter().map(|name| (*name).to_owned()).zip(urls.iter().map(webhook)).collect()
}

fn answer(name: &str, request: &Request, notes: &Mutex<Vec<Heard>>) -> Reply {
    let most = if name == SLOW { 300_000 } else { 1_000 };
    let good = Reply::text(200, "ok").delay(Duration::from_micros(random(most)));
    let (reply, taken) = match random(100) {
        0..2 => (Reply::text(429, "").header("retry-after", "0"), false),
        2..4 => (Reply::text(503, ""), false),
        4..5 => (Reply::close(), false),
        // Nobody can know that it was taken.
        5..6 => (Reply::reset_after(200, "ok", 1), false),
        _ => (good, true),
    };
    let mut body: Value = request.json().unwrap();
    body.as_object_mut().unwrap().remove("version");
    let notification: Notification = serde_json::from_value(body).unwrap();
    let text = text(&notification);
    let (over, firing): (Vec<_>, Vec<_>) = notification.alerts.into_iter().partition(Alert::is_resolved);
    let titles = |alerts: Vec<Alert>| alerts.into_iter().map(|alert| alert.title).collect();
    notes.lock().unwrap().push(Heard {
        run: request.header(RUN).unwrap_or_default().to_owned(),
        text,
        firing: titles(firing),
        over: titles(over),
        taken,
    });
    reply
}

/// The same words for the same notification.
pub(super) fn text(notification: &Notification) -> String {
    serde_json::to_string(notification).unwrap()
}
