//! The body of a watch: one JSON event a line.

use http_body_util::BodyExt;
use kube::client::Body;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::lenient;
use super::transport_error::{Verdict, judge_body};
use crate::ErrorKind;

/// Objects in etcd are at most 1.5 MiB; as JSON they can be a few times that.
const MAX_EVENT: usize = 8 * 1024 * 1024;

/// Splits a body into lines.
pub(super) struct Lines {
    body: Body,
    buffer: Vec<u8>,
}

/// One event.
#[derive(Debug)]
pub(super) enum Line<T> {
    Applied {
        object: T,
        version: Option<Box<str>>,
    },
    Deleted {
        object: T,
        version: Option<Box<str>>,
    },
    Bookmark {
        version: Option<Box<str>>,
    },
    /// The version that the watch began at is gone.
    Expired,
    Failed {
        message: String,
    },
}

/// Any event, without its object.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    #[serde(deserialize_with = "lenient::text")]
    r#type: Box<str>,
    #[serde(deserialize_with = "lenient::object")]
    object: HeadObject,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct HeadObject {
    #[serde(deserialize_with = "lenient::object")]
    metadata: HeadMeta,
    #[serde(deserialize_with = "lenient::int")]
    code: i64,
    #[serde(deserialize_with = "lenient::text")]
    message: Box<str>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct HeadMeta {
    #[serde(deserialize_with = "lenient::text")]
    resource_version: Box<str>,
}

#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Event<T> {
    object: T,
}

// === impl Lines ===

impl Lines {
    pub(super) fn new(body: Body) -> Self {
        Self { body, buffer: Vec::new() }
    }

    /// The next whole lines; `None` at the end of the body. A last line that was cut off is dropped: the watch goes on
    /// from the version before it.
    pub(super) async fn next_chunk(&mut self) -> Result<Option<Vec<Vec<u8>>>, Verdict> {
        loop {
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            let frame = frame.map_err(|e| judge_body(&e))?;
            let Some(data) = frame.data_ref() else { continue };
            let batch = self.push(data);
            if self.buffer.len() > MAX_EVENT {
                let detail = format!("an event of more than {MAX_EVENT} bytes");
                return Err(Verdict { kind: ErrorKind::TooLarge, ..Verdict::broken(detail) });
            }
            if !batch.is_empty() {
                return Ok(Some(batch));
            }
        }
    }

    fn push(&mut self, mut data: &[u8]) -> Vec<Vec<u8>> {
        let mut batch = Vec::new();
        while let Some(end) = data.iter().position(|byte| *byte == b'\n') {
            self.buffer.extend_from_slice(&data[..end]);
            let line = std::mem::take(&mut self.buffer);
            if !line.trim_ascii().is_empty() {
                batch.push(line);
            }
            data = &data[end + 1..];
        }
        self.buffer.extend_from_slice(data);
        batch
    }
}

// === impl Line ===

impl<T: DeserializeOwned> Line<T> {
    pub(super) fn read(line: &[u8]) -> Result<Self, String> {
        let wrong = |e: serde_json::Error| format!("not an event: line 1 column {}", e.column());
        let head: Head = serde_json::from_slice(line).map_err(wrong)?;
        let version = Some(head.object.metadata.resource_version).filter(|version| !version.is_empty());
        let object = || serde_json::from_slice::<Event<T>>(line).map(|event| event.object).map_err(wrong);
        match &*head.r#type {
            "ADDED" | "MODIFIED" => Ok(Self::Applied { object: object()?, version }),
            "DELETED" => Ok(Self::Deleted { object: object()?, version }),
            "BOOKMARK" => Ok(Self::Bookmark { version }),
            "ERROR" if head.object.code == 410 => Ok(Self::Expired),
            "ERROR" => Ok(Self::Failed { message: format!("{}: {}", head.object.code, head.object.message) }),
            other => Err(format!("an event of the unknown type `{}`", other.chars().take(20).collect::<String>())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Pod;
    use super::*;

    #[test]
    fn lines_may_be_cut_anywhere() {
        let text = b"{\"a\":1}\n\n{\"b\":22}\r\n{\"c\":3";
        for size in 1..text.len() {
            let mut lines = Lines::new(Body::empty());
            let got: Vec<Vec<u8>> = text.chunks(size).flat_map(|chunk| lines.push(chunk)).collect();
            assert_eq!(got, [b"{\"a\":1}".to_vec(), b"{\"b\":22}\r".to_vec()], "{size}");
            assert_eq!(lines.buffer, b"{\"c\":3");
        }
    }

    #[test]
    fn events_are_told_apart() {
        let read = |text: &str| Line::<Pod>::read(text.as_bytes());
        let pod = r#"{"type":"MODIFIED","object":{"metadata":{"name":"a","resourceVersion":"9"}}}"#;
        let Ok(Line::Applied { object, version }) = read(pod) else { panic!("{pod}") };
        assert_eq!((&*object.metadata.name, version.as_deref()), ("a", Some("9")));
        assert!(matches!(read(&pod.replace("MODIFIED", "DELETED")), Ok(Line::Deleted { .. })));
        assert!(matches!(read(&pod.replace("MODIFIED", "BOOKMARK")), Ok(Line::Bookmark { version: Some(_) })));
        assert!(matches!(read(r#"{"type":"ERROR","object":{"code":410}}"#), Ok(Line::Expired)));
        assert!(matches!(read(r#"{"type":"ERROR","object":{"code":500}}"#), Ok(Line::Failed { .. })));
        assert!(read(r#"{"type":"NEW","object":{}}"#).is_err());
        assert!(read("{").is_err());
    }
}
