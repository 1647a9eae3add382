//! GitHub Actions annotations: one workflow command a finding
//! (<https://docs.github.com/actions/reference/workflow-commands-for-github-actions>).

use std::fmt::Write;

use sre_core::Severity;

use super::lines;
use crate::report::Report;

/// One line a finding and a line for each source that did not answer.
#[must_use]
pub fn annotations(report: &Report) -> String {
    let mut out = String::new();
    for f in &report.findings {
        let level = match f.severity {
            Severity::Critical | Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "notice",
        };
        let title = format!("{} {} {}", f.code, f.target, f.subject);
        let separator = if f.detail.is_empty() { "" } else { ": " };
        let message = format!("{}{separator}{}", f.title, f.detail);
        let _ = writeln!(out, "::{level} title={}::{}", property(&title), data(&message));
    }
    for source in &report.sources {
        for line in lines::unknowns(source) {
            let _ = writeln!(out, "::warning title={}::{}", property(&source.key.to_string()), data(&line));
        }
    }
    out
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_escapes_its_place() {
        assert_eq!(property("a:b,c%\n::error::"), "a%3Ab%2Cc%25%0A%3A%3Aerror%3A%3A");
    }
}
