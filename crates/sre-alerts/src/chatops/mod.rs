//! Commands typed in a chat: what they mean, who may give them, what is written down, and what is said back.
//!
//! ```text
//! form → known? → granted? → understood? → audit → queue → worker → Operator
//!                                                   └ within 2 s: the answer, else "on it" and the response_url
//! ```
//!
//! A command's words become an [`Action`] of checked data; [`Operator`] executes it and is wired up by binaries.
//! Nothing is granted by default. Every attempt is in the audit log, and what cannot be written there is not done.
//!
//! ```
//! use sre_alerts::chatops::{Caller, Grant, Permissions, Registry};
//!
//! let registry = Registry::new(["restart-web".to_owned()]);
//! let permissions = Permissions::new(vec![Grant::new(["fleet restart-web", "check"], ["U0G9QF9C6"])], &registry)?;
//! assert_eq!(permissions.granted(&Caller::default(), "check", None), None);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod audit;
mod builtin;
mod command;
mod dispatch;
mod invocation;
mod operator;
mod permission;
mod registry;
mod reply;
mod respond;
mod words;

pub use audit::{AuditLog, AuditRecord, Outcome, SharedAuditLog};
pub use command::{Action, Command, Usage};
pub use dispatch::{ChatOps, ChatOpsBuilder, Worker};
pub use invocation::{Caller, InvalidForm, Invocation};
pub use operator::{Operator, Order, PerformFuture, Progress, SharedOperator};
pub use permission::{Grant, InvalidGrant, Permissions};
pub use registry::Registry;
pub use reply::Reply;
