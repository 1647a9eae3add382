//! The few symbols of the text output, and plain ASCII for terminals and logs that cannot show them.
//!
//! ```
//! use sre_core::Severity;
//! use sre_core::output::Glyphs;
//! assert_eq!(Glyphs::UNICODE.severity(Severity::Critical), "✗");
//! assert_eq!(Glyphs::ASCII.severity(Severity::Critical), "x");
//! ```

use crate::severity::Severity;

/// One symbol a meaning; each is one column wide except [`ellipsis`](Self::ellipsis) and [`arrow`](Self::arrow) in
/// ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Glyphs {
    /// It is well.
    pub ok: &'static str,
    /// It failed, or is critical.
    pub failed: &'static str,
    /// A warning.
    pub warning: &'static str,
    /// Not known.
    pub unknown: &'static str,
    /// Only worth knowing.
    pub info: &'static str,
    /// Something was cut off here.
    pub ellipsis: &'static str,
    /// From here to there.
    pub arrow: &'static str,
    /// Between two things on one line.
    pub dot: &'static str,
}

impl Glyphs {
    /// For terminals that show Unicode.
    pub const UNICODE: Self =
        Self {
            ok: "✓", failed: "✗", warning: "!", unknown: "?", info: "i", ellipsis: "…", arrow: "→", dot: "·"
        };

    /// For all others.
    pub const ASCII: Self =
        Self { ok: "+", failed: "x", warning: "!", unknown: "?", info: "i", ellipsis: "..", arrow: "->", dot: "-" };

    /// Chooses by the value of the first of `LC_ALL`, `LC_CTYPE`, `LANG` that is set and not empty, as the caller
    /// found it: a locale that names UTF-8 can show Unicode.
    #[must_use]
    pub fn for_locale(locale: &str) -> Self {
        let locale = locale.to_ascii_lowercase();
        match locale.contains("utf-8") || locale.contains("utf8") {
            true => Self::UNICODE,
            false => Self::ASCII,
        }
    }

    /// The symbol in front of a finding.
    #[must_use]
    pub fn severity(&self, severity: Severity) -> &'static str {
        match severity {
            Severity::Critical | Severity::Error => self.failed,
            Severity::Warning => self.warning,
            Severity::Info => self.info,
        }
    }
}

impl Default for Glyphs {
    fn default() -> Self {
        Self::UNICODE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_decides() {
        assert_eq!(Glyphs::for_locale("C.UTF-8"), Glyphs::UNICODE);
        assert_eq!(Glyphs::for_locale("de_DE.utf8"), Glyphs::UNICODE);
        for plain in ["", "C", "POSIX", "en_US.ISO-8859-1"] {
            assert_eq!(Glyphs::for_locale(plain), Glyphs::ASCII);
        }
    }
}
