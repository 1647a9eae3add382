//! Kubernetes: what `kubectl get` would show, and what of it a person should know.

mod body;
mod cluster_report;
mod codes;
mod connect;
mod contexts;
mod event;
mod event_tally;
mod exec_plugin;
mod job;
mod job_tally;
mod lenient;
mod list;
mod manifest;
mod message;
mod meta;
mod node;
mod node_findings;
mod node_tally;
mod options;
mod owner;
mod page;
mod pod;
mod pod_findings;
mod pod_health;
mod pod_status;
mod pod_tally;
mod proxy;
mod rbac;
mod refusal;
mod request;
mod resource;
mod scale;
mod scope;
mod session;
mod survey;
mod survey_run;
mod thresholds;
mod transport_error;
mod watch;
mod watch_lines;
mod workload;
mod workload_findings;
mod workload_tally;

pub use cluster_report::{Area, ClusterFacts, ClusterReport, ClusterTally};
pub use codes::{CODES, DENIED};
pub use connect::Cluster;
pub use contexts::{Contexts, IN_CLUSTER, InCluster, KubeContext};
pub use event::{Event, EventSeries, ObjectReference};
pub use event_tally::{EventReport, EventTally, MAX_WARNINGS, WarningEvent};
pub use job::{Job, JobStatus};
pub use job_tally::{JobFacts, JobProblem, JobTally, MAX_JOBS};
pub use list::{ListOptions, ListSummary, Listing};
pub use manifest::{MAX_MANIFEST_BYTES, ManifestError, ManifestObject, read_manifest};
pub use meta::{Condition, Labels, Meta, OwnerReference, Page, PageMeta};
pub use node::{Node, NodeSpec, NodeStatus, Taint};
pub use node_tally::{MAX_NODE_PROBLEMS, NodeFacts, NodeProblem, NodeReason, NodeTally, judge_node};
pub use options::ConnectOptions;
pub use owner::{Owner, OwnerRef};
pub use pod::{ContainerState, ContainerStatus, InitContainer, Pod, PodSpec, PodStatus, Running, Terminated, Waiting};
pub use pod_health::{LastExit, PodReason, ReasonKind, judge_pod, last_exit};
pub use pod_status::PodRow;
pub use pod_tally::{MAX_GROUPS, MAX_OWNERS, MAX_UNHEALTHY, PodCounts, PodGroup, PodReport, PodTally, UnhealthyPod};
pub use proxy::ProxySettings;
pub use rbac::{Denied, minimal_cluster_role};
pub use resource::{ListScope, Listed, NamespaceName, Resource};
pub use scale::{Scalable, ScaleRequest, Scaled};
pub use scope::Scope;
pub use survey::{ClusterSurvey, SurveyCost, SurveyGap, SurveyOptions};
pub use thresholds::{PodThresholds, Thresholds};
pub use watch::WatchEvent;
pub use workload::{
    DaemonSet, DaemonSetStatus, Deployment, DeploymentSpec, DeploymentStatus, RollingUpdate, StatefulSet,
    StatefulSetSpec, StatefulSetStatus, UpdateStrategy,
};
pub use workload_tally::{
    MAX_WORKLOAD_PROBLEMS, WorkloadFacts, WorkloadProblem, WorkloadReason, WorkloadTally, judge_daemon_set,
    judge_deployment, judge_stateful_set,
};
