//! Who is told of an alert: a tree of routes, as in Alertmanager.
//!
//! Routes are tried in their order; the first that matches wins, unless it says `continue`. A route with routes of its
//! own passes the alert on to them and takes it only when none of them does. What a route leaves out it has from the one
//! above it. Without routes in the settings there are these ([`RouteConfig::defaults`]):
//!
//! | route | for | receivers | why |
//! | --- | --- | --- | --- |
//! | `page` | critical | `pagerduty`, each alert on its own | an incident each |
//! | `critical` | critical | `slack`, at once, together while paced | people look there too |
//! | `attention` | error and warning | `slack`, together after 10 s, then once a minute | an error is something failed that users do not notice yet: nobody is woken, everybody may read it |
//! | `record` | info | none: history and the digest | nothing to do |

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::group::GroupBy;
use super::matcher::{self, Matcher};
use crate::alert::Alert;
use crate::pipeline::InvalidConfig;

/// A route as the settings say it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RouteConfig {
    /// What explanations call it.
    pub name: String,
    /// All of them must fit; none fit everything.
    #[serde(rename = "match")]
    pub matchers: Vec<Matcher>,
    /// Names of receivers; an empty list means history and digest only. From the route above where left out.
    pub receivers: Option<Vec<String>>,
    /// Go on with the next route even though this one took the alert.
    #[serde(rename = "continue")]
    pub go_on: bool,
    /// What makes a group: label names, `severity`, `source`; `...` for each alert on its own; `[]` for one group of all.
    pub group_by: Option<Vec<String>>,
    /// How long the first notification of a group waits for more.
    #[serde(with = "optional_duration")]
    pub group_wait: Option<Duration>,
    /// Between two notifications of a group.
    #[serde(with = "optional_duration")]
    pub group_interval: Option<Duration>,
    /// Between two reminders while it fires.
    #[serde(with = "optional_duration")]
    pub repeat_interval: Option<Duration>,
    /// More particular routes.
    pub routes: Vec<RouteConfig>,
}

/// A route with nothing left out.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    /// The names from the top, with slashes.
    pub(crate) path: String,
    pub(crate) receivers: Vec<String>,
    pub(crate) group_by: GroupBy,
    pub(crate) timing: Timing,
    matchers: Vec<Matcher>,
    go_on: bool,
    children: Vec<RouteId>,
}

/// Where in time notifications of a route may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timing {
    pub(crate) wait: Duration,
    pub(crate) interval: Duration,
    pub(crate) repeat: Duration,
}

/// A route of a [`Routes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RouteId(pub(crate) u16);

/// The whole tree.
#[derive(Debug, Clone)]
pub(crate) struct Routes {
    all: Vec<Route>,
    top: Vec<RouteId>,
}

/// `Option<Duration>` as text.
mod optional_duration {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    #[derive(Deserialize)]
    struct Wrap(#[serde(with = "sre_core::duration::serde")] Duration);

    pub(super) fn serialize<S: Serializer>(d: &Option<Duration>, s: S) -> Result<S::Ok, S::Error> {
        match d {
            Some(d) => sre_core::duration::serde::serialize(d, s),
            None => s.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<Wrap>::deserialize(d)?.map(|w| w.0))
    }
}

// === impl RouteConfig ===

impl RouteConfig {
    /// A route of that name to these receivers, for everything.
    #[must_use]
    pub fn new<S: Into<String>>(name: impl Into<String>, receivers: impl IntoIterator<Item = S>) -> Self {
        let receivers = Some(receivers.into_iter().map(Into::into).collect());
        Self { name: name.into(), receivers, ..Self::default() }
    }

    /// Adds a condition.
    #[must_use]
    pub fn matching(mut self, matcher: Matcher) -> Self {
        self.matchers.push(matcher);
        self
    }

    /// What makes a group.
    #[must_use]
    pub fn group_by<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.group_by = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// How long a group waits for more at first, and between two notifications.
    #[must_use]
    pub fn grouping(mut self, wait: Duration, interval: Duration) -> Self {
        (self.group_wait, self.group_interval) = (Some(wait), Some(interval));
        self
    }

    /// Between two reminders.
    #[must_use]
    pub fn repeat_interval(mut self, interval: Duration) -> Self {
        self.repeat_interval = Some(interval);
        self
    }

    /// Go on with the next route.
    #[must_use]
    pub fn go_on(mut self) -> Self {
        self.go_on = true;
        self
    }

    /// Adds a more particular route.
    #[must_use]
    pub fn route(mut self, route: Self) -> Self {
        self.routes.push(route);
        self
    }

    /// The routes of a settings file that has none; see the [module](self).
    #[must_use]
    pub fn defaults() -> Vec<Self> {
        let severity = |text: &str| text.parse::<Matcher>().into_iter();
        let named = |name: &str, receivers: &[&str]| Self::new(name, receivers.iter().copied());
        let mut page = named("page", &["pagerduty"]).group_by(["..."]).grouping(Duration::ZERO, Duration::ZERO).go_on();
        page.matchers.extend(severity("severity=critical"));
        let mut critical = named("critical", &["slack"]).grouping(Duration::ZERO, Duration::ZERO);
        critical.matchers.extend(severity("severity=critical"));
        let mut attention = named("attention", &["slack"]);
        attention.matchers.extend(severity("severity>=warning"));
        vec![page, critical, attention, named("record", &[])]
    }
}

// === impl Timing ===

impl Default for Timing {
    fn default() -> Self {
        Self {
            wait: Duration::from_secs(10),
            interval: Duration::from_secs(60),
            // Alertmanager's.
            repeat: Duration::from_secs(4 * 3600),
        }
    }
}

// === impl Routes ===

impl Routes {
    /// Checks names and completes what is left out. `known` has the names of the receivers.
    pub(crate) fn new(configs: &[RouteConfig], known: &dyn Fn(&str) -> bool) -> Result<Self, InvalidConfig> {
        let mut routes = Self { all: Vec::new(), top: Vec::new() };
        let root = Route {
            path: String::new(),
            receivers: Vec::new(),
            group_by: GroupBy::default(),
            timing: Timing::default(),
            matchers: Vec::new(),
            go_on: false,
            children: Vec::new(),
        };
        routes.top = routes.add(configs, &root, "routes", known)?;
        Ok(routes)
    }

    fn add(
        &mut self,
        configs: &[RouteConfig],
        above: &Route,
        key: &str,
        known: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<RouteId>, InvalidConfig> {
        let mut ids = Vec::with_capacity(configs.len());
        for (i, config) in configs.iter().enumerate() {
            let key = format!("{key}[{i}]");
            let route = complete(config, above, &key, known)?;
            let too_many = |_| InvalidConfig::new(&key, "is one route too many");
            let id = RouteId(u16::try_from(self.all.len()).map_err(too_many)?);
            self.all.push(route.clone());
            let children = self.add(&config.routes, &route, &format!("{key}.routes"), known)?;
            if let Some(route) = self.all.get_mut(usize::from(id.0)) {
                route.children = children;
            }
            ids.push(id);
        }
        Ok(ids)
    }

    /// The routes that take the alert, in order; none when no route matches.
    pub(crate) fn of(&self, alert: &Alert) -> Vec<RouteId> {
        let mut taken = Vec::with_capacity(2);
        self.walk(&self.top, alert, &mut taken);
        taken
    }

    /// Whether one of the siblings took it.
    fn walk(&self, siblings: &[RouteId], alert: &Alert, taken: &mut Vec<RouteId>) -> bool {
        let mut any = false;
        for id in siblings {
            let Some(route) = self.get(*id) else { continue };
            if !matcher::all(&route.matchers, alert) {
                continue;
            }
            any = true;
            if !self.walk(&route.children, alert, taken) {
                taken.push(*id);
            }
            if !route.go_on {
                break;
            }
        }
        any
    }

    pub(crate) fn get(&self, id: RouteId) -> Option<&Route> {
        self.all.get(usize::from(id.0))
    }
}

fn complete(
    config: &RouteConfig,
    above: &Route,
    key: &str,
    known: &dyn Fn(&str) -> bool,
) -> Result<Route, InvalidConfig> {
    let own = if config.name.is_empty() { key.rsplit('.').next().unwrap_or(key) } else { &config.name };
    let path = if above.path.is_empty() { own.to_owned() } else { format!("{}/{own}", above.path) };
    let receivers = config.receivers.clone().unwrap_or_else(|| above.receivers.clone());
    if let Some(unknown) = receivers.iter().find(|name| !known(name)) {
        return Err(InvalidConfig::new(format!("{key}.receivers"), format!("there is no receiver `{unknown}`")));
    }
    let group_by = match &config.group_by {
        Some(names) => GroupBy::new(names).map_err(|why| InvalidConfig::new(format!("{key}.group_by"), why))?,
        None => above.group_by.clone(),
    };
    let timing = Timing {
        wait: config.group_wait.unwrap_or(above.timing.wait),
        interval: config.group_interval.unwrap_or(above.timing.interval),
        repeat: config.repeat_interval.unwrap_or(above.timing.repeat),
    };
    if timing.repeat.is_zero() {
        return Err(InvalidConfig::new(format!("{key}.repeat_interval"), "is zero"));
    }
    Ok(Route {
        path,
        receivers,
        group_by,
        timing,
        matchers: config.matchers.clone(),
        go_on: config.go_on,
        children: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use sre_core::Severity;

    use super::*;

    fn alert(severity: Severity, service: &str) -> Alert {
        let alert = Alert::builder(severity, "x").label("service", service);
        alert.starts_at(jiff::Timestamp::UNIX_EPOCH).build().unwrap()
    }

    fn paths(routes: &Routes, alert: &Alert) -> String {
        let paths = routes.of(alert).iter().map(|id| routes.get(*id).unwrap().path.clone()).collect::<Vec<_>>();
        paths.join(" ")
    }

    fn matching(text: &str) -> Matcher {
        text.parse().unwrap()
    }

    #[test]
    fn defaults_by_severity() {
        let routes = Routes::new(&RouteConfig::defaults(), &|_| true).unwrap();
        for (severity, expected) in [
            (Severity::Critical, "page critical"),
            (Severity::Error, "attention"),
            (Severity::Warning, "attention"),
            (Severity::Info, "record"),
        ] {
            assert_eq!(paths(&routes, &alert(severity, "api")), expected, "{severity}");
        }
    }

    #[test]
    fn the_most_particular_route_takes_it() {
        let tree = [
            RouteConfig::new("all", ["log"]).go_on(),
            RouteConfig::new("team", ["chat"])
                .matching(matching("service=~api|db"))
                .grouping(Duration::from_secs(1), Duration::from_secs(2))
                .route(RouteConfig::new("db", ["dba"]).matching(matching("service=db")))
                .route(
                    RouteConfig { receivers: None, ..RouteConfig::new("loud", [""; 0]) }
                        .matching(matching("severity>=error")),
                ),
            RouteConfig::new("rest", [""; 0]),
        ];
        let routes = Routes::new(&tree, &|_| true).unwrap();
        for (severity, service, expected) in [
            (Severity::Info, "db", "all team/db"),
            (Severity::Error, "db", "all team/db"),
            (Severity::Error, "api", "all team/loud"),
            (Severity::Info, "api", "all team"),
            (Severity::Critical, "web", "all rest"),
        ] {
            assert_eq!(paths(&routes, &alert(severity, service)), expected, "{severity} {service}");
        }
        let loud = routes.all.iter().find(|r| r.path == "team/loud").unwrap();
        assert_eq!((loud.receivers.clone(), loud.timing.interval), (vec!["chat".to_owned()], Duration::from_secs(2)));
    }

    #[test]
    fn mistakes_are_named() {
        for (route, expected) in [
            (RouteConfig::new("a", ["nobody"]), "routes[0].receivers: there is no receiver `nobody`"),
            (
                RouteConfig::new("a", ["slack"]).group_by(["my-label"]),
                "routes[0].group_by: `my-label` is no label name",
            ),
            (RouteConfig::new("a", ["slack"]).repeat_interval(Duration::ZERO), "routes[0].repeat_interval: is zero"),
        ] {
            assert_eq!(Routes::new(&[route], &|name| name == "slack").unwrap_err().to_string(), expected);
        }
    }
}
