//! Prints an error and its sources on one line, each thing once.
//!
//! Many libraries repeat the text of their source in their own message; printed naively, a chain then says the same
//! thing three times. [`ErrorChain`] leaves a link out when what it says was said already, and redacts URLs.
//!
//! ```
//! use sre_core::chain::ErrorChain;
//!
//! let inner = std::io::Error::other("no route to host");
//! let outer = std::io::Error::other(inner); // Display of `outer` repeats `inner`
//! assert_eq!(ErrorChain(&outer).to_string(), "no route to host");
//! ```

use std::error::Error;
use std::fmt;
use std::io;

use crate::redact;

/// Displays an error and its sources as `outer: middle: inner`.
#[derive(Debug)]
pub struct ErrorChain<'a>(pub &'a (dyn Error + 'a));

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = String::new();
        let mut link: Option<&dyn Error> = Some(self.0);
        while let Some(error) = link {
            let text = error.to_string();
            let text = text.trim().trim_end_matches(['.', ':']);
            if !text.is_empty() && !said.contains(text) {
                if !said.is_empty() {
                    said.push_str(": ");
                }
                said.push_str(text);
            }
            link = error.source();
        }
        f.write_str(&redact::text(&said))
    }
}

/// The words of a TLS error anywhere in the chain.
///
/// ```
/// assert_eq!(sre_core::chain::tls(&std::io::Error::other("no route to host")), None);
/// ```
#[must_use]
pub fn tls(error: &(dyn Error + 'static)) -> Option<String> {
    let mut link = Some(error);
    while let Some(e) = link {
        if let Some(tls) = e.downcast_ref::<rustls::Error>() {
            return Some(tls.to_string());
        }
        // An `io::Error` says its inner error's words itself, and its `source()` skips that error.
        let inner = e.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        link = inner.map(|e| e as &(dyn Error + 'static)).or_else(|| e.source());
    }
    None
}

/// The last link of the chain: it says what the system said; the ones above only say who passed it on. Not redacted.
#[must_use]
pub fn root(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Link {
        text: &'static str,
        source: Option<Box<Link>>,
    }

    fn chain(texts: &[&'static str]) -> Link {
        let mut texts = texts.iter().rev();
        let mut link = Link { text: texts.next().unwrap(), source: None };
        for text in texts {
            link = Link { text, source: Some(Box::new(link)) };
        }
        link
    }

    #[test]
    fn each_link_is_said_once() {
        let e = chain(&["sending failed: connection refused", "connection refused", "os error 111"]);
        assert_eq!(ErrorChain(&e).to_string(), "sending failed: connection refused: os error 111");
    }

    #[test]
    fn urls_are_redacted_anywhere_in_the_chain() {
        let e = chain(&["posting failed", "for url (https://hooks.slack.com/services/T0/B0/secretsecret)"]);
        let text = ErrorChain(&e).to_string();
        assert!(!text.contains("secretsecret"), "{text}");
        assert!(text.contains("hooks.slack.com"), "{text}");
    }
}
