//! Jobs that failed. A Job is judged by its own `Failed` condition, never by its pods.
//!
//! The Jobs of one CronJob are one story, and its latest ended run decides: a failed run that a later one made good is
//! history, which Kubernetes keeps (`failedJobsHistoryLimit`) long after.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::job::Job;
use super::message::message;
use super::meta::Condition;
use super::owner::{Owner, controller};

/// So many Jobs and CronJobs are kept apart.
pub const MAX_JOBS: usize = 20_000;

/// A Job or CronJob that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct JobProblem {
    /// Its namespace.
    pub namespace: Box<str>,
    /// Kind and name: `job/backup` or `cronjob/backup`.
    pub owner: Owner,
    /// The latest failed Job's name.
    pub job: Box<str>,
    /// Failed Jobs since the last success.
    pub failed: u32,
    /// The condition's own word: `BackoffLimitExceeded`.
    pub reason: Box<str>,
    /// The condition's own sentence, or empty.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub message: Box<str>,
    /// When the latest failed.
    pub at: Option<Timestamp>,
}

/// How the Jobs are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct JobFacts {
    /// All Jobs.
    pub total: u64,
    /// Those with a `Failed` condition, made good or not.
    pub failed: u64,
    /// Failures that still stand, by namespace and name.
    pub problems: Vec<JobProblem>,
}

/// The reducer.
#[derive(Debug, Clone, Default)]
pub struct JobTally {
    total: u64,
    failed: u64,
    owners: BTreeMap<Owner, Runs>,
}

/// The runs of one Job or CronJob.
#[derive(Debug, Clone, Default)]
struct Runs {
    last_success: Option<Timestamp>,
    failures: Vec<JobProblem>,
}

/// A CronJob keeps one failed Job unless told otherwise; a hundred is far beyond any use.
const MAX_FAILURES: usize = 100;

// === impl JobTally ===

impl JobTally {
    /// No Job yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one Job into account.
    pub fn observe(&mut self, job: &Job) {
        self.total += 1;
        let holds = |kind: &str| Condition::find(&job.status.conditions, kind).filter(|c| c.is_true());
        let (complete, failed) = (holds("Complete"), holds("Failed"));
        self.failed += u64::from(failed.is_some());
        let cron = controller(&job.metadata).filter(|c| &*c.kind == "CronJob");
        if failed.is_none() && (complete.is_none() || cron.is_none()) {
            return;
        }
        let owner = Owner {
            kind: if cron.is_some() { "CronJob" } else { "Job" }.into(),
            namespace: job.metadata.namespace.clone(),
            name: cron.map_or(&job.metadata.name, |c| &c.name).clone(),
        };
        if self.owners.len() >= MAX_JOBS && !self.owners.contains_key(&owner) {
            return;
        }
        let runs = self.owners.entry(owner.clone()).or_default();
        match failed {
            Some(failed) if runs.failures.len() < MAX_FAILURES => runs.failures.push(problem(owner, job, failed)),
            Some(_) => {}
            None => runs.last_success = runs.last_success.max(complete.and_then(|c| c.last_transition_time)),
        }
    }

    /// What is left of all Jobs that were seen.
    #[must_use]
    pub fn finish(self) -> JobFacts {
        let mut problems: Vec<_> = self.owners.into_values().filter_map(Runs::standing).collect();
        problems.sort_by(|a, b| (&a.namespace, &a.owner).cmp(&(&b.namespace, &b.owner)));
        JobFacts { total: self.total, failed: self.failed, problems }
    }
}

// === impl Runs ===

impl Runs {
    /// The latest failure that no later success made good, with the number of such failures.
    fn standing(self) -> Option<JobProblem> {
        let stands = |failure: &JobProblem| match (failure.at, self.last_success) {
            (Some(at), Some(success)) => at > success,
            _ => true,
        };
        let mut failures: Vec<_> = self.failures.into_iter().filter(stands).collect();
        failures.sort_by_key(|f| f.at);
        let failed = u32::try_from(failures.len()).unwrap_or(u32::MAX);
        failures.pop().map(|latest| JobProblem { failed, ..latest })
    }
}

fn problem(owner: Owner, job: &Job, failed: &Condition) -> JobProblem {
    JobProblem {
        namespace: job.metadata.namespace.clone(),
        owner,
        job: job.metadata.name.clone(),
        failed: 1,
        reason: failed.reason.clone(),
        message: message(&failed.message),
        at: failed.last_transition_time,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(name: &str, cron: Option<&str>, condition: &str, at: &str) -> Job {
        let owner =
            cron.map_or(String::new(), |c| format!(r#"{{"kind": "CronJob", "name": "{c}", "controller": true}}"#));
        serde_json::from_str(&format!(
            r#"{{"metadata": {{"namespace": "ns", "name": "{name}", "ownerReferences": [{owner}]}},
                "status": {{"failed": 7, "conditions": [{{"type": "{condition}", "status": "True",
                "reason": "BackoffLimitExceeded", "lastTransitionTime": "{at}"}}]}}}}"#
        ))
        .unwrap()
    }

    fn problems(jobs: &[Job]) -> Vec<(String, String, u32)> {
        let mut tally = JobTally::new();
        jobs.iter().for_each(|j| tally.observe(j));
        let facts = tally.finish();
        facts.problems.iter().map(|p| (p.owner.to_string(), p.job.to_string(), p.failed)).collect()
    }

    const EARLY: &str = "2026-03-23T01:00:00Z";
    const LATE: &str = "2026-03-23T02:00:00Z";

    #[test]
    fn the_condition_decides() {
        assert_eq!(problems(&[job("a", None, "Complete", EARLY)]), []);
        assert_eq!(problems(&[job("a", None, "FailureTarget", EARLY)]), []);
        assert_eq!(problems(&[job("a", None, "Failed", EARLY)]), [("job ns/a".into(), "a".into(), 1)]);
    }

    #[test]
    fn a_later_run_makes_a_cron_job_good() {
        let (failed, good) = (job("b-1", Some("b"), "Failed", EARLY), job("b-2", Some("b"), "Complete", LATE));
        assert_eq!(problems(&[failed.clone(), good]), []);
        let older = job("b-0", Some("b"), "Complete", "2026-03-22T01:00:00Z");
        let newest = job("b-3", Some("b"), "Failed", LATE);
        assert_eq!(problems(&[newest, failed, older]), [("cronjob ns/b".into(), "b-3".into(), 2)]);
    }
}
