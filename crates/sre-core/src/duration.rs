//! Durations as people write and read them.
//!
//! Read: `30s`, `2m`, `1h30m`, `250ms`, `1.5h`, `2d`, `1w`; a bare number means seconds. Written: `1.4s`, `3m 20s`,
//! `2d 4h`, at most two units.
//!
//! ```
//! use std::time::Duration;
//! use sre_core::duration;
//! assert_eq!(duration::parse("1h30m").unwrap(), Duration::from_secs(5400));
//! assert_eq!(duration::parse("45").unwrap(), Duration::from_secs(45));
//! assert_eq!(duration::format(Duration::from_millis(1400)).to_string(), "1.4s");
//! assert_eq!(duration::format(Duration::from_secs(200)).to_string(), "3m 20s");
//! ```

use std::fmt;
use std::time::Duration;

/// Text that is no duration, with the reason.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{text}` is not a duration: {why}; write 30s, 2m, 1h30m, or a number of seconds")]
pub struct ParseDurationError {
    text: String,
    why: &'static str,
}

/// Milliseconds in each unit.
const UNITS: [(&str, u64); 6] =
    [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)];

/// Reads a duration.
///
/// # Errors
/// When the text is empty, negative, has an unknown unit or a number without one after another, or is too large.
pub fn parse(text: &str) -> Result<Duration, ParseDurationError> {
    let fail = |why| ParseDurationError { text: text.to_owned(), why };
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(fail("it is empty"));
    }
    if rest.starts_with('-') {
        return Err(fail("it is negative"));
    }
    let too_long = || fail("it is longer than ten years");
    let mut total = Duration::ZERO;
    let mut first = true;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        if number.is_empty() {
            return Err(fail("a number is missing"));
        }
        let unit_end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, tail) = after.split_at(unit_end);
        let scale = match unit {
            "" if first && tail.is_empty() => 1000,
            "" => return Err(fail("a unit is missing")),
            unit => UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(|| fail("the unit is unknown"))?.1,
        };
        let part = match (number.parse::<u64>(), number.parse::<f64>()) {
            (Ok(whole), _) => whole.checked_mul(scale).map(Duration::from_millis),
            (_, Ok(broken)) => Duration::try_from_secs_f64(broken * scale as f64 / 1000.0).ok(),
            _ => return Err(fail("a number is missing")),
        };
        total = part.and_then(|part| total.checked_add(part)).filter(|d| *d <= LONGEST).ok_or_else(too_long)?;
        rest = tail.trim_start();
        first = false;
    }
    Ok(total)
}

/// Longer ones would overflow when added to a clock's time, and nobody means them.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 86_400);

/// Shows a duration exactly, in a form that [`parse`] reads back: `1h30m15s`, `1450ms`.
#[must_use]
pub fn exact(duration: Duration) -> impl fmt::Display {
    Exact(duration)
}

struct Exact(Duration);

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (s, nanos) = (self.0.as_secs(), self.0.subsec_nanos());
        if nanos % 1_000_000 != 0 {
            return write!(f, "{}s", self.0.as_secs_f64());
        }
        if nanos != 0 || s == 0 {
            let ms = self.0.as_millis();
            return if ms == 0 { f.write_str("0s") } else { write!(f, "{ms}ms") };
        }
        for (n, unit) in [(s / 86_400, "d"), (s / 3600 % 24, "h"), (s / 60 % 60, "m"), (s % 60, "s")] {
            if n > 0 {
                write!(f, "{n}{unit}")?;
            }
        }
        Ok(())
    }
}

/// Shows a duration with at most two units.
#[must_use]
pub fn format(duration: Duration) -> impl fmt::Display {
    Human(duration)
}

struct Human(Duration);

impl fmt::Display for Human {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text())
    }
}

impl Human {
    fn text(&self) -> String {
        let d = self.0;
        if d < Duration::from_secs(1) {
            return format!("{}ms", d.as_millis());
        }
        // From here on whole tenths of a second are precise enough, and rounding first keeps "60.0s" from appearing.
        let tenths = (d.as_millis() + 50) / 100;
        if tenths < 600 {
            return match tenths % 10 {
                0 => format!("{}s", tenths / 10),
                t => format!("{}.{t}s", tenths / 10),
            };
        }
        let s = (d.as_millis() + 500) / 1000;
        let (big, small) = match s {
            0..3600 => ((s / 60, "m"), (s % 60, "s")),
            3600..86_400 => ((s / 3600, "h"), (s % 3600 / 60, "m")),
            _ => ((s / 86_400, "d"), (s % 86_400 / 3600, "h")),
        };
        match small.0 {
            0 => format!("{}{}", big.0, big.1),
            n => format!("{}{} {n}{}", big.0, big.1, small.1),
        }
    }
}

/// For `#[serde(with = "sre_core::duration::serde")]`: reads text or a bare number, writes [`exact`]'s text.
pub mod serde {
    use std::fmt;
    use std::time::Duration;

    use ::serde::de::{Error, Visitor};
    use ::serde::{Deserializer, Serializer};

    /// Writes the duration as text.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&super::exact(*duration))
    }

    /// Reads text or a bare number of seconds.
    ///
    /// # Errors
    /// When it is neither.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        deserializer.deserialize_any(DurationVisitor)
    }

    struct DurationVisitor;

    impl Visitor<'_> for DurationVisitor {
        type Value = Duration;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a duration such as 30s, 2m, 1h30m, or a number of seconds")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Duration, E> {
            super::parse(text).map_err(E::custom)
        }

        fn visit_u64<E: Error>(self, seconds: u64) -> Result<Duration, E> {
            super::parse(&seconds.to_string()).map_err(E::custom)
        }

        fn visit_i64<E: Error>(self, seconds: i64) -> Result<Duration, E> {
            super::parse(&seconds.to_string()).map_err(E::custom)
        }

        fn visit_f64<E: Error>(self, seconds: f64) -> Result<Duration, E> {
            super::parse(&seconds.to_string()).map_err(E::custom)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, ms) in [
            ("30s", 30_000),
            ("2m", 120_000),
            ("1h30m", 5_400_000),
            ("250ms", 250),
            ("1.5h", 5_400_000),
            ("7", 7000),
            ("0", 0),
            ("1d 2h", 93_600_000),
        ] {
            assert_eq!(parse(text).unwrap(), Duration::from_millis(ms), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_unclear() {
        for text in [
            "",
            "-1s",
            "5x",
            "1h30",
            "s",
            "1..2s",
            "1e400",
            "99999999999999999999w",
            "18446744073709000000",
            "11000d",
            "10 minutes ago",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn writes_at_most_two_units() {
        for (ms, text) in [
            (0, "0ms"),
            (999, "999ms"),
            (1000, "1s"),
            (59_960, "1m"),
            (61_000, "1m 1s"),
            (3_600_000, "1h"),
            (187_200_000, "2d 4h"),
        ] {
            assert_eq!(format(Duration::from_millis(ms)).to_string(), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_exactly_reads_back(ms in 0_u64..400_000_000_000, whole in 0_u64..300_000_000) {
            for d in [Duration::from_millis(ms.min(300_000_000_000)), Duration::from_secs(whole)] {
                assert_eq!(parse(&exact(d).to_string()).unwrap(), d);
            }
        }

        #[test]
        fn never_panics(s in ".*") {
            let _ = parse(&s);
        }
    }
}
