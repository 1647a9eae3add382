//! Talks to the mail server: one connection a mail, one command after the other.

use std::fmt;
use std::time::Duration;

use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use sha2::{Digest, Sha256};
use sre_core::output::width;
use sre_core::retry::Retry;
use sre_core::{Delivery, RetryPolicy, SharedClock, Target};

use super::builder::{EmailBuilder, Security};
use super::failure::{self, Stage};
use crate::error::{Error, ErrorKind};
use crate::mail::{Mail, Mailer};
use crate::notify::{Notification, Notifier, NotifyFuture, Receipt};
use crate::pace::Pace;
use crate::signature::hex;

/// How long to say goodbye once the mail is delivered.
const GOODBYE: Duration = Duration::from_secs(1);
/// The longest key that is shown in a header.
const KEY: usize = 255;

/// Recipients behind a mail server; see the [module](super). Clones share one connection at a time.
#[derive(Clone)]
pub struct Email {
    pub(super) target: Target,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) tls: Option<TlsParameters>,
    pub(super) login: Option<Credentials>,
    pub(super) hello: ClientId,
    pub(super) from: Mailbox,
    pub(super) to: Vec<Mailbox>,
    pub(super) connect_timeout: Duration,
    pub(super) deadline: Duration,
    pub(super) retry: RetryPolicy,
    pub(super) clock: SharedClock,
    pub(super) pace: Pace,
}

// === impl Email ===

impl Email {
    /// Starts the settings: the mail server's host, and the sender (`Alerts <alerts@example.org>`).
    pub fn builder(host: impl Into<String>, from: impl Into<String>) -> EmailBuilder {
        EmailBuilder::new(host.into(), from.into())
    }

    /// Sends a mail to all recipients.
    ///
    /// # Errors
    /// As [`Notifier::notify`]; see the [module](super) for recipients that are refused.
    pub async fn send(&self, mail: &Mail) -> Result<Receipt, Error> {
        let message = self.message(mail)?;
        let retry = Retry::new(&self.retry, &*self.clock).on_retry(
            |r| tracing::warn!(target = %self.target, attempt = r.attempt, error = %r.error, "sending again"),
        );
        let done = retry.run(|_| self.once(&message)).await;
        match done.result {
            Ok(()) => Ok(Receipt::new(self.target.clone(), 1, done.attempts, done.elapsed)),
            Err(e) => Err(e.with_attempts(done.attempts).with_elapsed(done.elapsed)),
        }
    }

    fn without_retries(self) -> Self {
        Self { retry: RetryPolicy::never(), ..self }
    }

    async fn once(&self, message: &[u8]) -> Result<(), Error> {
        // No pace, but one connection at a time: the wait is never refused.
        let turn = self.pace.turn(&*self.clock, Duration::MAX).await;
        let mut stage = Stage::Connecting;
        let talk = tokio::time::timeout(self.deadline, self.talk(message, &mut stage)).await;
        let result = match talk {
            Ok(result) => result,
            Err(_) => Err(failure::failed(ErrorKind::Timeout, stage, &self.target, "the time for a mail was used up")),
        };
        if let Ok(turn) = turn {
            turn.end(&*self.clock, None);
        }
        result
    }

    async fn talk(&self, message: &[u8], stage: &mut Stage) -> Result<(), Error> {
        let mut connection = self.connect(stage).await?;
        *stage = Stage::Envelope;
        let failed = |e: &smtp::Error, stage| failure::of(e, stage, &self.target);
        let from = MailFrom::new(Some(self.from.email.clone()), Vec::new());
        connection.command(from).await.map_err(|e| failed(&e, *stage))?;
        let mut refused = Vec::new();
        for to in &self.to {
            match connection.command(Rcpt::new(to.email.clone(), Vec::new())).await {
                Ok(_) => {}
                Err(e) if e.status().is_some() => refused.push(failed(&e, *stage)),
                Err(e) => return Err(failed(&e, *stage)),
            }
        }
        // One that may pass comes first.
        refused.sort_by_key(|e| e.kind().is_permanent());
        let count = refused.len();
        let mut first = refused.into_iter().next();
        if count == self.to.len()
            && let Some(error) = first.take()
        {
            return Err(error);
        }
        connection.command(Data).await.map_err(|e| failed(&e, *stage))?;
        *stage = Stage::Content;
        connection.message(message).await.map_err(|e| failed(&e, *stage))?;
        tokio::time::timeout(GOODBYE, connection.quit()).await.ok();
        first.map_or(Ok(()), |error| self.partly(error, count))
    }

    async fn connect(&self, stage: &mut Stage) -> Result<AsyncSmtpConnection, Error> {
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let found: Vec<_> = found.map(Iterator::collect).unwrap_or_default();
        if found.is_empty() {
            return Err(failure::failed(ErrorKind::Dns, *stage, &self.target, "the name did not resolve"));
        }
        let failed = |e: &smtp::Error, stage| failure::of(e, stage, &self.target);
        let wrapper = self.tls.clone().filter(|_| self.security == Security::Tls);
        let timeout = Some(self.connect_timeout);
        let connection = AsyncSmtpConnection::connect_tokio1(&found[..], timeout, &self.hello, wrapper, None);
        let mut connection = connection.await.map_err(|e| failed(&e, *stage))?;
        if let (Security::StartTls, Some(tls)) = (self.security, self.tls.clone()) {
            connection.starttls(tls, &self.hello).await.map_err(|e| failed(&e, *stage))?;
        }
        *stage = Stage::Opening;
        if let Some(login) = &self.login {
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            connection.auth(&mechanisms, login).await.map_err(|e| failed(&e, *stage))?;
        }
        Ok(connection)
    }

    /// Some have it: an error only where the others may get it later.
    fn partly(&self, error: Error, refused: usize) -> Result<(), Error> {
        let detail = format!("{refused} of {} recipients refused: {}", self.to.len(), error.detail());
        if error.kind().is_permanent() {
            tracing::warn!(target = %self.target, detail, "delivered to the others");
            return Ok(());
        }
        Err(error.with_detail(format!("{detail} (the others have it)")).with_delivery(Delivery::MaybeSent))
    }

    fn message(&self, mail: &Mail) -> Result<Vec<u8>, Error> {
        let domain = self.from.email.domain();
        let now = self.clock.now();
        // Never twice the same: mailboxes hide a mail whose ID they have seen, and a reminder is no duplicate.
        let id = hex(&Sha256::digest(format!("{now} {} {} {}", mail.key, mail.subject, mail.text)));
        let mut builder = lettre::Message::builder()
            .from(self.from.clone())
            .subject(width::clean(&mail.subject))
            .date(now.into())
            .message_id(Some(format!("<{}@{domain}>", &id[..40])))
            .header(AutoSubmitted);
        for to in &self.to {
            builder = builder.to(to.clone());
        }
        if !mail.key.is_empty() {
            let thread = hex(&Sha256::digest(&mail.key));
            let thread = format!("<{}.thread@{domain}>", &thread[..32]);
            builder = builder.in_reply_to(thread.clone()).references(thread).header(DedupKey(mail.key.clone()));
        }
        let parts = MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone());
        let message = builder.multipart(parts).map_err(|e| {
            let e = Error::new(ErrorKind::InvalidPayload, self.target.clone()).with_detail(e.to_string());
            e.with_attempts(0).with_delivery(Delivery::NotSent)
        })?;
        Ok(message.formatted())
    }
}

impl Notifier for Email {
    fn kind(&self) -> &'static str {
        "email"
    }

    fn target(&self) -> &Target {
        &self.target
    }

    fn notify<'a>(&'a self, notification: &'a Notification) -> NotifyFuture<'a> {
        Box::pin(async move { self.send(&Mail::from(notification)).await })
    }

    fn attempt<'a>(&'a self, notification: &'a Notification) -> NotifyFuture<'a> {
        Box::pin(async move { self.clone().without_retries().notify(notification).await })
    }
}

impl Mailer for Email {
    fn mail<'a>(&'a self, mail: &'a Mail) -> NotifyFuture<'a> {
        Box::pin(async move { self.clone().without_retries().send(mail).await })
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Email")
            .field("target", &self.target)
            .field("security", &self.security)
            .field("from", &self.from)
            .field("to", &self.to)
            .finish_non_exhaustive()
    }
}

/// No out-of-office reply, please (RFC 3834).
#[derive(Debug, Clone)]
struct AutoSubmitted;

/// What the mail is about, for filters.
#[derive(Debug, Clone)]
struct DedupKey(String);

type Parsed<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Parsed<Self> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl Header for DedupKey {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("X-Dedup-Key")
    }

    fn parse(key: &str) -> Parsed<Self> {
        Ok(Self(key.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        let key = width::clean(&self.0);
        HeaderValue::new(Self::name(), crate::text::truncate(&key, KEY).into_owned())
    }
}
