//! Content that comes from a host's standard output.

use std::fmt;
use std::io::{BufWriter, Write};

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::source::hex;
use crate::exec::{OutputSink, OutputStream};
use crate::interrupt::Interrupt;

/// What a login script may print before the content.
const NOISE_CAP: usize = 64 * 1024;

/// Writes content to a file and sums it up. Local disks are fast beside a network: writing from the task that reads it
/// costs less than another thread a host.
pub(super) struct Receive {
    file: BufWriter<NamedTempFile>,
    hash: Sha256,
    size: u64,
    most: u64,
    /// What ends the noise before the content; empty once it was seen.
    marker: Vec<u8>,
    noise: Vec<u8>,
    complaint: Vec<u8>,
    failure: Option<String>,
    stop: Interrupt,
}

/// What arrived.
pub(super) struct Received {
    pub(super) file: NamedTempFile,
    pub(super) size: u64,
    pub(super) sha256: String,
    /// The beginning of the host's standard error.
    pub(super) complaint: String,
}

// === impl Receive ===

impl Receive {
    /// At most `most` bytes, after the marker. `stop` is thrown when the rest is of no use.
    pub(super) fn new(file: NamedTempFile, marker: String, most: u64, stop: Interrupt) -> Self {
        let file = BufWriter::with_capacity(128 * 1024, file);
        let (noise, complaint) = (Vec::new(), Vec::new());
        let marker = marker.into_bytes();
        Self { file, hash: Sha256::new(), size: 0, most, marker, noise, complaint, failure: None, stop }
    }

    /// All that came, or why it is worth nothing.
    pub(super) fn finish(self) -> Result<Received, String> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let file = self.file.into_inner().map_err(|error| error.to_string())?;
        let complaint = String::from_utf8_lossy(&self.complaint).trim().to_owned();
        Ok(Received { file, size: self.size, sha256: hex(self.hash), complaint })
    }

    fn content(&mut self, bytes: &[u8]) {
        if self.failure.is_some() || bytes.is_empty() {
            return;
        }
        self.size += bytes.len() as u64;
        if self.size > self.most {
            self.fail(format!("the host sent more than the {} bytes it announced", self.most));
        } else if let Err(error) = self.file.write_all(bytes) {
            self.fail(format!("the local copy cannot be written: {error}"));
        } else {
            self.hash.update(bytes);
        }
    }

    fn before_content(&mut self, bytes: &[u8]) {
        self.noise.extend_from_slice(bytes);
        let found = self.noise.windows(self.marker.len()).position(|window| window == self.marker);
        if let Some(at) = found {
            let rest = self.noise.split_off(at + self.marker.len());
            self.noise = Vec::new();
            self.marker = Vec::new();
            self.content(&rest);
        } else if self.noise.len() > NOISE_CAP {
            self.fail("the host sent something else".to_owned());
        }
    }

    fn fail(&mut self, failure: String) {
        self.failure = Some(failure);
        self.stop.trigger();
    }
}

impl OutputSink for Receive {
    fn output(&mut self, stream: OutputStream, bytes: &[u8]) {
        match stream {
            OutputStream::Stderr => {
                let room = 500_usize.saturating_sub(self.complaint.len()).min(bytes.len());
                self.complaint.extend_from_slice(&bytes[..room]);
            }
            OutputStream::Stdout if self.failure.is_some() => {}
            OutputStream::Stdout if self.marker.is_empty() => self.content(bytes),
            OutputStream::Stdout => self.before_content(bytes),
        }
    }
}

impl fmt::Debug for Receive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receive").field("size", &self.size).field("most", &self.most).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive(most: u64, chunks: &[&[u8]]) -> Result<Received, String> {
        let mut receive = Receive::new(NamedTempFile::new().unwrap(), "N data\n".to_owned(), most, Interrupt::new());
        for chunk in chunks {
            receive.output(OutputStream::Stdout, chunk);
        }
        receive.finish()
    }

    #[test]
    fn noise_before_the_content_is_dropped() {
        let received = receive(10, &[b"Welcome\nN da", b"ta\nabc", b"N data\n"]).unwrap();
        assert_eq!(received.size, 10);
    }

    #[test]
    fn more_than_announced_is_refused() {
        assert!(receive(2, &[b"N data\nabc"]).is_err());
        assert_eq!(receive(3, &[b"N data\nabc"]).unwrap().size, 3);
    }
}
