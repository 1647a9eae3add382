//! Maintenance windows: planned times in which alerts are recorded and not sent.
//!
//! A window is either from–to, or a cron pattern with an IANA time zone and a duration: `0 2 * * SUN` in
//! `Europe/Berlin` for `2h`. Where clocks change (croner's rules): a start that does not exist that day is at the first
//! moment after the gap, one that exists twice is the first of the two; the duration is real time, so two hours stay two.
//!
//! ```
//! use sre_alerts::stage::WindowConfig;
//! use std::time::Duration;
//! let window = WindowConfig::cron("patches", "0 2 * * SUN", "Europe/Berlin", Duration::from_secs(7200));
//! assert!(window.check().is_ok());
//! assert!(WindowConfig::cron("patches", "0 2 * *", "Europe/Berlin", Duration::from_secs(7200)).check().is_err());
//! ```

use std::str::FromStr;
use std::time::Duration;

use croner::Cron;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::matcher::{self, Matcher};
use crate::alert::Alert;
use crate::pipeline::InvalidConfig;

/// A window as the settings say it: `from` and `to`, or `cron`, `zone` and `duration`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct WindowConfig {
    /// What explanations call it.
    pub name: String,
    /// All of them must fit; none fit everything.
    #[serde(rename = "match")]
    pub matchers: Vec<Matcher>,
    /// From when, once.
    pub from: Option<Timestamp>,
    /// Until when, once.
    pub to: Option<Timestamp>,
    /// When it begins, again and again: minute, hour, day of month, month, day of week.
    pub cron: String,
    /// The time zone of `cron`, by its IANA name; `UTC` where left out.
    pub zone: String,
    /// How long it lasts each time.
    #[serde(with = "sre_core::duration::serde")]
    pub duration: Duration,
}

/// The alert is within a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InWindow {
    pub(crate) name: String,
    pub(crate) until: Timestamp,
}

/// All windows. Looking a cron pattern up takes microseconds, so what was found is kept until it changes.
#[derive(Debug)]
pub(crate) struct Windows(Vec<Window>);

#[derive(Debug)]
struct Window {
    name: String,
    matchers: Vec<Matcher>,
    times: Times,
    now: Option<Phase>,
}

#[derive(Debug)]
enum Times {
    Once { from: Timestamp, to: Timestamp },
    Cron { cron: Box<Cron>, zone: TimeZone, duration: Duration },
}

/// Open or not, and from when until when that is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Phase {
    open: bool,
    since: Timestamp,
    until: Timestamp,
}

// === impl WindowConfig ===

impl WindowConfig {
    /// Once.
    #[must_use]
    pub fn once(name: impl Into<String>, from: Timestamp, to: Timestamp) -> Self {
        Self { name: name.into(), from: Some(from), to: Some(to), ..Self::default() }
    }

    /// Again and again.
    #[must_use]
    pub fn cron(name: impl Into<String>, cron: impl Into<String>, zone: impl Into<String>, duration: Duration) -> Self {
        Self { name: name.into(), cron: cron.into(), zone: zone.into(), duration, ..Self::default() }
    }

    /// Adds a condition: all must fit.
    #[must_use]
    pub fn matching(mut self, matcher: Matcher) -> Self {
        self.matchers.push(matcher);
        self
    }

    /// Checks it.
    ///
    /// # Errors
    /// Neither or both of the two ways, a pattern or zone that is none, an end before its begin.
    pub fn check(&self) -> Result<(), InvalidConfig> {
        self.times("window").map(|_| ())
    }

    fn times(&self, key: &str) -> Result<Times, InvalidConfig> {
        match (self.from, self.to, self.cron.as_str()) {
            (Some(from), Some(to), "") if from < to => Ok(Times::Once { from, to }),
            (Some(_), Some(_), "") => Err(InvalidConfig::new(format!("{key}.to"), "is not after `from`")),
            (None, None, cron) if !cron.is_empty() => self.recurring(key),
            _ => Err(InvalidConfig::new(key, "needs either `from` and `to`, or `cron` and `duration`")),
        }
    }

    fn recurring(&self, key: &str) -> Result<Times, InvalidConfig> {
        let cron = Cron::from_str(&self.cron)
            .map_err(|e| InvalidConfig::new(format!("{key}.cron"), format!("is no cron pattern: {e}")))?;
        let zone = match self.zone.as_str() {
            "" => TimeZone::UTC,
            name => TimeZone::get(name)
                .map_err(|_| InvalidConfig::new(format!("{key}.zone"), format!("`{name}` is no time zone")))?,
        };
        if self.duration.is_zero() {
            return Err(InvalidConfig::new(format!("{key}.duration"), "is zero"));
        }
        Ok(Times::Cron { cron: Box::new(cron), zone, duration: self.duration })
    }
}

// === impl Windows ===

impl Windows {
    pub(crate) fn new(configs: &[WindowConfig]) -> Result<Self, InvalidConfig> {
        let windows = configs.iter().enumerate().map(|(i, config)| {
            let times = config.times(&format!("windows[{i}]"))?;
            Ok(Window { name: config.name.clone(), matchers: config.matchers.clone(), times, now: None })
        });
        Ok(Self(windows.collect::<Result<_, _>>()?))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Of those that are open for the alert, the one that ends last.
    pub(crate) fn check(&mut self, alert: &Alert, now: Timestamp) -> Option<InWindow> {
        let open = self.0.iter_mut().filter_map(|window| {
            let until = window.open_until(now)?;
            matcher::all(&window.matchers, alert).then_some((until, &window.name))
        });
        open.max().map(|(until, name)| InWindow { name: name.clone(), until })
    }
}

impl Window {
    fn open_until(&mut self, now: Timestamp) -> Option<Timestamp> {
        let phase = match self.now {
            Some(phase) if phase.since <= now && now < phase.until => phase,
            _ => self.times.phase(now),
        };
        self.now = Some(phase);
        phase.open.then_some(phase.until)
    }
}

impl Times {
    fn phase(&self, now: Timestamp) -> Phase {
        match self {
            Self::Once { from, .. } if now < *from => Phase { open: false, since: Timestamp::MIN, until: *from },
            Self::Once { from, to } if now < *to => Phase { open: true, since: *from, until: *to },
            Self::Once { to, .. } => Phase { open: false, since: *to, until: Timestamp::MAX },
            Self::Cron { cron, zone, duration } => {
                let here = now.to_zoned(zone.clone());
                let start = cron.find_previous_occurrence(&here, true).ok().map(|start| start.timestamp());
                let end = start.and_then(|start| start.checked_add(*duration).ok());
                // A pattern without a next time (a year that is over) never opens again.
                let next = cron.find_next_occurrence(&here, false).map_or(Timestamp::MAX, |next| next.timestamp());
                match end {
                    Some(end) if now < end => Phase { open: true, since: now, until: end },
                    _ => Phase { open: false, since: now, until: next },
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use sre_core::Severity;

    use super::*;

    fn open(config: &WindowConfig, at: &str) -> Option<String> {
        let alert = Alert::builder(Severity::Info, "x").starts_at(Timestamp::UNIX_EPOCH).build().unwrap();
        let mut windows = Windows::new(std::slice::from_ref(config)).unwrap();
        windows.check(&alert, at.parse().unwrap()).map(|w| w.until.to_string())
    }

    #[test]
    fn once() {
        let [from, to] = ["2026-03-23T02:00:00Z", "2026-03-23T03:00:00Z"].map(|t| t.parse().unwrap());
        let window = WindowConfig::once("w", from, to);
        assert_eq!(open(&window, "2026-03-23T01:59:59Z"), None);
        assert_eq!(open(&window, "2026-03-23T02:00:00Z").as_deref(), Some("2026-03-23T03:00:00Z"));
        assert_eq!(open(&window, "2026-03-23T03:00:00Z"), None);
    }

    /// Berlin: at 02:00 on 29 March 2026 it becomes 03:00, at 03:00 on 25 October it becomes 02:00.
    #[test]
    fn cron_where_clocks_change() {
        let window = WindowConfig::cron("w", "30 2 * * *", "Europe/Berlin", Duration::from_secs(3600));
        for (at, until) in [
            // Winter time: 02:30 is 01:30 UTC.
            ("2026-03-28T01:29:59Z", None),
            ("2026-03-28T01:30:00Z", Some("2026-03-28T02:30:00Z")),
            ("2026-03-28T02:30:00Z", None),
            // 02:30 does not exist: from 03:00, which is 01:00 UTC.
            ("2026-03-29T00:59:59Z", None),
            ("2026-03-29T01:00:00Z", Some("2026-03-29T02:00:00Z")),
            ("2026-03-29T02:00:00Z", None),
            // 02:30 exists twice: the first, 00:30 UTC, and not again at 01:30 UTC.
            ("2026-10-25T00:30:00Z", Some("2026-10-25T01:30:00Z")),
            ("2026-10-25T01:30:00Z", None),
        ] {
            assert_eq!(open(&window, at).as_deref(), until, "{at}");
        }
    }

    #[test]
    fn what_is_kept_is_dropped_when_the_clock_is_set() {
        let config = WindowConfig::cron("w", "0 2 * * *", "", Duration::from_secs(3600));
        let alert = Alert::builder(Severity::Info, "x").starts_at(Timestamp::UNIX_EPOCH).build().unwrap();
        let mut windows = Windows::new(&[config]).unwrap();
        for (at, expected) in [
            ("2026-03-23T02:30:00Z", true),
            ("2026-03-23T01:30:00Z", false),
            ("2026-03-23T02:30:00Z", true),
            ("2026-03-25T02:59:59Z", true),
            ("2026-03-23T03:00:00Z", false),
        ] {
            assert_eq!(windows.check(&alert, at.parse().unwrap()).is_some(), expected, "{at}");
        }
    }

    #[test]
    fn longer_than_its_period_is_always_open() {
        let window = WindowConfig::cron("w", "0 * * * *", "", Duration::from_secs(7200));
        assert_eq!(open(&window, "2026-03-23T02:30:00Z").as_deref(), Some("2026-03-23T04:00:00Z"));
    }

    #[test]
    fn mistakes_are_named() {
        let hour = Duration::from_secs(3600);
        for (window, expected) in [
            (WindowConfig::default(), "windows[0]: needs either `from` and `to`, or `cron` and `duration`"),
            (
                WindowConfig::once("w", Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH),
                "windows[0].to: is not after `from`",
            ),
            (WindowConfig::cron("w", "0 2 * * *", "Mars/Base", hour), "windows[0].zone: `Mars/Base` is no time zone"),
            (WindowConfig::cron("w", "0 2 * * *", "", Duration::ZERO), "windows[0].duration: is zero"),
        ] {
            assert_eq!(Windows::new(&[window]).unwrap_err().to_string(), expected);
        }
    }
}
