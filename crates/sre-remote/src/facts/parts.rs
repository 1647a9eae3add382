//! The parts of the script's output.

/// Begins every part, on a line of its own.
const MARK: &str = "#sre-facts ";

/// Longer texts are cut: a host name or a release that is longer is none.
const LONGEST_TEXT: usize = 200;

/// What the script said, by part. What stands before the first mark (a shell that greets) belongs to none.
#[derive(Debug)]
pub(super) struct Parts<'t> {
    parts: Vec<(&'t str, &'t str)>,
}

// === impl Parts ===

impl<'t> Parts<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let mut parts = Vec::new();
        let mut open: Option<(&str, usize)> = None;
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let name = line.strip_prefix(MARK).map(str::trim);
            if let Some(name) = name {
                parts.extend(open.map(|(before, start)| (before, &text[start..at])));
                open = Some((name, at + line.len()));
            }
            at += line.len();
        }
        parts.extend(open.map(|(name, start)| (name, &text[start..])));
        Self { parts }
    }

    /// A part; empty when it is not there.
    pub(super) fn get(&self, name: &str) -> &'t str {
        self.parts.iter().find(|(known, _)| *known == name).map_or("", |(_, text)| text)
    }

    /// Whether the script came to its end.
    pub(super) fn is_whole(&self) -> bool {
        self.parts.last().is_some_and(|(name, _)| *name == "end")
    }

    /// The first line of a part, fit to be shown.
    pub(super) fn line(&self, name: &str) -> Option<String> {
        shown(self.get(name).lines().find(|line| !line.trim().is_empty())?)
    }
}

/// A host's own words without what could steer a terminal.
pub(super) fn shown(text: &str) -> Option<String> {
    let text: String = sre_core::output::width::clean(text).trim().chars().take(LONGEST_TEXT).collect();
    (!text.is_empty() && text != "(none)").then_some(text)
}

/// The value of `NAME="value"` in os-release(5).
pub(super) fn release(text: &str, name: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='))?;
    shown(value.trim_matches(['"', '\'']))
}
