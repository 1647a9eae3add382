//! The daily digest: at its time, once, over restarts, failures and changes of the clock; and with the real pipeline and a
//! real mail server.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::civil::time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sre_alerts::digest::{Daily, Digest, Source, SourceFuture, TimeOfDay};
use sre_alerts::mail::{Mail, Mailer};
use sre_alerts::{Error, ErrorKind, NotifyFuture, Receipt};
use sre_core::clock::Sleep;
use sre_core::{Clock, Target};
use tokio::time::Instant;

/// A wall clock that goes with tokio's, and can be set.
#[derive(Debug)]
struct Wall {
    start: Instant,
    began: Timestamp,
    set: Mutex<SignedDuration>,
}

impl Clock for Wall {
    fn now(&self) -> Timestamp {
        self.began + self.start.elapsed() + *self.set.lock().unwrap()
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }

    fn sleep(&self, d: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(d))
    }
}

/// Source and mailer: notes what is asked and what is sent.
#[derive(Debug, Default)]
struct World {
    asked: Mutex<Vec<(Timestamp, Timestamp)>>,
    sent: Mutex<Vec<String>>,
    /// So many mails fail.
    fails: Mutex<usize>,
}

impl Source for World {
    fn digest<'a>(&'a self, from: Timestamp, to: Timestamp, at: &'a TimeOfDay) -> SourceFuture<'a> {
        self.asked.lock().unwrap().push((from, to));
        Box::pin(async move { Ok(Digest::new(from, to, at.zone().clone())) })
    }
}

impl Mailer for World {
    fn mail<'a>(&'a self, mail: &'a Mail) -> NotifyFuture<'a> {
        Box::pin(async move {
            let target = Target::new("mail server");
            let mut fails = self.fails.lock().unwrap();
            if *fails > 0 {
                *fails -= 1;
                return Err(Error::new(ErrorKind::Connect, target));
            }
            let (from, to) = *self.asked.lock().unwrap().last().unwrap();
            self.sent.lock().unwrap().push(format!("{from} {to} {}", mail.key));
            Ok(Receipt::new(target, 1, 1, Duration::ZERO))
        })
    }
}

impl World {
    fn sent(&self) -> Vec<String> {
        std::mem::take(&mut self.sent.lock().unwrap())
    }
}

fn clock(now: &str) -> Arc<Wall> {
    Arc::new(Wall { start: Instant::now(), began: now.parse().unwrap(), set: Mutex::default() })
}

fn seven() -> TimeOfDay {
    TimeOfDay::new(time(7, 0, 0, 0), TimeZone::get("Europe/Berlin").unwrap())
}

fn expected(moments: &[&str]) -> Vec<String> {
    moments.windows(2).map(|two| format!("{} {} digest:{}", two[0], two[1], two[1])).collect()
}

/// A process that lives for so long.
async fn process(world: &Arc<World>, file: &Path, clock: &Arc<Wall>, hours: u64) {
    let daily = Daily::new(world.clone(), world.clone(), seven(), file, clock.clone());
    let life = tokio::time::timeout(Duration::from_secs(hours * 3600), daily.run()).await;
    assert!(life.is_err(), "it ended by itself: {life:?}");
}

#[tokio::test(start_paused = true)]
async fn each_day_has_one_and_they_leave_nothing_out() {
    let folder = tempfile::tempdir().unwrap();
    let (world, clock) = (Arc::new(World::default()), clock("2026-03-27T12:00:00Z"));
    process(&world, &folder.path().join("digest"), &clock, 72).await;
    // The day on which the clocks are put forward has 23 hours.
    let moments = ["2026-03-27T12:00:00Z", "2026-03-28T06:00:00Z", "2026-03-29T05:00:00Z", "2026-03-30T05:00:00Z"];
    assert_eq!(world.sent(), expected(&moments));
}

#[tokio::test(start_paused = true)]
async fn a_restart_sends_none_twice_and_makes_up_for_what_was_missed_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("digest");
    let (world, clock) = (Arc::new(World::default()), clock("2026-03-02T05:59:00Z"));
    process(&world, &file, &clock, 1).await;
    assert_eq!(world.sent(), expected(&["2026-03-02T05:59:00Z", "2026-03-02T06:00:00Z"]));
    process(&world, &file, &clock, 1).await;
    assert!(world.sent().is_empty());
    tokio::time::sleep(Duration::from_secs(3 * 86_400)).await;
    process(&world, &file, &clock, 1).await;
    assert_eq!(world.sent(), expected(&["2026-03-02T06:00:00Z", "2026-03-05T06:00:00Z"]), "three days in one");
    process(&world, &file, &clock, 23).await;
    assert_eq!(world.sent(), expected(&["2026-03-05T06:00:00Z", "2026-03-06T06:00:00Z"]));
}

#[tokio::test(start_paused = true)]
async fn a_mail_server_that_is_away_gets_it_later() {
    let folder = tempfile::tempdir().unwrap();
    let (world, clock) = (Arc::new(World::default()), clock("2026-03-02T05:00:00Z"));
    *world.fails.lock().unwrap() = 4;
    process(&world, &folder.path().join("digest"), &clock, 24).await;
    assert_eq!(world.sent(), expected(&["2026-03-02T05:00:00Z", "2026-03-02T06:00:00Z"]));
    assert_eq!(world.asked.lock().unwrap().len(), 5);
    // For longer than a day: then the next one has it all.
    *world.fails.lock().unwrap() = usize::MAX;
    process(&world, &folder.path().join("digest"), &clock, 30).await;
    *world.fails.lock().unwrap() = 0;
    process(&world, &folder.path().join("digest"), &clock, 2).await;
    assert_eq!(world.sent(), expected(&["2026-03-02T06:00:00Z", "2026-03-04T06:00:00Z"]));
    assert!(world.asked.lock().unwrap().len() < 120, "not in a loop");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_neither_repeats_nor_leaves_out() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("digest");
    let (world, clock) = (Arc::new(World::default()), clock("2026-03-02T05:59:00Z"));
    process(&world, &file, &clock, 1).await;
    world.sent();
    *clock.set.lock().unwrap() = SignedDuration::from_hours(-3);
    process(&world, &file, &clock, 5).await;
    assert!(world.sent().is_empty(), "seven o'clock again");
    *clock.set.lock().unwrap() = SignedDuration::ZERO;
    process(&world, &file, &clock, 24).await;
    assert_eq!(world.sent(), expected(&["2026-03-02T06:00:00Z", "2026-03-03T06:00:00Z"]));
}

#[tokio::test(start_paused = true)]
async fn without_its_memory_it_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let world = Arc::new(World::default());
    let spoiled = folder.path().join("spoiled");
    std::fs::write(&spoiled, "yesterday").unwrap();
    for file in [spoiled, folder.path().join("no/such/folder")] {
        let daily = Daily::new(world.clone(), world.clone(), seven(), &file, clock("2026-03-02T05:59:00Z"));
        assert!(daily.run().await.is_err(), "{file:?}");
    }
}

#[cfg(all(feature = "email", feature = "pipeline"))]
mod real {
    use std::collections::BTreeMap;

    use sre_alerts::email::Email;
    use sre_alerts::pipeline::{Config, Pipeline};
    use sre_alerts::stage::{NewSilence, RouteConfig};
    use sre_alerts::webhook::Webhook;
    use sre_alerts::{Alert, Intake, SharedNotifier};
    use sre_core::http::Client;
    use sre_core::{Secret, Severity, SystemClock};
    use sre_testkit::peers::{Smtp, SmtpSecurity};
    use sre_testkit::scripted::{Reply, Server};

    use super::*;

    fn alert(severity: Severity, title: &str) -> Alert {
        Alert::builder(severity, title).source("web-03").starts_at(SystemClock.now()).build().unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_the_pipeline_did_today_is_in_the_mail() {
        let folder = tempfile::tempdir().unwrap();
        let (smtp, gone) =
            tokio::join!(Smtp::start(SmtpSecurity::StartTls), Server::start(|_| Reply::text(410, "gone")));
        let webhook = Webhook::new(Client::builder().build().unwrap(), Secret::new(gone.url())).unwrap();
        let receivers: [(String, SharedNotifier); 1] = [("hook".to_owned(), Arc::new(webhook))];
        let mut config = Config::default();
        let route = RouteConfig::new("all", ["hook"]).matching("severity>=warning".parse().unwrap());
        config.routes = vec![route.grouping(Duration::ZERO, Duration::ZERO)];
        let store = folder.path().join("alerts.db");
        let pipeline = Pipeline::open(config, store, BTreeMap::from(receivers), SystemClock::shared()).unwrap();

        let silence = NewSilence::new("anna", "known", Duration::from_secs(600));
        pipeline.silence(silence.matching("title=\"disk is <full>\"".parse().unwrap())).await.unwrap();
        let backup = alert(Severity::Info, "backup is done");
        pipeline.accept(vec![backup.clone(), alert(Severity::Error, "disk is <full>")]).await.unwrap();
        let down = alert(Severity::Critical, "api is down");
        for _ in 0..3 {
            pipeline.accept(vec![down.clone()]).await.unwrap();
        }
        pipeline.accept(vec![backup.resolved(SystemClock.now()), down.resolved(SystemClock.now())]).await.unwrap();
        gone.wait_for_requests(1).await;

        let email = Email::builder("127.0.0.1", "alerts@example.org").to("team@example.org").port(smtp.port());
        let email = email.ca_pem(smtp.ca_pem()).login(Smtp::USER, Secret::new(Smtp::PASSWORD)).build().unwrap();
        let file = folder.path().join("digest");
        let due = SystemClock.now() + Duration::from_secs(3);
        std::fs::write(&file, (due - SignedDuration::from_mins(5)).to_string()).unwrap();
        let at = TimeOfDay::new(due.to_zoned(TimeZone::UTC).time(), TimeZone::UTC);
        let daily = Daily::new(Arc::new(pipeline.clone()), Arc::new(email), at, &file, SystemClock::shared());
        let daily = tokio::spawn(daily.run());
        for _ in 0..200 {
            if !smtp.messages().is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let mail = &smtp.messages()[0];
        let subject = mail.header("subject").unwrap();
        assert!(subject.ends_with(": 3 fired, 2 resolved, 2 suppressed, 1 not sent"), "{subject}");
        let text = &mail.parts["text/plain"];
        for line in ["info", "backup is done (web-03)", "api is down (web-03)", "silenced by", "2 repeats", "to hook: "]
        {
            assert!(text.contains(line), "{line}: {text}");
        }
        let last: Timestamp = std::fs::read_to_string(&file).unwrap().trim().parse().unwrap();
        assert_eq!(last, due);
        assert_eq!(smtp.messages().len(), 1);
        daily.abort();
        pipeline.shutdown(Duration::from_secs(5)).await;
    }
}
