//! Sizes as people write and read them.
//!
//! Written in IEC units, as `df -h` and `free -h` count: `1.4 GiB`, `512 B`. Read: `1.4 GiB`, `10G`, `64Mi`, `1500`;
//! `K`, `Ki` and `KiB` are 1024 and `KB` is 1000, as in GNU coreutils ("Block size" in its manual).
//!
//! ```
//! use sre_core::output::bytes;
//! assert_eq!(bytes::format(1_503_238_554).to_string(), "1.4 GiB");
//! assert_eq!(bytes::parse("64MiB").unwrap(), 64 * 1024 * 1024);
//! assert!(bytes::parse("64 lines").is_err());
//! ```

use std::fmt;

/// Text that is no size, with the reason.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{text}` is not a size: {why}; write 512, 64KiB, 10M, 1.5 GiB")]
pub struct ParseBytesError {
    text: String,
    why: &'static str,
}

const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// Shows a number of bytes in the largest unit that leaves at least 1, with one decimal below a hundred.
#[must_use]
pub fn format(bytes: u64) -> impl fmt::Display {
    Human(bytes)
}

struct Human(u64);

impl fmt::Display for Human {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&human(self.0))
    }
}

fn human(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64;
    let mut unit = 0;
    // 1023.95 would round to "1024.0", so the step up comes before the rounding would show it.
    while value >= 1023.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    match value < 99.95 {
        true => format!("{value:.1} {}", UNITS[unit]),
        false => format!("{value:.0} {}", UNITS[unit]),
    }
}

/// Reads a size.
///
/// # Errors
/// When the text is empty, negative, has no number or an unknown unit, or is larger than 16 EiB.
pub fn parse(text: &str) -> Result<u64, ParseBytesError> {
    let fail = |why| ParseBytesError { text: text.to_owned(), why };
    let trimmed = text.trim();
    if trimmed.starts_with('-') {
        return Err(fail("it is negative"));
    }
    let end = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(end);
    let factor = factor(unit.trim()).ok_or_else(|| fail("the unit is unknown"))?;
    // Whole numbers stay exact: a double has 53 bits.
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(factor).ok_or_else(|| fail("it is too large"));
    }
    let number: f64 = number.parse().map_err(|_| fail("the number is missing"))?;
    let bytes = (number * factor as f64).round();
    // 2^64: the first double that no longer fits.
    match bytes < 18_446_744_073_709_551_616.0 {
        true => Ok(bytes as u64),
        false => Err(fail("it is too large")),
    }
}

fn factor(unit: &str) -> Option<u64> {
    let lower = unit.to_ascii_lowercase();
    if matches!(lower.as_str(), "" | "b") {
        return Some(1);
    }
    let power = 1 + "kmgtpe".find(lower.chars().next()?)?;
    let base: u64 = match &lower[1..] {
        "" | "i" | "ib" => 1024,
        "b" => 1000,
        _ => return None,
    };
    base.checked_pow(u32::try_from(power).ok()?)
}

/// For `#[serde(with = "sre_core::output::bytes::serde")]`: reads text or a bare number, writes the number.
pub mod serde {
    use std::fmt;

    use ::serde::de::{Error, Visitor};
    use ::serde::{Deserializer, Serializer};

    /// Writes the number of bytes.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(bytes: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(*bytes)
    }

    /// Reads text or a bare number.
    ///
    /// # Errors
    /// When it is neither.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_any(BytesVisitor)
    }

    struct BytesVisitor;

    impl Visitor<'_> for BytesVisitor {
        type Value = u64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a size such as 64KiB, 10M, 1.5 GiB, or a number of bytes")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<u64, E> {
            super::parse(text).map_err(E::custom)
        }

        fn visit_u64<E: Error>(self, bytes: u64) -> Result<u64, E> {
            Ok(bytes)
        }

        fn visit_i64<E: Error>(self, bytes: i64) -> Result<u64, E> {
            u64::try_from(bytes).map_err(|_| E::custom("a size is not negative"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_one_decimal_below_a_hundred() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (102_400, "100 KiB"),
            (1_048_575, "1.0 MiB"),
            (270_582_939_648, "252 GiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(format(bytes).to_string(), text);
        }
    }

    #[test]
    fn reads_what_people_write() {
        for (text, bytes) in [
            ("0", 0),
            ("512", 512),
            ("512 b", 512),
            ("64KiB", 65_536),
            ("64K", 65_536),
            ("64Ki", 65_536),
            ("64kB", 64_000),
            ("1.5 GiB", 1_610_612_736),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(parse(text).unwrap(), bytes, "{text}");
        }
        for text in ["", "-1", "GiB", "1 lot", "1.2.3K", "17E", "1e3", "1 KiB/s", "9é"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(s in ".*") {
            let _ = parse(&s);
        }

        #[test]
        fn what_is_written_reads_back_within_its_rounding(n: u64) {
            let back = parse(&format(n).to_string()).map_or(u64::MAX, |b| b);
            proptest::prop_assert!(back.abs_diff(n) <= n / 18 + 1, "{n} {back}");
        }
    }
}
