//! Kubernetes and AWS as typed facts and findings.
//!
//! Each platform is a feature, because each brings a large client: `kubernetes` and `aws`. Both answer with facts
//! (plain structs that serialize) and turn them into [`sre_core::Finding`]s with stable ids.

mod error;

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "kubernetes")]
pub mod kubernetes;

pub use error::{Error, ErrorKind};
