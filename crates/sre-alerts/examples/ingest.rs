//! How many alerts a second the pipeline takes in, each on disk before its caller is answered:
//! `cargo run --release -p sre-alerts --features pipeline --example ingest [TOTAL DISTINCT BATCH]`.
#![expect(clippy::print_stdout, reason = "it is what the example is for")]

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use sre_alerts::pipeline::{Config, Pipeline};
use sre_alerts::stage::RouteConfig;
use sre_alerts::{Alert, Intake, Notification, Notifier, NotifyFuture, Receipt, SharedNotifier};
use sre_core::{Clock, Severity, SystemClock, Target};

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

fn alert(i: usize) -> Result<Alert, Box<dyn Error + Send + Sync>> {
    let alert = Alert::builder(Severity::Warning, "High CPU on the host, look at the dashboard")
        .source(format!("host-{i}"))
        .label("alertname", "HighCPU")
        .label("instance", format!("host-{i}:9100"))
        .label("job", "node")
        .label("cluster", "eu-1")
        .message("CPU above 90 % for 10 minutes");
    Ok(alert.starts_at(SystemClock.now()).build()?)
}

async fn measure(total: usize, distinct: usize, batch: usize) -> Result<(), Box<dyn Error + Send + Sync>> {
    let folder = tempfile::tempdir_in(".")?;
    let null: SharedNotifier = Arc::new(Null(Target::new("null")));
    let mut config = Config::default();
    config.routes = vec![RouteConfig::new("all", ["null"]).grouping(Duration::ZERO, Duration::from_secs(1))];
    let receivers = BTreeMap::from([("null".to_owned(), null)]);
    let clock = SystemClock::shared();
    let pipeline = Pipeline::open(config, folder.path().join("alerts.db"), receivers, clock.clone())?;
    let start = clock.instant();
    let callers = 64;
    let calls = (0..callers).map(|caller| {
        let pipeline = pipeline.clone();
        tokio::spawn(async move {
            for i in (caller * batch..total).step_by(callers * batch) {
                let alerts = (i..i + batch).map(|i| alert(i % distinct)).collect::<Result<Vec<_>, _>>()?;
                pipeline.accept(alerts).await?;
            }
            Ok::<_, Box<dyn Error + Send + Sync>>(())
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await??;
    }
    let elapsed = clock.instant() - start;
    let counts = pipeline.counts();
    let rate = counts.accepted as f64 / elapsed.as_secs_f64();
    println!("{distinct:>7} distinct, batches of {batch:>2}: {rate:>9.0} alerts/s   {counts:?}");
    pipeline.shutdown(Duration::from_secs(10)).await;
    Ok(())
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let numbers = std::env::args().skip(1).map(|arg| arg.parse()).collect::<Result<Vec<usize>, _>>()?;
    if let [total, distinct, batch] = numbers[..] {
        return measure(total, distinct, batch).await;
    }
    for (total, distinct) in [(300_000, 300_000), (300_000, 10_000)] {
        for batch in [1, 50] {
            measure(total, distinct, batch).await?;
        }
    }
    Ok(())
}
