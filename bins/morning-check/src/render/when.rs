//! Times as people say them: `06:41`, `yesterday 07:00`, `2026-03-20 07:00`, in the local zone.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// The time of day, with the day in front when it is not today's.
pub(super) fn clock_time(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (at, today) = (at.to_zoned(zone.clone()), now.to_zoned(zone.clone()).date());
    let yesterday = today.checked_sub(1.day()).unwrap_or(today);
    let day = at.date();
    if day == today {
        at.strftime("%H:%M").to_string()
    } else if day == yesterday {
        at.strftime("yesterday %H:%M").to_string()
    } else {
        at.strftime("%Y-%m-%d %H:%M").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_is_said_when_it_is_not_today() {
        let now = "2026-03-23T09:00:00Z".parse().unwrap();
        let zone = TimeZone::get("Europe/Berlin").unwrap_or(TimeZone::UTC);
        for (at, expected) in [
            ("2026-03-23T05:41:00Z", "06:41"),
            ("2026-03-22T23:30:00Z", "00:30"),
            ("2026-03-22T06:00:00Z", "yesterday 07:00"),
            ("2026-03-20T06:00:00Z", "2026-03-20 07:00"),
        ] {
            assert_eq!(clock_time(at.parse().unwrap(), now, &zone), expected);
        }
    }
}
