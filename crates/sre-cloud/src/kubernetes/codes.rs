//! The codes of Kubernetes findings and what each means.
//!
//! Severity: a crash loop, a node that is not ready and a workload of which nothing serves are critical; what is held
//! back or leaving on purpose, a misplaced DaemonSet pod and a warning seen once are info; all else is a warning. A pod
//! finding whose workload serves nothing at all is critical too.
//!
//! ```
//! use sre_core::CodeDoc;
//! assert_eq!(CodeDoc::find(sre_cloud::kubernetes::CODES, "K8S-OOM").map(|d| d.title), Some("Killed for memory"));
//! ```

use sre_core::{Code, CodeDoc};

pub(super) const CRASHLOOP: Code = Code::new("K8S-CRASHLOOP");
pub(super) const IMAGEPULL: Code = Code::new("K8S-IMAGEPULL");
pub(super) const CONFIG: Code = Code::new("K8S-CONFIG");
pub(super) const PENDING: Code = Code::new("K8S-PENDING");
pub(super) const NOTREADY: Code = Code::new("K8S-NOTREADY");
pub(super) const OOM: Code = Code::new("K8S-OOM");
pub(super) const EVICTED: Code = Code::new("K8S-EVICTED");
pub(super) const FAILED: Code = Code::new("K8S-FAILED");
pub(super) const TERMINATING: Code = Code::new("K8S-TERMINATING");
pub(super) const RESTARTS: Code = Code::new("K8S-RESTARTS");
pub(super) const GATED: Code = Code::new("K8S-GATED");
pub(super) const WAITING: Code = Code::new("K8S-WAITING");
pub(super) const NODE_NOTREADY: Code = Code::new("K8S-NODE-NOTREADY");
pub(super) const NODE_PRESSURE: Code = Code::new("K8S-NODE-PRESSURE");
pub(super) const NODE_CORDONED: Code = Code::new("K8S-NODE-CORDONED");
pub(super) const DEPLOYMENT: Code = Code::new("K8S-DEPLOYMENT");
pub(super) const STATEFULSET: Code = Code::new("K8S-STATEFULSET");
pub(super) const DAEMONSET: Code = Code::new("K8S-DAEMONSET");
pub(super) const JOB: Code = Code::new("K8S-JOB");
pub(super) const EVENT: Code = Code::new("K8S-EVENT");
/// A kind could not be read for want of permission.
pub const DENIED: Code = Code::new("K8S-DENIED");

/// All of them, for `explain`.
pub const CODES: &[CodeDoc] = &[
    CodeDoc::new(
        CRASHLOOP,
        "Crash loop",
        "A container waits in CrashLoopBackOff, or it ended at most 15 minutes ago and has restarted twice or more \
         (between two crashes a pod is briefly Running). Jobs' pods are not judged so.",
        "Read the last run's log (kubectl logs --previous) and the exit code: 137 with OOMKilled is the memory limit, \
         137 alone is often a failing liveness probe, 1 or 2 is the program's own error. Undo the last rollout if it \
         began with it.",
    ),
    CodeDoc::new(
        IMAGEPULL,
        "Image cannot be pulled",
        "A container (init containers too) waits for ImagePullBackOff, ErrImagePull, ErrImageNeverPull or \
         InvalidImageName.",
        "Check the image's name and tag, whether the registry has it, the pull secret and its expiry, and the \
         registry's rate limit.",
    ),
    CodeDoc::new(
        CONFIG,
        "Container cannot be created",
        "A container waits for CreateContainerConfigError, CreateContainerError or RunContainerError: a ConfigMap, a \
         Secret, a key in them, a mount or the command is missing or wrong.",
        "kubectl describe pod names what is missing. Create it or correct the reference.",
    ),
    CodeDoc::new(
        PENDING,
        "Pending for long",
        "The pod is Pending for 15 minutes or longer. Jobs' pods are not judged so.",
        "For Unschedulable, compare the requests, node selectors, tolerations and volumes with the nodes that there \
         are; see whether the autoscaler is at its limit. Else look at the init containers.",
    ),
    CodeDoc::new(
        NOTREADY,
        "Not ready for long",
        "The pod runs, but its Ready condition is not True for 15 minutes or longer. Jobs' pods are not judged so.",
        "See which container is not ready and what its readiness probe says (kubectl describe pod).",
    ),
    CodeDoc::new(
        OOM,
        "Killed for memory",
        "A container was OOMKilled within the last 24 hours, even if it runs now.",
        "Compare the memory limit with the use before the end; raise the limit or look for the leak.",
    ),
    CodeDoc::new(
        EVICTED,
        "Evicted",
        "Pods were evicted from their node within the last 24 hours; grouped by owner, else by node.",
        "Look at the node's memory and disk at that time, and at the pods' requests: those that use more than they \
         requested go first.",
    ),
    CodeDoc::new(
        FAILED,
        "Failed pod",
        "The pod ended without success 15 minutes ago or earlier. A pod that a controller has replaced is told for 24 \
         hours only. Jobs' pods are not judged so.",
        "The reason tells whether the node (NodeShutdown, OutOfcpu, NodeAffinity) or the program ended it. Delete the \
         pod when it has been understood.",
    ),
    CodeDoc::new(
        TERMINATING,
        "Does not terminate",
        "The pod is Terminating for more than 5 minutes past its deletion time, which includes its grace period.",
        "See whether its node answers, whether a volume does not unmount, and which finalizers it has. Force its \
         deletion only when it surely runs no more.",
    ),
    CodeDoc::new(
        RESTARTS,
        "Many restarts",
        "A pod has restarted more than 5 times in its life; the time is that of the last restart.",
        "An old last restart needs nothing. A recent one: read the log of the run before it, and the exit code.",
    ),
    CodeDoc::new(
        GATED,
        "Held back by scheduling gates",
        "The pod has scheduling gates for 15 minutes or longer: something holds it back on purpose.",
        "Ask whoever sets the gates (a queueing or quota controller) why they are still there.",
    ),
    CodeDoc::new(
        WAITING,
        "Waiting for long",
        "A container waits for an hour or longer for a reason that is not an error in itself, as ContainerCreating.",
        "kubectl describe pod: usually a volume that does not attach or mount, or a network plugin that gives no \
         address.",
    ),
    CodeDoc::new(
        NODE_NOTREADY,
        "Node not ready",
        "The node's Ready condition is False or Unknown. Unknown: its kubelet has not reported. Info only when an \
         autoscaler or a spot notice is removing the node.",
        "Look at the machine: does it answer, is the kubelet running, is its disk full? Drain or replace it.",
    ),
    CodeDoc::new(
        NODE_PRESSURE,
        "Node under pressure",
        "MemoryPressure, DiskPressure, PIDPressure or NetworkUnavailable is True: pods may be evicted.",
        "Find what uses the resource; move or limit it, clean up images and logs, or add nodes.",
    ),
    CodeDoc::new(
        NODE_CORDONED,
        "Node cordoned or leaving",
        "The node takes no new pods: it is cordoned, or an autoscaler or a spot notice is removing it.",
        "Nothing, if someone is at work on it. Else kubectl uncordon.",
    ),
    CodeDoc::new(
        DEPLOYMENT,
        "Deployment is not as asked for",
        "Fewer pods are available than wanted, not all are updated, the rollout is past its progress deadline, or the \
         controller has not seen the newest spec. Not told when a finding about its pods tells why.",
        "kubectl rollout status and describe; kubectl rollout undo if the newest version is at fault.",
    ),
    CodeDoc::new(
        STATEFULSET,
        "StatefulSet is not as asked for",
        "Fewer pods are ready than wanted, or pods are of an old revision though the update is neither partitioned nor \
         on delete. Not told when a finding about its pods tells why.",
        "Look at the pod with the lowest ordinal that is not ready: an ordered update waits for it.",
    ),
    CodeDoc::new(
        DAEMONSET,
        "DaemonSet is not as asked for",
        "Fewer nodes have an available pod than should, or pods run on nodes where they should not.",
        "Look at the pods on the nodes that miss out; compare tolerations and node selectors with the nodes' taints.",
    ),
    CodeDoc::new(
        JOB,
        "Job failed",
        "The Job's Failed condition is True. Of a CronJob's Jobs, only those that no later run has made good.",
        "Read the log of its pods; run it again (kubectl create job --from=cronjob/NAME) when the cause is gone; \
         delete the failed Job.",
    ),
    CodeDoc::new(
        EVENT,
        "Warning event",
        "Kubernetes warned within the last 30 minutes about something that has no other finding. Joined by owner and \
         reason. Info when it was seen once.",
        "Read the message; kubectl describe the object.",
    ),
    CodeDoc::new(
        DENIED,
        "No permission to look",
        "A kind or namespace could not be read (403), so nothing is known of it; the rest of the report stands.",
        "Give the account the permission: the report prints the smallest ClusterRole that has it.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_explained_once() {
        let mut codes: Vec<_> = CODES.iter().map(|d| d.code.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), CODES.len());
        assert!(CODES.iter().all(|d| d.code.as_str().starts_with("K8S-") && !d.what_to_do.is_empty()));
    }
}
