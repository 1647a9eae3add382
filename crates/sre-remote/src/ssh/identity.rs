//! A key that can be offered to a server, wherever it lives.

use std::io;
use std::sync::Arc;

use super::agent::{Agent, string};
use super::keys::SigningKey;

/// `SSH_MSG_USERAUTH_REQUEST` (RFC 4252, section 6).
const USERAUTH_REQUEST: u8 = 50;

/// One key.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    /// The public half as SSH writes it.
    pub(super) blob: Arc<[u8]>,
    /// For people.
    pub(super) comment: Arc<str>,
    signer: Signer,
}

#[derive(Debug, Clone)]
enum Signer {
    /// A key from a file, in our memory.
    Key(Arc<SigningKey>),
    /// A key that does not leave the user's agent.
    Agent(Agent),
}

// === impl Identity ===

impl Identity {
    /// A key from a file.
    pub(super) fn of_key(key: SigningKey) -> Self {
        Self { blob: key.blob().into(), comment: key.comment().into(), signer: Signer::Key(Arc::new(key)) }
    }

    /// A key that an agent has.
    pub(super) fn of_agent(agent: &Agent, blob: Vec<u8>, comment: String) -> Self {
        Self { blob: blob.into(), comment: comment.into(), signer: Signer::Agent(agent.clone()) }
    }

    /// The value of a signature over a login request.
    ///
    /// # Errors
    /// When the algorithm is of no use for this key, or the agent does not sign.
    pub(super) async fn sign(&self, request: &[u8]) -> io::Result<Vec<u8>> {
        let unusable = || io::Error::new(io::ErrorKind::Unsupported, "no algorithm of this key");
        let algorithm = algorithm(request).ok_or_else(unusable)?;
        match &self.signer {
            Signer::Key(key) => key.sign(algorithm, request).ok_or_else(unusable),
            Signer::Agent(agent) => agent.sign(&self.blob, algorithm, request).await,
        }
    }
}

/// Which algorithm a login request is to be signed by (RFC 4252, section 7). A certificate is signed for by its key's own.
fn algorithm(request: &[u8]) -> Option<&str> {
    let mut rest = request;
    let _session = string(&mut rest)?;
    rest = rest.strip_prefix(&[USERAUTH_REQUEST])?;
    let (_user, _service, _method) = (string(&mut rest)?, string(&mut rest)?, string(&mut rest)?);
    rest = rest.strip_prefix(&[1])?;
    let name = std::str::from_utf8(string(&mut rest)?).ok()?;
    Some(name.strip_suffix("-cert-v01@openssh.com").unwrap_or(name))
}
