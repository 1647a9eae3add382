//! Status checks and scheduled events: what `describe-instance-status` reports that is not plain `ok`.
//!
//! Rules: an instance, system or attached-EBS check that is `impaired` is a problem at once; `insufficient-data` is
//! one when the instance was launched at least ten minutes ago (until then it counts as `initializing`); events whose
//! description begins `[Completed]` or `[Canceled]` are over, though EC2 lists them for up to a week
//! (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceStatusEvent.html>).

use aws_sdk_ec2::types::{InstanceStatus, InstanceStatusEvent, SummaryStatus};
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::Instant;

use super::call::next_page;
use super::error::Asked;
use super::instances::{Instances, timestamp};
use super::prune::{Document, Keep};
use super::prune_body::Prune;
use super::session::AwsSession;
use super::survey::SurveyOptions;
use crate::Error;

/// An instance that does not pass its status checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct InstanceProblem {
    /// `i-0abc…`.
    pub instance_id: String,
    /// Its name tag.
    pub name: Option<String>,
    /// The Kubernetes cluster that it is a node of, by its tags.
    pub cluster: Option<String>,
    /// `us-east-1a`.
    pub availability_zone: Option<String>,
    /// The worst of its checks.
    pub state: CheckState,
    /// The checks that are in that state.
    pub checks: Vec<StatusCheck>,
    /// Since when, where EC2 says.
    pub since: Option<Timestamp>,
}

/// How a status check stands, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CheckState {
    /// Not run yet after a start.
    Initializing,
    /// EC2 cannot tell.
    InsufficientData,
    /// Failed.
    Impaired,
}

/// One of the three checks that EC2 makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum StatusCheck {
    /// The operating system: network configuration, memory, kernel.
    Instance,
    /// The host underneath: power, network, hardware.
    System,
    /// The volumes can be reached and complete their I/O.
    AttachedEbs,
}

/// Something that AWS is going to do to an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ScheduledEvent {
    /// `i-0abc…`.
    pub instance_id: String,
    /// Its name tag.
    pub name: Option<String>,
    /// `instance-event-…`.
    pub event_id: Option<String>,
    /// `instance-retirement`, `instance-stop`, `instance-reboot`, `system-reboot` or `system-maintenance`.
    pub code: String,
    /// AWS's words.
    pub description: String,
    /// The earliest time it begins.
    pub not_before: Option<Timestamp>,
    /// The latest time it ends.
    pub not_after: Option<Timestamp>,
}

/// What the status pages hold that is worth keeping, before names are known.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Statuses {
    pub(super) problems: Vec<InstanceProblem>,
    pub(super) events: Vec<ScheduledEvent>,
}

/// What is read of an answer: see [`Statuses::add`].
pub(super) const READ: Document = (
    "DescribeInstanceStatusResponse",
    Keep::Only(&[
        ("requestId", Keep::All),
        ("nextToken", Keep::All),
        (
            "instanceStatusSet",
            Keep::Only(&[(
                "item",
                Keep::Only(&[
                    ("instanceId", Keep::All),
                    ("availabilityZone", Keep::All),
                    ("eventsSet", Keep::All),
                    ("instanceStatus", CHECK),
                    ("systemStatus", CHECK),
                    ("attachedEbsStatus", CHECK),
                ]),
            )]),
        ),
    ]),
);

const CHECK: Keep = Keep::Only(&[
    ("status", Keep::All),
    ("details", Keep::Only(&[("item", Keep::Only(&[("impairedSince", Keep::All)]))])),
]);

/// Pages through `describe-instance-status` of running instances.
pub(super) async fn list(
    session: &AwsSession,
    region: &str,
    options: &SurveyOptions,
    deadline: Instant,
) -> Result<Statuses, Error> {
    let asked = Asked { region, action: "ec2:DescribeInstanceStatus" };
    let ec2 = session.ec2(region);
    let mut found = Statuses::default();
    let mut token = None;
    loop {
        let send = || {
            let ask = ec2.describe_instance_status().max_results(options.page_size).set_next_token(token.clone());
            ask.customize().interceptor(Prune(&READ)).send()
        };
        let page = session.call(&asked, deadline, send).await?;
        for status in page.instance_statuses.unwrap_or_default() {
            found.add(&status);
        }
        token = next_page(&asked, token.as_ref(), page.next_token)?;
        if token.is_none() {
            return Ok(found);
        }
    }
}

// === impl Statuses ===

impl Statuses {
    pub(super) fn add(&mut self, status: &InstanceStatus) {
        let Some(instance_id) = status.instance_id.clone() else { return };
        let open = status.events().iter().filter(|e| !is_over(e));
        self.events.extend(open.map(|e| ScheduledEvent::new(&instance_id, e)));
        self.problems.extend(problem(instance_id, status));
    }

    /// Adds what only `describe-instances` knows, and takes young instances' missing data for what it is.
    pub(super) fn complete(&mut self, instances: &Instances, options: &SurveyOptions, now: Timestamp) {
        for problem in &mut self.problems {
            let Some(known) = instances.known.get(&problem.instance_id) else { continue };
            problem.name.clone_from(&known.name);
            problem.cluster.clone_from(&known.cluster);
            let age = known.launched.map(|launched| now.duration_since(launched));
            let young = age.is_some_and(|age| age.unsigned_abs() < options.no_data_grace || age.is_negative());
            if problem.state == CheckState::InsufficientData && young {
                problem.state = CheckState::Initializing;
            }
        }
        for event in &mut self.events {
            event.name = instances.known.get(&event.instance_id).and_then(|known| known.name.clone());
        }
        self.problems.sort_by(|a, b| b.state.cmp(&a.state).then_with(|| a.instance_id.cmp(&b.instance_id)));
        self.events
            .sort_by(|a, b| (a.not_before, &a.instance_id, &a.code).cmp(&(b.not_before, &b.instance_id, &b.code)));
    }
}

// === impl ScheduledEvent ===

impl ScheduledEvent {
    fn new(instance_id: &str, event: &InstanceStatusEvent) -> Self {
        Self {
            instance_id: instance_id.to_owned(),
            name: None,
            event_id: event.instance_event_id.clone(),
            code: event.code.as_ref().map_or_else(|| "event".to_owned(), |c| c.as_str().to_owned()),
            description: event.description.clone().unwrap_or_default(),
            not_before: event.not_before.as_ref().and_then(timestamp),
            not_after: event.not_after.as_ref().and_then(timestamp),
        }
    }

    /// Whether the instance will not run on afterwards by itself.
    #[must_use]
    pub fn ends_the_instance(&self) -> bool {
        matches!(self.code.as_str(), "instance-retirement" | "instance-stop")
    }
}

// === impl StatusCheck ===

impl StatusCheck {
    /// As EC2's console says it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::System => "system",
            Self::AttachedEbs => "attached EBS",
        }
    }
}

fn is_over(event: &InstanceStatusEvent) -> bool {
    let description = event.description().unwrap_or_default().trim_start();
    description.starts_with("[Completed]") || description.starts_with("[Canceled]")
}

fn problem(instance_id: String, status: &InstanceStatus) -> Option<InstanceProblem> {
    let (instance, system, ebs) = (&status.instance_status, &status.system_status, &status.attached_ebs_status);
    let checks = [
        (StatusCheck::Instance, instance.as_ref().and_then(|s| s.status())),
        (StatusCheck::System, system.as_ref().and_then(|s| s.status())),
        (StatusCheck::AttachedEbs, ebs.as_ref().and_then(|s| s.status())),
    ];
    let bad = checks.into_iter().filter_map(|(check, status)| Some((check, check_state(status?)?))).collect::<Vec<_>>();
    let state = bad.iter().map(|(_, state)| *state).max()?;
    let checks = bad.into_iter().filter(|(_, s)| *s == state).map(|(check, _)| check).collect();
    let hosts = [instance, system].into_iter().flatten().flat_map(|s| s.details()).map(|d| d.impaired_since());
    let volumes = ebs.iter().flat_map(|s| s.details()).map(|d| d.impaired_since());
    let since = hosts.chain(volumes).flatten().filter_map(timestamp).min();
    let availability_zone = status.availability_zone.clone();
    Some(InstanceProblem { instance_id, name: None, cluster: None, availability_zone, state, checks, since })
}

fn check_state(status: &SummaryStatus) -> Option<CheckState> {
    match status {
        SummaryStatus::Impaired => Some(CheckState::Impaired),
        SummaryStatus::InsufficientData => Some(CheckState::InsufficientData),
        SummaryStatus::Initializing => Some(CheckState::Initializing),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{EbsStatusSummary, EventCode, InstanceStatusSummary};

    use super::super::instances::KnownInstance;
    use super::*;

    const NOW: &str = "2026-03-23T07:00:00Z";

    fn status(instance: SummaryStatus, system: SummaryStatus, ebs: SummaryStatus) -> InstanceStatus {
        InstanceStatus::builder()
            .instance_id("i-1")
            .instance_status(InstanceStatusSummary::builder().status(instance).build())
            .system_status(InstanceStatusSummary::builder().status(system).build())
            .attached_ebs_status(EbsStatusSummary::builder().status(ebs).build())
            .build()
    }

    fn judged(status: &InstanceStatus, launched: Option<&str>) -> Vec<(CheckState, Vec<StatusCheck>)> {
        let mut statuses = Statuses::default();
        statuses.add(status);
        let launched = launched.map(|t| t.parse().unwrap());
        let known = KnownInstance { launched, ..KnownInstance::default() };
        let instances = Instances { known: [("i-1".to_owned(), known)].into(), ..Instances::default() };
        statuses.complete(&instances, &SurveyOptions::default(), NOW.parse().unwrap());
        statuses.problems.into_iter().map(|p| (p.state, p.checks)).collect()
    }

    #[test]
    fn the_worst_check_counts() {
        use SummaryStatus::{Impaired, Initializing, InsufficientData, NotApplicable, Ok};
        assert_eq!(judged(&status(Ok, Ok, NotApplicable), None), []);
        let ebs = vec![(CheckState::Impaired, vec![StatusCheck::AttachedEbs])];
        assert_eq!(judged(&status(Initializing, InsufficientData, Impaired), None), ebs);
        let both = vec![(CheckState::Impaired, vec![StatusCheck::Instance, StatusCheck::System])];
        assert_eq!(judged(&status(Impaired, Impaired, Ok), None), both);
    }

    #[test]
    fn missing_data_is_a_problem_only_after_ten_minutes() {
        use SummaryStatus::{InsufficientData, Ok};
        for (launched, state) in [
            (Some("2026-03-23T06:49:00Z"), CheckState::InsufficientData),
            (Some("2026-03-23T06:51:00Z"), CheckState::Initializing),
            (None, CheckState::InsufficientData),
        ] {
            let judged = judged(&status(InsufficientData, Ok, Ok), launched);
            assert_eq!(judged, [(state, vec![StatusCheck::Instance])], "{launched:?}");
        }
    }

    #[test]
    fn events_that_are_over_are_left_out() {
        let event =
            |words: &str| InstanceStatusEvent::builder().code(EventCode::InstanceStop).description(words).build();
        let mut statuses = Statuses::default();
        for words in ["[Completed] Running on degraded hardware", "[Canceled] Upgrade", "Running on degraded hardware"]
        {
            statuses.add(&InstanceStatus::builder().instance_id("i-1").events(event(words)).build());
        }
        let left: Vec<_> = statuses.events.iter().map(|e| (e.code.as_str(), e.description.as_str())).collect();
        assert_eq!(left, [("instance-stop", "Running on degraded hardware")]);
    }
}
