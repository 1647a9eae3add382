//! Webhooks and slash commands over HTTP, each behind a credential (feature `server`).
//!
//! | path | from | credential |
//! | --- | --- | --- |
//! | `/webhook/alert` | scripts, other programs ([`generic`]) | bearer or HMAC |
//! | `/webhook/alertmanager` | Prometheus' Alertmanager ([`alertmanager`]) | bearer |
//! | `/webhook/github` | GitHub ([`github`]) | `X-Hub-Signature-256` |
//! | `/slack/commands` | Slack ([`chatops`](crate::chatops)) | Slack's signature |
//!
//! A 200 means that the alerts are in the [`Intake`](crate::Intake), safe from a crash. Otherwise: 400 malformed (the
//! field is named), 401 and 403 credential, 404, 405, 408 too slow, 413 too large, 415 content type, 422 unknown type,
//! 503 with `Retry-After` no room. Bodies of errors are JSON: `{"error", "field", "message", "request_id"}`. Each
//! request is one event of the target `sre_alerts::access`, without any secret.
//!
//! ```no_run
//! # async fn run(intake: sre_alerts::SharedIntake) -> Result<(), Box<dyn std::error::Error>> {
//! use sre_alerts::inbound::{Credential, Inbound};
//! use sre_core::{Secret, SystemClock};
//!
//! let inbound = Inbound::builder(intake, SystemClock::shared())
//!     .alertmanager(Credential::bearer(Secret::new("a token that Alertmanager has"))?)
//!     .build()?;
//! let listener = std::net::TcpListener::bind("127.0.0.1:9095")?;
//! inbound.serve(listener, async { tokio::signal::ctrl_c().await.unwrap_or_default() }).await?;
//! # Ok(()) }
//! ```

pub mod alertmanager;
mod body;
mod client;
mod connection;
mod credential;
mod endpoint;
mod foreign;
pub mod generic;
pub mod github;
mod handle;
mod json;
mod limits;
mod rejection;
mod replay;
mod server;
mod setup;
mod tls;

pub use client::Network;
pub use connection::Drained;
pub use credential::{Credential, Scheme};
pub use limits::Limits;
pub use rejection::{Rejection, RejectionKind};
pub use server::{Inbound, InboundBuilder};
pub use setup::SetupError;
pub use tls::Tls;

pub use crate::signature;
