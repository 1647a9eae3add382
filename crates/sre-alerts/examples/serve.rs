//! Webhooks in, notifications out, all of it on disk in between:
//! `TOKEN=… cargo run --release -p sre-alerts --features pipeline,server --example serve -- alerts.db [NOTIFY_URL]`.
//!
//! Prints its address, takes `POST /webhook/alert` with `Authorization: Bearer $TOKEN`, and runs until it is interrupted.
//! The token comes from the environment, as everybody on the machine can read arguments.
//! With `NOTIFY_URL` each alert is posted there at once; without, they wait in groups by `service`, and go nowhere.
//! `cargo xtask bench alerts` measures this beside Alertmanager.
#![expect(clippy::print_stdout, reason = "it is what the example is for")]

use std::collections::BTreeMap;
use std::error::Error;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use sre_alerts::inbound::{Credential, Inbound};
use sre_alerts::pipeline::{Config, Pipeline};
use sre_alerts::stage::RouteConfig;
use sre_alerts::webhook::Webhook;
use sre_alerts::{Notification, Notifier, NotifyFuture, Receipt, SharedNotifier};
use sre_core::{RetryPolicy, Secret, SystemClock, Target};

/// Takes everything.
#[derive(Debug)]
struct Null(Target);

impl Notifier for Null {
    fn kind(&self) -> &'static str {
        "null"
    }

    fn target(&self) -> &Target {
        &self.0
    }

    fn notify<'a>(&'a self, _: &'a Notification) -> NotifyFuture<'a> {
        Box::pin(async { Ok(Receipt::new(self.0.clone(), 1, 1, Duration::ZERO)) })
    }
}

/// Each alert at once to `url`, or by service and nowhere.
fn receiver(url: Option<String>) -> Result<(SharedNotifier, RouteConfig), Box<dyn Error>> {
    let route = RouteConfig::new("all", ["receiver"]);
    Ok(match url {
        Some(url) => {
            let client = sre_core::http::Client::builder().retry(RetryPolicy::never()).build()?;
            let webhook = Webhook::new(client, Secret::new(url))?.retry(RetryPolicy::never());
            (Arc::new(webhook), route.group_by(["..."]).grouping(Duration::ZERO, Duration::from_secs(1)))
        }
        None => {
            let (wait, interval) = (Duration::from_secs(30), Duration::from_secs(300));
            (Arc::new(Null(Target::new("null"))), route.group_by(["service"]).grouping(wait, interval))
        }
    })
}

#[tokio::main(flavor = "multi_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let store = args.next().ok_or("which store? arguments: STORE [NOTIFY_URL]")?;
    let token = std::env::var("TOKEN").map_err(|e| format!("TOKEN: {e}: set it to what callers must show"))?;
    let (receiver, route) = receiver(args.next())?;
    let clock = SystemClock::shared();
    let mut config = Config::default();
    config.routes = vec![route];
    config.delivery.concurrency = 8;
    let pipeline = Pipeline::open(config, store, BTreeMap::from([("receiver".to_owned(), receiver)]), clock.clone())?;
    let inbound = Inbound::builder(Arc::new(pipeline.clone()), clock)
        .alerts(Credential::bearer(Secret::new(token))?, [])
        .build()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("http://{}", listener.local_addr()?);
    let stop = async { drop(tokio::signal::ctrl_c().await) };
    inbound.serve(listener, stop).await?;
    pipeline.shutdown(Duration::from_secs(10)).await;
    println!("{:?}", pipeline.counts());
    Ok(())
}
