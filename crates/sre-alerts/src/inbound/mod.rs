//! Webhooks and slash commands over HTTP, each behind a credential.

pub use crate::signature;
