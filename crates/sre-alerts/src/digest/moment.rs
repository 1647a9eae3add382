//! A time of day in a time zone, also on the days when the clocks change.

use jiff::civil::Time;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Span, Timestamp};

/// Once a day at a time of day.
///
/// A time that does not exist on a day (the clocks are put forward over it) is the moment of that change; one that
/// comes twice is the first of the two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeOfDay {
    time: Time,
    zone: TimeZone,
}

// === impl TimeOfDay ===

impl TimeOfDay {
    /// That time in that zone.
    #[must_use]
    pub fn new(time: Time, zone: TimeZone) -> Self {
        Self { time, zone }
    }

    /// The zone.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The latest such moment that is not after `now`.
    #[must_use]
    pub fn last(&self, now: Timestamp) -> Timestamp {
        // Of yesterday, where it is still to come today; the day before that is for zones that left out a whole day.
        let days = [0, -1, -2].map(|days| self.on(now, days));
        days.into_iter().flatten().find(|at| *at <= now).unwrap_or(Timestamp::MIN)
    }

    /// The first such moment after `now`.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Timestamp {
        let days = [0, 1, 2].map(|days| self.on(now, days));
        days.into_iter().flatten().find(|at| *at > now).unwrap_or(Timestamp::MAX)
    }

    /// The moment on the day that is so many days from today; none at the ends of time.
    fn on(&self, now: Timestamp, days: i64) -> Option<Timestamp> {
        let today = now.to_zoned(self.zone.clone()).date();
        let day = today.checked_add(Span::new().try_days(days).ok()?).ok()?;
        let moment = self.zone.to_ambiguous_timestamp(day.to_datetime(self.time));
        match moment.offset() {
            AmbiguousOffset::Gap { before, .. } => {
                // By the old offset it is after the change, by the new one before it.
                let earlier = moment.earlier().ok()?;
                let change = self.zone.following(earlier).next().map(|change| change.timestamp());
                change.or_else(|| before.to_timestamp(day.to_datetime(self.time)).ok())
            }
            _ => moment.earlier().ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use jiff::civil::time;
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn daily(hour: i8, minute: i8, zone: &str) -> TimeOfDay {
        TimeOfDay::new(time(hour, minute, 0, 0), TimeZone::get(zone).unwrap())
    }

    #[test]
    fn before_at_and_after() {
        let seven = daily(7, 0, "Europe/Berlin");
        for (now, last, next) in [
            ("2026-03-23T05:59:59Z", "2026-03-22T06:00:00Z", "2026-03-23T06:00:00Z"),
            ("2026-03-23T06:00:00Z", "2026-03-23T06:00:00Z", "2026-03-24T06:00:00Z"),
            ("2026-03-28T23:30:00Z", "2026-03-28T06:00:00Z", "2026-03-29T05:00:00Z"),
            ("2026-10-25T05:30:00Z", "2026-10-24T05:00:00Z", "2026-10-25T06:00:00Z"),
        ] {
            assert_eq!((seven.last(at(now)), seven.next(at(now))), (at(last), at(next)), "{now}");
        }
    }

    #[test]
    fn a_time_that_there_is_not_and_one_that_comes_twice() {
        let half_past_two = daily(2, 30, "Europe/Berlin");
        // 02:00 became 03:00.
        assert_eq!(half_past_two.next(at("2026-03-28T12:00:00Z")), at("2026-03-29T01:00:00Z"));
        assert_eq!(half_past_two.next(at("2026-03-29T01:00:00Z")), at("2026-03-30T00:30:00Z"));
        // 03:00 became 02:00: the first 02:30 counts, the second does not.
        assert_eq!(half_past_two.next(at("2026-10-24T12:00:00Z")), at("2026-10-25T00:30:00Z"));
        assert_eq!(half_past_two.next(at("2026-10-25T00:30:00Z")), at("2026-10-26T01:30:00Z"));
        assert_eq!(half_past_two.last(at("2026-10-25T01:30:00Z")), at("2026-10-25T00:30:00Z"));
        // Samoa had no 30 December 2011.
        assert_eq!(daily(7, 0, "Pacific/Apia").last(at("2011-12-30T11:00:00Z")), at("2011-12-30T10:00:00Z"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Going from one to the next meets each day once, however the clocks change.
        #[test]
        fn each_day_has_one(hour in 0_i8..24, minute in 0_i8..60, zone in prop_oneof![
            Just("Europe/Berlin"), Just("America/New_York"), Just("Australia/Lord_Howe"), Just("UTC"), Just("America/Havana"),
        ]) {
            let daily = daily(hour, minute, zone);
            let mut now = at("2025-12-31T12:00:00Z");
            for _ in 0..366 {
                let next = daily.next(now);
                let hours = next.duration_since(now).as_hours();
                prop_assert!((0..=25).contains(&hours) && daily.last(next) == next, "{now} {next}");
                let just_before = next - SignedDuration::from_millis(1);
                prop_assert!(daily.next(just_before) == next && daily.last(just_before) < next);
                let days = next.to_zoned(daily.zone().clone()).date() - now.to_zoned(daily.zone().clone()).date();
                prop_assert!(days.get_days() <= 1, "{now} {next}");
                now = next;
            }
        }
    }
}
