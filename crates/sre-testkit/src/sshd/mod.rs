//! A real OpenSSH server on loopback: own port, folder, host keys and authorized keys; gone with all its children when
//! dropped.
//!
//! It logs in the user who runs the tests, with keys that only the test has. Two things need root: password logins,
//! which need accounts (see [`Builder::password_user`]), and terminals, which OpenSSH gives out as root only.
//! `sshd_config(5)` has the meaning of every option.
//!
//! ```no_run
//! use sre_testkit::sshd::{KeySpec, Sshd};
//!
//! # async fn example() {
//! let sshd = Sshd::builder().any_loopback_address().max_sessions(1).start().await;
//! let key = sshd.client_key(&KeySpec::ed25519());
//! let known_hosts = sshd.known_hosts_file(&["127.0.1.1", "127.0.1.2"]);
//! // ssh -p PORT -i KEY -o UserKnownHostsFile=KNOWN_HOSTS USER@127.0.1.1 true
//! # let _ = (key.path(), known_hosts, sshd.port(), sshd.user());
//! # }
//! ```

mod builder;
mod config;
mod descendants;
mod keys;
mod login;
mod server;
mod users;

pub use builder::Builder;
pub use keys::{KeyPair, KeySpec, KeyType};
pub use server::Sshd;
pub use users::PasswordUser;
