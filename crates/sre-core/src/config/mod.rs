//! Settings in layers: defaults < files < environment < flags, and every value remembers which layer set it.
//!
//! A tool describes its settings once, as a struct that serde can read, with `#[serde(default)]` for the defaults.
//! Everything else follows from that struct: the keys that a file may have, the names of the environment variables,
//! the nearest known key when one is misspelt, and what `--show-config` prints.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use sre_core::config::{Layers, Origin};
//!
//! #[derive(Debug, Serialize, Deserialize)]
//! #[serde(default)]
//! struct Config { country: String, workers: u32, prometheus: Prometheus }
//! impl Default for Config {
//!     fn default() -> Self { Self { country: "DE".into(), workers: 4, prometheus: Prometheus::default() } }
//! }
//! #[derive(Debug, Default, Serialize, Deserialize)]
//! #[serde(default)]
//! struct Prometheus { url: Option<String> }
//!
//! let loaded = Layers::new()
//!     .text("config.yaml", "country: NO\nprometheus:\n  url: http://prom:9090\n")?
//!     .env("MORNING_CHECK", [("MORNING_CHECK_PROMETHEUS_URL", "http://other:9090")])
//!     .flag("--workers", "workers", Some("8"))
//!     .load::<Config>()?;
//! assert_eq!(loaded.value.country, "NO"); // a string, because the field is one
//! assert_eq!(loaded.value.prometheus.url.as_deref(), Some("http://other:9090"));
//! assert_eq!(loaded.origin("prometheus.url").to_string(), "environment variable MORNING_CHECK_PROMETHEUS_URL");
//! assert_eq!(loaded.origin("country").to_string(), "config.yaml:1:10");
//! assert_eq!(loaded.origin("nothing.said"), Origin::Default);
//!
//! let error = Layers::new().text("config.yaml", "wokers: 8\n")?.load::<Config>().unwrap_err();
//! assert_eq!(format!("error: {error}"), "\
//! error: unknown key `wokers`
//!   --> config.yaml:1:1
//!    = did you mean `workers`? (one of: country, workers, prometheus)");
//! # Ok::<(), sre_core::config::Error>(())
//! ```
//!
//! # Rules
//! - Maps are merged key by key, lists and scalars are replaced as a whole. An empty section (`prometheus:` and nothing
//!   below it) changes nothing. The documents of a multi-document file are merged in order.
//! - A scalar is what its field says: `NO`, `1.10`, `0777`, `2026-03-23` are text in a `String`. A `bool` also reads
//!   `yes`/`no`/`on`/`off`. A whole number with a leading zero is refused: some read it as octal, some do not.
//! - Strict: a key that the struct does not have is an error, with or without serde's `deny_unknown_fields`.
//! - Secrets come by reference only: [`SecretRef`], [`outside_files`].
//! - What serde has to buffer (`flatten`, `untagged`, internally tagged enums) loses line numbers and the rule about
//!   scalars: do not use them in a settings struct.
//! - [`Limits`]: 1 MiB of text, 100,000 values after aliases, 8 MiB of text after aliases, 128 levels.

mod de;
mod env;
mod error;
mod fault;
mod file;
mod keys;
mod layers;
mod node;
mod origin;
mod scalar;
mod secret;
mod shape;
mod show;
mod suggest;
mod tree;
mod yaml;

pub use error::{Error, ErrorKind};
pub use file::read_documents;
pub use keys::{Key, KeyKind, keys};
pub use layers::{Layers, Loaded};
pub use origin::{Layered, Origin};
pub use secret::{SecretRef, outside_files};
pub use show::Shown;
pub use suggest::nearest;
pub use yaml::Limits;
