//! libssh2's words as our errors.

use sre_core::RetryHint;
use ssh2::ErrorCode;

use super::link::Stopped;
use crate::error::{Error, ErrorKind};
use crate::host::Host;
use crate::phase::Phase;

/// What a phase's failure is, by libssh2's error number (`libssh2.h`).
pub(super) fn from_stopped(stopped: Stopped, phase: Phase, host: &Host) -> Error {
    match stopped {
        Stopped::Elapsed => timed_out(phase, host),
        Stopped::Refused(e) => from_ssh2(&e, phase, host),
    }
}

/// The phase's time was over.
pub(super) fn timed_out(phase: Phase, host: &Host) -> Error {
    let what = match phase {
        Phase::Resolve => "the name server did not answer in time",
        Phase::Connect => "nobody answered the connection in time",
        Phase::Handshake => "the server did not finish the key exchange in time",
        Phase::Auth => "the login was not answered in time",
        Phase::Exec => "the command did not end in time",
        Phase::Read => "the command closed its output, and its end was not told in time",
        _ => "not done in time",
    };
    // A dead network and an overloaded server look the same, and both may pass.
    Error::new(ErrorKind::Timeout, phase, host).with_detail(what).with_hint(RetryHint::Backoff)
}

/// What a failure in a phase means.
pub(super) fn from_ssh2(e: &ssh2::Error, phase: Phase, host: &Host) -> Error {
    let ErrorCode::Session(code) = e.code() else {
        return Error::new(ErrorKind::Transfer, phase, host).with_detail(sftp_words(e));
    };
    let kind = kind(code, phase);
    let detail = match kind {
        ErrorKind::Broken => format!("the server closed the connection ({})", e.message()),
        ErrorKind::Protocol if code == -5 || code == -8 => {
            format!("no common algorithm, or a bad key exchange ({}); `--transport openssh` may know more", e.message())
        }
        _ => e.message().to_owned(),
    };
    let error = Error::new(kind, phase, host).with_detail(detail);
    if kind == ErrorKind::Broken { error.with_hint(RetryHint::Backoff) } else { error }
}

fn kind(code: i32, phase: Phase) -> ErrorKind {
    match (code, phase) {
        // Socket gone: send, receive, disconnect, banner not received, bad socket, channel closed under us.
        (-1 | -2 | -3 | -7 | -13 | -30 | -43 | -45, _) => ErrorKind::Broken,
        (-9, _) => ErrorKind::Timeout,
        (-18 | -19 | -15 | -48 | -42, _) | (_, Phase::Auth) => ErrorKind::AuthRefused,
        (-21 | -22 | -26, Phase::Exec) => ErrorKind::ExecRefused,
        (_, Phase::Transfer) => ErrorKind::Transfer,
        _ => ErrorKind::Protocol,
    }
}

/// The status codes of SFTP version 3 (draft-ietf-secsh-filexfer-02, section 7).
fn sftp_words(e: &ssh2::Error) -> String {
    let words = match e.code() {
        ErrorCode::SFTP(2) => "no such file or folder",
        ErrorCode::SFTP(3) => "permission denied",
        ErrorCode::SFTP(4) => "the server only says: failure (a full disk, a folder in the way, a quota)",
        ErrorCode::SFTP(8) => "the server does not support this",
        _ => return format!("SFTP: {}", e.message()),
    };
    format!("SFTP: {words}")
}
