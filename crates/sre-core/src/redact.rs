//! Takes secrets out of URLs and of any text that has URLs in it.
//!
//! Removed: user names and passwords, the values of query parameters, fragments, and the whole path on hosts where
//! the path is the secret (chat webhooks) or where a path segment looks like a token.
//!
//! ```
//! use sre_core::redact;
//! assert_eq!(redact::url("https://bob:pw@prom.example/p?token=abc"), "https://***@prom.example/p?token=***");
//! assert_eq!(redact::text("POST https://hooks.slack.com/services/T1/B2/x failed"),
//!            "POST https://hooks.slack.com/*** failed");
//! ```

use std::borrow::Cow;

/// Hosts whose URL paths are credentials. Sources: the incoming-webhook pages of each vendor.
const SECRET_PATH_HOSTS: [&str; 6] = [
    "hooks.slack.com",
    "hooks.slack-gov.com",
    "discord.com",
    "discordapp.com",
    "webhook.office.com",
    "chat.googleapis.com",
];

/// A path segment of at least this many token characters with letters and digits mixed is taken for a secret, unless it
/// looks like a name.
const TOKEN_LENGTH: usize = 20;

/// One URL without its secrets. Text that is not a URL comes back with [`text`]'s rules.
#[must_use]
pub fn url(url: &str) -> String {
    text(url).into_owned()
}

/// Any text, with each URL in it redacted. Borrows when there is nothing to do.
#[must_use]
pub fn text(text: &str) -> Cow<'_, str> {
    if !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(sep) = rest.find("://") {
        let start = scheme_start(rest, sep);
        let end = sep + 3 + url_end(&rest[sep + 3..]);
        out.push_str(&rest[..start]);
        push_redacted(&mut out, &rest[start..sep + 3], &rest[sep + 3..end]);
        rest = &rest[end..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn scheme_start(text: &str, sep: usize) -> usize {
    let scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    text[..sep].rfind(|c| !scheme(c)).map_or(0, |i| i + text[i..].chars().next().map_or(1, char::len_utf8))
}

/// Where the URL ends in running text. Punctuation may end one or be part of a password: up to an `@` it is taken for
/// the latter.
fn url_end(after_scheme: &str) -> usize {
    let surely = |c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>' | '`');
    let perhaps = |c: char| matches!(c, '\'' | ')' | ']' | '}' | '|' | ',' | ';');
    let region = &after_scheme[..after_scheme.find(surely).unwrap_or(after_scheme.len())];
    let host = user_info_end(region);
    let host_end =
        if region[host..].starts_with('[') { region[host..].find(']').map_or(host, |i| host + i + 1) } else { host };
    let query = region[host_end..].find('?').map_or(region.len(), |i| host_end + i);
    let end = region[host_end..query].find(perhaps).map_or(region.len(), |i| host_end + i);
    region[..end].trim_end_matches([':', '.']).len()
}

/// Where the host begins: behind the `@` of a user name and password, else at 0.
fn user_info_end(region: &str) -> usize {
    let authority = &region[..region.find(['/', '?', '#']).unwrap_or(region.len())];
    let port_is_none = |rest: &str| !rest.is_empty() && !rest.chars().all(|c| c.is_ascii_digit());
    // `user:pass/word@host` is no URL, but it is what people type, and then see in the error.
    let unescaped =
        !authority.starts_with('[') && authority.split_once(':').is_some_and(|(_, rest)| port_is_none(rest));
    let searched = if unescaped { region } else { authority };
    searched.rfind('@').map_or(0, |at| at + 1)
}

fn push_redacted(out: &mut String, scheme: &str, rest: &str) {
    out.push_str(scheme);
    let host_start = user_info_end(rest);
    if host_start > 0 {
        out.push_str("***@");
    }
    let rest = &rest[host_start..];
    let (host, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    out.push_str(host);
    let path_end = tail.find(['?', '#']).unwrap_or(tail.len());
    let (path, tail) = tail.split_at(path_end);
    push_path(out, host, path);
    if let Some(query) = tail.strip_prefix('?') {
        let query = query.split('#').next().unwrap_or_default();
        let masked: Vec<String> = query
            .split('&')
            .map(|pair| pair.split_once('=').map_or_else(|| "***".to_owned(), |(key, _)| format!("{key}=***")))
            .collect();
        out.push('?');
        out.push_str(&masked.join("&"));
    }
}

fn push_path(out: &mut String, host: &str, path: &str) {
    let name = host.split(':').next().unwrap_or(host).to_ascii_lowercase();
    let secret_host = SECRET_PATH_HOSTS.iter().any(|h| name == *h || name.ends_with(&format!(".{h}")));
    if secret_host && path.len() > 1 {
        out.push_str("/***");
        return;
    }
    for (i, segment) in path.split('/').enumerate() {
        if i > 0 {
            out.push('/');
        }
        out.push_str(if is_token(segment) { "***" } else { segment });
    }
}

fn is_token(segment: &str) -> bool {
    let token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '%' | '~' | ':');
    let has = |f: fn(&char) -> bool| segment.chars().any(|c| f(&c));
    // Lower-case words and numbers joined by `-` are names, of pods for instance.
    let name = segment.contains('-') && !has(char::is_ascii_uppercase);
    segment.len() >= TOKEN_LENGTH
        && segment.chars().all(token)
        && has(char::is_ascii_digit)
        && has(char::is_ascii_alphabetic)
        && !name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_is_not_secret() {
        for plain in ["http://prom:9090/api/v1/query", "no url here", "https://[::1]:6443/api", "a://", "://"] {
            assert_eq!(text(plain), plain);
        }
    }

    #[test]
    fn masks_user_info_query_and_token_paths() {
        assert_eq!(url("https://u:p@h/x#frag"), "https://***@h/x");
        assert_eq!(url("https://h/x?a=1&b"), "https://h/x?a=***&***");
        assert_eq!(url("https://h/hook/AbCdEf0123456789AbCdEf"), "https://h/hook/***");
        assert_eq!(url("https://h/hooks/k8fj2ls93ncm20skd83hfgt61q"), "https://h/hooks/***");
        assert_eq!(url("https://h/bot123456789:AbCdEf0123456789"), "https://h/***");
        assert_eq!(url("https://h/pods/svc-037-16de0497bd-000037"), "https://h/pods/svc-037-16de0497bd-000037");
        assert_eq!(url("http://bob:se,cr'et@h:1/"), "http://***@h:1/");
        assert_eq!(url("http://bob:pass/word@h"), "http://***@h");
        assert_eq!(url("https://npm.example/@scope/pkg"), "https://npm.example/@scope/pkg");
        assert_eq!(url("http://h/x?token=a,SECRETPART"), "http://h/x?token=***");
        assert_eq!(url("http://u:p@[::1]:80/x"), "http://***@[::1]:80/x");
        assert_eq!(text("see (https://u@h/y), then"), "see (https://***@h/y), then");
    }

    proptest::proptest! {
        #[test]
        fn never_panics_and_is_stable(s in ".*") {
            let once = text(&s).into_owned();
            assert_eq!(text(&once), once);
        }

        #[test]
        fn a_password_never_survives(pw in "[!$-.0-;=@-_a-~]{6,12}X9") {
            let masked = url(&format!("https://user:{pw}@host.example/path"));
            assert!(!masked.contains(&pw), "{masked}");
            let masked = url(&format!("https://host.example/path?k={pw}"));
            assert!(!masked.contains(&pw), "{masked}");
        }
    }
}
