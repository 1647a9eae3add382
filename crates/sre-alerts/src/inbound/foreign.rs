//! Alerts out of other programs' formats: what is too long for us is cut and never refused, because a sender that
//! gets a 400 drops what it had to say.

use std::borrow::Cow;

use sre_core::output::width;

use crate::alert::{AlertBuilder, InvalidAlert, Labels, longest, most};
use crate::{Alert, alert};

use super::rejection::{Rejection, RejectionKind};

/// Cuts at a character, and says so with an ellipsis.
pub(super) fn clip(text: &str, longest: usize) -> Cow<'_, str> {
    const MARK: &str = "…";
    if text.len() <= longest {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{}{MARK}", &text[..text.floor_char_boundary(longest - MARK.len())]))
}

/// One line of at most that many bytes.
pub(super) fn line(text: &str, longest: usize) -> String {
    clip(width::clean(text).trim(), longest).into_owned()
}

/// A dedup key out of parts that may be of any length and content.
pub(super) fn key(text: &str) -> String {
    line(text, longest::KEY)
}

/// Labels with names as we know them: other characters (Prometheus 3 has any UTF-8) become `_`.
pub(super) fn labels<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Labels {
    let mut labels = Labels::new();
    for (name, value) in pairs {
        if labels.len() >= most::LABELS {
            break;
        }
        let mut name: String =
            name.chars().take(longest::NAME - 1).map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        if !alert::is_label_name(&name) {
            name.insert(0, '_');
        }
        labels.entry(name).or_insert_with(|| clip(value, longest::LABEL).into_owned());
    }
    labels
}

/// Adds a page to open, unless it is not a page of the web or there is none.
pub(super) fn link(builder: AlertBuilder, title: &str, url: &str) -> AlertBuilder {
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    if is_web && url.len() <= longest::URL && !url.chars().any(char::is_control) {
        builder.link(title, url)
    } else {
        builder
    }
}

/// Builds it; a fault is one of the element at `path`.
pub(super) fn build(builder: AlertBuilder, path: &str) -> Result<Alert, Rejection> {
    builder.build().map_err(|invalid: InvalidAlert| {
        Rejection::new(RejectionKind::Malformed, invalid.why()).field(format!("{path}{}", invalid.field()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_at_a_character() {
        assert_eq!(clip("abcdef", 6), "abcdef");
        assert_eq!(clip("abcdefg", 6), "abc…");
        assert_eq!(clip("ääää", 6), "ä…");
        assert_eq!(line(&"\n".repeat(10), 6).len(), 0);
    }

    #[test]
    fn any_name_becomes_a_label_name() {
        let labels = labels([("host.name", "a"), ("1st", "b"), ("", "c"), ("ünï", "d"), ("__name__", "e")]);
        let names: Vec<&str> = labels.keys().map(String::as_str).collect();
        assert_eq!(names, ["_", "_1st", "__name__", "_n_", "host_name"]);
    }
}
