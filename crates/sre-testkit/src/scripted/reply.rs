//! What the server does with a request: an answer, or one of the ways in which an answer goes wrong.

use std::io::{Read, Write};
use std::time::Duration;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use serde::Serialize;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

/// One answer (or the lack of one). Nothing is sent before [`Reply::delay`] is over; by default it is none.
#[derive(Debug)]
pub struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Body,
    pub(super) ending: Ending,
    pub(super) delay: Duration,
    gzip: bool,
}

/// A piece of a streamed answer, or its sudden end.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Chunk {
    /// Bytes for one chunk of the body.
    Data(Bytes),
    /// Reset the connection (RST), in the middle of the body.
    Reset,
    /// Close the connection (FIN) without ending the body.
    Close,
}

#[derive(Debug)]
pub(super) enum Body {
    Whole(Bytes),
    Endless(u64),
    Stream(UnboundedReceiver<Chunk>),
}

/// How the answer ends; numbers are bytes of the body that are still sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ending {
    Complete,
    Reset(usize),
    Truncated(usize),
    Hang,
    Close,
}

// === impl Chunk ===

impl From<Bytes> for Chunk {
    fn from(data: Bytes) -> Self {
        Self::Data(data)
    }
}

impl From<String> for Chunk {
    fn from(data: String) -> Self {
        Self::Data(data.into())
    }
}

impl From<&'static str> for Chunk {
    fn from(data: &'static str) -> Self {
        Self::Data(data.into())
    }
}

// === impl Reply ===

impl Reply {
    /// A JSON answer.
    ///
    /// # Panics
    /// When the value cannot be written as JSON.
    #[must_use]
    pub fn json<T: Serialize + ?Sized>(status: u16, value: &T) -> Self {
        let body = serde_json::to_vec(value).expect("a value that can be written as JSON");
        Self::bytes(status, "application/json", body)
    }

    /// A plain text answer.
    #[must_use]
    pub fn text(status: u16, text: impl Into<String>) -> Self {
        Self::bytes(status, "text/plain; charset=utf-8", text.into())
    }

    /// An answer with any content type and body.
    #[must_use]
    pub fn bytes(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self::new(status, Body::Whole(body.into()), Ending::Complete).header("content-type", content_type)
    }

    /// Takes the request and never answers; the connection stays open.
    #[must_use]
    pub fn hang() -> Self {
        Self::new(200, Body::Whole(Bytes::new()), Ending::Hang)
    }

    /// Takes the request and closes the connection (FIN) without a byte of an answer.
    #[must_use]
    pub fn close() -> Self {
        Self::new(200, Body::Whole(Bytes::new()), Ending::Close)
    }

    /// Sends the head and `n_bytes` of the body, then resets the connection (RST).
    #[must_use]
    pub fn reset_after(status: u16, body: impl Into<Bytes>, n_bytes: usize) -> Self {
        Self::new(status, Body::Whole(body.into()), Ending::Reset(n_bytes)).header("content-type", "application/json")
    }

    /// Announces the whole body, sends `n_bytes` of it, then closes the connection (FIN).
    #[must_use]
    pub fn truncated(status: u16, body: impl Into<Bytes>, n_bytes: usize) -> Self {
        Self::new(status, Body::Whole(body.into()), Ending::Truncated(n_bytes))
            .header("content-type", "application/json")
    }

    /// A 200 with that many bytes of white space (valid before any JSON), streamed in chunks without a length.
    ///
    /// Add `.header("content-length", …)` to announce the size, `.gzip()` for a small body that inflates to it.
    #[must_use]
    pub fn endless(total_bytes: u64) -> Self {
        Self::new(200, Body::Endless(total_bytes), Ending::Complete).header("content-type", "application/json")
    }

    /// A 200 whose body is what arrives on `chunks`, each sent at once; it ends well when the sender is dropped.
    #[must_use]
    pub fn stream(chunks: UnboundedReceiver<Chunk>) -> Self {
        Self::new(200, Body::Stream(chunks), Ending::Complete).header("content-type", "application/json")
    }

    /// A streamed answer together with the handle that feeds it.
    #[must_use]
    pub fn channel() -> (UnboundedSender<Chunk>, Self) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (sender, Self::stream(receiver))
    }

    /// Sets a header; one that is already there is replaced.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Sends the body compressed. A streamed body stays as it is.
    #[must_use]
    pub fn gzip(mut self) -> Self {
        self.gzip = true;
        self
    }

    /// Waits before the first byte of the answer.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    fn new(status: u16, body: Body, ending: Ending) -> Self {
        Self { status, headers: Vec::new(), body, ending, delay: Duration::ZERO, gzip: false }
    }

    /// Applies the compression, which cannot be done before all setters have been called.
    pub(super) fn encoded(mut self) -> Self {
        if !self.gzip {
            return self;
        }
        self.body = match self.body {
            Body::Whole(body) => Body::Whole(gzip(&body)),
            Body::Endless(total) => Body::Whole(compress(&mut std::io::repeat(b' ').take(total))),
            stream @ Body::Stream(_) => return Self { body: stream, ..self },
        };
        self.header("content-encoding", "gzip")
    }
}

/// A body, compressed.
pub(crate) fn gzip(body: &[u8]) -> Bytes {
    compress(&mut &body[..])
}

/// Fast rather than small: a test server must not be what a benchmark measures.
fn compress(source: &mut dyn Read) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    std::io::copy(source, &mut encoder).expect("compress in memory");
    encoder.flush().expect("compress in memory");
    encoder.finish().expect("compress in memory").into()
}
