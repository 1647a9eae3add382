//! SSH by the system's `ssh`: for what libssh2 cannot do (`Match`, `ProxyCommand`, host certificates, FIDO keys, other key
//! exchanges), at the price of processes.
//!
//! A session is one master connection (`ssh -M -N`), which logs in, and one client of it (`ssh -S`) for each command:
//! running a second command or killing the first needs no second login. The sockets are in a private folder of the
//! transport. `~/.ssh/config` is read by `ssh` itself, as always.
//!
//! What `ssh` says goes to a log file of ours (`-E`), so that standard error is the command's alone. From that log come
//! the phase and the reason of a failed login, and whether a status of 255 is the command's or means that the connection
//! is gone. A command that a signal ended together with its shell is [`Exit::Lost`](crate::Exit::Lost): `ssh` does not
//! pass the signal on.
//!
//! Command lines are visible to other users of this machine (`ps`), and with them the environment that is set for a
//! command; on the host they are in either transport. Passwords for sudo are not.
//!
//! | file | reason |
//! | --- | --- |
//! | `options` | what a caller may set |
//! | `arguments` | the command lines of `ssh` |
//! | `login_log` | what its log says: phase, reason, address |
//! | `master` | the master connection: start, wait, end |
//! | `session` | commands on it |
//! | `transport` | hosts to sessions |

mod arguments;
mod login_log;
mod master;
mod options;
mod session;
mod transport;

pub use options::OpenSshOptions;
pub use transport::OpenSshTransport;
