//! SSH by libssh2, driven by socket readiness: no thread a host.
//!
//! Known limits of libssh2 1.11, each with a clear error: no sntrup761 key exchange (curve25519 is agreed on),
//! no host certificates, no FIDO keys, no `ProxyCommand` and no `Match`. For such hosts there is the `openssh` transport.
//!
//! | file | reason |
//! | --- | --- |
//! | `options` | what a caller may set |
//! | `endpoint` | host, options and `~/.ssh/config` make one address, user and list of keys |
//! | `keys`, `key_ring`, `agent` | each private key is decoded once a run; signing happens in an agent of our own |
//! | `link` | one session on one socket: waiting for readiness, deadlines, shutting down |
//! | `tcp`, `jump` | the connection underneath, direct or through other hosts |
//! | `way` | how far a connection came: up to the server's first words, then the login |
//! | `handshake`, `host_key`, `login` | the phases up to a session |
//! | `host_signature` | Ed25519 of host keys by a faster library than OpenSSL |
//! | `session`, `channel`, `sftp` | what can be done with it |
//! | `refusal` | libssh2's words as our errors |

mod agent;
mod channel;
mod endpoint;
mod handshake;
mod host_key;
mod host_signature;
mod identity;
mod jump;
mod key_ring;
mod keys;
mod link;
mod login;
mod options;
mod publickey;
mod refusal;
mod session;
mod sftp;
mod tcp;
mod transport;
mod way;

pub use host_key::HostKeyPolicy;
pub use options::{KeyFile, PhaseLimits, SshOptions};
pub use transport::SshTransport;
