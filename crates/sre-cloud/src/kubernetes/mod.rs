//! Kubernetes: what `kubectl get` would show, and what of it a person should know.

mod event;
mod job;
mod lenient;
mod meta;
mod node;
mod pod;
mod workload;

pub use event::{Event, EventSeries, ObjectReference};
pub use job::{Job, JobStatus};
pub use meta::{Condition, Labels, Meta, OwnerReference, Page, PageMeta};
pub use node::{Node, NodeSpec, NodeStatus, Taint};
pub use pod::{ContainerState, ContainerStatus, InitContainer, Pod, PodSpec, PodStatus, Running, Terminated, Waiting};
pub use workload::{
    DaemonSet, DaemonSetStatus, Deployment, DeploymentSpec, DeploymentStatus, RollingUpdate, StatefulSet,
    StatefulSetSpec, StatefulSetStatus, UpdateStrategy,
};
