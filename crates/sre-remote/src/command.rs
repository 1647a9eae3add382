//! What is to be run on a host, as data: nothing in it is spliced into shell text unquoted, except the one line that
//! the user wrote as shell text.

use std::fmt;
use std::path::PathBuf;

use bytes::Bytes;
use sre_core::secret::Secret;

/// A command, a list of arguments or a script, with its surroundings. The same one runs on every host of a fan-out;
/// cloning shares the bytes.
///
/// ```
/// use sre_remote::Command;
/// let line = Command::shell("df -h / | tail -1");
/// let exact = Command::argv(["systemctl", "is-active", "my app"]).with_env("LC_ALL", "C").with_cwd("/srv");
/// # let _ = (line, exact);
/// ```
#[derive(Debug, Clone)]
pub struct Command {
    program: Program,
    env: Vec<(String, Secret)>,
    cwd: Option<String>,
    stdin: Stdin,
    sudo: Option<Sudo>,
    pty: bool,
    raw: bool,
}

/// The three ways to say what runs.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Program {
    /// Shell text for the login shell, as `ssh host TEXT` would run it.
    Shell(String),
    /// A program and its arguments, quoted by us: they arrive as they are.
    Argv(Vec<String>),
    /// A script sent along, with arguments.
    Script(Script),
}

/// A script that is sent along. It runs from a private temporary file that is removed afterwards, so that its standard
/// input stays free.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Script {
    /// Its text. The first line may name an interpreter (`#!`); without one it is `/bin/sh`'s.
    pub body: Bytes,
    /// Its arguments, as they are.
    pub args: Vec<String>,
}

/// What a command reads.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Stdin {
    /// Nothing: it sees the end of file at once.
    #[default]
    Empty,
    /// These bytes, the same for every host.
    Bytes(Bytes),
    /// A local file, opened anew for each host.
    File(PathBuf),
}

/// Becoming another user by `sudo`.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Sudo {
    /// Who; root when `None`.
    pub user: Option<String>,
    /// Given to `sudo` on its standard input only when it asks, so it is never in `ps`.
    pub password: Option<Secret>,
}

// === impl Command ===

impl Command {
    /// Shell text, as one would type it behind `ssh host`.
    #[must_use]
    pub fn shell(text: impl Into<String>) -> Self {
        Self::of(Program::Shell(text.into()))
    }

    /// A program and its arguments, which arrive exactly as they are.
    #[must_use]
    pub fn argv<S: Into<String>>(words: impl IntoIterator<Item = S>) -> Self {
        Self::of(Program::Argv(words.into_iter().map(Into::into).collect()))
    }

    /// A script with arguments.
    #[must_use]
    pub fn script<S: Into<String>>(body: impl Into<Bytes>, args: impl IntoIterator<Item = S>) -> Self {
        Self::of(Program::Script(Script { body: body.into(), args: args.into_iter().map(Into::into).collect() }))
    }

    fn of(program: Program) -> Self {
        Self { program, env: Vec::new(), cwd: None, stdin: Stdin::Empty, sudo: None, pty: false, raw: false }
    }

    /// Sets an environment variable on the host. Values count as secrets: they are not shown.
    #[must_use]
    pub fn with_env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), Secret::new(value.into())));
        self
    }

    /// The folder to run in; the login folder when not set.
    #[must_use]
    pub fn with_cwd(mut self, folder: impl Into<String>) -> Self {
        self.cwd = Some(folder.into());
        self
    }

    /// What it reads.
    #[must_use]
    pub fn with_stdin(mut self, stdin: Stdin) -> Self {
        self.stdin = stdin;
        self
    }

    /// Runs it by `sudo`.
    #[must_use]
    pub fn with_sudo(mut self, sudo: Sudo) -> Self {
        self.sudo = Some(sudo);
        self
    }

    /// Asks for a terminal on the host: standard error then comes as standard output.
    #[must_use]
    pub fn with_pty(mut self, pty: bool) -> Self {
        self.pty = pty;
        self
    }

    /// Sends shell text as it is, for hosts whose login shell is not of the POSIX family (fish, csh, an appliance). What
    /// is lost: proof of a status 0, and the kill of its process group after a timeout.
    #[must_use]
    pub fn with_raw(mut self, raw: bool) -> Self {
        self.raw = raw;
        self
    }

    /// What runs.
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The environment that is set, in order.
    #[must_use]
    pub fn env(&self) -> &[(String, Secret)] {
        &self.env
    }

    /// The folder it runs in.
    #[must_use]
    pub fn cwd(&self) -> Option<&str> {
        self.cwd.as_deref()
    }

    /// What it reads.
    #[must_use]
    pub fn stdin(&self) -> &Stdin {
        &self.stdin
    }

    /// How it becomes another user.
    #[must_use]
    pub fn sudo(&self) -> Option<&Sudo> {
        self.sudo.as_ref()
    }

    /// Whether it gets a terminal.
    #[must_use]
    pub fn pty(&self) -> bool {
        self.pty
    }

    /// Whether its text is sent as it is.
    #[must_use]
    pub fn raw(&self) -> bool {
        self.raw
    }
}

// === impl Sudo ===

impl Sudo {
    /// As root, for hosts that ask for no password.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// As this user.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// With this password, should it be asked for.
    #[must_use]
    pub fn with_password(mut self, password: Secret) -> Self {
        self.password = Some(password);
        self
    }
}

// === impl Stdin ===

impl fmt::Debug for Stdin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            // It may be a secret, and it may be large.
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}
