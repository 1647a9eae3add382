//! `%h` and its like, and `~`, in values (ssh_config(5), TOKENS).

use std::path::PathBuf;

use super::load::Local;

/// What stands for what, for one host.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    pub(super) local: &'a Local,
    /// `%n`
    pub(super) original: &'a str,
    /// `%h`
    pub(super) host_name: &'a str,
    /// `%k`
    pub(super) alias: &'a str,
    /// `%p`
    pub(super) port: u16,
    /// `%r`
    pub(super) user: &'a str,
}

/// Why a value with tokens cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// ssh knows it; we would have to look at the environment, the machine's name or the user database.
    Unsupported,
    /// Nobody knows it.
    Unknown(String),
}

/// In `HostName`.
pub(super) const IN_HOST_NAME: &str = "%h";
/// In `ProxyJump`.
pub(super) const IN_JUMP: &str = "%hnpr";
/// In the names of files.
pub(super) const IN_PATH: &str = "%dhknpru";
/// In the names of files too, for ssh only: hash, uid, local names, jumps.
const IN_PATH_OF_SSH: &str = "CiLlj";

/// Whether all tokens of a value are among `known`, so that [`Tokens::expand`] leaves none.
pub(super) fn check(text: &str, known: &str) -> Result<(), Refusal> {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('%') {
        let mut chars = after.chars();
        match chars.next() {
            Some(c) if known.contains(c) => {}
            Some(c) if known == IN_PATH && IN_PATH_OF_SSH.contains(c) => return Err(Refusal::Unsupported),
            Some(c) => return Err(Refusal::Unknown(format!("%{c} has no meaning here; %% is a percent sign"))),
            None => return Err(Refusal::Unknown("% at the end has no meaning; %% is a percent sign".to_owned())),
        }
        rest = chars.as_str();
    }
    Ok(())
}

/// [`check`] for the name of a file, which may also begin with `~` or name variables of the environment.
pub(super) fn check_path(text: &str) -> Result<(), Refusal> {
    let of_another_user = text.starts_with('~') && text != "~" && !text.starts_with("~/");
    if of_another_user || text.contains("${") {
        return Err(Refusal::Unsupported);
    }
    check(text, IN_PATH)
}

// === impl Tokens ===

impl Tokens<'_> {
    /// The value with every token replaced.
    pub(super) fn expand(&self, text: &str) -> String {
        let home = self.local.home().to_string_lossy();
        let port = self.port.to_string();
        let mut expanded = String::with_capacity(text.len());
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                expanded.push(c);
                continue;
            }
            match chars.next() {
                Some('d') => expanded.push_str(&home),
                Some('h') => expanded.push_str(self.host_name),
                Some('k') => expanded.push_str(self.alias),
                Some('n') => expanded.push_str(self.original),
                Some('p') => expanded.push_str(&port),
                Some('r') => expanded.push_str(self.user),
                Some('u') => expanded.push_str(self.local.user()),
                Some(other) => expanded.push(other),
                None => {}
            }
        }
        expanded
    }

    /// Likewise for the name of a file: `~/` is the home folder.
    pub(super) fn expand_path(&self, text: &str) -> PathBuf {
        match text.strip_prefix('~') {
            Some("") => self.local.home().to_owned(),
            Some(rest) => self.local.home().join(self.expand(rest).trim_start_matches('/')),
            None => PathBuf::from(self.expand(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn tokens_are_replaced() {
        let local = Local::new("/home/me", "me");
        let tokens =
            Tokens { local: &local, original: "n", host_name: "h.example", alias: "k", port: 2222, user: "root" };
        assert_eq!(tokens.expand("%h-%n-%k-%p-%r-%u-%d-%%"), "h.example-n-k-2222-root-me-/home/me-%");
        for (text, path) in [("~/.ssh/%h", "/home/me/.ssh/h.example"), ("~", "/home/me"), ("a/%u", "a/me")] {
            assert_eq!(tokens.expand_path(text), Path::new(path));
        }
    }

    #[test]
    fn what_cannot_be_replaced_is_said_beforehand() {
        assert_eq!(check("%h.%%x", IN_HOST_NAME), Ok(()));
        assert_eq!(check_path("%d/.ssh/%r@%h:%p"), Ok(()));
        for text in ["%C", "~other/key", "${HOME}/key", "%d/%l"] {
            assert_eq!(check_path(text), Err(Refusal::Unsupported), "{text}");
        }
        assert!(matches!(check("%n", IN_HOST_NAME), Err(Refusal::Unknown(_))));
        assert!(matches!(check_path("%z"), Err(Refusal::Unknown(_))));
        assert!(matches!(check_path("%"), Err(Refusal::Unknown(_))));
    }
}
