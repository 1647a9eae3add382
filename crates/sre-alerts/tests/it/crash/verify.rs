//! What must hold after the last crash.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use sre_alerts::outbox::{AlertId, AlertQuery, EntryState, NotificationQuery, NotificationRecord};
use sre_alerts::pipeline::Pipeline;
use sre_core::{Clock, SystemClock};

use super::Kills;
use super::child::{self, AT_ONCE};
use super::ledger::Ledger;
use super::outside::{ALL, Heard, Outside, PAGER, text};

/// What came of it.
#[derive(Debug, Default)]
struct Tally {
    /// Alerts of which the pager heard.
    fired: usize,
    /// Ends of which the pager heard.
    ended: usize,
    /// Alerts that were over before the pager could be told.
    unheard: usize,
    /// Tries that a receiver failed.
    failed: usize,
    /// Notifications that a receiver took twice.
    repeated: usize,
}

/// Sends what is left and compares.
pub(super) async fn verify(folder: &Path, outside: &Outside, ledger: &Ledger, kills: &Kills) {
    let pipeline = child::open(folder, &outside.urls(), "last");
    settle(&pipeline).await;
    let mut query = NotificationQuery::default();
    query.limit = usize::MAX;
    let notifications = pipeline.notifications(query).await.unwrap();
    let titles = titles(&pipeline).await;
    pipeline.shutdown(Duration::from_secs(10)).await;
    assert!(notifications.iter().all(|n| n.state == EntryState::Sent), "something was given up");
    let mut tally = Tally::default();
    for name in ALL {
        let sent = notifications.iter().filter(|n| n.receiver == name).collect::<Vec<_>>();
        each_is_told_once(name, &sent, &titles, ledger, &mut tally);
        each_was_taken(name, &sent, &outside.heard(name), &mut tally);
    }
    ends_come_last(&outside.heard(PAGER));
    enough_was_done(ledger, kills, &tally);
}

async fn settle(pipeline: &Pipeline) {
    let end = SystemClock.instant() + Duration::from_secs(120);
    let (mut last, mut calm) = (0, 0);
    while calm < 10 {
        assert!(SystemClock.instant() < end, "{:?}", pipeline.counts());
        tokio::time::sleep(Duration::from_millis(30)).await;
        let counts = pipeline.counts();
        calm = if counts.unsent == 0 && counts.sent == last { calm + 1 } else { 0 };
        last = counts.sent;
    }
}

async fn titles(pipeline: &Pipeline) -> HashMap<AlertId, String> {
    let mut query = AlertQuery::default();
    query.limit = usize::MAX;
    let alerts = pipeline.alerts(query).await.unwrap();
    let count = alerts.len();
    let titles = alerts.into_iter().map(|record| (record.id, record.alert.title)).collect::<HashMap<_, _>>();
    let distinct = titles.values().collect::<HashSet<_>>().len();
    assert_eq!((titles.len(), distinct), (count, count), "an alert that is there twice");
    titles
}

/// No alert is in two notifications, none that was accepted is in none, and its end is told to whoever heard of it.
fn each_is_told_once(
    name: &str,
    sent: &[&NotificationRecord],
    titles: &HashMap<AlertId, String>,
    ledger: &Ledger,
    tally: &mut Tally,
) {
    let once = |ids: &mut dyn Iterator<Item = &AlertId>| {
        let mut told = HashSet::new();
        for id in ids {
            assert!(told.insert(titles[id].as_str()), "{name} is told of {} twice", titles[id]);
        }
        told
    };
    let fired = once(&mut sent.iter().flat_map(|n| &n.firing));
    let ended = once(&mut sent.iter().flat_map(|n| &n.resolved));
    let lost = ledger.accepted.difference(&ledger.ending).filter(|t| !fired.contains(t.as_str())).collect::<Vec<_>>();
    assert!(lost.is_empty(), "{name} never heard of {} that were accepted: {lost:?}", lost.len());
    let open = ledger.ended.iter().filter(|t| fired.contains(t.as_str()) && !ended.contains(t.as_str()));
    let open = open.collect::<Vec<_>>();
    assert!(open.is_empty(), "{name} never heard of the end of {} of which it was told: {open:?}", open.len());
    let surprising = ended.iter().filter(|t| !fired.contains(*t) || !ledger.ending.contains(**t)).collect::<Vec<_>>();
    assert!(surprising.is_empty(), "{name} heard of ends that there were not: {surprising:?}");
    if name == PAGER {
        let unheard = ledger.accepted.iter().filter(|title| !fired.contains(title.as_str())).count();
        (tally.fired, tally.ended, tally.unheard) = (fired.len(), ended.len(), unheard);
    }
}

/// What the history says was sent is what the receiver took, and it took twice only what was on its way in a crash.
fn each_was_taken(name: &str, sent: &[&NotificationRecord], heard: &[Heard], tally: &mut Tally) {
    let mut taken: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for one in heard.iter().filter(|one| one.taken) {
        taken.entry(&one.text).or_default().push(&one.run);
    }
    let texts = sent.iter().map(|n| text(&n.notification)).collect::<HashSet<_>>();
    assert_eq!(texts.len(), sent.len(), "two notifications to {name} are the same");
    assert!(texts.iter().all(|text| taken.contains_key(text.as_str())), "{name} never took what it was sent");
    // A repeat is the same to the letter, its key too; anything else would be here.
    let unknown = taken.keys().find(|text| !texts.contains(**text));
    assert!(unknown.is_none(), "{name} took what the history does not have: {unknown:?}");
    let mut on_their_way: HashMap<&str, usize> = HashMap::new();
    for runs in taken.values() {
        let distinct = runs.iter().collect::<HashSet<_>>().len();
        assert_eq!(distinct, runs.len(), "{name} was told twice without a crash between: {runs:?}");
        // The last time was written down, or nothing came after it.
        for run in &runs[..runs.len() - 1] {
            *on_their_way.entry(run).or_default() += 1;
        }
    }
    let window = on_their_way.iter().find(|(_, count)| **count > AT_ONCE);
    assert!(window.is_none(), "{name}: more repeated than was on its way: {window:?}");
    tally.repeated += on_their_way.values().sum::<usize>();
    tally.failed += heard.iter().filter(|one| !one.taken).count();
}

fn ends_come_last(pager: &[Heard]) {
    let mut over = HashSet::new();
    for one in pager.iter().filter(|one| one.taken) {
        assert!(!one.firing.iter().any(|title| over.contains(title)), "{:?} fire after their end", one.firing);
        over.extend(&one.over);
    }
}

/// A test that hardly did anything proves nothing.
#[expect(clippy::print_stdout, reason = "the numbers of the run")]
fn enough_was_done(ledger: &Ledger, kills: &Kills, tally: &Tally) {
    let (accepted, ended) = (ledger.accepted.len(), ledger.ended.len());
    println!("{kills:?}, {accepted} accepted, {ended} ended, none lost; pager and others: {tally:?}");
    assert!(accepted >= 100 * kills.all, "too little load");
    assert!(kills.sending >= kills.all / 2, "too few kills while something was being sent");
    assert!(tally.ended >= 10 * kills.all, "too few ends");
    assert!(tally.unheard <= accepted / 4, "too many were over before they could be told");
    assert!(tally.failed >= 2 * kills.all, "the receivers failed too seldom");
}
