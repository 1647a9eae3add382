//! A deployment plan: what a rollout does on each host, how it knows that the host is well, and how it takes it back.
//!
//! A [`Plan`] is read from YAML (strict, with the place of each mistake) by [`sre_core::config`]. A [`PlanExecutor`] is
//! the [`Executor`](crate::rollout::Executor) that carries it out over a [`Transport`](crate::Transport).
//!
//! The version and the host are **data**: commands find them in the environment (`DEPLOY_VERSION`, `DEPLOY_HOST`,
//! `DEPLOY_ADDRESS`, and `DEPLOY_PHASE`: `deploy`, `gate` or `rollback`), and `{version}`, `{host}`, `{address}` stand for them inside paths, URLs, queries and the words of
//! a `command`, each of which reaches the host as one word. Shell text is sent as it was written.
//!
//! ```
//! use sre_core::config::Layers;
//! use sre_remote::deploy::Plan;
//!
//! let plan = Layers::new().text("deploy.yaml", r#"
//! batches: 1,10%,50%
//! delay: 30s
//! steps:
//!   - upload: dist/app-{version}.tar.gz
//!     to: /opt/app/releases/{version}.tar.gz
//!   - command: [tar, -xzf, "/opt/app/releases/{version}.tar.gz", -C, /opt/app/releases]
//!   - link: /opt/app/current
//!     to: /opt/app/releases/{version}
//!   - shell: systemctl restart app
//!     sudo: true
//! gate:
//!   within: 30s
//!   checks:
//!     - http: http://{address}:8080/healthz
//! rollback:
//!   - restore: /opt/app/current
//!   - shell: systemctl restart app
//!     sudo: true
//! "#)?.load::<Plan>()?.value;
//! assert_eq!((plan.steps.len(), plan.batches.to_string().as_str()), (4, "1,10%,50%"));
//! # Ok::<(), sre_core::config::Error>(())
//! ```

mod check;
mod executor;
mod fingerprint;
mod gate;
mod plan;
mod probe;
mod reach;
mod step;
mod subject;
mod template;
mod version;
mod work;

pub use check::{Check, Limit, Question};
pub use executor::PlanExecutor;
pub use plan::{Gate, InvalidPlan, Plan};
pub use probe::{HttpAnswer, Probe};
pub use step::{Action, Step};
pub use template::{ParseTemplateError, Template};
pub use version::{ParseVersionError, Version};
