//! The settings of a mail server.

use std::net::IpAddr;
use std::time::Duration;

use lettre::Address;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use sre_core::{RetryPolicy, Secret, SharedClock, SystemClock, Target};

use super::server::Email;
use crate::error::{Error, misconfigured};
use crate::pace::Pace;

const NAME: &str = "SMTP server";

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Security {
    /// STARTTLS, and nothing is said without it. Port 587.
    #[default]
    StartTls,
    /// TLS from the first byte. Port 465.
    Tls,
    /// None, for a relay on this machine; no password is sent over it. Port 25.
    Plain,
}

/// Settings of an [`Email`] receiver.
///
/// Defaults: STARTTLS on port 587, no login, connect timeout 10 s, deadline 60 s for one mail, 3 attempts where nothing
/// was delivered.
#[derive(Debug, Clone)]
#[must_use]
pub struct EmailBuilder {
    host: String,
    port: Option<u16>,
    security: Security,
    login: Option<(String, Secret)>,
    from: String,
    to: Vec<String>,
    ca_pem: Option<Vec<u8>>,
    hello: Option<String>,
    connect_timeout: Duration,
    deadline: Duration,
    retry: RetryPolicy,
    clock: SharedClock,
}

// === impl Security ===

impl Security {
    fn port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Tls => 465,
            Self::Plain => 25,
        }
    }
}

// === impl EmailBuilder ===

impl EmailBuilder {
    pub(super) fn new(host: String, from: String) -> Self {
        Self {
            host,
            port: None,
            security: Security::default(),
            login: None,
            from,
            to: Vec::new(),
            ca_pem: None,
            hello: None,
            connect_timeout: Duration::from_secs(10),
            deadline: Duration::from_secs(60),
            retry: RetryPolicy::default(),
            clock: SystemClock::shared(),
        }
    }

    /// Adds a recipient: `oncall@example.org` or `On call <oncall@example.org>`.
    pub fn to(mut self, recipient: impl Into<String>) -> Self {
        self.to.push(recipient.into());
        self
    }

    /// Another port than that of the [`Security`].
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// How the connection is protected.
    pub fn security(mut self, security: Security) -> Self {
        self.security = security;
        self
    }

    /// Logs in (AUTH PLAIN or LOGIN).
    pub fn login(mut self, user: impl Into<String>, password: Secret) -> Self {
        self.login = Some((user.into(), password));
        self
    }

    /// Certificates (PEM, one or more) to trust besides the system's.
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca_pem = Some(pem.into());
        self
    }

    /// The name that we give the server (EHLO). Default: the address `[127.0.0.1]`.
    pub fn hello(mut self, name: impl Into<String>) -> Self {
        self.hello = Some(name.into());
        self
    }

    /// Time for TCP, and for TLS.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Time for one mail from DNS to the server's word that it has it.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How often a mail that surely was not delivered is tried.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// The clock of dates and waits.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Checks it.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config): no host, sender or recipient, an address that is none or is not
    /// ASCII, a login without TLS, a certificate that cannot be read.
    pub fn build(self) -> Result<Email, Error> {
        let host = self.host.trim().trim_matches(['[', ']']).to_owned();
        let good = |c: char| c.is_ascii_alphanumeric() || ".-_:".contains(c);
        if host.is_empty() || !host.chars().all(good) {
            return Err(misconfigured(NAME, "the host is no name or address"));
        }
        if self.login.is_some() && self.security == Security::Plain {
            return Err(misconfigured(NAME, "a password is not sent without TLS: use StartTls or Tls"));
        }
        let from = mailbox(&self.from)?;
        let to = self.to.iter().map(|to| mailbox(to)).collect::<Result<Vec<_>, _>>()?;
        if to.is_empty() {
            return Err(misconfigured(NAME, "there are no recipients"));
        }
        let tls = match self.security {
            Security::Plain => None,
            Security::StartTls | Security::Tls => Some(tls(&host, self.ca_pem.as_deref())?),
        };
        let port = self.port.unwrap_or(self.security.port());
        let shown =
            if host.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv6()) { format!("[{host}]") } else { host.clone() };
        Ok(Email {
            target: Target::new(format!("{NAME} {shown}:{port}")),
            host,
            port,
            security: self.security,
            tls,
            login: self.login.map(|(user, password)| Credentials::new(user, password.expose().to_owned())),
            hello: self.hello.map_or_else(ClientId::default, ClientId::Domain),
            from,
            to,
            connect_timeout: self.connect_timeout,
            deadline: self.deadline,
            retry: self.retry,
            clock: self.clock,
            pace: Pace::default(),
        })
    }
}

fn mailbox(text: &str) -> Result<Mailbox, Error> {
    let unusable = || misconfigured(NAME, format!("{text:?} is not a mail address of ASCII characters"));
    let mailbox: Mailbox = text.trim().parse().map_err(|_| unusable())?;
    let address: &str = Address::as_ref(&mailbox.email);
    if address.is_ascii() && !text.chars().any(char::is_control) { Ok(mailbox) } else { Err(unusable()) }
}

fn tls(host: &str, ca_pem: Option<&[u8]>) -> Result<TlsParameters, Error> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(pem) = ca_pem {
        let ca = Certificate::from_pem(pem).map_err(|e| misconfigured(NAME, format!("the CA certificate: {e}")))?;
        builder = builder.add_root_certificate(ca);
    }
    builder.build_rustls().map_err(|e| misconfigured(NAME, format!("TLS: {e}")))
}
