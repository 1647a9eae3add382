//! The settings of the pipeline, as a file has them.
//!
//! ```
//! use sre_alerts::pipeline::Config;
//! use sre_core::config::Layers;
//!
//! let text = r#"
//! suppress: 10m
//! routes:
//!   - name: db
//!     match: ['service=~"db-.*"', 'severity>=error']
//!     receivers: [slack, pagerduty]
//!     group_by: [service]
//!     group_wait: 5s
//!   - name: rest
//!     receivers: [slack]
//! templates:
//!   slack: {title: '{{ severity | upper }}: {{ title }}'}
//! windows:
//!   - {name: patches, cron: '0 2 * * SUN', zone: Europe/Berlin, duration: 2h}
//! "#;
//! let config = Layers::new().text("alerts.yaml", text)?.load::<Config>()?.value;
//! assert_eq!(config.routes[0].receivers.as_deref(), Some(&["slack".to_owned(), "pagerduty".to_owned()][..]));
//! # Ok::<(), sre_core::config::Error>(())
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sre_core::RetryPolicy;

use super::error::InvalidConfig;
use super::template::{TemplateConfig, Templates};
use crate::stage::decide::Stages;
use crate::stage::inhibit::{InhibitRule, Inhibitor};
use crate::stage::route::{RouteConfig, Routes};
use crate::stage::silence::Silences;
use crate::stage::window::{WindowConfig, Windows};

/// All settings, each with a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// Who is told of what. None: [`RouteConfig::defaults`], as far as their receivers are there.
    pub routes: Vec<RouteConfig>,
    /// Alerts that make others pointless.
    pub inhibit: Vec<InhibitRule>,
    /// Planned work.
    pub windows: Vec<WindowConfig>,
    /// The same alert is not sent again for so long. Default 15 min.
    #[serde(with = "sre_core::duration::serde")]
    pub suppress: Duration,
    /// An alert that nobody has spoken of for so long is closed, without a word to anybody. Default 24 h.
    #[serde(with = "sre_core::duration::serde")]
    pub expire: Duration,
    /// Titles and texts by receiver; `default` is for those that have none of their own.
    pub templates: BTreeMap<String, TemplateConfig>,
    /// How notifications are delivered.
    pub delivery: Delivery,
    /// What memory and disk may hold.
    pub limits: Limits,
}

/// How notifications are delivered; the same for every receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Delivery {
    /// A notification that could not be delivered for so long goes to the dead letters. Default 24 h.
    #[serde(with = "sre_core::duration::serde")]
    pub deadline: Duration,
    /// The first retry comes within this, each next within twice as long. Default 2 s.
    #[serde(with = "sre_core::duration::serde")]
    pub base: Duration,
    /// The longest wait between two tries, a receiver's `Retry-After` included. Default 15 min.
    #[serde(with = "sre_core::duration::serde")]
    pub cap: Duration,
    /// One try may take so long, pacing included. Default 2 min.
    #[serde(with = "sre_core::duration::serde")]
    pub timeout: Duration,
    /// How many notifications are under way to one receiver at a time. Default 1: strictly one after another.
    pub concurrency: usize,
}

/// What memory and disk may hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Limits {
    /// Alerts that fire at a time; more are refused as full. About 350 bytes of memory each
    /// (docs/benchmarks.md). Default 1,000,000.
    pub alerts: usize,
    /// Alerts that wait to be stored; more are refused as full. Default 50,000.
    pub queue: usize,
    /// Notifications to one receiver that wait for another try; while there are so many, further alerts gather in
    /// their groups. Default 1,000.
    pub retrying: usize,
    /// How long the history is kept. Default 30 days.
    #[serde(with = "sre_core::duration::serde")]
    pub retention: Duration,
}

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Self {
            routes: Vec::new(),
            inhibit: Vec::new(),
            windows: Vec::new(),
            suppress: Duration::from_secs(15 * 60),
            expire: Duration::from_secs(24 * 3600),
            templates: BTreeMap::new(),
            delivery: Delivery::default(),
            limits: Limits::default(),
        }
    }
}

impl Default for Delivery {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(24 * 3600),
            base: Duration::from_secs(2),
            cap: Duration::from_secs(15 * 60),
            timeout: Duration::from_secs(120),
            concurrency: 1,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { alerts: 1_000_000, queue: 50_000, retrying: 1000, retention: Duration::from_secs(30 * 86_400) }
    }
}

impl Config {
    /// Checks everything, for these receivers.
    ///
    /// # Errors
    /// The first mistake, with its key.
    pub fn check<'a>(&self, receivers: impl IntoIterator<Item = &'a str>) -> Result<(), InvalidConfig> {
        let receivers = receivers.into_iter().map(str::to_owned).collect::<Vec<_>>();
        self.stages(&receivers).map(|_| ())?;
        self.templates(&receivers).map(|_| ())?;
        self.delivery.retry().map(|_| ())
    }

    /// By receiver, in their order.
    pub(super) fn templates(&self, receivers: &[String]) -> Result<Vec<Option<Templates>>, InvalidConfig> {
        if let Some(unknown) = self.templates.keys().find(|name| *name != "default" && !receivers.contains(name)) {
            return Err(InvalidConfig::new("templates", format!("there is no receiver `{unknown}`")));
        }
        let of = |name: &String| {
            let (key, config) =
                [name.as_str(), "default"].into_iter().find_map(|key| Some((key, self.templates.get(key)?)))?;
            Some(Templates::new(config, &format!("templates.{key}")))
        };
        receivers.iter().map(|name| of(name).transpose()).collect()
    }

    pub(crate) fn stages(&self, receivers: &[String]) -> Result<Stages, InvalidConfig> {
        let known = |name: &str| receivers.iter().any(|r| r == name);
        let routes = match self.routes.as_slice() {
            [] => Routes::new(&defaults_for(&known)?, &known)?,
            routes => Routes::new(routes, &known)?,
        };
        for (key, number) in [("limits.alerts", self.limits.alerts), ("limits.queue", self.limits.queue)] {
            if number == 0 {
                return Err(InvalidConfig::new(key, "is zero"));
            }
        }
        Ok(Stages {
            routes,
            inhibitor: Inhibitor::new(&self.inhibit)?,
            silences: Silences::default(),
            windows: Windows::new(&self.windows)?,
            suppress: self.suppress,
        })
    }
}

/// The default routes, less the receivers that are not there.
fn defaults_for(known: &dyn Fn(&str) -> bool) -> Result<Vec<RouteConfig>, InvalidConfig> {
    let mut routes = RouteConfig::defaults();
    for receivers in routes.iter_mut().filter_map(|route| route.receivers.as_mut()) {
        receivers.retain(|name| known(name));
    }
    if routes.iter().all(|route| route.receivers.as_ref().is_none_or(Vec::is_empty)) {
        return Err(InvalidConfig::new("routes", "are needed: no receiver is called `slack` or `pagerduty`"));
    }
    Ok(routes)
}

// === impl Delivery ===

impl Delivery {
    /// Attempts are bounded by the deadline, not by a number.
    pub(crate) fn retry(&self) -> Result<RetryPolicy, InvalidConfig> {
        if self.concurrency == 0 {
            return Err(InvalidConfig::new("delivery.concurrency", "is zero"));
        }
        let policy = RetryPolicy::builder().attempts(u32::MAX).base(self.base).cap(self.cap).deadline(self.deadline);
        policy.build().map_err(|e| InvalidConfig::new("delivery", e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_need_a_receiver_that_they_know() {
        assert!(Config::default().check(["slack"]).is_ok());
        assert_eq!(
            Config::default().check(["email"]).unwrap_err().to_string(),
            "routes: are needed: no receiver is called `slack` or `pagerduty`"
        );
    }

    #[test]
    fn mistakes_are_named() {
        let mut config = Config::default();
        config.delivery.cap = Duration::from_secs(1);
        assert_eq!(config.check(["slack"]).unwrap_err().key(), "delivery");
        config.templates.insert("mail".to_owned(), TemplateConfig::new());
        assert_eq!(config.check(["slack"]).unwrap_err().to_string(), "templates: there is no receiver `mail`");
        config.limits.alerts = 0;
        assert_eq!(config.check(["slack"]).unwrap_err().key(), "limits.alerts");
    }
}
