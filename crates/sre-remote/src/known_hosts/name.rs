//! The name under which a host stands in known_hosts, and the line that adds it.

use std::borrow::Cow;

use super::hashed;
use super::key::HostKey;

/// ssh's own port, which is left out of names.
const SSH_PORT: u16 = 22;

/// The name to look for: lower case, and in brackets with the port unless that is 22 (sshd(8)).
pub(super) fn with_port(host: &str, port: u16) -> String {
    let host = lower(host);
    if has_own_name(port) { format!("[{host}]:{port}") } else { host.into_owned() }
}

/// Whether hosts on this port have their port in their name.
pub(super) fn has_own_name(port: u16) -> bool {
    port != SSH_PORT && port != 0
}

pub(super) fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|b| b.is_ascii_uppercase()) { text.to_ascii_lowercase().into() } else { text.into() }
}

/// The line, without a line break, that makes `key` the known key of `host`: for `accept-new`.
///
/// With a salt the name is hashed, as `HashKnownHosts yes` wants it; the salt is 20 random bytes, new for each line.
///
/// ```
/// use sre_remote::known_hosts::{HostKey, render_line};
/// let key = HostKey::from_base64("AAAAC3NzaC1lZDI1NTE5AAAAIFrSvJOmZTAgpE9qSPS5wNKAlhKrcTEVYqFGSSMS9Xgh").unwrap();
/// let line = render_line("Web-1", 2222, &key, None);
/// assert!(line.starts_with("[web-1]:2222 ssh-ed25519 AAAAC3"));
/// assert!(render_line("web-1", 22, &key, Some([7; 20])).starts_with("|1|BwcHBwcHBwcHBwcHBwcHBwcHBwc=|"));
/// ```
#[must_use]
pub fn render_line(host: &str, port: u16, key: &HostKey, salt: Option<[u8; 20]>) -> String {
    let name = with_port(host, port);
    let name = salt.map_or_else(|| name.clone(), |salt| hashed::render(&name, salt));
    format!("{name} {} {}", key.key_type(), key.to_base64())
}
