//! EC2 instances: how many are in which state, and what each is called.

use std::collections::HashMap;

use aws_sdk_ec2::types::{Instance, InstanceStateName, Reservation, Tag};
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::Instant;

use super::call::next_page;
use super::error::Asked;
use super::prune::{Document, Keep};
use super::prune_body::Prune;
use super::session::AwsSession;
use super::survey::SurveyOptions;
use crate::Error;

/// How many instances are in each state; serializes with EC2's own names (`shutting-down`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct InstanceStates {
    /// Being started.
    pub pending: u64,
    /// Running.
    pub running: u64,
    /// On the way to be terminated.
    pub shutting_down: u64,
    /// On the way to be stopped.
    pub stopping: u64,
    /// Stopped; can be started again.
    pub stopped: u64,
    /// Gone; listed for about an hour.
    pub terminated: u64,
}

/// What the survey keeps of all instances of a region.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Instances {
    pub(super) states: InstanceStates,
    /// Those that can have a status check, by id.
    pub(super) known: HashMap<String, KnownInstance>,
}

/// What the status API does not say about an instance.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct KnownInstance {
    pub(super) name: Option<String>,
    pub(super) cluster: Option<String>,
    pub(super) launched: Option<Timestamp>,
}

/// What is read of an answer: see [`Instances::add`].
pub(super) const READ: Document = (
    "DescribeInstancesResponse",
    Keep::Only(&[
        ("requestId", Keep::All),
        ("nextToken", Keep::All),
        (
            "reservationSet",
            Keep::Only(&[(
                "item",
                Keep::Only(&[(
                    "instancesSet",
                    Keep::Only(&[(
                        "item",
                        Keep::Only(&[
                            ("instanceId", Keep::All),
                            ("instanceState", Keep::Only(&[("name", Keep::All)])),
                            ("launchTime", Keep::All),
                            ("tagSet", Keep::All),
                        ]),
                    )]),
                )]),
            )]),
        ),
    ]),
);

/// Pages through `describe-instances`; keeps a few words of each live instance and drops the page.
pub(super) async fn list(
    session: &AwsSession,
    region: &str,
    options: &SurveyOptions,
    deadline: Instant,
) -> Result<Instances, Error> {
    let asked = Asked { region, action: "ec2:DescribeInstances" };
    let ec2 = session.ec2(region);
    let mut found = Instances::default();
    let mut token = None;
    loop {
        let send = || {
            let ask = ec2.describe_instances().max_results(options.page_size).set_next_token(token.clone());
            ask.customize().interceptor(Prune(&READ)).send()
        };
        let page = session.call(&asked, deadline, send).await?;
        found.take(page.reservations, &options.name_tag);
        token = next_page(&asked, token.as_ref(), page.next_token)?;
        if token.is_none() {
            return Ok(found);
        }
    }
}

// === impl InstanceStates ===

impl InstanceStates {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.pending + self.running + self.shutting_down + self.stopping + self.stopped + self.terminated
    }
}

// === impl Instances ===

impl Instances {
    pub(super) fn take(&mut self, page: Option<Vec<Reservation>>, name_tag: &str) {
        for instance in page.into_iter().flatten().flat_map(|r| r.instances.unwrap_or_default()) {
            self.add(instance, name_tag);
        }
    }

    fn add(&mut self, instance: Instance, name_tag: &str) {
        let state = instance.state.and_then(|s| s.name);
        let counted = match &state {
            Some(InstanceStateName::Pending) => &mut self.states.pending,
            Some(InstanceStateName::Running) => &mut self.states.running,
            Some(InstanceStateName::ShuttingDown) => &mut self.states.shutting_down,
            Some(InstanceStateName::Stopping) => &mut self.states.stopping,
            Some(InstanceStateName::Stopped) => &mut self.states.stopped,
            Some(InstanceStateName::Terminated) => &mut self.states.terminated,
            _ => return,
        };
        *counted += 1;
        if matches!(state, Some(InstanceStateName::Terminated | InstanceStateName::ShuttingDown)) {
            return;
        }
        let (Some(id), tags) = (instance.instance_id, instance.tags.unwrap_or_default()) else { return };
        let launched = instance.launch_time.as_ref().and_then(timestamp);
        self.known.insert(id, KnownInstance { name: tag(&tags, name_tag), cluster: cluster(&tags), launched });
    }
}

/// The SDK's time as ours.
pub(super) fn timestamp(time: &aws_sdk_ec2::primitives::DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}

fn tag(tags: &[Tag], key: &str) -> Option<String> {
    let tag = tags.iter().find(|t| t.key() == Some(key))?;
    tag.value().filter(|v| !v.is_empty()).map(str::to_owned)
}

/// The Kubernetes cluster that the instance is a node of. EKS sets the first two; kops, Cluster API and older EKS
/// node groups the third (<https://docs.aws.amazon.com/eks/latest/userguide/eks-using-tags.html>).
fn cluster(tags: &[Tag]) -> Option<String> {
    let by_key = || {
        let keys = tags.iter().filter_map(Tag::key);
        keys.filter_map(|k| k.strip_prefix("kubernetes.io/cluster/")).next().map(str::to_owned)
    };
    tag(tags, "aws:eks:cluster-name").or_else(|| tag(tags, "eks:cluster-name")).or_else(by_key)
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::InstanceState;

    use super::*;

    fn instance(id: &str, state: &str, tags: &[(&str, &str)]) -> Instance {
        let tags = tags.iter().map(|(k, v)| Tag::builder().key(*k).value(*v).build()).collect();
        Instance::builder()
            .instance_id(id)
            .state(InstanceState::builder().name(InstanceStateName::from(state)).build())
            .set_tags(Some(tags))
            .build()
    }

    #[test]
    fn every_state_is_counted_once() {
        let mut all = Instances::default();
        for (i, state) in
            ["pending", "running", "shutting-down", "stopping", "stopped", "terminated"].into_iter().enumerate()
        {
            all.add(instance(&format!("i-{i}"), state, &[]), "Name");
        }
        assert_eq!(
            serde_json::to_string(&all.states).unwrap(),
            r#"{"pending":1,"running":1,"shutting-down":1,"stopping":1,"stopped":1,"terminated":1}"#
        );
        assert_eq!((all.states.total(), all.known.len()), (6, 4));
    }

    #[test]
    fn names_and_clusters_come_from_tags() {
        let mut all = Instances::default();
        let tags = [("Name", "web-1"), ("kubernetes.io/cluster/prod", "owned")];
        all.add(instance("i-1", "running", &tags), "Name");
        all.add(instance("i-2", "running", &[("Name", ""), ("eks:cluster-name", "stage")]), "Name");
        assert_eq!(all.known["i-1"].name.as_deref(), Some("web-1"));
        assert_eq!(all.known["i-1"].cluster.as_deref(), Some("prod"));
        assert_eq!((&all.known["i-2"].name, all.known["i-2"].cluster.as_deref()), (&None, Some("stage")));
    }
}
