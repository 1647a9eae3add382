//! What a child reads.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::ChildStdin;

use crate::command::Stdin;

const PIECE: usize = 64 * 1024;

/// Input on its way to a child's pipe, which is closed after it.
#[derive(Debug)]
pub(super) struct Input {
    pipe: Option<ChildStdin>,
    file: Option<File>,
    piece: Bytes,
}

// === impl Input ===

impl Input {
    /// Opens a file where the input is one.
    pub(super) async fn open(stdin: Stdin, pipe: Option<ChildStdin>) -> Result<Self, String> {
        let (file, piece) = match stdin {
            Stdin::Empty => (None, Bytes::new()),
            Stdin::Bytes(bytes) => (None, bytes),
            Stdin::File(path) => {
                let file = File::open(&path).await.map_err(|e| format!("{}: {e}", path.display()))?;
                (Some(file), Bytes::new())
            }
        };
        Ok(Self { pipe, file, piece })
    }

    /// Whether there is something left to do.
    pub(super) fn is_open(&self) -> bool {
        self.pipe.is_some()
    }

    /// Takes one step: reads a piece, writes some of it, or closes the pipe. A child that does not want it all closes
    /// its end, which is no failure.
    ///
    /// Cancel-safe. An error is the file's.
    pub(super) async fn step(&mut self) -> io::Result<()> {
        let Some(pipe) = &mut self.pipe else { return Ok(()) };
        if self.piece.is_empty() {
            let Some(file) = &mut self.file else {
                self.pipe = None;
                return Ok(());
            };
            let mut next = BytesMut::with_capacity(PIECE);
            if file.read_buf(&mut next).await? == 0 {
                self.file = None;
            }
            self.piece = next.freeze();
            return Ok(());
        }
        match pipe.write(&self.piece).await {
            Ok(0) | Err(_) => self.pipe = None,
            Ok(n) => drop(self.piece.split_to(n)),
        }
        Ok(())
    }

    /// Writes a short line at once, before everything else.
    pub(super) async fn line(&mut self, line: &str) -> io::Result<()> {
        match &mut self.pipe {
            Some(pipe) => pipe.write_all(format!("{line}\n").as_bytes()).await,
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}
