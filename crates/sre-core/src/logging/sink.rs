//! Where lines go. A write never fails, and no secret in a URL gets through.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

use crate::redact;

/// An output that several threads share.
pub(super) type Output = Arc<Mutex<Box<dyn Write + Send>>>;

/// A place for lines.
#[derive(Clone)]
pub(super) struct Sink {
    output: Output,
    json: bool,
    complaint: Option<Arc<Complaint>>,
}

/// Says once, elsewhere, that lines are being lost.
struct Complaint {
    path: PathBuf,
    to: Output,
    made: AtomicBool,
}

// === impl Sink ===

impl Sink {
    pub(super) fn new(output: Output, json: bool) -> Self {
        Self { output, json, complaint: None }
    }

    /// A log file; its first failure is told to `to`.
    pub(super) fn file(output: Output, json: bool, path: PathBuf, to: Output) -> Self {
        Self { output, json, complaint: Some(Arc::new(Complaint { path, to, made: AtomicBool::new(false) })) }
    }

    fn redacted<'t>(&self, line: &'t str) -> Cow<'t, str> {
        if !line.contains("://") {
            Cow::Borrowed(line)
        } else if self.json {
            Cow::Owned(redact_json(line))
        } else {
            // Colour codes are kept out of the URLs that they touch.
            let parts: Vec<Cow<'_, str>> = line.split('\u{1b}').map(redact::text).collect();
            Cow::Owned(parts.join("\u{1b}"))
        }
    }
}

impl Write for Sink {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let text = self.redacted(&text);
        let result = {
            let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
            output.write_all(text.as_bytes()).and_then(|()| output.flush())
        };
        if let (Err(e), Some(complaint)) = (result, &self.complaint)
            && !complaint.made.swap(true, Ordering::Relaxed)
        {
            let mut to = complaint.to.lock().unwrap_or_else(PoisonError::into_inner);
            // Lost as well: there is nobody left to tell.
            let _ = writeln!(to, "warning: log file {} lacks lines: {e}", complaint.path.display());
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Redacts each string of a line of JSON and leaves its escapes whole.
fn redact_json(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = rest.find('"') {
        let (before, string) = rest.split_at(start);
        out.push_str(before);
        let end = string_end(string);
        let (literal, after) = string.split_at(end);
        let value = if literal.contains("://") { serde_json::from_str::<String>(literal).ok() } else { None };
        match value {
            Some(value) => out.push_str(&serde_json::Value::from(redact::text(&value).as_ref()).to_string()),
            None => out.push_str(literal),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The length of the JSON string that `text` begins with, quotes included.
fn string_end(text: &str) -> usize {
    let mut escaped = true; // the opening quote is not the end
    for (i, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return i + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stays_json() {
        let line = r#"{"a":"see \"https://u:p@h/x?k=v\"","b":"\\","https://u:p@h":1,"c":"ä"}"#;
        let redacted = redact_json(line);
        let value: serde_json::Value = serde_json::from_str(&redacted).unwrap();
        assert_eq!(value["a"], "see \"https://***@h/x?k=***\"");
        assert_eq!(value["b"], "\\");
        assert_eq!(value["c"], "ä");
        assert!(!redacted.contains("u:p"));
    }

    proptest::proptest! {
        #[test]
        fn any_string_survives(text in "\\PC*") {
            let line = serde_json::json!({ "m": format!("{text} https://u:secretpw@h/") }).to_string();
            let redacted = redact_json(&line);
            serde_json::from_str::<serde_json::Value>(&redacted).unwrap();
            assert!(!redacted.contains("secretpw"));
        }

        #[test]
        fn never_panics(line in ".*") {
            redact_json(&line);
        }
    }
}
