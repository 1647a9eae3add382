//! How long hosts take and how often they fail.

use std::str::FromStr;
use std::time::Duration;

use sre_core::duration;

/// From how long to how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    from: Duration,
    to: Duration,
}

/// How often something happens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chance(f64);

// === impl Span ===

impl Span {
    /// The duration at that share of the span, from 0 to 1.
    #[must_use]
    pub fn at(self, share: f64) -> Duration {
        self.from + (self.to - self.from).mul_f64(share.clamp(0.0, 1.0))
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (from, to) = text.split_once("..").unwrap_or((text, text));
        let read = |part: &str| duration::parse(part).map_err(|e| e.to_string());
        let (from, to) = (read(from)?, read(to)?);
        if from > to { Err(format!("`{text}` ends before it begins")) } else { Ok(Self { from, to }) }
    }
}

// === impl Chance ===

impl Chance {
    /// From 0 to 1.
    #[must_use]
    pub fn share(self) -> f64 {
        self.0
    }
}

impl FromStr for Chance {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.trim().strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
        match number {
            Some(percent) if (0.0..=100.0).contains(&percent) => Ok(Self(percent / 100.0)),
            _ => Err(format!("`{text}` is no share; write 10%")),
        }
    }
}
