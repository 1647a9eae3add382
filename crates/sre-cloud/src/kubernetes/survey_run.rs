//! Reads all kinds of a cluster side by side and feeds the tallies.

use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use sre_core::{Classify, ErrorClass};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::cluster_report::{Area, ClusterTally};
use super::connect::Cluster;
use super::event_tally::EventTally;
use super::list::{ListOptions, ListSummary, Listing, Restart};
use super::pod_tally::PodTally;
use super::rbac::Denied;
use super::refusal::Asked;
use super::request::Ask;
use super::resource::{ListScope, Listed, Resource};
use super::survey::{ClusterSurvey, SurveyCost, SurveyGap, SurveyOptions, denied_findings};
use super::{DaemonSet, Deployment, Event, Job, Node, Pod, StatefulSet};
use crate::{Error, ErrorKind};

/// Lists of one cluster that run at once: all seven kinds, or two namespaces' worth.
const SIDE_BY_SIDE: usize = 14;

/// What became of one list.
struct Part<'a> {
    area: Option<Area>,
    resource: Resource,
    scope: &'a ListScope,
    result: Result<ListSummary, Error>,
}

type Parts<'s, 'a> = FuturesUnordered<BoxFuture<'s, Option<Part<'a>>>>;

/// What all lists of a survey share.
struct Survey<'a> {
    cluster: &'a Cluster,
    options: &'a SurveyOptions,
    tally: Mutex<ClusterTally>,
    turns: Semaphore,
    deadline: Instant,
    now: jiff::Timestamp,
}

// === impl Cluster ===

impl Cluster {
    /// Reads pods, warning events, nodes, Deployments, StatefulSets, DaemonSets and Jobs side by side, and judges them.
    ///
    /// What may not be read or does not answer is a gap in the result, not an error. Each list is bounded by the
    /// cluster's deadline, which counts from now.
    ///
    /// # Errors
    /// Only when nothing at all could be read; the error is the most telling one (credentials before connection before
    /// the rest). [`ErrorKind::Config`] when a namespace cannot have its name.
    ///
    /// # Cancel safety
    /// Dropping the future ends all lists.
    #[tracing::instrument(name = "cloud.survey", skip_all, fields(cluster = %self.target))]
    pub async fn survey(&self, options: &SurveyOptions) -> Result<ClusterSurvey, Error> {
        let start = self.clock.instant();
        let scopes = scopes(options)?;
        let now = self.clock.now();
        let survey = Survey {
            cluster: self,
            options,
            tally: Mutex::new(ClusterTally::new(now, &options.thresholds)),
            turns: Semaphore::new(SIDE_BY_SIDE),
            deadline: self.deadline(),
            now,
        };
        let mut parts: Vec<Part<'_>> = survey.parts(&scopes).filter_map(std::future::ready).collect().await;
        // They came in as they ended; reports want the same order each time.
        parts.sort_by_key(|part| (part.area, part.scope.name()));
        if !parts.iter().any(|part| part.result.is_ok()) {
            return Err(most_telling(parts, self));
        }
        let mut found = self.sum_up(parts, survey.tally.into_inner().unwrap_or_else(PoisonError::into_inner));
        found.cost.elapsed = self.clock.instant() - start;
        Ok(found)
    }

    fn sum_up(&self, parts: Vec<Part<'_>>, mut tally: ClusterTally) -> ClusterSurvey {
        let (mut denied, mut gaps, mut consistent) = (Vec::new(), Vec::new(), true);
        let mut cost = SurveyCost::default();
        for part in parts {
            let namespace = part.scope.name().filter(|_| part.resource.namespaced);
            let error = match part.result {
                Ok(summary) => {
                    cost.requests += summary.attempts;
                    cost.wire_bytes += summary.wire_bytes;
                    consistent &= summary.consistent;
                    continue;
                }
                Err(error) => error,
            };
            cost.requests += error.attempts();
            if let Some(area) = part.area {
                tally.unread(area);
            }
            if error.kind() == ErrorKind::Forbidden {
                denied.push(Denied::new("list", part.resource.group, part.resource.plural, namespace));
            } else {
                let namespace = part.scope.name().map(str::to_owned);
                gaps.push(SurveyGap { area: part.area, namespace, error });
            }
        }
        let scope = self.scope();
        let report = tally.finish(&scope);
        let mut findings = report.findings;
        findings.extend(denied_findings(&scope, &denied));
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        ClusterSurvey { facts: report.facts, denied, gaps, consistent, findings, cost }
    }
}

fn scopes(options: &SurveyOptions) -> Result<Vec<ListScope>, Error> {
    if options.namespaces.is_empty() {
        return Ok(vec![ListScope::All]);
    }
    let mut names: Vec<&String> = options.namespaces.iter().collect();
    names.sort();
    names.dedup();
    names.into_iter().map(|name| ListScope::namespace(name)).collect()
}

/// When nothing was read: what has to be mended first.
fn most_telling(parts: Vec<Part<'_>>, cluster: &Cluster) -> Error {
    let rank = |error: &Error| match (error.kind(), error.class()) {
        (ErrorKind::Unauthorized | ErrorKind::CredentialPlugin, _) => 0,
        (_, ErrorClass::Connection) => 1,
        (ErrorKind::Forbidden, _) => 2,
        _ => 3,
    };
    let errors = parts.into_iter().filter_map(|part| part.result.err());
    errors.min_by_key(rank).unwrap_or_else(|| Error::new(ErrorKind::Refused, cluster.target.clone()))
}

// === impl Survey ===

impl Survey<'_> {
    fn parts<'s, 'a: 's>(&'s self, scopes: &'a [ListScope]) -> Parts<'s, 'a> {
        let parts = FuturesUnordered::new();
        parts.push(self.part::<Node>(Area::Nodes, &ListScope::All, |tally, node| tally.nodes.observe(&node)));
        for scope in scopes {
            parts.push(self.part::<Pod>(Area::Pods, scope, |tally, pod| tally.pods.observe(&pod)));
            parts.push(self.part::<Event>(Area::Events, scope, |tally, event| tally.events.observe(&event)));
            parts.push(self.part::<Job>(Area::Jobs, scope, |tally, job| tally.jobs.observe(&job)));
            parts.push(self.part::<Deployment>(Area::Deployments, scope, |tally, deployment| {
                tally.workloads.observe_deployment(&deployment);
            }));
            parts.push(self.part::<StatefulSet>(Area::StatefulSets, scope, |tally, set| {
                tally.workloads.observe_stateful_set(&set);
            }));
            parts.push(self.part::<DaemonSet>(Area::DaemonSets, scope, |tally, set| {
                tally.workloads.observe_daemon_set(&set);
            }));
            if scope.name().is_some() {
                parts.push(Box::pin(self.namespace(scope)));
            }
        }
        parts
    }

    fn part<'s, 'a: 's, T: Listed>(
        &'s self,
        area: Area,
        scope: &'a ListScope,
        see: fn(&mut ClusterTally, T),
    ) -> BoxFuture<'s, Option<Part<'a>>> {
        Box::pin(async move {
            let _turn = self.turns.acquire().await.ok()?;
            let options = match area {
                // The server sorts out the others: in a busy cluster that is most of them.
                Area::Events => ListOptions::default().field_selector("type=Warning"),
                _ => ListOptions::default(),
            };
            // A tally can forget what it saw only as a whole; the lists that can outlive their tokens are these two.
            let whole = matches!(area, Area::Pods | Area::Events) && *scope == ListScope::All;
            let restart = if whole { Restart::Once } else { Restart::Never };
            let listing = |listing| match listing {
                Listing::Page(objects) => {
                    let mut tally = self.tally();
                    objects.into_iter().for_each(|object| see(&mut tally, object));
                }
                Listing::StartOver => self.forget(area),
            };
            let listed = self.cluster.list_versioned::<T>(scope, &options, (self.deadline, restart), listing).await;
            Some(Part { area: Some(area), resource: T::RESOURCE, scope, result: listed.map(|(summary, _)| summary) })
        })
    }

    /// Lists of a namespace that does not exist are empty, which would look healthy. Whether it exists may not be ours
    /// to know: only a clear "no" counts.
    async fn namespace<'a>(&self, scope: &'a ListScope) -> Option<Part<'a>> {
        let _turn = self.turns.acquire().await.ok()?;
        let asked = Asked { verb: "get", resource: &Resource::NAMESPACES };
        let path = format!("{}/{}", Resource::NAMESPACES.path(&ListScope::All), scope.name().unwrap_or_default());
        let asking = self.cluster.ask(&Ask::get(asked, path), &mut Vec::new(), self.deadline).await;
        let error = asking.err().map(|refused| refused.error).filter(|error| error.kind() == ErrorKind::NotFound)?;
        Some(Part { area: None, resource: Resource::NAMESPACES, scope, result: Err(error) })
    }

    fn forget(&self, area: Area) {
        let limits = &self.options.thresholds;
        match area {
            Area::Pods => self.tally().pods = PodTally::new(self.now, limits.pods.clone()),
            Area::Events => self.tally().events = EventTally::new(self.now, limits.event_window),
            _ => {}
        }
    }

    fn tally(&self) -> MutexGuard<'_, ClusterTally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
