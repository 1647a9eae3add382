//! Proving who we are: keys one after the other, then the password.

use std::ffi::CString;

use sre_core::RetryHint;
use sre_core::secret::Secret;
use ssh2::{KeyboardInteractivePrompt, Prompt};

use super::endpoint::Method;
use super::identity::Identity;
use super::link::{Link, Stopped, would_block};
use super::publickey::{self, Signature};
use super::refusal::{from_stopped, timed_out};
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::host::Host;
use crate::phase::Phase;

/// A server ends the connection at the sixth refusal (`MaxAuthTries`). One is asking what it takes, and one is kept for
/// the password.
const MOST_KEYS: usize = 5;

/// What may be tried at one host.
#[derive(Debug)]
pub(super) struct Credentials<'a> {
    pub(super) user: &'a str,
    /// In the order in which they are tried.
    pub(super) identities: Vec<Identity>,
    pub(super) password: Option<&'a Secret>,
    pub(super) methods: &'a [Method],
    /// Why some credential is missing: what is said when none was accepted.
    pub(super) notes: Vec<String>,
}

// === impl Credentials ===

impl Credentials<'_> {
    fn most_keys(&self) -> usize {
        if self.password.is_some() { MOST_KEYS - 1 } else { MOST_KEYS }
    }
}

/// Logs in.
pub(super) async fn run(link: &Link, host: &Host, with: &Credentials<'_>, deadline: Deadline) -> Result<(), Error> {
    let mut notes = Vec::new();
    // What the server would take, once it was asked.
    let mut takes = None;
    for method in with.methods {
        let accepted = match (method, with.password) {
            (Method::PublicKey, _) => by_keys(link, host, with, deadline, &mut notes).await?,
            (_, None) => false,
            (method, Some(password)) => {
                let takes = match &mut takes {
                    Some(takes) => takes,
                    unasked => unasked.insert(offered(link, with, host, deadline).await?),
                };
                if link.session().authenticated() {
                    return Ok(());
                }
                takes.contains(method.as_str())
                    && by_password(link, host, with.user, password, *method, deadline).await?
            }
        };
        if accepted {
            return Ok(());
        }
    }
    let takes = match takes {
        Some(takes) => takes,
        None => offered(link, with, host, deadline).await?,
    };
    if link.session().authenticated() {
        return Ok(());
    }
    Err(refused(host, with, &takes, &notes))
}

/// Whether one of the keys let us in.
async fn by_keys(
    link: &Link,
    host: &Host,
    with: &Credentials<'_>,
    deadline: Deadline,
    notes: &mut Vec<String>,
) -> Result<bool, Error> {
    for (nth, identity) in with.identities.iter().take(with.most_keys()).enumerate() {
        let tried = by_key(link, with.user, identity, deadline, notes).await;
        if accepted(tried, host)? {
            return Ok(true);
        }
        if link.is_gone() {
            return Err(cut_off(link, host, with, nth, notes));
        }
    }
    Ok(false)
}

/// Whether the password let us in.
async fn by_password(
    link: &Link,
    host: &Host,
    user: &str,
    password: &Secret,
    method: Method,
    deadline: Deadline,
) -> Result<bool, Error> {
    let tried = match method {
        Method::KeyboardInteractive => {
            link.drive(deadline, |s| s.userauth_keyboard_interactive(user, &mut Answer { password })).await
        }
        _ => link.drive(deadline, |s| s.userauth_password(user, password.expose())).await,
    };
    accepted(tried, host)
}

/// Offers a key, and signs when the server wants it. `notes` is told why there was no signature.
async fn by_key(
    link: &Link,
    user: &str,
    identity: &Identity,
    deadline: Deadline,
    notes: &mut Vec<String>,
) -> Result<(), Stopped> {
    let user = CString::new(user).map_err(|e| Stopped::Refused(e.into()))?;
    let mut signature = Signature::default();
    loop {
        let step = |session: &ssh2::Session| {
            let tried = publickey::attempt(session, &user, &identity.blob, &mut signature);
            match (tried, &signature) {
                (Err(e), Signature::Asked(request)) if would_block(&e) => Ok(Some(request.clone())),
                (tried, _) => tried.map(|()| None),
            }
        };
        let Some(request) = link.drive(deadline, step).await? else { return Ok(()) };
        // Nobody answers the server meanwhile, and it waits: a person may have to touch a token.
        let made = deadline.limit(identity.sign(&request)).await.map_err(|_| Stopped::Elapsed)?;
        signature = made.map_or_else(
            |why| {
                notes.push(format!("no signature by {}: {why}", identity.comment));
                Signature::Impossible
            },
            Signature::Made,
        );
    }
}

/// What the server would take; asking is itself a login attempt without a credential, which may succeed.
async fn offered(link: &Link, with: &Credentials<'_>, host: &Host, deadline: Deadline) -> Result<String, Error> {
    let asked = link.drive(deadline, |session| session.auth_methods(with.user).map(str::to_owned)).await;
    match asked {
        Ok(methods) => Ok(methods),
        Err(_) if link.session().authenticated() => Ok(String::new()),
        Err(stopped) => match from_stopped(stopped, Phase::Auth, host) {
            // It had enough of us: the keys that it refused are to be named.
            e if e.kind() == ErrorKind::Broken && !with.identities.is_empty() => Ok(String::new()),
            e => Err(e),
        },
    }
}

/// Whether a try let us in; an error only when the connection is of no more use.
fn accepted(tried: Result<(), Stopped>, host: &Host) -> Result<bool, Error> {
    match tried {
        Ok(()) => Ok(true),
        Err(Stopped::Elapsed) => Err(timed_out(Phase::Auth, host)),
        Err(Stopped::Refused(e)) if would_block(&e) => Err(timed_out(Phase::Auth, host)),
        Err(stopped) => {
            let error = from_stopped(stopped, Phase::Auth, host);
            if error.kind() == ErrorKind::AuthRefused { Ok(false) } else { Err(error) }
        }
    }
}

/// libssh2 takes a connection that ends for a refusal. With a key refused before, it is one: servers end the connection
/// after too many (`MaxAuthTries`).
fn cut_off(link: &Link, host: &Host, with: &Credentials<'_>, refused_before: usize, notes: &[String]) -> Error {
    link.shut_down();
    if refused_before > 0 {
        return refused(host, with, "", notes);
    }
    Error::new(ErrorKind::Broken, Phase::Auth, host)
        .with_detail("the server closed the connection during the login")
        .with_hint(RetryHint::Backoff)
}

fn refused(host: &Host, with: &Credentials<'_>, methods: &str, notes: &[String]) -> Error {
    let tried = with.identities.iter().take(with.most_keys()).map(|i| i.comment.to_string()).collect::<Vec<_>>();
    let left_out = with.identities.len().saturating_sub(with.most_keys());
    let kind =
        if tried.is_empty() && with.password.is_none() { ErrorKind::NoCredentials } else { ErrorKind::AuthRefused };
    let mut detail = match tried.len() {
        0 => format!("no key for `{}`", with.user),
        _ => format!("the server refused `{}` with {}", with.user, tried.join(", ")),
    };
    if left_out > 0 {
        detail
            .push_str(&format!(" ({left_out} more keys were not tried: servers allow six tries; name one with --key)"));
    }
    if with.password.is_some() {
        detail.push_str(", and the password");
    }
    if !methods.is_empty() {
        detail.push_str(&format!("; it takes {methods}"));
    }
    for note in with.notes.iter().chain(notes) {
        detail.push_str("; ");
        detail.push_str(note);
    }
    Error::new(kind, Phase::Auth, host).with_detail(detail).with_hint(RetryHint::Never)
}

/// Answers each hidden question with the password, and no other.
struct Answer<'a> {
    password: &'a Secret,
}

impl KeyboardInteractivePrompt for Answer<'_> {
    fn prompt<'b>(&mut self, _user: &str, _instructions: &str, prompts: &[Prompt<'b>]) -> Vec<String> {
        let answer = |p: &Prompt<'_>| if p.echo { String::new() } else { self.password.expose().to_owned() };
        prompts.iter().map(answer).collect()
    }
}
