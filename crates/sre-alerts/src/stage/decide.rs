//! The stages in their order.

use std::time::Duration;

use super::explain::{Stage, Trace, Verdict};
use super::group::GroupBy;
use super::inhibit::{Inhibited, Inhibitor};
use super::moment::{Moment, Now};
use super::route::{Route, RouteId, Routes};
use super::silence::{Covered, SilenceId, Silences};
use super::suppress::{self, Known, Suppression};
use super::window::{InWindow, Windows};
use crate::alert::{Alert, KeyHash};

/// Settings and state of all stages.
#[derive(Debug)]
pub(crate) struct Stages {
    pub(crate) routes: Routes,
    pub(crate) inhibitor: Inhibitor,
    pub(crate) silences: Silences,
    pub(crate) windows: Windows,
    pub(crate) suppress: Duration,
}

/// What to do with an alert that fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Tell the receivers of these routes.
    Notify(Vec<RouteId>),
    /// Nobody is to be told.
    Record,
    /// Not now, because of something outside of it; `pending`: otherwise somebody would be told.
    Muted { mute: Mute, pending: bool },
    /// It waits already.
    Merged,
    /// It was sent a short time ago.
    Suppressed { until: Moment },
    /// It was over and is back too soon.
    Held { until: Moment },
}

/// Why nobody is told now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mute {
    Inhibited(Inhibited),
    Silenced { silence: SilenceId, ends_at: jiff::Timestamp, until: Moment },
    Maintenance(InWindow),
}

// === impl Stages ===

impl Stages {
    /// Whether nothing can mute an alert, so that nobody needs to look.
    pub(crate) fn mute_nothing(&self) -> bool {
        self.inhibitor.is_empty() && self.silences.is_empty() && self.windows.is_empty()
    }

    /// What to do with an alert that fires.
    pub(crate) fn decide(
        &mut self,
        key: KeyHash,
        alert: &Alert,
        known: Option<&Known>,
        now: Now,
        trace: &mut impl Trace,
    ) -> Decision {
        let routes = self.route(alert, trace);
        if routes.iter().filter_map(|id| self.routes.get(*id)).all(|route| route.receivers.is_empty()) {
            return Decision::Record;
        }
        let suppression = suppress::decide(known, alert.severity, self.suppress, now.steady);
        if let Some(mute) = self.mute(key, alert, now, trace) {
            let pending = !matches!(suppression, Suppression::Merged | Suppression::Suppressed { .. });
            return Decision::Muted { mute, pending };
        }
        trace.step(Stage::Suppress, || describe(suppression));
        match suppression {
            Suppression::Merged => return Decision::Merged,
            Suppression::Suppressed { until } => return Decision::Suppressed { until },
            Suppression::Held { until } => return Decision::Held { until },
            Suppression::First | Suppression::Raised { .. } | Suppression::Again { .. } => {}
        }
        for route in routes.iter().filter_map(|id| self.routes.get(*id)) {
            trace.step(Stage::Group, || grouping(route, alert));
        }
        Decision::Notify(routes)
    }

    /// The receivers of these routes, each once: the first route that names it counts.
    pub(crate) fn receivers(&self, routes: &[RouteId]) -> Vec<(&str, RouteId)> {
        let mut receivers: Vec<(&str, RouteId)> = Vec::with_capacity(routes.len());
        for (id, route) in routes.iter().filter_map(|id| Some((*id, self.routes.get(*id)?))) {
            for name in &route.receivers {
                if !receivers.iter().any(|(known, _)| known == name) {
                    receivers.push((name, id));
                }
            }
        }
        receivers
    }

    /// The decision in words.
    pub(crate) fn verdict(&self, decision: &Decision) -> Verdict {
        match decision {
            Decision::Notify(routes) => {
                let receivers = self.receivers(routes).into_iter().map(|(name, _)| name.to_owned()).collect();
                Verdict::Notify { receivers }
            }
            Decision::Record => Verdict::Record,
            Decision::Muted { mute, .. } => match mute {
                Mute::Inhibited(by) => Verdict::Inhibited { rule: by.rule.clone() },
                Mute::Silenced { silence, ends_at, .. } => Verdict::Silenced { silence: *silence, until: *ends_at },
                Mute::Maintenance(w) => Verdict::Maintenance { window: w.name.clone(), until: w.until },
            },
            Decision::Merged => Verdict::Merged,
            Decision::Suppressed { until } => Verdict::Suppressed { until: until.timestamp() },
            Decision::Held { until } => Verdict::Held { until: until.timestamp() },
        }
    }

    fn route(&self, alert: &Alert, trace: &mut impl Trace) -> Vec<RouteId> {
        let routes = self.routes.of(alert);
        for route in routes.iter().filter_map(|id| self.routes.get(*id)) {
            trace.step(Stage::Route, || match route.receivers.as_slice() {
                [] => format!("{}: no receiver, history and digest only", route.path),
                receivers => format!("{}: to {}", route.path, receivers.join(", ")),
            });
        }
        if routes.is_empty() {
            trace.step(Stage::Route, || "no route matches: history and digest only".to_owned());
        }
        routes
    }

    /// Whether something outside of the alert keeps it quiet now.
    pub(crate) fn mute(&mut self, key: KeyHash, alert: &Alert, now: Now, trace: &mut impl Trace) -> Option<Mute> {
        let inhibited = self.inhibitor.check(key, alert);
        trace.step(Stage::Inhibit, || match &inhibited {
            Some(by) if by.equal.is_empty() => format!("by rule {}", by.rule),
            Some(by) => format!("by rule {} with {}", by.rule, by.equal),
            None => "no rule applies".to_owned(),
        });
        if let Some(by) = inhibited {
            return Some(Mute::Inhibited(by));
        }
        let silence = self.silences.check(alert, now);
        trace.step(Stage::Silence, || match silence.map(|covered| covered.by) {
            Some(s) => format!("silence {} of {} until {}: {}", s.id, s.author, s.ends_at, s.reason),
            None => "no silence covers it".to_owned(),
        });
        if let Some(silence) = silence {
            let Covered { by, until } = silence;
            return Some(Mute::Silenced { silence: by.id, ends_at: by.ends_at, until });
        }
        let window = self.windows.check(alert, now.wall);
        trace.step(Stage::Maintenance, || match &window {
            Some(w) => format!("window {} until {}", w.name, w.until),
            None => "no window is open for it".to_owned(),
        });
        window.map(Mute::Maintenance)
    }
}

fn describe(suppression: Suppression) -> String {
    match suppression {
        Suppression::First => "nobody was told of it".to_owned(),
        Suppression::Raised { from } => format!("worse than what was told ({from})"),
        Suppression::Again { last } => format!("last told {last}, past the window"),
        Suppression::Merged => "it waits to be sent already".to_owned(),
        Suppression::Suppressed { until } => format!("told a short time ago, quiet until {until}"),
        Suppression::Held { until } => format!("it was over and is back: held until {until}"),
    }
}

fn grouping(route: &Route, alert: &Alert) -> String {
    let wait = match route.timing.wait {
        Duration::ZERO => "at once".to_owned(),
        wait => format!("after {}", sre_core::duration::format(wait)),
    };
    match (&route.group_by, route.group_by.title(alert)) {
        (GroupBy::Each, _) => format!("{}: on its own, {wait}", route.path),
        (_, title) if title.is_empty() => format!("{}: with all of its route, {wait}", route.path),
        (_, title) => format!("{}: with all of {title}, {wait}", route.path),
    }
}

// === impl Mute ===

impl Mute {
    /// When it surely is over, unless somebody changes it.
    pub(crate) fn until(&self, now: Now) -> Moment {
        match self {
            // The other alert's end is looked out for; this is for the case that it was missed.
            Self::Inhibited(_) => now.steady + super::group::LOOK_AGAIN,
            Self::Silenced { until, .. } => *until,
            Self::Maintenance(window) => now.moment_of(window.until),
        }
    }
}
