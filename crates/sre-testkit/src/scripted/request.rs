//! What a client sent: the parsed request, as the handler sees it and as it is recorded.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

/// A client's head may be this long (bytes); real servers stop at 8 to 32 KiB.
const MAX_HEAD: usize = 64 * 1024;

/// One request as it arrived.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path as sent (not percent-decoded), without the query.
    pub path: String,
    /// The query as sent, without the question mark; empty when there is none.
    pub raw_query: String,
    /// The headers in their order, names as sent.
    pub headers: Vec<(String, String)>,
    /// The body, with any chunked framing removed.
    pub body: Bytes,
    /// When it had arrived as a whole. A paused tokio clock applies.
    pub at: Instant,
    /// How many requests this server had before this one.
    pub nth: usize,
    /// Which connection of this server it came on, from 0.
    pub connection: usize,
    /// HTTP/1.0 has no other end of an answer than that of the connection.
    version_1_0: bool,
}

// === impl Request ===

impl Request {
    /// The decoded pairs of the query, in their order.
    #[must_use]
    pub fn query(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.raw_query.as_bytes()).into_owned().collect()
    }

    /// The first value of a query parameter.
    #[must_use]
    pub fn query_value(&self, name: &str) -> Option<String> {
        self.query().into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The first value of a header, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Whether the client takes gzip.
    #[must_use]
    pub fn accepts_gzip(&self) -> bool {
        self.header("accept-encoding").is_some_and(|value| value.to_ascii_lowercase().contains("gzip"))
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When it is not the JSON of a `T`.
    pub fn json<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_slice(&self.body)
    }

    /// The decoded pairs of an `application/x-www-form-urlencoded` body.
    #[must_use]
    pub fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(&self.body).into_owned().collect()
    }

    /// The first value of a form field.
    #[must_use]
    pub fn form_value(&self, name: &str) -> Option<String> {
        self.form().into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Whether the client wants the connection closed after the answer.
    pub(super) fn wants_close(&self) -> bool {
        self.version_1_0 || self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

/// Reads the next request of a connection; `None` when the client has closed it between two requests.
pub(super) async fn read<S>(stream: &mut S, buffer: &mut BytesMut) -> io::Result<Option<Request>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut request = loop {
        if let Some((request, used)) = parse_head(buffer)? {
            buffer.advance(used);
            break request;
        }
        if buffer.len() > MAX_HEAD {
            return Err(bad("the head of the request is too long"));
        }
        if stream.read_buf(buffer).await? == 0 {
            return if buffer.is_empty() { Ok(None) } else { Err(bad("the request stops in its head")) };
        }
    };
    if request.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        stream.flush().await?;
    }
    let chunked = request.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
    let length = request.header("content-length").map(|value| value.trim().parse::<usize>());
    request.body = match (chunked, length) {
        (true, _) => read_chunks(stream, buffer).await?,
        (false, Some(Ok(length))) => take(stream, buffer, length).await?,
        (false, Some(Err(_))) => return Err(bad("content-length is not a number")),
        (false, None) => Bytes::new(),
    };
    request.at = Instant::now();
    Ok(Some(request))
}

fn parse_head(buffer: &[u8]) -> io::Result<Option<(Request, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 128];
    let mut parsed = httparse::Request::new(&mut headers);
    let used = match parsed.parse(buffer) {
        Ok(httparse::Status::Complete(used)) => used,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(bad(&format!("not HTTP/1.1: {error}"))),
    };
    let target = parsed.path.unwrap_or_default();
    let (path, raw_query) = target.split_once('?').unwrap_or((target, ""));
    let headers = parsed
        .headers
        .iter()
        .map(|header| (header.name.to_owned(), String::from_utf8_lossy(header.value).into_owned()))
        .collect();
    let request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        path: path.to_owned(),
        raw_query: raw_query.to_owned(),
        headers,
        body: Bytes::new(),
        at: Instant::now(),
        nth: 0,
        connection: 0,
        version_1_0: parsed.version == Some(0),
    };
    Ok(Some((request, used)))
}

async fn read_chunks<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut BytesMut) -> io::Result<Bytes> {
    let mut body = BytesMut::new();
    loop {
        let line = take_line(stream, buffer).await?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(|_| bad("not a chunk size"))?;
        if size == 0 {
            // Trailers end with an empty line.
            while !take_line(stream, buffer).await?.is_empty() {}
            return Ok(body.freeze());
        }
        body.extend_from_slice(&take(stream, buffer, size).await?);
        take_line(stream, buffer).await?;
    }
}

async fn take_line<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut BytesMut) -> io::Result<String> {
    loop {
        if let Some(end) = buffer.windows(2).position(|pair| pair == b"\r\n") {
            let line = buffer.split_to(end);
            buffer.advance(2);
            return Ok(String::from_utf8_lossy(&line).into_owned());
        }
        fill(stream, buffer).await?;
    }
}

async fn take<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut BytesMut, length: usize) -> io::Result<Bytes> {
    while buffer.len() < length {
        fill(stream, buffer).await?;
    }
    Ok(buffer.split_to(length).freeze())
}

async fn fill<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut BytesMut) -> io::Result<()> {
    match stream.read_buf(buffer).await? {
        0 => Err(bad("the request stops in its body")),
        _ => Ok(()),
    }
}

fn bad(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.to_owned())
}
