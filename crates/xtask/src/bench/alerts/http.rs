//! As much HTTP as the benchmark speaks itself: small requests over one connection, and a server that takes posts.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Nothing here takes that long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that stays open.
#[derive(Debug)]
pub(super) struct Connection {
    stream: BufReader<TcpStream>,
}

// === impl Connection ===

impl Connection {
    pub(super) fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        Self::new(stream)
    }

    pub(super) fn new(stream: TcpStream) -> Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Sends a request and waits for its answer: `head` is the first line and more headers, without the last empty line.
    pub(super) fn ask(&mut self, head: &str, body: &str) -> Result<()> {
        let length = body.len();
        let text = format!("{head}\r\nHost: bench\r\nContent-Length: {length}\r\n\r\n{body}");
        self.stream.get_mut().write_all(text.as_bytes())?;
        let (first, body) = self.message()?.context("the server closed the connection")?;
        if !first.starts_with("HTTP/1.1 200") {
            bail!("{}: {first}: {}", head.lines().next().unwrap_or_default(), String::from_utf8_lossy(&body));
        }
        Ok(())
    }

    /// Answers the request that [`message`](Self::message) gave.
    pub(super) fn answer_ok(&mut self) -> Result<()> {
        Ok(self.stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")?)
    }

    /// The first line and the body of the next request or answer; `None` at the end of the connection.
    pub(super) fn message(&mut self) -> Result<Option<(String, Vec<u8>)>> {
        let mut first = String::new();
        if self.stream.read_line(&mut first)? == 0 {
            return Ok(None);
        }
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            match line.trim_end().split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.trim().parse()?,
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(Some((first.trim_end().to_owned(), body)))
    }
}

/// The time, for measuring.
#[expect(clippy::disallowed_methods, reason = "real servers are measured; xtask stays free of sre-core's dependencies")]
pub(super) fn now() -> Instant {
    Instant::now()
}
