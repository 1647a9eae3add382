//! Our reading of `ssh_config` beside `ssh -G`, and what `ssh -G` does not show.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use proptest::prelude::*;
use sre_remote::ssh::{KeyFile, SshOptions, SshTransport};
use sre_remote::ssh_config::{
    Disk, Files, HostSettings, IdentityAgent, Jump, Local, Scope, SshConfig, StrictHostKeyChecking,
};
use sre_remote::{Deadline, ErrorKind, Host, Transport};
use sre_testkit::sshd::{KeySpec, Sshd};

const HOSTS: [&str; 6] = ["web-1", "web-2", "db.example", "x.y", "Web-1", "10.0.0.7"];

/// Files in memory.
#[derive(Debug, Default)]
struct Memory(BTreeMap<PathBuf, String>);

impl Memory {
    fn with(mut self, path: &str, text: &str) -> Self {
        self.0.insert(path.into(), text.to_owned());
        self
    }
}

impl Files for Memory {
    fn read(&self, path: &Path) -> io::Result<Option<String>> {
        Ok(self.0.get(path).cloned())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let inside = self.0.keys().filter(|path| path.parent() == Some(folder));
        Ok(inside.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect())
    }
}

fn local() -> Local {
    Local::new("/home/sre", "sre")
}

fn parse(text: &str) -> SshConfig {
    SshConfig::parse(text, "config", &local()).unwrap()
}

// --- beside ssh -G ---

/// `ssh` takes home and name from the user database, whatever the environment says.
fn myself() -> Local {
    let user = nix::unistd::User::from_uid(nix::unistd::getuid()).unwrap().unwrap();
    Local::new(user.dir, user.name)
}

/// What `ssh -G` says, by keyword; none when it refuses the file.
fn theirs(config: &Path, host: &str) -> Option<HashMap<String, Vec<String>>> {
    let output = Command::new("ssh")
        .arg("-G")
        .arg("-F")
        .arg(config)
        .arg(host)
        .output()
        .unwrap_or_else(|e| panic!("no ssh ({e}): install OpenSSH's client, or run `cargo xtask peers`"));
    if !output.status.success() {
        return None;
    }
    let mut said: HashMap<String, Vec<String>> = HashMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let (keyword, value) = line.split_once(' ').unwrap_or((line, ""));
        said.entry(keyword.to_owned()).or_default().push(value.to_owned());
    }
    Some(said)
}

fn flag(value: Option<bool>) -> Option<String> {
    value.map(|value| if value { "yes" } else { "no" }.to_owned())
}

fn seconds(value: Option<Duration>) -> Option<String> {
    value.map(|value| value.as_secs().to_string())
}

fn paths(value: Option<&Vec<PathBuf>>) -> Option<String> {
    let words = value?.iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
    Some(if words.is_empty() { "none".to_owned() } else { words.join(" ") })
}

/// Our settings in the words of `ssh -G`; what we leave open is what ssh has as its default.
fn ours(settings: &HostSettings, local: &Local) -> Vec<(&'static str, Option<String>)> {
    let strict = settings.strict_host_key_checking.map(|how| match how {
        StrictHostKeyChecking::Yes => "true",
        StrictHostKeyChecking::No => "false",
        StrictHostKeyChecking::AcceptNew => "accept-new",
        _ => "ask",
    });
    let jumps = settings.proxy_jump.as_ref().filter(|jumps| !jumps.is_empty());
    vec![
        ("hostname", Some(settings.host_name.clone())),
        ("user", Some(settings.user.clone().unwrap_or_else(|| local.user().to_owned()))),
        ("port", settings.port.map(|port| port.to_string())),
        ("identitiesonly", flag(settings.identities_only)),
        ("batchmode", flag(settings.batch_mode)),
        ("hashknownhosts", flag(settings.hash_known_hosts)),
        ("passwordauthentication", flag(settings.password_authentication)),
        ("connecttimeout", seconds(settings.connect_timeout)),
        ("serveraliveinterval", seconds(settings.server_alive_interval)),
        ("serveralivecountmax", settings.server_alive_count_max.map(|n| n.to_string())),
        ("stricthostkeychecking", strict.map(str::to_owned)),
        ("userknownhostsfile", paths(settings.user_known_hosts_files.as_ref())),
        ("globalknownhostsfile", paths(settings.global_known_hosts_files.as_ref())),
        ("hostkeyalias", settings.host_key_alias.clone()),
        ("preferredauthentications", settings.preferred_authentications.as_ref().map(|m| m.join(","))),
        ("proxyjump", jumps.map(|jumps| jumps.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))),
    ]
}

/// `ssh -G` shows identity files with their tokens.
fn their_identities(said: &HashMap<String, Vec<String>>, local: &Local, host: &str) -> Vec<PathBuf> {
    let expand = |path: &String| {
        let path = path.replace("~/", &format!("{}/", local.home().display())).replace("%h", &said["hostname"][0]);
        PathBuf::from(path.replace("%r", &said["user"][0]).replace("%p", &said["port"][0]).replace("%n", host))
    };
    said["identityfile"].iter().filter(|path| *path != "none").map(expand).collect()
}

fn agrees(config: &Path, host: &str, defaults: &HashMap<String, Vec<String>>) -> Result<(), TestCaseError> {
    let local = myself();
    let text = fs::read_to_string(config).unwrap();
    let said = theirs(config, host);
    let parsed = SshConfig::load(config, Scope::User, &local, &Disk);
    prop_assert_eq!(said.is_some(), parsed.is_ok(), "{:?}\n{}", parsed.err(), text);
    let (Some(said), Ok(parsed)) = (said, parsed) else { return Ok(()) };
    let settings = parsed.resolve(host);
    for (keyword, ours) in ours(&settings, &local) {
        // Debian's ssh has another default for this one in batch mode.
        if keyword == "serveraliveinterval" && ours.is_none() && settings.batch_mode == Some(true) {
            continue;
        }
        let default = || defaults.get(keyword).map(|values| values.join(" "));
        let theirs = said.get(keyword).map(|values| values.join(" "));
        prop_assert_eq!(ours.or_else(default), theirs, "{} of {} in\n{}", keyword, host, &text);
    }
    if let Some(files) = &settings.identity_files {
        prop_assert_eq!(files, &their_identities(&said, &local, host), "{} in\n{}", host, &text);
    } else {
        prop_assert_eq!(&said["identityfile"], &defaults["identityfile"], "{} in\n{}", host, &text);
    }
    prop_assert_eq!(settings.unsupported.is_empty(), true);
    Ok(())
}

fn good_line() -> impl Strategy<Value = String> {
    prop::sample::select(
        &[
            "HostName %h.example.COM",
            "HostName=other",
            "hostname = %%x",
            "User alice",
            "User \"a b\"",
            "user=bob",
            "Port 2222",
            "Port\t= 22022",
            "PORT \"7\" # seven",
            "IdentityFile ~/.ssh/id_%h",
            "IdentityFile /keys/%r-%n-%p",
            "IdentityFile '/keys/with space'",
            "IdentityFile none",
            "IdentitiesOnly yes",
            "IdentitiesOnly FALSE",
            "BatchMode yes",
            "HashKnownHosts true",
            "PasswordAuthentication no",
            "ConnectTimeout 5",
            "ConnectTimeout 1m30s",
            "ConnectTimeout none",
            "ConnectTimeout 0",
            "ServerAliveInterval 2h",
            "ServerAliveInterval=15",
            "ServerAliveCountMax 07",
            "StrictHostKeyChecking off",
            "StrictHostKeyChecking accept-new",
            "StrictHostKeyChecking Yes",
            "StrictHostKeyChecking ask",
            "UserKnownHostsFile ~/.kh /tmp/%h.%k \"/tmp/a b\"",
            "UserKnownHostsFile none",
            "UserKnownHostsFile /kh/%p.%r.%u.%%.%d",
            "GlobalKnownHostsFile /etc/kh /etc/kh2",
            "HostKeyAlias Alias",
            "PreferredAuthentications publickey,password",
            "ProxyJump gate",
            "ProxyJump ops@gate:99,inner",
            "ProxyJump none",
            "ProxyJump x@[fe80::1]:9,ssh://u@gate",
            "ProxyCommand none",
            "CheckHostIP no",
            "ForwardX11 yes",
            "SendEnv LANG LC_*",
            "ControlMaster auto",
            "Protocol 2",
            "Match all",
            "IgnoreUnknown Fu*,Bar",
            "# a comment",
            "",
            "\t  # another",
        ][..],
    )
    .prop_map(str::to_owned)
}

fn host_line() -> impl Strategy<Value = String> {
    let pattern = prop::sample::select(
        &["*", "web-?", "!web-2", "*.example", "!*.y", "web-1", "db.example", "Web*", "10.*", "\"x.y\"", "nobody"][..],
    );
    prop::collection::vec(pattern, 1..4).prop_map(|patterns| format!("Host {}", patterns.join(" ")))
}

fn odd_line() -> impl Strategy<Value = String> {
    prop::sample::select(
        &[
            "Port 0",
            "Port x",
            "Port 22 23",
            "Port",
            "User",
            "User \"\"",
            "User a b",
            "User \"a",
            "Prot 22",
            "ConnectTimeout 1.5",
            "BatchMode 1",
            "ProxyJump a:b",
            "ProxyJump a@",
            "ProxyJump ::1",
            "StrictHostKeyChecking maybe",
            "UserKnownHostsFile none /x",
            "ServerAliveCountMax -1",
            "Host",
            "Host \"\"",
            "Port = 22 = 3",
        ][..],
    )
    .prop_map(str::to_owned)
}

fn lines(odd: u32) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(prop_oneof![120 => good_line(), 50 => host_line(), odd => odd_line()], 0..14)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_settings_are_found(before in lines(2), inner in lines(1), after in lines(1), include in any::<bool>()) {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| {
            let path = dir.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            path
        };
        write("inner-1.conf", inner.join("\n"));
        let defaults = write("empty", String::new());
        let include = if include { format!("Include {}/inner-*.con[f]", dir.path().display()) } else { String::new() };
        let config = write("config", [before, vec![include], after].concat().join("\n"));
        for host in HOSTS {
            agrees(&config, host, &theirs(&defaults, host).unwrap())?;
        }
    }
}

// --- what ssh -G does not show ---

#[test]
fn what_has_no_effect_is_named_for_the_hosts_that_it_is_about() {
    let config = parse(
        "ForwardX11 yes\nHost web\n  ProxyCommand nc %h %p\n  Ciphers aes128-ctr\nHost db\n  ProxyJump gate\n\
         Host *\n  ProxyCommand nc %h %p\n  Ciphers +3des-cbc\n  CheckHostIP no\n  CertificateFile ~/.ssh/c\n\
         IdentityFile ~other/key\nMatch user x\n  Port 1\n",
    );
    let said =
        |host: &str| -> Vec<String> { config.resolve(host).unsupported.iter().map(ToString::to_string).collect() };
    let tail = "has no effect here; where it matters, use --transport openssh";
    let lines = |pairs: &[(u32, &str)]| -> Vec<String> {
        pairs.iter().map(|(line, word)| format!("config:{line}: {word} {tail}")).collect()
    };
    let rest = [(11, "CertificateFile"), (12, "IdentityFile"), (13, "Match")];
    assert_eq!(said("web"), lines(&[&[(3, "ProxyCommand"), (4, "Ciphers")][..], &rest].concat()));
    assert_eq!(said("db"), lines(&[&[(9, "Ciphers")][..], &rest].concat()), "its ProxyJump came first");
    assert_eq!(config.resolve("db").port, None, "what we cannot tell is not taken");
}

#[test]
fn mistakes_are_all_named_with_their_lines() {
    let text = "Prot 22\nHost x\nPort 0\nIdentityfile a b\nIgnoreUnknown Use*\nUseKeychain yes\nHostName %z\nUser 'a\n";
    let bad = SshConfig::parse(text, "~/.ssh/config", &local()).unwrap_err();
    insta::assert_snapshot!(bad.to_string().replace("; ~", "\n~"), @r#"
    ~/.ssh/config:1: "Prot" is not a keyword of ssh_config; did you mean Port?
    ~/.ssh/config:3: "0" is no port: a number from 1 to 65535
    ~/.ssh/config:4: IdentityFile takes one value; "b" is one too many
    ~/.ssh/config:7: %z has no meaning here; %% is a percent sign
    ~/.ssh/config:8: a quote is not closed
    "#);
    let error = sre_remote::Error::from(bad);
    assert_eq!((error.kind(), error.target().to_string().as_str()), (ErrorKind::Usage, "~/.ssh/config"));
}

#[test]
fn included_files_stay_in_their_block() {
    let files = Memory::default()
        .with("/home/sre/.ssh/config", "Host web\nInclude conf.d/*.conf ~/more\nUser late\nHost *\nPort 22\n")
        .with("/home/sre/.ssh/conf.d/a.conf", "Port 1\nHost db\nUser db\n")
        .with("/home/sre/.ssh/conf.d/b.conf", "Host *\nUser b\n")
        .with("/home/sre/.ssh/conf.d/.hidden.conf", "User hidden\n")
        .with("/home/sre/more", "ConnectTimeout 9\n")
        .with("/etc/ssh/ssh_config", "Include ssh_config.d/*\nHost *\nHashKnownHosts yes\nPort 5\n")
        .with("/etc/ssh/ssh_config.d/x", "Host web\nBatchMode yes\n");
    let config = SshConfig::load_default(&local(), &files).unwrap();
    let web = config.resolve("web");
    assert_eq!((web.port, web.user.as_deref()), (Some(1), Some("b")));
    assert_eq!((web.connect_timeout, web.batch_mode), (Some(Duration::from_secs(9)), Some(true)));
    let db = config.resolve("db");
    assert_eq!((db.port, db.user, db.hash_known_hosts), (Some(22), None, Some(true)));
}

#[test]
fn includes_end_and_missing_files_are_told_apart() {
    let files = Memory::default()
        .with("/home/sre/.ssh/config", "Include config\n")
        .with("/c/0", "Include /c/1\n")
        .with("/c/1", "Include /no/such /no/*\nInclude /c/0\n");
    let bad = SshConfig::load_default(&local(), &files).unwrap_err();
    assert_eq!(bad.to_string(), "/home/sre/.ssh/config:1: /home/sre/.ssh/config includes itself");
    let load = |path: &str| SshConfig::load(Path::new(path), Scope::System, &local(), &files);
    assert_eq!(load("/c/0").unwrap_err().to_string(), "/c/1:2: /c/0 includes itself");
    assert_eq!(load("/c/9").unwrap_err().to_string(), "/c/9: there is no such file");
    assert!(SshConfig::load_default(&local(), &Memory::default()).is_ok());
    let mut chain = Memory::default();
    for n in 0..20 {
        chain = chain.with(&format!("/c/{n}"), &format!("Include /c/{}\n", n + 1));
    }
    let bad = SshConfig::load(Path::new("/c/0"), Scope::User, &local(), &chain).unwrap_err();
    assert!(bad.to_string().contains("at most 16 levels"), "{bad}");
}

#[test]
fn tokens_stand_for_what_the_command_line_says() {
    let config = parse(
        "HostName %h.int\nUser conf\nPort 7\nIdentityFile ~/%r@%h:%p\nIdentityAgent %d/agent\nProxyJump %r@gw-%n\n",
    );
    let settings = config.resolve_as("web", Some("root"), Some(2222));
    assert_eq!(settings.identity_files.unwrap(), [Path::new("/home/sre/root@web.int:2222")]);
    assert_eq!(settings.identity_agent, Some(IdentityAgent::Socket("/home/sre/agent".into())));
    assert_eq!(settings.proxy_jump.unwrap()[0].to_string(), "root@gw-web");
    assert_eq!((settings.user.as_deref(), settings.port), (Some("root"), Some(2222)));
    for (value, agent) in [
        ("none", IdentityAgent::None),
        ("SSH_AUTH_SOCK", IdentityAgent::Environment("SSH_AUTH_SOCK".into())),
        ("$OTHER", IdentityAgent::Environment("OTHER".into())),
    ] {
        assert_eq!(parse(&format!("IdentityAgent {value}")).resolve("x").identity_agent, Some(agent));
    }
}

#[test]
fn the_way_through_jump_hosts() {
    let config = parse(
        "Host web\n ProxyJump ops@inner:99,deep\nHost inner\n ProxyJump gate\n HostName inner.example\n\
         Host deep\n ProxyJump ignored\nHost loop-a\n ProxyJump loop-b\nHost loop-b\n ProxyJump loop-a\n\
         Host self other\n ProxyJump self\nHost direct\n ProxyJump none\nHost *\n User me\n",
    );
    let names = |host: &str, jumps: Option<&str>| -> Result<Vec<String>, sre_remote::Error> {
        let jumps = jumps.map(|text| Jump::parse_list(text).unwrap());
        let route = config.route(host, None, None, jumps.as_deref())?;
        Ok(route.into_iter().map(|hop| hop.name).collect())
    };
    assert_eq!(names("web", None).unwrap(), ["gate", "inner", "deep", "web"]);
    assert_eq!(names("web", Some("x")).unwrap(), ["x", "web"]);
    assert_eq!(names("web", Some("none")).unwrap(), ["web"]);
    assert_eq!(names("direct", None).unwrap(), ["direct"]);
    assert_eq!(names("direct", Some("inner")).unwrap(), ["gate", "inner", "direct"]);
    for host in ["loop-a", "self", "other"] {
        let error = names(host, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(error.to_string().contains("lead back to"), "{error}");
    }
    let route = config.route("web", Some("root"), None, None).unwrap();
    let inner = &route[1].settings;
    let who = |hop: usize| route[hop].settings.user.as_deref();
    assert_eq!(
        (inner.host_name.as_str(), inner.port, who(1), who(2)),
        ("inner.example", Some(99), Some("ops"), Some("me"))
    );
    assert_eq!(who(3), Some("root"));
}

#[test]
fn ways_to_log_in() {
    let all = ["publickey", "password", "keyboard-interactive"];
    for (text, expected) in [
        ("", &all[..]),
        ("PubkeyAuthentication no", &all[1..]),
        ("PubkeyAuthentication host-bound\nPreferredAuthentications hostbased,publickey", &all[..1]),
        ("PasswordAuthentication no\nPreferredAuthentications password,keyboard-interactive", &all[2..]),
        ("ChallengeResponseAuthentication no\nPasswordAuthentication yes", &all[..2]),
    ] {
        let settings = parse(text).resolve("web");
        assert_eq!(all.into_iter().filter(|method| settings.allows(method)).collect::<Vec<_>>(), expected, "{text}");
    }
}

#[tokio::test]
async fn a_login_uses_only_what_the_configuration_allows() {
    let sshd = Sshd::start().await;
    let key = sshd.client_key(&KeySpec::ed25519());
    let known = sshd.known_hosts_file(&["127.0.0.1"]);
    for (text, logs_in) in [("PubkeyAuthentication no", false), ("PreferredAuthentications publickey", true)] {
        let options = SshOptions::new().with_user(sshd.user()).with_port(sshd.port()).with_known_hosts([&known]);
        let ssh = SshTransport::new(options.with_key(KeyFile::new(key.path())).with_config(parse(text))).unwrap();
        let done = ssh.connect(&Host::new("127.0.0.1"), Deadline::after(Duration::from_secs(15))).await;
        match done {
            Ok(_) => assert!(logs_in, "{text}"),
            Err(e) => {
                assert!(!logs_in && e.kind() == ErrorKind::NoCredentials && e.to_string().contains("no keys"), "{e}")
            }
        }
    }
}

#[test]
fn a_large_configuration_is_read_quickly() {
    let blocks: String =
        (0..5_000).map(|n| format!("Host h-{n} *.d{n}.example\n  HostName 10.0.0.1\n  User u{n}\n")).collect();
    let config = parse(&blocks);
    assert_eq!(config.resolve("h-4999").user.as_deref(), Some("u4999"));
    assert_eq!(config.resolve("a.d7.example").user.as_deref(), Some("u7"));
}
