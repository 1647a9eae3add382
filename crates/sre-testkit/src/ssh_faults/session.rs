//! Channels and what runs in them (RFC 4254).

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use tokio::io::AsyncWriteExt as _;
use tokio::process::ChildStdin;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{self, Receiver, Sender, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinSet;

use super::connection::{Connection, Then};
use super::fault::{Fault, Stage};
use super::run::{Event, Run};
use super::wire::{Fields, Message};

const DISCONNECT: u8 = 1;
const GLOBAL_REQUEST: u8 = 80;
const REQUEST_FAILURE: u8 = 82;
const OPEN: u8 = 90;
const OPEN_CONFIRMATION: u8 = 91;
const OPEN_FAILURE: u8 = 92;
const WINDOW_ADJUST: u8 = 93;
const DATA: u8 = 94;
const EXTENDED_DATA: u8 = 95;
const EOF: u8 = 96;
const CLOSE: u8 = 97;
const REQUEST: u8 = 98;
const SUCCESS: u8 = 99;
const FAILURE: u8 = 100;

/// What we let the client send before we have read it.
const WINDOW: u32 = 2 * 1024 * 1024;

/// The channels of a logged-in connection.
#[derive(Debug)]
pub(super) struct Session<'a> {
    connection: &'a mut Connection,
    channels: HashMap<u32, Channel>,
    sender: Sender<(u32, Event)>,
    events: Receiver<(u32, Event)>,
    /// Commands; dropped, and so killed, with the session.
    tasks: JoinSet<()>,
    output_sent: bool,
}

/// A channel, under the number that the client gave it (ours is the same).
#[derive(Debug)]
struct Channel {
    window: Arc<Semaphore>,
    stdin: Option<UnboundedSender<Vec<u8>>>,
    we_closed: bool,
}

// === impl Session ===

impl<'a> Session<'a> {
    pub(super) fn new(connection: &'a mut Connection) -> Self {
        let (sender, events) = mpsc::channel(4);
        Self { connection, channels: HashMap::new(), sender, events, tasks: JoinSet::new(), output_sent: false }
    }

    /// Serves until somebody closes the connection.
    pub(super) async fn serve(mut self) -> io::Result<()> {
        loop {
            let then = tokio::select! {
                packet = self.connection.reader.packet() => self.message(&packet?).await?,
                Some((channel, event)) = self.events.recv() => self.event(channel, event).await?,
            };
            if then == Then::Over {
                return Ok(());
            }
        }
    }

    async fn message(&mut self, payload: &[u8]) -> io::Result<Then> {
        let mut fields = Fields::new(payload);
        match fields.byte()? {
            DISCONNECT => return Ok(Then::Over),
            GLOBAL_REQUEST => {
                fields.string()?;
                if fields.boolean()? {
                    self.connection.writer.packet(&[REQUEST_FAILURE]).await?;
                }
            }
            OPEN => return self.open(fields).await,
            REQUEST => return self.request(fields).await,
            WINDOW_ADJUST => {
                let (channel, more) = (fields.uint32()?, fields.uint32()?);
                if let Some(channel) = self.channels.get(&channel) {
                    channel.window.add_permits(more as usize);
                }
            }
            DATA => {
                let (number, bytes) = (fields.uint32()?, fields.string()?);
                self.data(number, bytes).await?;
            }
            EOF => {
                if let Some(channel) = self.channels.get_mut(&fields.uint32()?) {
                    channel.stdin = None;
                }
            }
            CLOSE => {
                let number = fields.uint32()?;
                if self.channels.remove(&number).is_some_and(|channel| !channel.we_closed) {
                    self.connection.writer.packet(&Message::new(CLOSE).uint32(number).done()).await?;
                }
            }
            _ => {}
        }
        Ok(Then::GoOn)
    }

    async fn open(&mut self, mut fields: Fields<'_>) -> io::Result<Then> {
        let (kind, number, window, packet) = (fields.text()?, fields.uint32()?, fields.uint32()?, fields.uint32()?);
        if self.connection.stage(Stage::Channel).await == Then::Over {
            return Ok(Then::Over);
        }
        let answer = if kind != "session" || self.connection.shared.fault == Fault::RefuseChannel {
            // 1: administratively prohibited.
            Message::new(OPEN_FAILURE).uint32(number).uint32(1).string("no channels today").string("")
        } else {
            let window = Arc::new(Semaphore::new(window as usize));
            self.channels.insert(number, Channel { window, stdin: None, we_closed: false });
            Message::new(OPEN_CONFIRMATION).uint32(number).uint32(number).uint32(WINDOW).uint32(packet)
        };
        self.connection.writer.packet(&answer.done()).await?;
        Ok(Then::GoOn)
    }

    async fn request(&mut self, mut fields: Fields<'_>) -> io::Result<Then> {
        let (number, kind, wants_reply) = (fields.uint32()?, fields.text()?, fields.boolean()?);
        let known = matches!(kind.as_str(), "exec" | "env");
        let fault = self.connection.shared.fault.clone();
        if kind == "exec" && self.connection.stage(Stage::Exec).await == Then::Over {
            return Ok(Then::Over);
        }
        let granted = known && !(kind == "exec" && fault == Fault::RefuseExec);
        if wants_reply {
            let answer = Message::new(if granted { SUCCESS } else { FAILURE }).uint32(number).done();
            self.connection.writer.packet(&answer).await?;
        }
        if kind == "exec" && granted {
            self.start(number, &fields.text()?, fault)?;
            return Ok(self.connection.stage(Stage::Started).await);
        }
        Ok(Then::GoOn)
    }

    fn start(&mut self, number: u32, command: &str, fault: Fault) -> io::Result<()> {
        let Some(channel) = self.channels.get_mut(&number) else { return Ok(()) };
        let mut run = Run::start(command, &self.connection.shared.home)?;
        if let Some(stdin) = run.take_stdin() {
            let (sender, receiver) = mpsc::unbounded_channel();
            channel.stdin = Some(sender);
            self.tasks.spawn(feed(stdin, receiver));
        }
        let (window, to) = (channel.window.clone(), self.sender.clone());
        self.tasks.spawn(async move { run.deliver(number, &fault, window, to).await });
        Ok(())
    }

    async fn data(&mut self, number: u32, bytes: &[u8]) -> io::Result<()> {
        let Some(channel) = self.channels.get(&number) else { return Ok(()) };
        if let Some(stdin) = &channel.stdin {
            stdin.send(bytes.to_vec()).ok();
        }
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.connection.writer.packet(&Message::new(WINDOW_ADJUST).uint32(number).uint32(len).done()).await
    }

    async fn event(&mut self, number: u32, event: Event) -> io::Result<Then> {
        let Some(channel) = self.channels.get_mut(&number) else { return Ok(Then::GoOn) };
        let is_output = matches!(event, Event::Stdout(_) | Event::Stderr(_));
        let request = |name: &str| Message::new(REQUEST).uint32(number).string(name).byte(0);
        let messages = match event {
            Event::Stdout(bytes) => vec![Message::new(DATA).uint32(number).string(bytes)],
            Event::Stderr(bytes) => vec![Message::new(EXTENDED_DATA).uint32(number).uint32(1).string(bytes)],
            Event::Code(code) => vec![request("exit-status").uint32(code)],
            Event::Signal(name) => vec![request("exit-signal").string(name).byte(0).string("").string("")],
            Event::End => {
                channel.we_closed = true;
                vec![Message::new(EOF).uint32(number), Message::new(CLOSE).uint32(number)]
            }
        };
        for message in messages {
            self.connection.writer.packet(&message.done()).await?;
        }
        if is_output && !self.output_sent {
            self.output_sent = true;
            return Ok(self.connection.stage(Stage::Output).await);
        }
        Ok(Then::GoOn)
    }
}

async fn feed(mut stdin: ChildStdin, mut from: UnboundedReceiver<Vec<u8>>) {
    while let Some(bytes) = from.recv().await {
        if stdin.write_all(&bytes).await.is_err() {
            return;
        }
    }
}
