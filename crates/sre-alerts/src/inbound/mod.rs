//! Webhooks and slash commands over HTTP, each behind a credential.

pub mod signature;
