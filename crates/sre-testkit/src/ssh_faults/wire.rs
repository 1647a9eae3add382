//! The data types of SSH messages (RFC 4251, section 5).

use std::io;

/// Builds a message.
#[derive(Debug, Default)]
pub(super) struct Message(Vec<u8>);

/// Reads a message from its start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a>(&'a [u8]);

// === impl Message ===

impl Message {
    /// Starts with the message's number.
    pub(super) fn new(number: u8) -> Self {
        Self(vec![number])
    }

    /// Nothing yet: for what is hashed rather than sent.
    pub(super) fn empty() -> Self {
        Self::default()
    }

    pub(super) fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    pub(super) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn uint32(self, number: u32) -> Self {
        self.raw(&number.to_be_bytes())
    }

    pub(super) fn string(self, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        let len = u32::try_from(bytes.len()).expect("a string below 4 GiB");
        self.uint32(len).raw(bytes)
    }

    /// A positive number from its big-endian bytes.
    pub(super) fn mpint(self, bytes: &[u8]) -> Self {
        let start = bytes.iter().position(|&byte| byte != 0).unwrap_or(bytes.len());
        let mut digits = bytes[start..].to_vec();
        if digits.first().is_some_and(|&byte| byte & 0x80 != 0) {
            digits.insert(0, 0);
        }
        self.string(digits)
    }

    pub(super) fn done(self) -> Vec<u8> {
        self.0
    }
}

// === impl Fields ===

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn skip(&mut self, len: usize) -> io::Result<&'a [u8]> {
        if self.0.len() < len {
            return Err(invalid("a message that is too short"));
        }
        let (taken, rest) = self.0.split_at(len);
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> io::Result<u8> {
        Ok(self.skip(1)?[0])
    }

    pub(super) fn boolean(&mut self) -> io::Result<bool> {
        Ok(self.byte()? != 0)
    }

    pub(super) fn uint32(&mut self) -> io::Result<u32> {
        let bytes = self.skip(4)?;
        Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    pub(super) fn string(&mut self) -> io::Result<&'a [u8]> {
        let len = self.uint32()?;
        self.skip(len as usize)
    }

    pub(super) fn text(&mut self) -> io::Result<String> {
        Ok(String::from_utf8_lossy(self.string()?).into_owned())
    }
}

/// The client sent what it must not.
pub(super) fn invalid(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}
