//! Silences: somebody says "I know, do not tell me", for a while and with a reason.
//!
//! A silence stops notifications of alerts that fire; the alerts are in the history all the same. When it ends and the
//! alert still fires, it is sent. One that begins when it is made lasts as long as it says, also when the clock is set;
//! one that is planned goes by the clock. That something is over is told to those who heard of it even during a silence: it
//! closes what was opened.
//!
//! ```
//! use std::time::Duration;
//! use sre_alerts::stage::NewSilence;
//!
//! let silence = NewSilence::new("anna", "replacing the disk", Duration::from_secs(3600))
//!     .matching("source=web-03".parse()?);
//! assert!(silence.check().is_ok());
//! assert!(NewSilence::new("anna", "quiet!", Duration::from_secs(60)).check().is_err()); // of everything
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::matcher::{self, Matcher};
use super::moment::{Moment, Now};
use crate::alert::Alert;
use crate::pipeline::InvalidConfig;

/// A silence that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Silence {
    /// Its number.
    pub id: SilenceId,
    /// All of them must fit.
    pub matchers: Vec<Matcher>,
    /// Who made it.
    pub author: String,
    /// Why.
    pub reason: String,
    /// From when, by the wall clock.
    pub starts_at: Timestamp,
    /// Until when, by the wall clock.
    pub ends_at: Timestamp,
}

/// The number of a silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SilenceId(pub i64);

/// A silence to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct NewSilence {
    matchers: Vec<Matcher>,
    author: String,
    reason: String,
    starts_at: Option<Timestamp>,
    duration: Duration,
}

/// All that have not ended.
#[derive(Debug, Default)]
pub(crate) struct Silences {
    list: Vec<Silence>,
    /// Of each when it ends, if it was "from now on for so long": the clock on the wall may be set meanwhile.
    ends: Vec<Option<Moment>>,
}

/// A silence covers an alert.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Covered<'a> {
    pub(crate) by: &'a Silence,
    pub(crate) until: Moment,
}

/// Nobody means a longer one; a forgotten silence hides things.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

// === impl NewSilence ===

impl NewSilence {
    /// From now on for that long; it needs a matcher.
    pub fn new(author: impl Into<String>, reason: impl Into<String>, duration: Duration) -> Self {
        Self { matchers: Vec::new(), author: author.into(), reason: reason.into(), starts_at: None, duration }
    }

    /// Adds a condition: all must fit.
    pub fn matching(mut self, matcher: Matcher) -> Self {
        self.matchers.push(matcher);
        self
    }

    /// Not from now on, but from then.
    pub fn starts_at(mut self, at: Timestamp) -> Self {
        self.starts_at = Some(at);
        self
    }

    /// Checks it.
    ///
    /// # Errors
    /// Nobody as its author, no reason, no matcher that says what it is about, no time at all or more than a year.
    pub fn check(&self) -> Result<(), InvalidConfig> {
        for (key, text) in [("author", &self.author), ("reason", &self.reason)] {
            if text.trim().is_empty() || text.len() > 1000 {
                return Err(InvalidConfig::new(key, "must be 1 to 1,000 bytes of text"));
            }
        }
        if self.matchers.iter().all(Matcher::fits_emptiness) {
            return Err(InvalidConfig::new("matchers", "would silence everything"));
        }
        match self.duration {
            d if d.is_zero() => Err(InvalidConfig::new("duration", "is zero")),
            d if d > LONGEST => Err(InvalidConfig::new("duration", "is longer than a year")),
            _ => Ok(()),
        }
    }

    /// It begins when it is made.
    pub(crate) fn is_from_now_on(&self) -> bool {
        self.starts_at.is_none()
    }

    pub(crate) fn make(self, id: SilenceId, now: Timestamp) -> Silence {
        let starts_at = self.starts_at.unwrap_or(now);
        let ends_at = starts_at.saturating_add(self.duration).unwrap_or(Timestamp::MAX);
        Silence { id, matchers: self.matchers, author: self.author, reason: self.reason, starts_at, ends_at }
    }
}

// === impl Silence ===

impl Silence {
    /// Whether it is in force at that time.
    #[must_use]
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.starts_at <= now && now < self.ends_at
    }

    /// Whether it is about the alert.
    #[must_use]
    pub fn matches(&self, alert: &Alert) -> bool {
        matcher::all(&self.matchers, alert)
    }
}

impl fmt::Display for SilenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

// === impl Silences ===

impl Silences {
    /// Those of the last process. Each that has begun goes on for as long as the wall clock says now.
    pub(crate) fn new(silences: Vec<Silence>, now: Now) -> Self {
        let ends = |s: &Silence| s.is_active(now.wall).then(|| now.moment_of(s.ends_at));
        Self { ends: silences.iter().map(ends).collect(), list: silences }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Of those that silence the alert now, the one that ends last.
    pub(crate) fn check(&self, alert: &Alert, now: Now) -> Option<Covered<'_>> {
        let covered = self.all().filter_map(|(silence, ends)| {
            let until = match ends {
                Some(ends) => (now.steady < ends).then_some(ends)?,
                None => silence.is_active(now.wall).then(|| now.moment_of(silence.ends_at))?,
            };
            silence.matches(alert).then_some(Covered { by: silence, until })
        });
        covered.max_by_key(|covered| covered.until)
    }

    /// `from_now_on`: it lasts as long as it says, whatever becomes of the wall clock.
    pub(crate) fn add(&mut self, silence: Silence, from_now_on: bool, now: Now) {
        self.ends.push(from_now_on.then(|| now.moment_of(silence.ends_at)));
        self.list.push(silence);
    }

    pub(crate) fn list(&self) -> &[Silence] {
        &self.list
    }

    /// Takes one out before its time.
    pub(crate) fn remove(&mut self, id: SilenceId) -> Option<Silence> {
        let at = self.list.iter().position(|s| s.id == id)?;
        self.ends.swap_remove(at);
        Some(self.list.swap_remove(at))
    }

    /// Forgets those that have ended.
    pub(crate) fn purge(&mut self, now: Now) {
        let lasts = |(silence, ends): &(&Silence, Option<Moment>)| match ends {
            Some(ends) => now.steady < *ends,
            None => now.wall < silence.ends_at,
        };
        if !self.all().all(|one| lasts(&one)) {
            let kept = self.all().filter(lasts).map(|(silence, ends)| (silence.clone(), ends)).collect::<Vec<_>>();
            (self.list, self.ends) = kept.into_iter().unzip();
        }
    }

    fn all(&self) -> impl Iterator<Item = (&Silence, Option<Moment>)> {
        self.list.iter().zip(self.ends.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use sre_core::Severity;

    use super::*;

    #[test]
    fn from_its_start_until_before_its_end() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let alert =
            Alert::builder(Severity::Info, "x").source("web-03").starts_at(Timestamp::UNIX_EPOCH).build().unwrap();
        let new = NewSilence::new("anna", "disk", Duration::from_secs(60)).matching("source=web-03".parse().unwrap());
        let now = |text: &str| Now { steady: Moment(at(text).as_millisecond()), wall: at(text) };
        let start = "2026-03-23T07:00:00Z";
        let mut silences = Silences::default();
        silences.add(new.starts_at(at(start)).make(SilenceId(1), at(start)), false, now(start));
        for (at, expected) in [
            ("2026-03-23T06:59:59.999Z", false),
            ("2026-03-23T07:00:00Z", true),
            ("2026-03-23T07:00:59.999Z", true),
            ("2026-03-23T07:01:00Z", false),
        ] {
            assert_eq!(silences.check(&alert, now(at)).is_some(), expected, "{at}");
        }
        silences.purge(now("2026-03-23T07:01:00Z"));
        assert!(silences.is_empty());
    }

    #[test]
    fn an_hour_is_an_hour_though_the_clock_is_set() {
        let wall = |text: &str| text.parse::<Timestamp>().unwrap();
        let alert = Alert::builder(Severity::Info, "x").starts_at(Timestamp::UNIX_EPOCH).build().unwrap();
        let hour = NewSilence::new("anna", "disk", Duration::from_secs(3600)).matching("title=x".parse().unwrap());
        let start = Now { steady: Moment(0), wall: wall("2026-03-23T07:00:00Z") };
        let mut silences = Silences::default();
        silences.add(hour.make(SilenceId(1), start.wall), true, start);
        for (minutes, at, expected) in [
            (1, "2026-03-23T06:01:00Z", true),
            (2, "2026-03-23T09:02:00Z", true),
            (59, "2027-03-23T07:59:00Z", true),
            (60, "2026-03-23T07:00:00Z", false),
        ] {
            let now = Now { steady: Moment(minutes * 60_000), wall: wall(at) };
            assert_eq!(silences.check(&alert, now).is_some(), expected, "{minutes} {at}");
            silences.purge(now);
        }
        assert!(silences.is_empty());
    }

    #[test]
    fn says_who_and_why_and_what() {
        let hour = Duration::from_secs(3600);
        let m = |text: &str| text.parse::<Matcher>().unwrap();
        for (silence, expected) in [
            (NewSilence::new("", "x", hour).matching(m("a=b")), "author: must be 1 to 1,000 bytes of text"),
            (NewSilence::new("x", " ", hour).matching(m("a=b")), "reason: must be 1 to 1,000 bytes of text"),
            (NewSilence::new("x", "x", hour).matching(m("a=~.*")), "matchers: would silence everything"),
            (NewSilence::new("x", "x", Duration::ZERO).matching(m("a=b")), "duration: is zero"),
            (NewSilence::new("x", "x", hour * 9000).matching(m("a=b")), "duration: is longer than a year"),
        ] {
            assert_eq!(silence.check().unwrap_err().to_string(), expected);
        }
    }
}
