//! What `ssh` says while it logs in, and what it means.

use std::net::SocketAddr;

use sre_core::RetryHint;

use crate::error::{Error, ErrorKind};
use crate::host::Host;
use crate::phase::Phase;

/// The log of a master connection (`LogLevel=DEBUG1`) and what jump hosts' `ssh` wrote to standard error.
#[derive(Debug, Default)]
pub(super) struct LoginLog {
    pub(super) log: String,
    pub(super) stderr: String,
}

/// Words of OpenSSH that tell why it gave up, the more telling ones first.
const REASONS: &[(&str, ErrorKind, Option<Phase>)] = &[
    ("REVOKED HOST KEY DETECTED", ErrorKind::HostKeyRevoked, Some(Phase::HostKey)),
    ("is marked as revoked", ErrorKind::HostKeyRevoked, Some(Phase::HostKey)),
    ("HOST IDENTIFICATION HAS CHANGED", ErrorKind::HostKeyChanged, Some(Phase::HostKey)),
    ("Host key verification failed", ErrorKind::HostKeyUnknown, Some(Phase::HostKey)),
    ("Bad configuration option", ErrorKind::Usage, Some(Phase::Resolve)),
    ("bad configuration options", ErrorKind::Usage, Some(Phase::Resolve)),
    ("Bad owner or permissions on", ErrorKind::Usage, Some(Phase::Resolve)),
    ("too long for Unix domain socket", ErrorKind::Usage, Some(Phase::Resolve)),
    ("jumphost loop via", ErrorKind::Usage, Some(Phase::Resolve)),
    ("Could not resolve hostname", ErrorKind::Resolve, Some(Phase::Resolve)),
    ("Unable to negotiate with", ErrorKind::Protocol, Some(Phase::Handshake)),
    ("Permission denied (", ErrorKind::AuthRefused, Some(Phase::Auth)),
    ("Too many authentication failures", ErrorKind::AuthRefused, Some(Phase::Auth)),
    ("Connection refused", ErrorKind::Unreachable, Some(Phase::Connect)),
    ("No route to host", ErrorKind::Unreachable, Some(Phase::Connect)),
    ("Network is unreachable", ErrorKind::Unreachable, Some(Phase::Connect)),
    ("administratively prohibited", ErrorKind::Unreachable, Some(Phase::Connect)),
    ("stdio forwarding failed", ErrorKind::Unreachable, Some(Phase::Connect)),
    ("timed out during banner exchange", ErrorKind::Timeout, Some(Phase::Handshake)),
    ("timed out", ErrorKind::Timeout, None),
    ("banner line contains invalid characters", ErrorKind::Protocol, Some(Phase::Handshake)),
    ("Protocol major versions differ", ErrorKind::Protocol, Some(Phase::Handshake)),
    ("Connection closed by", ErrorKind::Broken, None),
    ("Connection reset by", ErrorKind::Broken, None),
    ("Broken pipe", ErrorKind::Broken, None),
];

// === impl LoginLog ===

impl LoginLog {
    /// How far it got.
    pub(super) fn phase(&self) -> Phase {
        let reached = [
            ("debug1: SSH2_MSG_NEWKEYS received", Phase::Auth),
            ("debug1: Server host key:", Phase::HostKey),
            ("debug1: Connection established", Phase::Handshake),
            ("debug1: Remote protocol version", Phase::Handshake),
            ("debug1: Connecting to", Phase::Connect),
            ("debug1: Executing proxy command", Phase::Connect),
        ];
        reached.iter().find(|(words, _)| self.log.contains(words)).map_or(Phase::Resolve, |(_, phase)| *phase)
    }

    /// Why the login failed. None of the words known: the connection broke, with the last of what was said.
    pub(super) fn error(&self, host: &Host) -> Error {
        let said = |words: &str| self.log.contains(words) || self.stderr.contains(words);
        let (mut kind, phase) = REASONS
            .iter()
            .find(|(words, _, _)| said(words))
            .map_or((ErrorKind::Broken, None), |(_, kind, phase)| (*kind, *phase));
        if kind == ErrorKind::AuthRefused
            && !said("Offering public key")
            && !said("Next authentication method: password")
        {
            kind = ErrorKind::NoCredentials;
        }
        let error = Error::new(kind, phase.unwrap_or_else(|| self.phase()), host).with_detail(self.words());
        match kind {
            ErrorKind::Broken | ErrorKind::Timeout => error.with_hint(RetryHint::Backoff),
            _ => error,
        }
    }

    /// The time was over.
    pub(super) fn late(&self, host: &Host) -> Error {
        let words = self.words();
        let detail = if words.is_empty() {
            "ssh did not log in in time".to_owned()
        } else {
            format!("ssh did not log in in time: {words}")
        };
        Error::new(ErrorKind::Timeout, self.phase(), host).with_detail(detail).with_hint(RetryHint::Backoff)
    }

    /// The address that answered, where there is no jump host in between.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        // debug1: Connecting to web.example [192.0.2.7] port 22.
        let line = self.log.lines().rfind(|line| line.starts_with("debug1: Connecting to "))?;
        let (_, rest) = line.split_once(" [")?;
        let (address, rest) = rest.split_once("] port ")?;
        Some(SocketAddr::new(address.parse().ok()?, rest.trim_end_matches('.').parse().ok()?))
    }

    /// The login name.
    pub(super) fn user(&self) -> Option<String> {
        // debug1: Authenticating to web.example:22 as 'sre'
        let line = self.log.lines().find(|line| line.starts_with("debug1: Authenticating to "))?;
        Some(line.split_once(" as '")?.1.strip_suffix('\'')?.to_owned())
    }

    /// Whether the host told that a signal ended a command; `ssh` does not pass on which.
    pub(super) fn has_exit_signal(&self) -> bool {
        self.log.contains("rtype exit-signal")
    }

    /// Why a connection ended that was logged in. Only lines that begin with words of `ssh`'s own: the log has the
    /// commands as well, and those may hold secrets.
    pub(super) fn end(&self) -> String {
        let own = [
            "client_loop:",
            "Connection ",
            "Disconnecting",
            "Read from remote host",
            "Timeout, server",
            "ssh_dispatch",
        ];
        let lines = self.log.lines().filter(|line| own.iter().any(|words| line.starts_with(words)));
        lines.map(str::trim).collect::<Vec<_>>().join("; ")
    }

    /// What a person would have seen, on one line. Only for a login that failed, whose log has no command.
    fn words(&self) -> String {
        let lines = self.stderr.lines().chain(self.log.lines());
        // The warning about a changed key is drawn in a frame.
        let told = lines.map(|line| line.trim_matches(['@', ' ', '\r'])).filter(|line| {
            let statistics = line.starts_with("Transferred:") || line.starts_with("Bytes per");
            !line.is_empty() && !line.starts_with("debug") && !statistics
        });
        told.collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_phase_is_the_last_one_reached() {
        let mut log = LoginLog::default();
        assert_eq!(log.phase(), Phase::Resolve);
        for (line, phase) in [
            ("debug1: Connecting to a [192.0.2.7] port 22.", Phase::Connect),
            ("debug1: Connection established.", Phase::Handshake),
            ("debug1: Remote protocol version 2.0, remote software version x", Phase::Handshake),
            ("debug1: Authenticating to a:22 as 'o'k'", Phase::Handshake),
            ("debug1: Server host key: ssh-ed25519 SHA256:x", Phase::HostKey),
            ("debug1: SSH2_MSG_NEWKEYS received", Phase::Auth),
        ] {
            log.log.push_str(line);
            log.log.push('\n');
            assert_eq!(log.phase(), phase, "{line}");
        }
        assert_eq!(log.address(), Some("192.0.2.7:22".parse().unwrap()));
        assert_eq!(log.user().as_deref(), Some("o'k"));
    }

    #[test]
    fn words_become_kinds() {
        let host = Host::new("web");
        for (words, kind, phase) in [
            ("ssh: Could not resolve hostname x: Name or service not known", ErrorKind::Resolve, Phase::Resolve),
            ("ssh: connect to host x port 22: Connection refused", ErrorKind::Unreachable, Phase::Connect),
            ("ssh: connect to host x port 22: Connection timed out", ErrorKind::Timeout, Phase::Connect),
            ("Connection timed out during banner exchange", ErrorKind::Timeout, Phase::Handshake),
            ("Host key verification failed.", ErrorKind::HostKeyUnknown, Phase::HostKey),
            ("a@x: Permission denied (publickey).", ErrorKind::NoCredentials, Phase::Auth),
            ("kex_exchange_identification: Connection closed by remote host", ErrorKind::Broken, Phase::Connect),
            ("something new", ErrorKind::Broken, Phase::Connect),
        ] {
            let log =
                LoginLog { log: format!("debug1: Connecting to x [::1] port 22.\n{words}\r\n"), ..LoginLog::default() };
            let error = log.error(&host);
            assert_eq!((error.kind(), error.phase(), error.detail()), (kind, phase, words));
        }
    }
}
