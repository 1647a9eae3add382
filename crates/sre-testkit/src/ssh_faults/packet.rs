//! Packets over TCP (RFC 4253, section 6), in the clear at first and then encrypted.

use std::io;
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::cipher::{Cipher, TAG};
use super::wire::invalid;

/// No honest client sends more (RFC 4253 asks for 35,000 at least).
const LONGEST: usize = 256 * 1024;

/// What the client sends.
#[derive(Debug)]
pub(super) struct Reader {
    half: OwnedReadHalf,
    buffer: BytesMut,
    pub(super) cipher: Option<Cipher>,
}

/// What we send.
#[derive(Debug)]
pub(super) struct Writer {
    half: OwnedWriteHalf,
    pub(super) cipher: Option<Cipher>,
    pub(super) drip: Option<Duration>,
}

// === impl Reader ===

impl Reader {
    pub(super) fn new(half: OwnedReadHalf) -> Self {
        Self { half, buffer: BytesMut::new(), cipher: None }
    }

    /// The client's version line, without its end.
    pub(super) async fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.buffer.iter().position(|&byte| byte == b'\n') {
                let line = self.buffer.split_to(end + 1);
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            self.fill().await?;
        }
    }

    /// The payload of the next packet; messages that mean nothing (IGNORE, DEBUG, UNIMPLEMENTED) are left out.
    ///
    /// # Cancel safety
    /// Safe: what has been read stays in the buffer.
    pub(super) async fn packet(&mut self) -> io::Result<Vec<u8>> {
        loop {
            match self.take_packet()? {
                Some(payload) if matches!(payload.first(), Some(2..=4)) => {}
                Some(payload) => return Ok(payload),
                None => self.fill().await?,
            }
        }
    }

    /// Throws away what comes until the client closes.
    pub(super) async fn drain(&mut self) {
        self.buffer.clear();
        while self.fill().await.is_ok() {
            self.buffer.clear();
        }
    }

    fn take_packet(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(&length) = self.buffer.first_chunk::<4>() else { return Ok(None) };
        let len = u32::from_be_bytes(length) as usize;
        if len > LONGEST {
            return Err(invalid(format!("a packet of {len} bytes")));
        }
        let tag = if self.cipher.is_some() { TAG } else { 0 };
        if self.buffer.len() < 4 + len + tag {
            return Ok(None);
        }
        self.buffer.advance(4);
        let mut packet = self.buffer.split_to(len + tag);
        if let Some(cipher) = &mut self.cipher {
            cipher.open(length, &mut packet)?;
        }
        let padding = usize::from(*packet.first().ok_or_else(|| invalid("an empty packet"))?);
        let payload = packet.get(1..len.saturating_sub(padding)).ok_or_else(|| invalid("padding without end"))?;
        Ok(Some(payload.to_vec()))
    }

    async fn fill(&mut self) -> io::Result<()> {
        self.buffer.reserve(64 * 1024);
        if self.half.read_buf(&mut self.buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

// === impl Writer ===

impl Writer {
    pub(super) fn new(half: OwnedWriteHalf) -> Self {
        Self { half, cipher: None, drip: None }
    }

    /// Sends bytes as they are, each alone when dripping.
    pub(super) async fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(every) = self.drip else { return self.half.write_all(bytes).await };
        for byte in bytes {
            tokio::time::sleep(every).await;
            self.half.write_all(&[*byte]).await?;
        }
        Ok(())
    }

    /// Sends a message.
    pub(super) async fn packet(&mut self, payload: &[u8]) -> io::Result<()> {
        // Encrypted, the length itself is not part of what must be a multiple of the block.
        let (block, counted) = if self.cipher.is_some() { (16, 1) } else { (8, 5) };
        let mut padding = block - (counted + payload.len()) % block;
        if padding < 4 {
            padding += block;
        }
        let mut packet = vec![u8::try_from(padding).expect("a few bytes of padding")];
        packet.extend_from_slice(payload);
        packet.resize(packet.len() + padding, 0);
        let length = u32::try_from(packet.len()).expect("a short packet").to_be_bytes();
        if let Some(cipher) = &mut self.cipher {
            cipher.seal(length, &mut packet);
        }
        self.bytes(&[&length[..], &packet].concat()).await
    }

    /// Says that nothing more comes. (Closing with unread bytes would be a reset.)
    pub(super) async fn finish(&mut self) {
        self.half.shutdown().await.ok();
    }

    /// Makes the connection end by a reset.
    pub(super) fn reset_when_dropped(&self) {
        self.half.as_ref().set_zero_linger().ok();
    }
}
