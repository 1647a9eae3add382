//! Asks Prometheus and Alertmanager, and says what a person should know.
//!
//! | need | module |
//! | --- | --- |
//! | instant and range queries, alerts, rules, targets | [`prometheus`], with the values of [`value`] |
//! | alerts with their silences, status | [`alertmanager`] |
//! | one look at everything, as findings | [`survey`], with the limits of [`checks`] and the explanations of [`CODES`] |
//! | know why an answer did not come | [`error`] |
//!
//! ```no_run
//! # async fn run(client: sre_core::http::Client) -> Result<(), sre_metrics::Error> {
//! use sre_metrics::{Prometheus, SurveyConfig, survey::survey};
//!
//! let prometheus = Prometheus::new(client, "https://prom.example/prometheus/")?;
//! let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
//! let survey = survey(&prometheus, None, &SurveyConfig::default(), deadline).await?;
//! for finding in survey.findings() {
//!     println!("{} {} {}", finding.severity, finding.subject, finding.title);
//! }
//! # Ok(()) }
//! ```

pub mod alert;
pub mod alertmanager;
mod base_url;
pub mod checks;
mod codes;
mod envelope;
pub mod error;
mod findings;
pub mod firing;
mod probe;
pub mod prometheus;
pub mod rules;
pub mod severity;
pub mod survey;
pub mod targets;
pub mod value;

pub use alertmanager::Alertmanager;
pub use checks::{Checks, SurveyConfig};
pub use codes::CODES;
pub use envelope::Answer;
pub use error::{Error, ErrorKind};
pub use prometheus::Prometheus;
pub use survey::PrometheusSurvey;
