//! A server on a free port, the alerts it took, and a client that says exactly what it is told.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use sre_alerts::inbound::{Credential, Drained, Inbound, InboundBuilder, Limits, signature};
use sre_alerts::{AcceptFuture, Accepted, Alert, Intake, IntakeError, SharedIntake};
use sre_core::Secret;
use sre_core::clock::FixedClock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) const NOW: i64 = 1_774_249_200;
pub(crate) const TOKEN: &str = "a-bearer-token-of-the-tests";
pub(crate) const SIGNING: &str = "a-signing-secret-of-the-tests";

/// Keeps what it gets, or says what it is told to say.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) alerts: Mutex<Vec<Alert>>,
    pub(crate) trouble: Mutex<Option<IntakeError>>,
}

impl Intake for Kept {
    fn accept(&self, alerts: Vec<Alert>) -> AcceptFuture<'_> {
        Box::pin(async move {
            if let Some(error) = self.trouble.lock().unwrap().clone() {
                return Err(error);
            }
            let accepted = Accepted::new(alerts.len());
            self.alerts.lock().unwrap().extend(alerts);
            Ok(accepted)
        })
    }
}

impl Kept {
    pub(crate) fn titles(&self) -> Vec<String> {
        self.alerts.lock().unwrap().iter().map(|alert| alert.title.clone()).collect()
    }
}

/// A running server.
pub(crate) struct Door {
    pub(crate) addr: SocketAddr,
    pub(crate) kept: Arc<Kept>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Drained>,
}

pub(crate) fn short() -> Limits {
    let mut limits = Limits::default();
    limits.max_body = 64 * 1024;
    limits.head = Duration::from_millis(300);
    limits.body = Duration::from_millis(300);
    limits.drain = Duration::from_secs(5);
    limits
}

pub(crate) fn bearer() -> Credential {
    Credential::bearer(Secret::new(TOKEN)).unwrap()
}

impl Door {
    /// All webhooks, with short limits, at a time that stands still.
    pub(crate) fn open() -> Self {
        Self::open_with(|builder| {
            let signing = || Secret::new(SIGNING);
            builder
                .alerts(Credential::hmac(signing()).unwrap(), ["disk_full".to_owned(), "high_cpu".to_owned()])
                .alertmanager(bearer())
                .github(Credential::github(signing()).unwrap())
                .limits(short())
        })
    }

    pub(crate) fn open_with(build: impl FnOnce(InboundBuilder) -> InboundBuilder) -> Self {
        let kept = Arc::new(Kept::default());
        Self::open_to(kept.clone(), kept, build)
    }

    /// With something in front of `kept`.
    pub(crate) fn open_to(
        intake: SharedIntake,
        kept: Arc<Kept>,
        build: impl FnOnce(InboundBuilder) -> InboundBuilder,
    ) -> Self {
        let clock = Arc::new(FixedClock::at(Timestamp::from_second(NOW).unwrap()));
        let inbound = build(Inbound::builder(intake, clock)).build().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let until = async {
            let _ = stopped.await;
        };
        let served = tokio::spawn(async { inbound.serve(listener, until).await.unwrap() });
        Self { addr, kept, stop, served }
    }

    /// Stops the server and waits for its end.
    pub(crate) async fn close(self) -> Drained {
        let _ = self.stop.send(());
        tokio::time::timeout(Duration::from_secs(20), self.served).await.unwrap().unwrap()
    }

    pub(crate) async fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let length = body.len().to_string();
        let all = [&[("content-length", length.as_str())], headers].concat();
        self.send(&head("POST", path, &all), body).await
    }

    /// A JSON body for `/webhook/alert`, signed.
    pub(crate) async fn alert(&self, body: &[u8]) -> Answer {
        let signature = signature::sign_v0(&Secret::new(SIGNING), NOW, body);
        let at = NOW.to_string();
        let headers = [
            ("content-type", "application/json"),
            (signature::TIMESTAMP_HEADER, at.as_str()),
            (signature::SIGNATURE_HEADER, signature.as_str()),
        ];
        self.post("/webhook/alert", &headers, body).await
    }

    /// Sends bytes as they are, and reads until the server closes.
    pub(crate) async fn send(&self, head: &str, body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.addr).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        // A server that has seen enough may have closed already.
        let _ = stream.write_all(body).await;
        answer(&mut stream).await
    }
}

/// A head that asks for the connection to be closed.
pub(crate) fn head(method: &str, path: &str, headers: &[(&str, &str)]) -> String {
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{lines}\r\n")
}

/// What the server said before it closed the connection; status 0 when it said nothing.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
}

pub(crate) async fn answer(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    let read = async {
        // A reset after the answer is as good as an end.
        while let Ok(n @ 1..) = stream.read(&mut chunk).await {
            bytes.extend_from_slice(&chunk[..n]);
        }
    };
    tokio::time::timeout(Duration::from_secs(10), read).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, text }
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(self.text.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.text.split("\r\n").skip(1).take_while(|line| !line.is_empty());
        lines.find_map(|line| {
            line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        })
    }
}
