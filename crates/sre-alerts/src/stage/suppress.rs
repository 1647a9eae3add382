//! The same again, soon: it is counted and not sent.
//!
//! Measured from the last notification of the same key, for `suppress` (15 minutes unless set otherwise). Three things
//! are not suppressed: an alert that has become more severe, one that is past the window, and one that was over and
//! told to be over: that one is held until the window ends and sent then if it still fires, so that something that
//! flaps cannot send a pair of messages a minute, and nothing that fires stays unknown.

use std::time::Duration;

use sre_core::Severity;

use super::moment::Moment;

/// What is known of an alert of the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    /// It fires; otherwise it did and is over.
    pub(crate) firing: bool,
    /// Some receiver will be told of it as soon as its group is sent.
    pub(crate) waiting: bool,
    /// When it was last handed to the outbox.
    pub(crate) notified_at: Option<Moment>,
    /// The highest severity that it was routed with.
    pub(crate) severity: Severity,
}

/// The decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suppression {
    /// Nobody was told of it.
    First,
    /// It is worse than what was told.
    Raised { from: Severity },
    /// The last notification is long ago.
    Again { last: Moment },
    /// It waits to be sent already.
    Merged,
    /// It was sent a short time ago.
    Suppressed { until: Moment },
    /// It is back a short time after it was sent.
    Held { until: Moment },
}

pub(crate) fn decide(known: Option<&Known>, severity: Severity, window: Duration, now: Moment) -> Suppression {
    let Some(known) = known else { return Suppression::First };
    if known.firing && severity > known.severity {
        return Suppression::Raised { from: known.severity };
    }
    if known.firing && known.waiting {
        return Suppression::Merged;
    }
    match known.notified_at {
        None => Suppression::First,
        Some(last) if now >= last + window => Suppression::Again { last },
        Some(last) if known.firing => Suppression::Suppressed { until: last + window },
        Some(last) => Suppression::Held { until: last + window },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(900);
    const SENT: Moment = Moment(1_000_000);

    #[test]
    fn table() {
        let sent = Known { firing: true, waiting: false, notified_at: Some(SENT), severity: Severity::Warning };
        let waiting = Known { waiting: true, ..sent };
        let over = Known { firing: false, ..sent };
        let untold = Known { notified_at: None, ..sent };
        let until = SENT + WINDOW;
        let soon = Moment(until.0 - 1);
        for (known, severity, now, expected) in [
            (None, Severity::Info, soon, Suppression::First),
            (Some(untold), Severity::Warning, soon, Suppression::First),
            (Some(sent), Severity::Warning, soon, Suppression::Suppressed { until }),
            (Some(sent), Severity::Info, soon, Suppression::Suppressed { until }),
            (Some(sent), Severity::Critical, soon, Suppression::Raised { from: Severity::Warning }),
            (Some(sent), Severity::Warning, until, Suppression::Again { last: SENT }),
            (Some(waiting), Severity::Warning, until, Suppression::Merged),
            (Some(waiting), Severity::Error, soon, Suppression::Raised { from: Severity::Warning }),
            (Some(over), Severity::Warning, soon, Suppression::Held { until }),
            (Some(over), Severity::Warning, until, Suppression::Again { last: SENT }),
        ] {
            assert_eq!(decide(known.as_ref(), severity, WINDOW, now), expected, "{known:?} {severity} {now}");
        }
    }
}
