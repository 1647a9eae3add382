//! Makes other people's words safe inside a Slack message.
//!
//! Slack wants exactly three characters escaped (<https://api.slack.com/reference/surfaces/formatting#escaping>);
//! left alone, `<!channel>` in a pod's name would wake everyone.
//!
//! ```
//! use sre_alerts::slack::escape;
//! assert_eq!(escape::text("a & b <!channel>"), "a &amp; b &lt;!channel&gt;");
//! assert_eq!(escape::code("kubectl `x`"), "`kubectl 'x'`");
//! assert_eq!(escape::link("https://prom.example/graph?a=1|2", "graph"), "<https://prom.example/graph?a=1%7C2|graph>");
//! ```

use std::borrow::Cow;

/// Escapes `&`, `<` and `>`. Borrows when there is nothing to do.
#[must_use]
pub fn text(raw: &str) -> Cow<'_, str> {
    if !raw.contains(['&', '<', '>']) {
        return Cow::Borrowed(raw);
    }
    Cow::Owned(raw.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
}

/// Inline code. It has no way to hold a backtick or a line break, so these become `'` and a space.
#[must_use]
pub fn code(raw: &str) -> String {
    format!("`{}`", text(raw).replace('`', "'").replace(['\n', '\r'], " "))
}

/// A link with words on it; just the words when `url` is not `http(s)`.
#[must_use]
pub fn link(url: &str, words: &str) -> String {
    let words = text(words).replace('|', "/").replace(['\n', '\r'], " ");
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return words;
    }
    let url = url.replace('|', "%7C").replace(char::is_whitespace, "%20");
    format!("<{}|{words}>", text(&url))
}
