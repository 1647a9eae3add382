//! One connection from its first byte to the channels, with the fault on the way.

use std::io;
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::signature::Ed25519KeyPair;
use tokio::net::TcpStream;

use super::auth::{self, Answer};
use super::fault::{Action, Fault, Stage};
use super::kex::{self, Versions};
use super::packet::{Reader, Writer};
use super::session::Session;

const VERSION: &str = "SSH-2.0-fault_server";

/// What all connections of a server share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) fault: Fault,
    pub(super) host_key: Ed25519KeyPair,
    pub(super) home: Box<Path>,
}

/// The two directions, and what goes wrong.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) reader: Reader,
    pub(super) writer: Writer,
    pub(super) shared: Arc<Shared>,
}

/// Whether to go on after a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    GoOn,
    Over,
}

/// Serves a client until it or the fault ends it. What the client does wrong ends it as well.
pub(super) async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    stream.set_nodelay(true).ok();
    let (reader, writer) = stream.into_split();
    let mut connection = Connection { reader: Reader::new(reader), writer: Writer::new(writer), shared };
    connection.greet_and_go_on().await.ok();
}

// === impl Connection ===

impl Connection {
    async fn greet_and_go_on(&mut self) -> io::Result<()> {
        if self.stage(Stage::Connected).await == Then::Over {
            return Ok(());
        }
        let versions = self.versions().await?;
        if self.stage(Stage::Banner).await == Then::Over {
            return Ok(());
        }
        let offered = kex::offer(&mut self.reader, &mut self.writer).await?;
        if self.stage(Stage::Kex).await == Then::Over {
            return Ok(());
        }
        kex::agree(&offered, &versions, &self.shared.host_key, &mut self.reader, &mut self.writer).await?;
        let service = auth::service(&mut self.reader).await?;
        if self.stage(Stage::BeforeAuth).await == Then::Over {
            return Ok(());
        }
        auth::accept_service(&mut self.writer, &service).await?;
        if self.log_in().await? == Then::Over {
            return Ok(());
        }
        Session::new(self).serve().await
    }

    async fn versions(&mut self) -> io::Result<Versions> {
        let server = match &self.shared.fault {
            Fault::Version(line) => line.clone(),
            _ => VERSION.to_owned(),
        };
        if let Fault::Preamble(bytes) = &self.shared.fault {
            self.writer.bytes(bytes).await?;
        }
        self.writer.bytes(format!("{server}\r\n").as_bytes()).await?;
        Ok(Versions { client: self.reader.line().await?, server })
    }

    async fn log_in(&mut self) -> io::Result<Then> {
        let refuse = self.shared.fault == Fault::RefuseAuth;
        let mut offered = false;
        loop {
            let answer = auth::request(&mut self.reader).await?;
            if answer != Answer::Methods && !offered {
                offered = true;
                if self.stage(Stage::Auth).await == Then::Over {
                    return Ok(Then::Over);
                }
            }
            if auth::answer(&mut self.writer, &answer, refuse).await? {
                return Ok(Then::GoOn);
            }
        }
    }

    /// Does what the fault asks for at this stage.
    pub(super) async fn stage(&mut self, stage: Stage) -> Then {
        match self.shared.fault.at(stage) {
            None => Then::GoOn,
            Some(Action::Drip(every)) => {
                self.writer.drip = Some(every);
                Then::GoOn
            }
            Some(Action::Close) => {
                self.writer.finish().await;
                self.reader.drain().await;
                Then::Over
            }
            Some(Action::Reset) => {
                self.writer.reset_when_dropped();
                Then::Over
            }
            Some(Action::Stall) => {
                self.reader.drain().await;
                Then::Over
            }
        }
    }
}
