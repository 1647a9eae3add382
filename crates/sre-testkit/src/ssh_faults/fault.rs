//! What can be asked to go wrong.

use std::time::Duration;

/// Points in the life of a connection, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Accepted, nothing said yet.
    Connected,
    /// Our version line is sent.
    Banner,
    /// Both lists of algorithms are exchanged, the client's half of the key exchange has come.
    Kex,
    /// The connection is encrypted, the client has asked to log in.
    BeforeAuth,
    /// The client has offered a first credential (a key, a password), which was not answered.
    Auth,
    /// It is logged in and has asked for a channel, which was not answered.
    Channel,
    /// The command has been asked for, which was not answered; it does not run.
    Exec,
    /// The command has been confirmed and runs; nothing of its output was sent.
    Started,
    /// The first piece of output (at most 32 KiB) was sent.
    Output,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Self; 9] = [
        Self::Connected,
        Self::Banner,
        Self::Kex,
        Self::BeforeAuth,
        Self::Auth,
        Self::Channel,
        Self::Exec,
        Self::Started,
        Self::Output,
    ];
}

/// What happens at a [`Stage`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The server closes the connection in an orderly way.
    Close,
    /// The server resets the connection.
    Reset,
    /// The server says nothing more and leaves the connection open.
    Stall,
    /// From here on every byte is sent alone, after that much time.
    Drip(Duration),
}

/// How a server misbehaves. Commands really run, by `sh`, unless it comes to nothing before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It does not: any key and any password are accepted.
    None,
    /// Something happens at a stage.
    At(Stage, Action),
    /// This line instead of its version, then as usual (which a client that goes on will see).
    Version(String),
    /// Bytes before the version line: RFC 4253 allows lines of text there.
    Preamble(Vec<u8>),
    /// Refuses every credential.
    RefuseAuth,
    /// Refuses to open a channel.
    RefuseChannel,
    /// Opens a channel and refuses the command.
    RefuseExec,
    /// Sends the output, EOF and CLOSE, and never the exit status.
    NoExitStatus,
    /// Sends the exit status and then the output.
    StatusBeforeData,
    /// Says that a signal of this name ended the command, whatever it did.
    ExitSignal(String),
    /// Sends output and status, and then neither EOF nor CLOSE.
    NeverClose,
    /// Sends output without regard to the window that the client has granted.
    IgnoreWindow,
}

impl Fault {
    /// What happens at this stage, if anything.
    pub(super) fn at(&self, stage: Stage) -> Option<Action> {
        match self {
            Self::At(when, action) if *when == stage => Some(*action),
            _ => None,
        }
    }
}
