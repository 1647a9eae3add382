//! A real SMTP server (Debian's python3-aiosmtpd) with STARTTLS or TLS, AUTH, and refusals on demand.
//!
//! It is no mail transport agent, so that installing it replaces nobody's.

use std::process::Command;
use std::time::Duration;

use serde::Deserialize;
use tempfile::TempDir;

use super::launch::program;
use crate::process::Process;
use crate::scripted::Identity;

const PATIENCE: Duration = Duration::from_secs(30);
const SCRIPT: &str = include_str!("smtp_server.py");

/// A running server. A recipient such as `refuse-550@example.org` is refused with that status, and so is a message that
/// says `answer-554`. Messages over 1 MB are too large.
#[derive(Debug)]
pub struct Smtp {
    process: Process,
    port: u16,
    ca_pem: String,
    dir: TempDir,
}

/// How clients get to TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// They must ask for it (`STARTTLS`) before anything else.
    StartTls,
    /// From the first byte.
    Tls,
    /// Not at all.
    Plain,
}

/// A message that was taken.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Received {
    /// The envelope's sender.
    pub from: String,
    /// The envelope's recipients.
    pub to: Vec<String>,
    /// The headers, decoded, in their order.
    pub headers: Vec<(String, String)>,
    /// `multipart/alternative`, for instance.
    #[serde(rename = "type")]
    pub content_type: String,
    /// The parts by their types, decoded.
    pub parts: std::collections::BTreeMap<String, String>,
    /// As it came.
    pub raw: String,
    /// Whether it came over TLS.
    pub encrypted: bool,
    /// Who had logged in.
    pub user: Option<String>,
}

// === impl Smtp ===

impl Smtp {
    /// The user that may log in.
    pub const USER: &str = "alerts@example.org";
    /// The user's password.
    pub const PASSWORD: &str = "s3cr3t päss";

    /// Starts a server at which everybody must log in as [`USER`](Self::USER).
    ///
    /// # Panics
    /// When it is not installed or does not start.
    pub async fn start(security: SmtpSecurity) -> Self {
        Self::start_with(security, Self::USER).await
    }

    /// Starts a server that asks nobody who they are.
    ///
    /// # Panics
    /// When it is not installed or does not start.
    pub async fn start_open(security: SmtpSecurity) -> Self {
        Self::start_with(security, "").await
    }

    async fn start_with(security: SmtpSecurity, user: &str) -> Self {
        // The interpreter that has the module is the one beside its program.
        let python = program("aiosmtpd").with_file_name("python3");
        let dir = tempfile::tempdir().expect("a folder for the server");
        let identity = Identity::generate(false);
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).expect("write a file of the server");
            path
        };
        let word = match security {
            SmtpSecurity::StartTls => "starttls",
            SmtpSecurity::Tls => "tls",
            SmtpSecurity::Plain => "plain",
        };
        let mut command = Command::new(python);
        command.arg(file("server.py", SCRIPT)).arg(word);
        command.args([file("cert.pem", &identity.server_pem), file("key.pem", &identity.server_key_pem)]);
        command.arg(dir.path()).args([user, Self::PASSWORD]);
        let mut process = Process::start("aiosmtpd", &mut command);
        let output = process.output_file();
        let port = move || {
            let text = std::fs::read_to_string(&output).unwrap_or_default();
            text.lines().find_map(|line| line.strip_prefix("PORT ")?.trim().parse::<u16>().ok())
        };
        let ready = process.wait_until_ready(PATIENCE, async || port().is_some()).await;
        if let Err(error) = ready {
            panic!("{error}");
        }
        let port = port().expect("the port was printed");
        Self { process, port, ca_pem: identity.ca_pem, dir }
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The CA that its certificate (for `127.0.0.1` and `localhost`) is from.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The messages that were taken, in their order.
    ///
    /// # Panics
    /// When one cannot be read.
    #[must_use]
    pub fn messages(&self) -> Vec<Received> {
        let file = |n: usize| std::fs::read_to_string(self.dir.path().join(format!("{n}.json"))).ok();
        (0..).map_while(file).map(|text| serde_json::from_str(&text).expect("a message of ours")).collect()
    }
}

// === impl Received ===

impl Received {
    /// The first header of that name, decoded.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}
