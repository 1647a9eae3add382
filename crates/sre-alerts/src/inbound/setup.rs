//! Why the server does not start.

use super::credential::Scheme;

/// A setting that makes no sense; nothing was started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// A secret that can be guessed, or is a mistake.
    #[error("a secret of {bytes} bytes is too short: 16 at least")]
    ShortSecret {
        /// Its length.
        bytes: usize,
    },
    /// A credential that the senders of this endpoint cannot show.
    #[error("{endpoint} cannot have a {scheme} credential")]
    UnfitCredential {
        /// The path.
        endpoint: &'static str,
        /// The credential's scheme.
        scheme: Scheme,
    },
    /// Two credentials for one endpoint; use [`Credential::also`](super::Credential::also) to change a secret.
    #[error("{endpoint} is there twice")]
    Twice {
        /// The path.
        endpoint: &'static str,
    },
    /// Nothing to serve.
    #[error("no endpoint is configured")]
    NoEndpoint,
    /// A limit of nothing.
    #[error("the limit {name} is zero")]
    ZeroLimit {
        /// The field of [`Limits`](super::Limits).
        name: &'static str,
    },
    /// Certificate and key do not make a TLS server.
    #[error("TLS: {0}")]
    Tls(String),
    /// Text that is no network.
    #[error("`{0}` is not a network: write 10.0.0.0/8 or 2001:db8::/32")]
    Network(String),
    /// The listener cannot be used.
    #[error("cannot listen: {0}")]
    Listener(std::io::Error),
}
