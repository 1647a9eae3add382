//! A sentence of the cluster's, made fit to be kept and shown: one line, no secrets, bounded.

use sre_core::redact;

/// So many characters are kept; the command beside each finding shows the rest.
const MAX_CHARS: usize = 300;

pub(super) fn message(text: &str) -> Box<str> {
    if text.is_empty() {
        return Box::default();
    }
    // Several times what is kept is enough to redact: a cut within a URL must not bring half a secret to light.
    let end = text.char_indices().nth(4 * MAX_CHARS).map_or(text.len(), |(at, _)| at);
    let line = text[..end].split_whitespace().collect::<Vec<_>>().join(" ");
    let safe = redact::text(&line);
    match safe.char_indices().nth(MAX_CHARS) {
        Some((at, _)) => format!("{}…", &safe[..at]).into(),
        None if end < text.len() => format!("{safe}…").into(),
        None => safe.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_short_line_without_secrets() {
        assert_eq!(
            &*message("Back-off\n  pulling https://u:p@r.example/v2?token=x"),
            "Back-off pulling https://***@r.example/v2?token=***"
        );
        assert_eq!(&*message(""), "");
        assert_eq!(&*message(&"ä".repeat(MAX_CHARS)), "ä".repeat(MAX_CHARS));
        assert_eq!(message(&"ä".repeat(MAX_CHARS + 1)).chars().count(), MAX_CHARS + 1);
        assert!(message(&format!("{}x", " ".repeat(5000))).ends_with('…'));
    }
}
