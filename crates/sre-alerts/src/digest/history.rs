//! What the pipeline's history says about a day.

use jiff::Timestamp;

use super::daily::{Source, SourceFuture};
use super::gather::{Digest, Outcome, Record};
use super::moment::TimeOfDay;
use crate::outbox::{AlertQuery, AlertRecord, EntryState, NotificationQuery, NotificationRecord};
use crate::pipeline::{Error, Pipeline};
use crate::stage::explain::Verdict;

/// Records that are read at a time.
const PAGE: usize = 1000;

impl Source for Pipeline {
    fn digest<'a>(&'a self, from: Timestamp, to: Timestamp, at: &'a TimeOfDay) -> SourceFuture<'a> {
        Box::pin(async move {
            let mut digest = Digest::new(from, to, at.zone().clone());
            let gathered = async {
                alerts(self, from, to, &mut digest).await?;
                dead_letters(self, &mut digest).await
            };
            gathered.await.map_err(|e: Error| e.to_string())?;
            Ok(digest)
        })
    }
}

/// All that were heard or ended in that time.
async fn alerts(pipeline: &Pipeline, from: Timestamp, to: Timestamp, digest: &mut Digest) -> Result<(), Error> {
    let mut query = AlertQuery { until: Some(to), changed_since: Some(from), limit: PAGE, ..AlertQuery::default() };
    loop {
        let page = pipeline.alerts(query.clone()).await?;
        page.iter().flat_map(records).for_each(|record| digest.add(record));
        match page.last() {
            Some(oldest) => query.before = Some(oldest.id),
            None => return Ok(()),
        }
    }
}

fn records(alert: &AlertRecord) -> Vec<Record> {
    let record = |at, outcome| {
        let key = alert.alert.key();
        Record::new(at, outcome, key.as_str(), alert.alert.severity, alert.alert.title.clone())
            .source(alert.alert.source.clone())
    };
    // The end of something that never began here.
    if alert.verdict == Verdict::NotFiring.to_string() {
        return Vec::new();
    }
    let mut records = vec![record(alert.first_seen, Outcome::Fired)];
    if let Some(at) = alert.closed_at {
        let how = alert.ending.as_deref().filter(|how| *how != "resolved").unwrap_or_default();
        records.push(record(at, Outcome::Resolved).detail(how));
    }
    if alert.suppressed > 0 {
        let times = format!("{} repeats since it began", alert.suppressed);
        records.push(record(alert.last_seen, Outcome::Suppressed).detail(times));
    } else if is_muted(&alert.verdict) {
        records.push(record(alert.last_seen, Outcome::Suppressed).detail(alert.verdict.clone()));
    }
    records
}

/// The words of [`Verdict`].
fn is_muted(verdict: &str) -> bool {
    ["inhibited", "silenced", "in maintenance", "held", "suppressed"].iter().any(|word| verdict.starts_with(word))
}

async fn dead_letters(pipeline: &Pipeline, digest: &mut Digest) -> Result<(), Error> {
    let mut query = NotificationQuery { state: Some(EntryState::Dead), limit: PAGE, ..NotificationQuery::default() };
    loop {
        let page = pipeline.notifications(query.clone()).await?;
        page.iter().for_each(|one| digest.add(failed(one)));
        match page.last() {
            Some(oldest) => query.before = Some(oldest.id),
            None => return Ok(()),
        }
    }
}

fn failed(one: &NotificationRecord) -> Record {
    let n = &one.notification;
    let why = one.error.as_deref().unwrap_or("no reason was kept");
    let record = Record::new(one.changed_at, Outcome::Failed, n.identity(), n.severity, n.title.clone());
    record.source(n.source.clone()).detail(format!("to {}: {why}", one.receiver))
}
