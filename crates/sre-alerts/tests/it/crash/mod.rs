//! `kill -9` under load, at random moments: everything that was accepted arrives, and twice only what was on its way.
//!
//! The `child` is this test binary itself: it takes alerts from several callers, ends others, and sends over HTTP to
//! receivers (`outside`) in this process, which fail at times; one is slow. It tells through a pipe what was accepted, each
//! time after the answer: a killed process cannot take that back. When it has been killed often enough, what the receivers
//! took is compared (`verify`) with that and with the history.

mod child;
mod ledger;
mod outside;
mod verify;

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use child::Life;
use ledger::Ledger;
use outside::Outside;
use sre_alerts::outbox::{EntryState, History, NotificationQuery};
use tokio::time::Instant;

/// One life in so many ends before it has taken anything: while it starts, reads its state, sends what was left.
const EARLY: usize = 10;

/// So many alerts are accepted on an average in a life that ends under load: half a second on a slow machine.
const LOAD: u64 = 150;

/// 0 up to that, not included.
fn random(below: u64) -> u64 {
    RandomState::new().hash_one(0_u8) % below
}

/// What the kills hit.
#[derive(Debug, Default)]
struct Kills {
    /// All of them.
    all: usize,
    /// Before the first alert was accepted.
    early: usize,
    /// While the store said that something was being sent to a receiver that answers at once.
    sending: usize,
}

async fn crashes(wanted: usize) {
    let folder = tempfile::tempdir().unwrap();
    let outside = Outside::start().await;
    let mut ledger = Ledger::default();
    let mut kills = Kills::default();
    let mut start_up = Duration::from_millis(100);
    for run in 0..wanted {
        let early = run % EARLY == EARLY - 1;
        let started = Instant::now();
        let life = Life::start(folder.path(), &outside, run, &ledger.left(&outside.told()));
        if early {
            std::thread::sleep(Duration::from_micros(random(1 + start_up.as_micros() as u64)));
        } else {
            life.wait_for_load(1);
            start_up = started.elapsed();
            life.wait_for_load(1 + random(2 * LOAD) as usize);
            std::thread::sleep(Duration::from_micros(random(30_000)));
        }
        ledger.add(&life.kill());
        kills.all += 1;
        kills.early += usize::from(early);
        kills.sending += usize::from(is_sending(folder.path()));
    }
    verify::verify(folder.path(), &outside, &ledger, &kills).await;
}

/// What the process that was killed left on disk.
fn is_sending(folder: &std::path::Path) -> bool {
    let mut query = NotificationQuery::default();
    query.state = Some(EntryState::Sending);
    let history = History::open(folder.join(child::STORE)).unwrap();
    history.notifications(&query).unwrap().iter().any(|n| n.receiver != outside::SLOW)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_20_times() {
    crashes(20).await;
}

/// `cargo xtask soak alerts`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "two minutes; run it when the outbox or the engine has changed"]
async fn killed_200_times() {
    crashes(200).await;
}
