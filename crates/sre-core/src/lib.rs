//! Foundations that every tool of the SRE toolkit stands on.
//!
//! Each module has one job and its own example. Nothing in this crate prints, exits or reads the
//! environment or the wall clock by itself: output, [`clock`](clock::Clock) and settings are handed in.
//!
//! | need | module |
//! | --- | --- |
//! | say what an error is, to whom, and whether to retry | [`error`], [`failure`], [`chain`] |
//! | run something again, politely | [`retry`] |
//! | name what was asked and what was found | [`target`], [`finding`], [`severity`], [`outcome`], [`code_doc`] |
//! | time that a test can hold still | [`clock`] |
//! | keep secrets out of logs | [`secret`], [`redact`] |
//! | ask something over HTTP | [`http`] |
//! | durations as people write them | [`duration`] |
//! | settings in layers: defaults < files < environment < flags | [`config`] |
//! | the flags that every tool has, completions, man pages | [`cli`], [`color`] |
//! | logging to stderr and a file | [`logging`] |
//! | tell the shell how it went | [`exit`] |
//! | formats, tables, sizes, test reports | [`output`] |
//! | change something, or say what would be changed | [`effects`] |
//! | bring a path into a wanted state, once | [`ensure`] |
//! | one run at a time, and what it did | [`lock`], [`report`] |
//! | write a file in one step, with errors that name the path | [`atomic`], [`path_error`] |

pub mod atomic;
pub mod chain;
pub mod cli;
pub mod clock;
pub mod code_doc;
pub mod color;
pub mod config;
pub mod duration;
pub mod effects;
pub mod ensure;
pub mod error;
pub mod exit;
pub mod failure;
pub mod finding;
pub mod http;
pub mod lock;
pub mod logging;
pub mod outcome;
pub mod output;
pub mod path_error;
pub mod redact;
pub mod report;
pub mod retry;
pub mod secret;
pub mod severity;
pub mod target;

pub use clock::{Clock, SharedClock, SystemClock};
pub use code_doc::CodeDoc;
pub use effects::Effects;
pub use error::{Classify, Delivery, ErrorClass, RetryHint};
pub use exit::ExitCode;
pub use failure::{Failure, FailureKind};
pub use finding::{Code, Evidence, Finding, FindingId, SourceId};
pub use outcome::Outcome;
pub use retry::RetryPolicy;
pub use secret::Secret;
pub use severity::Severity;
pub use target::Target;
