//! Puts a reply on the wire, with the fault that it asks for.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedReceiver;

use super::reply::{Body, Chunk, Ending, Reply};
use super::request::Request;

/// A connection that still knows its socket, below TLS if there is any.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {
    fn tcp(&self) -> &TcpStream;
}

/// What becomes of the connection after a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    KeepAlive,
    /// Orderly: with TLS's close_notify.
    Close,
    /// FIN, and no more than that.
    Drop,
    Reset,
}

// === impl Wire ===

impl Wire for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Wire for tokio_rustls::server::TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// Sends `reply` to `request` and says how the connection goes on.
pub(super) async fn write<W: Wire>(wire: &mut W, request: &Request, reply: Reply) -> io::Result<After> {
    if !reply.delay.is_zero() {
        tokio::time::sleep(reply.delay).await;
    }
    match reply.ending {
        Ending::Close => return Ok(After::Drop),
        Ending::Hang => {
            // Until the client gives up: whatever it still sends is swallowed.
            while wire.read(&mut [0; 1024]).await? > 0 {}
            return Ok(After::Drop);
        }
        Ending::Complete | Ending::Reset(_) | Ending::Truncated(_) => {}
    }
    let reply = reply.encoded();
    let bodiless = request.method == "HEAD" || matches!(reply.status, 204 | 304);
    let head = head(&reply, bodiless);
    wire.write_all(head.as_bytes()).await?;
    let after = match reply.body {
        _ if bodiless => After::KeepAlive,
        Body::Whole(body) => write_whole(wire, &body, reply.ending).await?,
        Body::Endless(total) => write_endless(wire, total, !is_chunked(&head)).await?,
        Body::Stream(chunks) => write_stream(wire, chunks).await?,
    };
    wire.flush().await?;
    if after == After::Reset {
        // A zero linger throws away what the kernel has not sent yet; loopback needs only a moment.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(if after == After::KeepAlive && request.wants_close() { After::Close } else { after })
}

fn head(reply: &Reply, bodiless: bool) -> String {
    let mut head = format!("HTTP/1.1 {} {}\r\n", reply.status, reason(reply.status));
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let has_length = reply.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    match &reply.body {
        _ if has_length || (bodiless && matches!(reply.status, 204 | 304)) => {}
        Body::Whole(body) => head.push_str(&format!("content-length: {}\r\n", body.len())),
        Body::Endless(_) | Body::Stream(_) => head.push_str("transfer-encoding: chunked\r\n"),
    }
    head.push_str("\r\n");
    head
}

fn is_chunked(head: &str) -> bool {
    head.contains("transfer-encoding: chunked\r\n")
}

async fn write_whole<W: Wire>(wire: &mut W, body: &Bytes, ending: Ending) -> io::Result<After> {
    let (length, after) = match ending {
        Ending::Reset(n) => (n, After::Reset),
        Ending::Truncated(n) => (n, After::Drop),
        Ending::Complete | Ending::Hang | Ending::Close => (body.len(), After::KeepAlive),
    };
    wire.write_all(&body[..length.min(body.len())]).await?;
    Ok(after)
}

async fn write_endless<W: Wire>(wire: &mut W, total: u64, plain: bool) -> io::Result<After> {
    let block = Bytes::from(vec![b' '; 64 * 1024]);
    let mut left = total;
    while left > 0 {
        let size = left.min(block.len() as u64);
        let piece = block.slice(..usize::try_from(size).unwrap_or(block.len()));
        if plain {
            wire.write_all(&piece).await?;
        } else {
            write_chunk(wire, &piece).await?;
        }
        left -= size;
    }
    if !plain {
        wire.write_all(b"0\r\n\r\n").await?;
    }
    Ok(After::KeepAlive)
}

async fn write_stream<W: Wire>(wire: &mut W, mut chunks: UnboundedReceiver<Chunk>) -> io::Result<After> {
    wire.flush().await?;
    let mut swallowed = [0; 1024];
    loop {
        // A client that goes away must end the stream, or a test that drops its watch would wait for ever.
        let chunk = tokio::select! {
            chunk = chunks.recv() => chunk,
            read = wire.read(&mut swallowed) => match read? {
                0 => return Ok(After::Drop),
                _ => continue,
            },
        };
        match chunk {
            Some(Chunk::Data(data)) if data.is_empty() => {}
            Some(Chunk::Data(data)) => {
                write_chunk(wire, &data).await?;
                wire.flush().await?;
            }
            Some(Chunk::Reset) => return Ok(After::Reset),
            Some(Chunk::Close) => return Ok(After::Drop),
            None => {
                wire.write_all(b"0\r\n\r\n").await?;
                return Ok(After::KeepAlive);
            }
        }
    }
}

async fn write_chunk<W: Wire>(wire: &mut W, data: &[u8]) -> io::Result<()> {
    wire.write_all(format!("{:x}\r\n", data.len()).as_bytes()).await?;
    wire.write_all(data).await?;
    wire.write_all(b"\r\n").await
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Scripted",
    }
}
