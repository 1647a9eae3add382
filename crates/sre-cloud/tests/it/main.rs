//! What the clients do against servers that answer, refuse, hang and lie, and what the checks make of real data.

#![cfg_attr(feature = "kubernetes", expect(clippy::unwrap_used, reason = "a test fails by panicking"))]

#[cfg(feature = "kubernetes")]
mod kube_auth;
#[cfg(feature = "kubernetes")]
mod kube_cluster;
#[cfg(feature = "kubernetes")]
mod kube_faults;
#[cfg(feature = "kubernetes")]
mod kube_list;
#[cfg(feature = "kubernetes")]
mod kube_pod_health;
#[cfg(feature = "kubernetes")]
mod kube_pod_status;
#[cfg(feature = "kubernetes")]
mod kube_report;
#[cfg(feature = "kubernetes")]
mod kube_scale;
#[cfg(feature = "kubernetes")]
mod kube_survey;
#[cfg(feature = "kubernetes")]
mod kube_watch;

#[cfg(feature = "aws")]
mod aws_endpoint;
#[cfg(feature = "aws")]
mod aws_faults;
#[cfg(feature = "aws")]
mod aws_moto;
#[cfg(feature = "aws")]
mod aws_reports;
