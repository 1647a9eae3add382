//! `known_hosts`: which key a host has, as OpenSSH's `ssh` decides it.
//!
//! A parser of our own, because libssh2's knows exact names only, ignores `@revoked` and wildcards, and gives up the
//! whole file at the first line it does not understand. The rules are those of sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT";
//! the tests compare them with `ssh-keygen -F`.
//!
//! | in the file | here |
//! | --- | --- |
//! | `web-1,192.0.2.7 ssh-ed25519 AAAA…` | names, found in constant time |
//! | `*.example,!db.example ssh-rsa AAAA…` | patterns, tried one after the other |
//! | `[web-1]:2222 ssh-ed25519 AAAA…` | a port other than 22 |
//! | `\|1\|salt\|hash ssh-ed25519 AAAA…` | a hashed name (HMAC-SHA1), tried one after the other |
//! | `@revoked * ssh-rsa AAAA…` | a key that is refused wherever it appears |
//! | `@cert-authority *.example ssh-rsa AAAA…` | never trusted: host certificates are not supported, and the verdict says so |
//!
//! ```
//! use sre_remote::known_hosts::{HostKey, KnownHosts, Verdict};
//! let text = "web-1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFrSvJOmZTAgpE9qSPS5wNKAlhKrcTEVYqFGSSMS9Xgh\n\
//!             web-2 ssh-ed25519 AAAA\n";
//! let (known, problems) = KnownHosts::parse(text, "known_hosts");
//! assert_eq!(problems[0].place().line(), 2);
//!
//! let key = HostKey::from_base64("AAAAC3NzaC1lZDI1NTE5AAAAIFrSvJOmZTAgpE9qSPS5wNKAlhKrcTEVYqFGSSMS9Xgh").unwrap();
//! assert!(matches!(known.lookup("WEB-1", 22, &key), Verdict::Known { .. }));
//! assert!(matches!(known.lookup("web-3", 22, &key), Verdict::Unknown));
//! ```

mod hashed;
mod key;
mod line;
mod name;
pub mod store;
mod table;
mod verdict;

pub use key::{Fingerprint, HostKey, KeyType};
pub use name::render_line;
pub use table::KnownHosts;
pub use verdict::{Expected, Verdict};
