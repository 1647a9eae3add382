//! A few lines of HTTP/1.0 for talking to peers: no client of the workspace may be needed to set up its own tests.

use std::io;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long one request to a peer may take. Moto needs seconds for a thousand instances.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a peer answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body as text.
    pub body: String,
}

// === impl Answer ===

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.body))
    }

    /// Itself if the status is a success.
    ///
    /// # Panics
    /// When it is not.
    #[expect(clippy::must_use_candidate, reason = "it is called for its panic as often as for its value")]
    #[expect(clippy::return_self_not_must_use, reason = "the same")]
    pub fn expect_success(self, what: &str) -> Self {
        assert!((200..300).contains(&self.status), "{what}: status {}: {}", self.status, self.body);
        self
    }
}

/// Sends one request to `host:port` and reads the whole answer; the connection is not kept.
///
/// # Errors
/// When there is no answer within a minute.
pub async fn request(addr: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> io::Result<Answer> {
    let exchange = async {
        let mut stream = TcpStream::connect(addr).await?;
        // HTTP/1.0: no chunked answers to decode.
        let mut head = format!("{method} {path} HTTP/1.0\r\nhost: {addr}\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        stream.write_all(format!("{head}\r\n{body}").as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        parse(&answer).ok_or_else(|| io::Error::other("not an HTTP answer"))
    };
    tokio::time::timeout(PATIENCE, exchange).await?
}

fn parse(answer: &[u8]) -> Option<Answer> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, body: body.to_owned() })
}
