//! A session on a scripted host.

use std::path::Path;
use std::sync::{Arc, Mutex};

use super::record::{Event, Record, words};
use super::script::{End, FakeHost, Reply};
use super::transport::{failed, lock};
use crate::command::Command;
use crate::error::{Error, ErrorKind};
use crate::exec::{ExecContext, OutputSink};
use crate::exit::Exit;
use crate::host::Host;
use crate::phase::Phase;
use crate::transport::{BoxFuture, Peer, Session};

#[derive(Debug)]
pub(super) struct FakeSession {
    host: Host,
    script: FakeHost,
    peer: Peer,
    record: Arc<Mutex<Record>>,
    closed: bool,
}

// === impl FakeSession ===

impl FakeSession {
    pub(super) fn new(host: Host, script: FakeHost, peer: Peer, record: Arc<Mutex<Record>>) -> Self {
        lock(&record).enter();
        Self { host, script, peer, record, closed: false }
    }

    fn note(&self, event: Event) {
        lock(&self.record).push(self.host.name(), event);
    }

    async fn run(
        &mut self,
        command: &Command,
        context: &ExecContext,
        sink: &mut dyn OutputSink,
    ) -> Result<Exit, Error> {
        let before = {
            let mut record = lock(&self.record);
            record.push(self.host.name(), Event::Exec(words(command)));
            let count = record.execs.entry(self.host.name().to_owned()).or_default();
            *count += 1;
            *count - 1
        };
        let reply = (self.script.reply)(command, before);
        if matches!(reply.end, End::Stuck) {
            return std::future::pending().await;
        }
        tokio::select! {
            biased;
            result = play(&reply, &self.host, sink) => result,
            () = context.interrupt.triggered() => {
                self.note(Event::Killed);
                Err(Error::new(ErrorKind::Interrupted, Phase::Exec, &self.host))
            }
            () = tokio::time::sleep_until(context.deadline.instant()) => {
                self.note(Event::Killed);
                Err(Error::new(ErrorKind::Timeout, Phase::Exec, &self.host))
            }
        }
    }

    fn key(&self, path: &str) -> (String, String) {
        (self.host.name().to_owned(), path.to_owned())
    }

    fn no_file(&self, path: &str) -> Error {
        failed(ErrorKind::Transfer, Phase::Transfer, &self.host).with_detail(format!("no file {path}"))
    }
}

async fn play(reply: &Reply, host: &Host, sink: &mut dyn OutputSink) -> Result<Exit, Error> {
    for (pause, stream, bytes) in &reply.pieces {
        tokio::time::sleep(*pause).await;
        if !bytes.is_empty() {
            sink.output(*stream, bytes);
        }
    }
    tokio::time::sleep(reply.delay).await;
    match &reply.end {
        End::Exit(exit) => Ok(exit.clone()),
        End::Error(kind, phase) => Err(failed(*kind, *phase, host)),
        End::Hang | End::Stuck => std::future::pending().await,
    }
}

impl Session for FakeSession {
    fn peer(&self) -> &Peer {
        &self.peer
    }

    fn exec<'a>(
        &'a mut self,
        command: &'a Command,
        context: &'a ExecContext,
        sink: &'a mut dyn OutputSink,
    ) -> BoxFuture<'a, Result<Exit, Error>> {
        Box::pin(self.run(command, context, sink))
    }

    fn write_file<'a>(
        &'a mut self,
        from: &'a Path,
        to: &'a str,
        _mode: u32,
        _context: &'a ExecContext,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async move {
            let content = std::fs::read(from).map_err(|_| self.no_file(&from.display().to_string()))?;
            let size = content.len() as u64;
            self.note(Event::File(format!("write {to}")));
            lock(&self.record).files.insert(self.key(to), content);
            Ok(size)
        })
    }

    fn read_file<'a>(
        &'a mut self,
        from: &'a str,
        to: &'a Path,
        _context: &'a ExecContext,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async move {
            self.note(Event::File(format!("read {from}")));
            let content = lock(&self.record).files.get(&self.key(from)).cloned();
            let content = content.ok_or_else(|| self.no_file(from))?;
            std::fs::write(to, &content).map_err(|_| self.no_file(&to.display().to_string()))?;
            Ok(content.len() as u64)
        })
    }

    fn rename_file<'a>(
        &'a mut self,
        from: &'a str,
        to: &'a str,
        _context: &'a ExecContext,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.note(Event::File(format!("rename {from} {to}")));
            let mut record = lock(&self.record);
            let content = record.files.remove(&self.key(from)).ok_or_else(|| self.no_file(from))?;
            record.files.insert(self.key(to), content);
            Ok(())
        })
    }

    fn close(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        self.closed = true;
        self.note(Event::Closed);
        Box::pin(async move { drop(self) })
    }
}

impl Drop for FakeSession {
    fn drop(&mut self) {
        lock(&self.record).leave();
        if !self.closed {
            self.note(Event::Dropped);
        }
    }
}
