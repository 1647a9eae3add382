//! How a fleet is cut into batches, and how many of its hosts may fail.
//!
//! The meaning is Ansible's `serial`: each entry is the size of one batch, a percentage is of the whole fleet, the last
//! entry is repeated until no host is left. `2` is two at a time; `1,10%,50%` on 100 hosts is 1, 10, 50, 39.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error as _, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

/// A number of hosts, or a share of the fleet in steps of 0.01 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Size {
    /// So many hosts.
    Hosts(u32),
    /// So many hundredths of a percent of the whole fleet.
    BasisPoints(u32),
}

/// The sizes of the batches, in order; see the [module](super).
///
/// ```
/// use sre_remote::rollout::Batches;
/// let batches: Batches = "1,10%,50%".parse()?;
/// assert_eq!(batches.of(100), [1, 10, 50, 39]);
/// assert_eq!(batches.of(10), [1, 1, 5, 3]);
/// assert_eq!("30%".parse::<Batches>()?.of(10), [3, 3, 3, 1]);
/// assert_eq!("3".parse::<Batches>()?.with_canary(1).of(10), [1, 3, 3, 3]);
/// # Ok::<(), sre_remote::rollout::ParseSizeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batches(Vec<Size>);

/// How many hosts of the whole fleet may fail before the rollout is aborted. Default none.
///
/// ```
/// use sre_remote::rollout::MaxFail;
/// assert_eq!("10%".parse::<MaxFail>()?.of(25), 2);
/// assert_eq!(MaxFail::default().of(25), 0);
/// # Ok::<(), sre_remote::rollout::ParseSizeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxFail(Size);

/// Text that is no size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` {why}; write a number of hosts such as 2, or a share of the fleet such as 10%")]
pub struct ParseSizeError {
    text: String,
    why: &'static str,
}

/// One percent.
const PERCENT: u32 = 100;

// === impl Size ===

impl Size {
    fn is_zero(self) -> bool {
        matches!(self, Self::Hosts(0) | Self::BasisPoints(0))
    }

    fn of(self, fleet: usize, round_up: bool) -> usize {
        match self {
            Self::Hosts(n) => n as usize,
            Self::BasisPoints(share) => {
                let whole = 100 * PERCENT as usize;
                let exact = fleet.saturating_mul(share as usize);
                if round_up { exact.div_ceil(whole) } else { exact / whole }
            }
        }
    }
}

impl FromStr for Size {
    type Err = ParseSizeError;

    fn from_str(text: &str) -> Result<Self, ParseSizeError> {
        let fail = |why| ParseSizeError { text: text.chars().take(40).collect(), why };
        let text = text.trim();
        let Some(share) = text.strip_suffix('%') else {
            return text.parse().map(Self::Hosts).map_err(|_| fail("is no number of hosts"));
        };
        let share = share.trim_end();
        let (whole, part) = share.split_once('.').unwrap_or((share, "0"));
        let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(part) {
            return Err(fail("is no percentage"));
        }
        if part.len() > 2 {
            return Err(fail("is finer than 0.01%"));
        }
        let whole: u32 = whole.parse().map_err(|_| fail("is more than 100%"))?;
        let part: u32 = format!("{part:0<2}").parse().map_err(|_| fail("is no percentage"))?;
        match whole.saturating_mul(PERCENT).saturating_add(part) {
            share if share <= 100 * PERCENT => Ok(Self::BasisPoints(share)),
            _ => Err(fail("is more than 100%")),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hosts(n) => write!(f, "{n}"),
            Self::BasisPoints(share) if share % PERCENT == 0 => write!(f, "{}%", share / PERCENT),
            Self::BasisPoints(share) => write!(f, "{}.{:02}%", share / PERCENT, share % PERCENT),
        }
    }
}

// === impl Batches ===

impl Batches {
    /// Batches of these sizes.
    ///
    /// # Errors
    /// When there is none, or one of them is nothing.
    pub fn new(sizes: impl IntoIterator<Item = Size>) -> Result<Self, ParseSizeError> {
        let sizes: Vec<Size> = sizes.into_iter().collect();
        match sizes.iter().find(|size| size.is_zero()) {
            Some(size) => Err(ParseSizeError { text: size.to_string(), why: "is an empty batch" }),
            None if sizes.is_empty() => Err(ParseSizeError { text: String::new(), why: "names no batch" }),
            None => Ok(Self(sizes)),
        }
    }

    /// The whole fleet at once.
    #[must_use]
    pub fn all() -> Self {
        Self(vec![Size::BasisPoints(100 * PERCENT)])
    }

    /// A first batch of `hosts` in front of these; nothing changes for 0.
    #[must_use]
    pub fn with_canary(mut self, hosts: u32) -> Self {
        if hosts > 0 {
            self.0.insert(0, Size::Hosts(hosts));
        }
        self
    }

    /// The sizes of the batches of a fleet of so many hosts; they add up to it. A share is rounded up, so that a batch
    /// is never empty.
    #[must_use]
    pub fn of(&self, fleet: usize) -> Vec<usize> {
        let mut left = fleet;
        let mut sizes = Vec::new();
        let last = self.0.last().copied().unwrap_or(Size::BasisPoints(100 * PERCENT));
        for size in self.0.iter().copied().chain(std::iter::repeat(last)) {
            if left == 0 {
                break;
            }
            let size = size.of(fleet, true).clamp(1, left);
            left -= size;
            sizes.push(size);
        }
        sizes
    }
}

impl FromStr for Batches {
    type Err = ParseSizeError;

    fn from_str(text: &str) -> Result<Self, ParseSizeError> {
        let sizes: Result<Vec<Size>, _> = text.split(',').map(str::parse).collect();
        Self::new(sizes?)
    }
}

impl fmt::Display for Batches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, size) in self.0.iter().enumerate() {
            write!(f, "{}{size}", if i > 0 { "," } else { "" })?;
        }
        Ok(())
    }
}

impl Serialize for Batches {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Batches {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BatchesVisitor)
    }
}

/// `2`, `10%`, `1,10%,50%`, or a list of such.
struct BatchesVisitor;

impl<'de> Visitor<'de> for BatchesVisitor {
    type Value = Batches;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("batch sizes such as 2, 10%, or 1,10%,50%")
    }

    fn visit_u64<E: serde::de::Error>(self, hosts: u64) -> Result<Batches, E> {
        self.visit_str(&hosts.to_string())
    }

    fn visit_i64<E: serde::de::Error>(self, hosts: i64) -> Result<Batches, E> {
        self.visit_str(&hosts.to_string())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Batches, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Batches, A::Error> {
        let mut sizes = Vec::new();
        while let Some(size) = seq.next_element::<SizeText>()? {
            sizes.push(size.0);
        }
        Batches::new(sizes).map_err(A::Error::custom)
    }
}

/// One entry of a list, a number or text.
struct SizeText(Size);

impl<'de> Deserialize<'de> for SizeText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // As a string field, a number is read as it is written.
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

// === impl MaxFail ===

impl MaxFail {
    /// How many hosts that is of a fleet of so many; a share is rounded down.
    #[must_use]
    pub fn of(self, fleet: usize) -> usize {
        self.0.of(fleet, false)
    }
}

impl Default for MaxFail {
    fn default() -> Self {
        Self(Size::Hosts(0))
    }
}

impl FromStr for MaxFail {
    type Err = ParseSizeError;

    fn from_str(text: &str) -> Result<Self, ParseSizeError> {
        text.parse().map(Self)
    }
}

impl fmt::Display for MaxFail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for MaxFail {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MaxFail {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        SizeText::deserialize(deserializer).map(|size| Self(size.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_size_is_refused_with_the_reason() {
        for (text, why) in [
            ("", "is no number"),
            ("0", "is an empty batch"),
            ("0%", "is an empty batch"),
            ("1,,2", "is no number"),
            ("101%", "more than 100%"),
            ("99999999999%", "more than 100%"),
            ("1.234%", "finer than"),
            ("-1", "is no number"),
            ("x%", "is no percentage"),
            ("1e2", "is no number"),
        ] {
            let error = text.parse::<Batches>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn batches_add_up_to_the_fleet(sizes in proptest::collection::vec((1_u32..200, proptest::bool::ANY), 1..5), fleet in 0_usize..500) {
            let size = |(n, share): (u32, bool)| if share { Size::BasisPoints(n * 50) } else { Size::Hosts(n) };
            let batches = Batches::new(sizes.into_iter().map(size)).unwrap();
            let cut = batches.of(fleet);
            assert_eq!(cut.iter().sum::<usize>(), fleet);
            assert!(cut.iter().all(|n| *n > 0));
            assert_eq!(batches.to_string().parse::<Batches>().unwrap(), batches);
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = text.parse::<Batches>();
            let _ = text.parse::<MaxFail>();
        }
    }
}
