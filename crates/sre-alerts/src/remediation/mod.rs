//! Fixes what is known to be fixed by a known action, within bounds, and says when it did not help.
//!
//! A [`Rule`] fits an alert by type, labels and severity. The [`Engine`] decides purely: the host must be one of the
//! fleet, out of its cooldown, within the rule's runs an hour and part of the fleet, and the rule's breaker closed. The
//! [`Driver`] executes through an [`Executor`], looks whether it helped, writes each run down, and raises an alert when
//! it did not. With a [`RunFile`] as its log it knows after a restart what it did before.
//!
//! What comes from an alert is data: it is checked, and handed on as whole arguments. The arguments of a rule have
//! places: `{host}`, `{label.NAME}` and `{var.NAME}`. A rule with an alert's words inside a shell's script is refused.
//!
//! [`EXAMPLES`] has two rules to start from:
//!
//! ```
//! use sre_alerts::Alert;
//! use sre_alerts::remediation::{Config, EXAMPLES, Engine, Step, Verdict, Why};
//! use sre_core::{Severity, config::Layers};
//!
//! let mut config: Config = Layers::new().text("remediation.yaml", EXAMPLES)?.load()?.value;
//! config.fleet = vec!["web-03".to_owned()];
//! let mut engine = Engine::new(config)?;
//!
//! let alert = Alert::builder(Severity::Critical, "cpu is busy").label("type", "high_cpu").label("host", "web-03")
//!     .starts_at("2026-03-23T07:00:00Z".parse()?).build()?;
//! let now = tokio::time::Instant::now();
//! let Verdict::DryRun(plan) = &engine.decide(&alert, now)[0].verdict else { panic!() };
//! let Step::Command { argv, .. } = &plan.step else { panic!() };
//! assert_eq!(argv, &["systemctl", "restart", "--", "app.service"]);
//!
//! let Verdict::Skip(Why::Cooldown(..)) = &engine.decide(&alert, now)[0].verdict else { panic!() };
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod breaker;
mod driver;
mod engine;
mod executor;
mod ledger;
mod plan;
mod recall;
mod record;
mod rule;
mod run;
mod run_file;
mod template;

pub use driver::{Driver, Remediating, Remediator};
pub use engine::{Decision, Engine, RunOutcome, SOURCE, Verdict, Why};
pub use executor::{ExecuteFuture, Executor, Output, SharedExecutor};
pub use plan::{Check, Plan, Step};
pub use record::{PastRun, PastStage, RunLog, RunRecord, SharedRunLog, Stage};
pub use rule::{Action, Argv, Breaker, Config, InvalidRule, Rule, Verify, When};
pub use run_file::RunFile;

/// Two documented rules, in YAML: `high_cpu` restarts a service, `disk_full` removes rotated logs older than 7 days.
pub const EXAMPLES: &str = include_str!("examples.yaml");
