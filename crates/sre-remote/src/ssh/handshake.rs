//! Version banner and key exchange.

use nix::sys::socket::{MsgFlags, recv};
use sre_core::RetryHint;
use ssh2::MethodType;

use super::link::{Link, Stopped};
use super::refusal::from_stopped;
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::host::Host;
use crate::known_hosts::KeyType;
use crate::phase::Phase;

/// What we ask for, best first. `ssh-rsa` with SHA-1 stays out, as in OpenSSH since 8.8.
const HOST_KEYS: [&str; 6] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
];
/// AES-GCM first: it is in the processor, and one pass does both encryption and integrity.
const CIPHERS: &str = "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,\
    aes128-ctr,aes256-ctr,aes192-ctr";
/// A server that is not SSH, or says why it does not want us, says so in its first bytes.
const FIRST_WORDS: usize = 256;

/// Exchanges versions and keys with a server that has begun to speak. `known` are the types of the keys that we know of this host: they are asked for first, so
/// that a host with several keys shows one that can be compared.
pub(super) async fn run(link: &Link, host: &Host, known: &[KeyType], deadline: Deadline) -> Result<(), Error> {
    prefer(link, known).map_err(|e| from_stopped(Stopped::Refused(e), Phase::Handshake, host))?;
    let first = first_words(link);
    let done = link.drive(deadline, |_| link.gathered(|session| session.clone().handshake())).await;
    done.map_err(|stopped| {
        explained(unless_gone(from_stopped(stopped, Phase::Handshake, host), link, host), &first, host)
    })
}

/// libssh2 calls every end of the key exchange a failure of the exchange; a server that went away may come back.
fn unless_gone(error: Error, link: &Link, host: &Host) -> Error {
    if error.kind() != ErrorKind::Protocol || !link.is_gone() {
        return error;
    }
    Error::new(ErrorKind::Broken, Phase::Handshake, host)
        .with_detail(
            "the server closed the connection in the key exchange; if it does so every time, no algorithm may be common \
             to both: `--transport openssh` may know more",
        )
        .with_hint(RetryHint::Backoff)
}

fn prefer(link: &Link, known: &[KeyType]) -> Result<(), ssh2::Error> {
    let is_known = |algorithm: &str| {
        let name = if algorithm.starts_with("rsa-") { "ssh-rsa" } else { algorithm };
        known.iter().any(|key_type| key_type.name() == name)
    };
    let (first, rest): (Vec<_>, Vec<_>) = HOST_KEYS.into_iter().partition(|algorithm| is_known(algorithm));
    link.session().method_pref(MethodType::HostKey, &[first, rest].concat().join(","))?;
    link.session().method_pref(MethodType::CryptCs, CIPHERS)?;
    link.session().method_pref(MethodType::CryptSc, CIPHERS)
}

/// Looks at what came first and leaves it there.
fn first_words(link: &Link) -> String {
    let mut buffer = [0; FIRST_WORDS];
    let count = recv(link.descriptor(), &mut buffer, MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT).unwrap_or(0);
    String::from_utf8_lossy(&buffer[..count]).into_owned()
}

/// Puts a server's own words into the error.
fn explained(error: Error, first: &str, host: &Host) -> Error {
    let line = first.lines().next().unwrap_or_default();
    if first.is_empty() {
        return match error.kind() {
            ErrorKind::Broken => {
                error.with_detail("the server closed the connection before its banner (too many at once?)")
            }
            _ => error,
        };
    }
    if first.contains("SSH-2.") || first.contains("SSH-1.99") || "SSH-2.".starts_with(line) {
        return error;
    }
    // OpenSSH 9.8 and later say these before the banner when they turn somebody away.
    if line.contains("MaxStartups") || line.contains("Not allowed at this time") {
        return Error::new(ErrorKind::Broken, Phase::Handshake, host)
            .with_detail(format!("the server turned us away: {line}"))
            .with_hint(RetryHint::Backoff);
    }
    Error::new(ErrorKind::Protocol, Phase::Handshake, host)
        .with_detail(format!("the server does not speak SSH 2: {line}"))
}
