//! The kinds of value that keywords take. Errors are lower-case fragments.

use std::time::Duration;

/// `yes` or `no`.
pub(super) fn flag(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" => Ok(true),
        "no" | "false" => Ok(false),
        _ => Err(format!("{text:?} is neither yes nor no")),
    }
}

/// A port, 1 to 65535. `ssh` takes the name of a service as well; nobody writes it.
pub(super) fn port(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(port) if port != 0 => Ok(port),
        _ => Err(format!("{text:?} is no port: a number from 1 to 65535")),
    }
}

/// A count, as in `ServerAliveCountMax`.
pub(super) fn count(text: &str) -> Result<u32, String> {
    let fits = text.parse().ok().filter(|n| i32::try_from(*n).is_ok());
    fits.ok_or_else(|| format!("{text:?} is no number from 0 to {}", i32::MAX))
}

/// A time as in sshd_config(5), TIME FORMATS: numbers with `s`, `m`, `h`, `d` or `w`, seconds without: `90`, `1m30s`.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no time: 30, 90s, 1m30s");
    let mut seconds: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        let mut unit = rest[digits..].chars();
        let factor = match unit.next().map(|c| c.to_ascii_lowercase()) {
            None | Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3_600,
            Some('d') => 86_400,
            Some('w') => 604_800,
            Some(_) => return Err(wrong()),
        };
        seconds = number.checked_mul(factor).and_then(|n| seconds.checked_add(n)).ok_or_else(wrong)?;
        rest = unit.as_str();
    }
    // ssh keeps it in an int.
    if text.is_empty() || i32::try_from(seconds).is_err() { Err(wrong()) } else { Ok(Duration::from_secs(seconds)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, seconds) in [("0", 0), ("90", 90), ("5S", 5), ("1m30", 90), ("1h2m3", 3723), ("1w1d", 691_200)] {
            assert_eq!(time(text).unwrap().as_secs(), seconds, "{text}");
        }
        for text in ["", "s", "1.5", "-1", "1x", "m5", "99999999999999999999", "9999999w", "3000000000"] {
            time(text).unwrap_err();
        }
    }

    #[test]
    fn ports_counts_and_flags() {
        assert_eq!((port("22"), count("07"), flag("YES")), (Ok(22), Ok(7), Ok(true)));
        for text in ["", "0", "65536", "-1", "22x", "ssh"] {
            port(text).unwrap_err();
        }
        count("0x10").unwrap_err();
        count("2147483648").unwrap_err();
        assert_eq!(flag("1").unwrap_err(), "\"1\" is neither yes nor no");
    }
}
