//! Asking the gate: each host until it is well or its time is over, then the batch as a whole.

use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use sre_core::{Severity, duration};

use super::check::{Check, Question};
use super::executor::PlanExecutor;
use super::reach::Trouble;
use super::subject::Subject;
use crate::command::Command;
use crate::facts::{self, Facts, HealthThresholds};
use crate::host::Host;
use crate::rollout::GateReport;
use crate::transport::{BoxFuture, Session};

/// Hosts that are asked at a time.
const AT_A_TIME: usize = 32;

impl PlanExecutor {
    /// Asks about all of `hosts`, and then about the batch.
    pub(super) async fn ask(&self, hosts: &[Host]) -> GateReport {
        if self.plan.gate.checks.is_empty() {
            return GateReport { hosts: vec![Ok(String::new()); hosts.len()], refused: None };
        }
        let mut verdicts = Vec::with_capacity(hosts.len());
        let mut asked = FuturesOrdered::new();
        for host in hosts {
            if asked.len() == AT_A_TIME {
                verdicts.extend(asked.next().await);
            }
            let one: BoxFuture<'_, Result<String, String>> = Box::pin(self.ask_host(host));
            asked.push_back(one);
        }
        while let Some(verdict) = asked.next().await {
            verdicts.push(verdict);
        }
        let mut refused = None;
        if let Some(host) = hosts.first().filter(|_| verdicts.iter().all(Result::is_ok)) {
            match self.until_well(host, |check| check.is_about_all()).await {
                Ok(note) => join_note(&mut verdicts, &note),
                Err(reason) => refused = Some(reason),
            }
        }
        GateReport { hosts: verdicts, refused }
    }

    async fn ask_host(&self, host: &Host) -> Result<String, String> {
        self.until_well(host, |check| !check.is_about_all()).await
    }

    /// Looks again and again until all checks are well at once, or the time is over: then why not.
    async fn until_well(&self, host: &Host, of_interest: impl Fn(&Check) -> bool) -> Result<String, String> {
        let gate = &self.plan.gate;
        let checks: Vec<&Check> = gate.checks.iter().filter(|check| of_interest(check)).collect();
        let clock = &self.reach.clock;
        let start = clock.instant();
        let mut session = None;
        loop {
            let reason = match self.look(&mut session, host, &checks).await {
                Ok(notes) => {
                    close(session).await;
                    return Ok(notes.join(", "));
                }
                Err(reason) => reason,
            };
            let spent = clock.instant() - start;
            if spent + gate.every > gate.within {
                close(session).await;
                return Err(format!("{reason} for {}", duration::format(gate.within)));
            }
            clock.sleep(gate.every).await;
        }
    }

    async fn look(
        &self,
        session: &mut Option<Box<dyn Session>>,
        host: &Host,
        checks: &[&Check],
    ) -> Result<Vec<String>, String> {
        let subject = Subject { version: &self.version, host };
        let mut notes = Vec::new();
        for check in checks {
            match self.answer(session, subject, check).await {
                Ok(note) => notes.push(note),
                // `http 503` says it all.
                Err(reason) if check.name.is_none() && matches!(check.question, Question::Http { .. }) => {
                    return Err(reason);
                }
                Err(reason) => return Err(format!("{}: {reason}", check.title())),
            }
        }
        Ok(notes)
    }

    async fn answer(
        &self,
        session: &mut Option<Box<dyn Session>>,
        subject: Subject<'_>,
        check: &Check,
    ) -> Result<String, String> {
        match &check.question {
            Question::Http { url, status, contains } => {
                let url = subject.fill_url(url);
                let answer = self.probe.http(&url, check.timeout).await?;
                if answer.status != *status {
                    return Err(format!("http {}", answer.status));
                }
                if let Some(text) =
                    contains.as_ref().map(|text| subject.fill(text)).filter(|text| !answer.body.contains(text))
                {
                    return Err(format!("http {status} without `{text}` in it"));
                }
                Ok(format!("http {status} in {}", duration::format(answer.elapsed)))
            }
            Question::Query { query, prometheus, limit } => {
                let value = self.probe.query(prometheus, &subject.fill(query), check.timeout).await?;
                let said = format!("{value} (wanted {limit})");
                if limit.holds(value) { Ok(format!("{} {said}", check.title())) } else { Err(said) }
            }
            Question::Command(words) => {
                let command = Command::argv(words.iter().map(|word| subject.fill(word)));
                self.on_host(session, subject, check, command).await
            }
            Question::Shell(text) => self.on_host(session, subject, check, Command::shell(text)).await,
            Question::Health { limits, fail_on } => {
                let context = self.reach.context(check.timeout);
                let gathered = facts::gather(self.open(session, subject.host).await?, &context).await;
                let found = gathered.map_err(|error| {
                    *session = None;
                    Trouble::of(&error).reason
                })?;
                well(&found, limits, *fail_on, subject.host)
            }
        }
    }

    /// The session of this gate, connected when it is not.
    async fn open<'s>(
        &self,
        session: &'s mut Option<Box<dyn Session>>,
        host: &Host,
    ) -> Result<&'s mut dyn Session, String> {
        let open = match session.take() {
            Some(open) => open,
            None => self.reach.connect(host).await.map_err(|error| Trouble::of(&error).reason)?,
        };
        Ok(&mut **session.insert(open))
    }

    async fn on_host(
        &self,
        session: &mut Option<Box<dyn Session>>,
        subject: Subject<'_>,
        check: &Check,
        command: Command,
    ) -> Result<String, String> {
        let command = self.as_root(subject.equip(command, "gate"), check.sudo);
        let open = self.open(session, subject.host).await?;
        let result = self.reach.run(open, &command, check.timeout).await;
        result.map(|()| format!("{} ok", check.title())).map_err(|trouble| {
            // Whether the connection still works is unknown; the next look takes a new one.
            *session = None;
            trouble.reason
        })
    }
}

/// What a host does not tell is not known to be well.
fn well(found: &Facts, limits: &HealthThresholds, fail_on: Severity, host: &Host) -> Result<String, String> {
    let asked = ["cpu", "memory", "load", "disks"];
    let missing: Vec<&str> = found.missing().into_iter().filter(|piece| asked.contains(piece)).collect();
    if !missing.is_empty() {
        return Err(format!("{} not told", missing.join(", ")));
    }
    let judged = facts::judge(found, limits, &host.target());
    match judged.into_iter().filter(|finding| finding.severity >= fail_on).max_by_key(|finding| finding.severity) {
        Some(worst) if worst.subject.starts_with('/') => Err(format!("{} {}", worst.title, worst.subject)),
        Some(worst) => Err(worst.title),
        None => Ok(found.summary()),
    }
}

async fn close(session: Option<Box<dyn Session>>) {
    if let Some(session) = session {
        session.close().await;
    }
}

/// What was measured of the batch is said of its last host, which is shown last.
fn join_note(verdicts: &mut [Result<String, String>], note: &str) {
    if let Some(Ok(last)) = verdicts.last_mut().filter(|_| !note.is_empty()) {
        if !last.is_empty() {
            last.push_str(", ");
        }
        last.push_str(note);
    }
}
