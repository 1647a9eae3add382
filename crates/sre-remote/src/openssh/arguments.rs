//! The command lines of `ssh`.
//!
//! Host and command stand behind `--`, after which `ssh` looks for no more options: neither can be taken for one.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use super::options::OpenSshOptions;
use crate::host::Host;
use crate::ssh::HostKeyPolicy;

/// The files of one master connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Files<'a> {
    pub(super) socket: &'a Path,
    pub(super) log: &'a Path,
}

/// `ssh -M -N`: logs in and waits for clients.
pub(super) fn master(host: &Host, options: &OpenSshOptions, files: Files<'_>) -> Vec<OsString> {
    let mut list = List(Vec::new());
    list.flag("-M").flag("-N").flag("-T").pair("-S", files.socket).pair("-E", files.log);
    if let Some(file) = &options.config_file {
        list.pair("-F", file);
    }
    // Given before the configuration is read, so they win.
    for option in [
        "LogLevel=DEBUG1",
        "BatchMode=yes",
        "ControlPersist=no",
        "ClearAllForwardings=yes",
        "PermitLocalCommand=no",
        "ConnectionAttempts=1",
    ] {
        list.pair("-o", option);
    }
    list.pair("-o", format!("ConnectTimeout={}", whole_seconds(options.connect)));
    host_keys(&mut list, options);
    if let Some(agent) = &options.agent {
        list.pair("-o", setting("IdentityAgent", &[agent]));
    }
    for key in host.var("key").map(Path::new).into_iter().chain(options.keys.iter().map(AsRef::as_ref)) {
        list.pair("-i", key);
    }
    if let Some(user) = host.user().or(options.user.as_deref()) {
        list.pair("-l", user);
    }
    if let Some(port) = host.port().or(options.port) {
        list.pair("-p", port.to_string());
    }
    if let Some(jump) = jump(host, options) {
        // Not `-J`, which does not know `none`.
        list.pair("-o", format!("ProxyJump={jump}"));
    }
    list.flag("--").flag(host.address());
    list.0
}

/// `ssh -S`: runs one command on a master connection.
///
/// Without the master's socket `ssh` would connect by itself; the proxy command that fails keeps it from that.
pub(super) fn client(host: &Host, files: Files<'_>, pty: bool, text: &str) -> Vec<OsString> {
    let mut list = List(Vec::new());
    list.pair("-F", "none").pair("-S", files.socket).pair("-E", files.log);
    for option in ["LogLevel=DEBUG2", "BatchMode=yes", "ControlMaster=no", "ProxyCommand=false"] {
        list.pair("-o", option);
    }
    list.flag(if pty { "-tt" } else { "-T" }).flag("--").flag(host.address()).flag(text);
    list.0
}

/// The jump hosts that we name; the configuration may have others.
pub(super) fn jump<'a>(host: &'a Host, options: &'a OpenSshOptions) -> Option<&'a str> {
    host.var("jump").or(options.jump.as_deref())
}

fn host_keys(list: &mut List, options: &OpenSshOptions) {
    let nowhere = [Path::new("/dev/null")];
    let files: Vec<&Path> = options.known_hosts.iter().map(AsRef::as_ref).collect();
    match options.host_keys {
        Some(HostKeyPolicy::Off) => {
            list.pair("-o", "StrictHostKeyChecking=no");
            list.pair("-o", setting("UserKnownHostsFile", &nowhere))
                .pair("-o", setting("GlobalKnownHostsFile", &nowhere));
            return;
        }
        Some(HostKeyPolicy::Strict) => list.pair("-o", "StrictHostKeyChecking=yes"),
        Some(HostKeyPolicy::AcceptNew) => list.pair("-o", "StrictHostKeyChecking=accept-new"),
        None => list,
    };
    if !files.is_empty() {
        list.pair("-o", setting("UserKnownHostsFile", &files));
    }
}

/// `-o KEYWORD="PATH" "PATH"`, with what `ssh` would replace in a path protected.
fn setting<P: AsRef<Path>>(keyword: &str, paths: &[P]) -> OsString {
    let quoted = |path: &P| {
        let path = path.as_ref().display().to_string().replace('%', "%%").replace('\\', r"\\").replace('"', "\\\"");
        format!("\"{path}\"")
    };
    format!("{keyword}={}", paths.iter().map(quoted).collect::<Vec<_>>().join(" ")).into()
}

fn whole_seconds(limit: Duration) -> u64 {
    (limit.as_secs() + u64::from(limit.subsec_nanos() > 0)).max(1)
}

struct List(Vec<OsString>);

// === impl List ===

impl List {
    fn flag(&mut self, word: impl Into<OsString>) -> &mut Self {
        self.0.push(word.into());
        self
    }

    fn pair(&mut self, flag: &str, value: impl Into<OsString>) -> &mut Self {
        self.flag(flag).flag(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(list: &[OsString]) -> String {
        list.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    fn files() -> Files<'static> {
        Files { socket: Path::new("/s"), log: Path::new("/l") }
    }

    #[test]
    fn what_the_inventory_says_wins() {
        let options = OpenSshOptions::new()
            .with_user("ops")
            .with_port(22)
            .with_key("/k")
            .with_jump("gate")
            .with_connect(Duration::from_millis(1500))
            .with_known_hosts(["/a b", "/50%"])
            .with_host_keys(HostKeyPolicy::AcceptNew);
        let host = Host::new("-web").with_user("root").with_port(2222).with_var("jump", "none").with_var("key", "/own");
        let said = shown(&master(&host, &options, files()));
        for part in [
            "-o ConnectTimeout=2 ",
            "-o StrictHostKeyChecking=accept-new -o UserKnownHostsFile=\"/a b\" \"/50%%\" ",
            "-i /own -i /k -l root -p 2222 -o ProxyJump=none -- -web",
        ] {
            assert!(said.contains(part), "{part} in {said}");
        }
        let off = shown(&master(&host, &options.with_host_keys(HostKeyPolicy::Off), files()));
        assert!(off.contains("UserKnownHostsFile=\"/dev/null\"") && !off.contains("/a b"), "{off}");
    }

    #[test]
    fn a_command_is_one_word_behind_everything() {
        let list = client(&Host::new("web"), files(), false, "-o ProxyCommand=x; echo");
        assert_eq!(list[list.len() - 3..], ["--", "web", "-o ProxyCommand=x; echo"]);
    }
}
