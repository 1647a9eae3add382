//! Reads an answer's body into one reusable buffer, decompressed and limited.
//!
//! The client library would decompress too, but into chunks that have to be copied again; here gzip is undone straight
//! into the buffer that is parsed, and the limit counts what comes out, so that a small body cannot blow up.

use std::io::{self, Read, Write};

use flate2::bufread;
use flate2::write::MultiGzDecoder;
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use kube::client::Body;

use super::transport_error::{Verdict, judge_body};

/// Why a body was not read.
#[derive(Debug)]
pub(crate) enum BodyError {
    /// It is larger than allowed.
    TooLarge,
    /// It broke off or its compression is damaged.
    Broken(Verdict),
}

/// A body that has come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Received {
    /// Bytes on the wire.
    pub(crate) wire: u64,
    /// Whether it is still compressed.
    pub(crate) gzip: bool,
}

/// Writes to a buffer until it is full.
struct Limited<'a> {
    into: &'a mut Vec<u8>,
    limit: usize,
    full: bool,
}

enum Sink<'a> {
    Plain(Limited<'a>),
    Gzip(Box<MultiGzDecoder<Limited<'a>>>),
}

/// Clears `into` and fills it with the body, decompressed.
pub(crate) async fn read_body(
    headers: &HeaderMap,
    body: Body,
    into: &mut Vec<u8>,
    limit: usize,
) -> Result<Received, BodyError> {
    receive(headers, body, into, limit, false).await
}

/// Clears `into` and fills it with the body as it was sent; [`unpack`] does the rest.
pub(crate) async fn read_packed(
    headers: &HeaderMap,
    body: Body,
    into: &mut Vec<u8>,
    limit: usize,
) -> Result<Received, BodyError> {
    receive(headers, body, into, limit, true).await
}

/// Clears `into` and fills it with what is in a compressed body.
pub(crate) fn unpack(packed: &[u8], into: &mut Vec<u8>, limit: usize) -> Result<(), BodyError> {
    into.clear();
    // The last four bytes say how much it is; deflate makes at most 1032 bytes of one.
    let said = packed.last_chunk().map_or(0, |length| u32::from_le_bytes(*length));
    let most = limit.min(packed.len().saturating_mul(1032));
    into.reserve_exact(usize::try_from(said).unwrap_or(usize::MAX).min(most).saturating_add(64));
    let allowed = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let unpacked = bufread::MultiGzDecoder::new(packed).take(allowed).read_to_end(into);
    match unpacked {
        _ if into.len() > limit => Err(BodyError::TooLarge),
        Ok(_) => Ok(()),
        Err(error) => Err(damaged(&error)),
    }
}

async fn receive(
    headers: &HeaderMap,
    mut body: Body,
    into: &mut Vec<u8>,
    limit: usize,
    packed: bool,
) -> Result<Received, BodyError> {
    into.clear();
    let gzip = headers.get(header::CONTENT_ENCODING).is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"gzip"));
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    if (packed || !gzip) && announced.is_some_and(|length: usize| length > limit) {
        return Err(BodyError::TooLarge);
    }
    let limited = Limited { into, limit, full: false };
    let mut sink =
        if gzip && !packed { Sink::Gzip(Box::new(MultiGzDecoder::new(limited))) } else { Sink::Plain(limited) };
    let mut wire = 0_u64;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| BodyError::Broken(judge_body(&e)))?;
        if let Some(data) = frame.data_ref() {
            wire += u64::try_from(data.len()).unwrap_or(u64::MAX);
            sink.write(data)?;
        }
    }
    sink.finish()?;
    Ok(Received { wire, gzip: gzip && packed })
}

fn damaged(error: &io::Error) -> BodyError {
    BodyError::Broken(Verdict::broken(format!("damaged gzip: {error}")))
}

// === impl Sink ===

impl Sink<'_> {
    fn write(&mut self, data: &[u8]) -> Result<(), BodyError> {
        let written = match self {
            Self::Plain(to) => to.write_all(data),
            Self::Gzip(to) => to.write_all(data),
        };
        written.map_err(|e| self.error(&e))
    }

    fn finish(&mut self) -> Result<(), BodyError> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Gzip(to) => to.try_finish().map_err(|e| self.error(&e)),
        }
    }

    fn error(&self, error: &io::Error) -> BodyError {
        let full = match self {
            Self::Plain(to) => to.full,
            Self::Gzip(to) => to.get_ref().full,
        };
        if full { BodyError::TooLarge } else { damaged(error) }
    }
}

// === impl Limited ===

impl Write for Limited<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let needed = self.into.len() + data.len();
        if needed > self.limit {
            self.full = true;
            return Err(io::Error::other("the body is larger than allowed"));
        }
        if needed > self.into.capacity() {
            // Doubling, but never past the limit.
            let capacity = needed.max(self.into.capacity() * 2).min(self.limit);
            self.into.reserve_exact(capacity - self.into.len());
        }
        self.into.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    async fn read(encoding: Option<&str>, body: Vec<u8>, limit: usize) -> Result<(Vec<u8>, u64), BodyError> {
        let mut headers = HeaderMap::new();
        if let Some(encoding) = encoding {
            headers.insert(header::CONTENT_ENCODING, encoding.parse().unwrap());
        }
        let mut into = b"left over".to_vec();
        let read = read_body(&headers, Body::from(body.clone()), &mut into, limit).await.map(|r| r.wire);
        // In two steps it comes to the same.
        let mut packed = Vec::new();
        let twice = match read_packed(&headers, Body::from(body), &mut packed, limit).await {
            Ok(received) if received.gzip => {
                let mut unpacked = b"left over".to_vec();
                unpack(&packed, &mut unpacked, limit).map(|()| (unpacked, received.wire))
            }
            Ok(received) => Ok((packed, received.wire)),
            Err(error) => Err(error),
        };
        let once = read.map(|wire| (into, wire));
        assert_eq!(format!("{:?}", once.as_ref().ok()), format!("{:?}", twice.as_ref().ok()));
        let too_large = |r: &Result<_, BodyError>| matches!(r, Err(BodyError::TooLarge));
        assert_eq!(too_large(&once), too_large(&twice));
        once
    }

    #[tokio::test]
    async fn plain_and_gzip_give_the_same() {
        let text = b"{\"items\":[]}".repeat(1000);
        assert_eq!(read(None, text.clone(), 1 << 20).await.unwrap(), (text.clone(), 12_000));
        let (read_back, wire) = read(Some("GZIP"), gzip(&text), 1 << 20).await.unwrap();
        assert!(read_back == text && wire < 1000);
        let members = [gzip(b"one"), gzip(b"two")].concat();
        assert_eq!(read(Some("gzip"), members, 100).await.unwrap().0, b"onetwo");
    }

    #[tokio::test]
    async fn the_limit_counts_what_comes_out() {
        let bomb = gzip(&vec![b' '; 10_000_000]);
        assert!(bomb.len() < 100_000);
        assert!(matches!(read(Some("gzip"), bomb, 1_000_000).await, Err(BodyError::TooLarge)));
        assert!(matches!(read(None, vec![b' '; 11], 10).await, Err(BodyError::TooLarge)));
        assert!(read(None, vec![b' '; 10], 10).await.is_ok());
    }

    #[tokio::test]
    async fn cut_or_damaged_gzip_is_broken() {
        let mut whole = gzip(&b"some text that goes on".repeat(50));
        let cut = whole[..whole.len() - 12].to_vec();
        assert!(matches!(read(Some("gzip"), cut, 1 << 20).await, Err(BodyError::Broken(_))));
        let at = whole.len() - 6;
        whole[at] ^= 0xff;
        assert!(matches!(read(Some("gzip"), whole, 1 << 20).await, Err(BodyError::Broken(_))));
        assert!(matches!(read(Some("gzip"), b"no gzip".to_vec(), 100).await, Err(BodyError::Broken(_))));
    }
}
