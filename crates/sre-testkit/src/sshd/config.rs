//! The text of `sshd_config`. OpenSSH takes the first value of an option, so a test's own options come first.

use std::fmt::Write as _;
use std::path::Path;

use super::login::Login;
use super::users::PasswordUser;

/// Where distributions put the SFTP server.
const SFTP_SERVERS: [&str; 3] =
    ["/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/lib/ssh/sftp-server"];

/// All that the file says.
#[derive(Debug)]
pub(super) struct Config<'a> {
    pub(super) dir: &'a Path,
    pub(super) home: &'a Path,
    pub(super) marker: &'a str,
    pub(super) addresses: &'a [String],
    pub(super) port: u16,
    pub(super) host_keys: Vec<&'a Path>,
    pub(super) options: &'a [(String, String)],
    pub(super) sftp: bool,
    pub(super) login: &'a Login,
    pub(super) users: &'a [PasswordUser],
}

// === impl Config ===

impl Config<'_> {
    /// The file's text.
    pub(super) fn render(&self) -> String {
        let mut text = String::new();
        for (name, value) in self.options {
            let _ = writeln!(text, "{name} {value}");
        }
        self.write_where(&mut text);
        self.write_who(&mut text);
        self.write_login(&mut text);
        for user in self.users {
            let (name, home) = (user.name(), user.home().display());
            let _ = writeln!(text, "Match User {name}\n  SetEnv {}=1 HOME={home}", self.marker);
        }
        text
    }

    fn write_where(&self, text: &mut String) {
        let _ = writeln!(text, "Port {}", self.port);
        for address in self.addresses {
            let _ = writeln!(text, "ListenAddress {address}");
        }
        for key in &self.host_keys {
            let _ = writeln!(text, "HostKey {}", key.display());
        }
        text.push_str("PidFile none\nUseDNS no\n");
        // VERBOSE: a line a connection. The limits of a server that is not the test's subject must not be met.
        // Of some options the last value counts, so these are left out where the test has its own.
        for (name, value) in [("LogLevel", "VERBOSE"), ("MaxStartups", "2000"), ("MaxSessions", "1000")] {
            if !self.options.iter().any(|(option, _)| option.eq_ignore_ascii_case(name)) {
                let _ = writeln!(text, "{name} {value}");
            }
        }
    }

    fn write_who(&self, text: &mut String) {
        let _ = writeln!(text, "AuthorizedKeysFile {}", self.dir.join("authorized_keys").display());
        let _ = writeln!(text, "PasswordAuthentication {}", if self.users.is_empty() { "no" } else { "yes" });
        text.push_str(
            "StrictModes no\nUsePAM no\nPermitRootLogin yes\nKbdInteractiveAuthentication no\n\
             X11Forwarding no\nPrintMotd no\nPrintLastLog no\n",
        );
    }

    fn write_login(&self, text: &mut String) {
        let _ = writeln!(text, "SetEnv {}=1 HOME={}", self.marker, self.home.display());
        if self.sftp {
            let server = SFTP_SERVERS.iter().find(|path| Path::new(path).exists()).unwrap_or(&"internal-sftp");
            let _ = writeln!(text, "Subsystem sftp {server}");
        }
        if self.login.wrapper().is_some() {
            let _ = writeln!(text, "ForceCommand {}", self.dir.join("login").display());
        } else if let Some(command) = &self.login.force_command {
            let _ = writeln!(text, "ForceCommand {command}");
        }
    }
}
