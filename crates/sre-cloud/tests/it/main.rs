//! What the clients do against servers that answer, refuse, hang and lie.

#[cfg(feature = "kubernetes")]
mod kube_auth;
#[cfg(feature = "kubernetes")]
mod kube_cluster;
#[cfg(feature = "kubernetes")]
mod kube_faults;
#[cfg(feature = "kubernetes")]
mod kube_list;
#[cfg(feature = "kubernetes")]
mod kube_survey;
