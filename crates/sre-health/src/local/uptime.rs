//! Time since boot, from `/proc/uptime`.

use std::time::Duration;

use super::note::Missing;

pub(crate) const FILE: &str = "proc/uptime";

/// The first number; the second is the idle time of all cores together.
pub(crate) fn parse(text: &str) -> Result<Duration, Missing> {
    let seconds = text.split_ascii_whitespace().next().and_then(|w| w.parse::<f64>().ok());
    seconds
        .and_then(|s| Duration::try_from_secs_f64(s).ok())
        .ok_or_else(|| Missing::unreadable(FILE, "number of seconds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_number_counts() {
        assert_eq!(parse("12345.67 8910.11\n").unwrap(), Duration::from_millis(12_345_670));
        for bad in ["", "soon", "-1 0", "nan 1", "inf", "1e40"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
