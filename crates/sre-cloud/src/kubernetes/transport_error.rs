//! What a failed exchange with the API server means: which kind, whether it was delivered, whether to try again.
//!
//! The client library hands out a chain of boxed errors; the decisive link is somewhere inside. Texts are compared only
//! where the type is private (`dns error` of hyper-util's connector).

use std::error::Error as StdError;
use std::io;

use hyper_util::client::legacy;
use sre_core::{Delivery, RetryHint};

use crate::ErrorKind;

/// The judgement of one error.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) kind: ErrorKind,
    pub(crate) delivery: Delivery,
    pub(crate) hint: RetryHint,
    /// The innermost message.
    pub(crate) detail: String,
}

/// Facts gathered along the chain.
#[derive(Default)]
struct Facts {
    connecting: bool,
    dns: bool,
    timeout: bool,
    tls: Option<String>,
    tls_broke: bool,
    auth: bool,
    config: bool,
    innermost: String,
}

impl Verdict {
    /// A body that broke off.
    pub(crate) fn broken(detail: String) -> Self {
        Self { kind: ErrorKind::Broken, delivery: Delivery::MaybeSent, hint: RetryHint::Backoff, detail }
    }
}

/// Judges a failure to send or to get the head of the answer.
pub(crate) fn judge(error: &kube::Error) -> Verdict {
    let facts = gather(error);
    let verdict = |kind, delivery, hint| Verdict { kind, delivery, hint, detail: facts.innermost.clone() };
    if facts.config {
        return verdict(ErrorKind::Config, Delivery::NotSent, RetryHint::Never);
    }
    if facts.auth {
        return verdict(ErrorKind::Unauthorized, Delivery::NotSent, RetryHint::Never);
    }
    if let Some(tls) = &facts.tls {
        // A wrong certificate stays wrong. After the handshake it is the server that refused our certificate.
        return Verdict { detail: tls.clone(), ..verdict(ErrorKind::Tls, Delivery::NotSent, RetryHint::Never) };
    }
    let delivery = if facts.connecting { Delivery::NotSent } else { Delivery::MaybeSent };
    let kind = match () {
        () if facts.dns => ErrorKind::Dns,
        () if facts.timeout => ErrorKind::Timeout,
        () if facts.connecting && facts.tls_broke => ErrorKind::Tls,
        () if facts.connecting => ErrorKind::Connect,
        () => ErrorKind::Broken,
    };
    verdict(kind, delivery, RetryHint::Backoff)
}

/// Judges a failure while the body was read: the request was delivered.
pub(crate) fn judge_body(error: &kube::Error) -> Verdict {
    let facts = gather(error);
    let kind = if facts.timeout { ErrorKind::Timeout } else { ErrorKind::Broken };
    Verdict { kind, delivery: Delivery::MaybeSent, hint: RetryHint::Backoff, detail: facts.innermost }
}

fn gather(error: &kube::Error) -> Facts {
    let mut facts = Facts {
        config: matches!(
            error,
            kube::Error::RustlsTls(_)
                | kube::Error::ProxyProtocolUnsupported { .. }
                | kube::Error::ProxyProtocolDisabled { .. }
                | kube::Error::TlsRequired
                | kube::Error::HttpError(_)
                | kube::Error::BuildRequest(_)
                | kube::Error::InferKubeconfig(_)
        ),
        auth: matches!(error, kube::Error::Auth(_)),
        ..Facts::default()
    };
    let mut link: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(current) = link {
        look_at(current, &mut facts);
        // `io::Error` hides the error that it wraps from `source`, and TLS errors come wrapped so.
        let wrapped = current.downcast_ref::<io::Error>().and_then(|io| io.get_ref());
        link = match wrapped {
            Some(inner) => Some(inner),
            None => current.source(),
        };
    }
    facts
}

fn look_at(link: &(dyn StdError + 'static), facts: &mut Facts) {
    let text = link.to_string();
    facts.connecting |= link.downcast_ref::<legacy::Error>().is_some_and(legacy::Error::is_connect);
    facts.auth |= link.is::<kube::client::AuthError>();
    facts.dns |= text.starts_with("dns error");
    facts.tls_broke |= text.contains("tls handshake");
    if let Some(tls) = link.downcast_ref::<rustls::Error>() {
        facts.tls = Some(tls.to_string());
    }
    let timed_out = |io: &io::Error| io.kind() == io::ErrorKind::TimedOut;
    facts.timeout |= link.downcast_ref::<io::Error>().is_some_and(timed_out);
    if !text.is_empty() {
        facts.innermost = text;
    }
}
