//! Logging that a program can leave alone: to stderr, and to a file as well if there is one.
//!
//! - Without `-v` warnings and errors are shown; `-v` adds information, `-vv` details, `-vvv` everything. A log file
//!   has at least the information. `RUST_LOG` counts when there is no `-v`.
//! - The libraries underneath (HTTP, TLS, Kubernetes and AWS clients) are heard from warnings up, until `-vvv`.
//! - A line begins with the time in RFC 3339, UTC, and is redacted ([`redact`](crate::redact)) as a whole.
//! - Nothing here can end the program: a closed stderr or a full disk costs log lines and no more. A log file that cannot be
//!   written is mentioned once on stderr.
//!
//! ```
//! use sre_core::logging::{LogFormat, Logging};
//!
//! # let dir = tempfile::tempdir()?;
//! let path = dir.path().join("run.log");
//! let dispatch = Logging::new().verbosity(1).format(LogFormat::Json).file(Some(path.clone())).build()?;
//! // A program calls `.init()` instead, once.
//! tracing::dispatcher::with_default(&dispatch, || tracing::info!(hosts = 3, "started"));
//! assert!(std::fs::read_to_string(path)?.contains(r#""hosts":3"#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod filter;
mod setup;
mod sink;

pub use setup::{LogFormat, Logging};
