//! What a configuration means for a host: the first value wins.

use std::path::PathBuf;

use super::directive::{Directive, Item};
use super::jump::Jump;
use super::load::SshConfig;
use super::settings::{HostSettings, IdentityAgent, Unsupported};
use super::tokens::Tokens;
use crate::wildcard;

/// What ssh uses when nothing says otherwise; `%p` needs it.
const SSH_PORT: u16 = 22;

/// Settings whose tokens are not replaced yet: what they stand for is known only at the end.
#[derive(Debug, Default)]
struct Found<'a> {
    settings: HostSettings,
    host_name: Option<&'a str>,
    identity_files: Option<Vec<&'a str>>,
    identity_agent: Option<&'a str>,
    user_known_hosts_files: Option<&'a [String]>,
    global_known_hosts_files: Option<&'a [String]>,
    /// `ProxyJump` and `ProxyCommand` are one setting: the first of both wins.
    proxy: Option<&'a [Jump]>,
    /// Unsupported keywords that had their first line.
    seen: Vec<&'a str>,
}

// === impl SshConfig ===

impl SshConfig {
    /// What it says about a host, which is named as one would name it to `ssh`.
    #[must_use]
    pub fn resolve(&self, host: &str) -> HostSettings {
        self.resolve_as(host, None, None)
    }

    /// The same when user or port were given on the command line or by an inventory: they win, and tokens stand for
    /// them.
    #[must_use]
    pub fn resolve_as(&self, host: &str, user: Option<&str>, port: Option<u16>) -> HostSettings {
        let mut found = Found::default();
        found.settings.user = user.map(str::to_owned);
        found.settings.port = port;
        found.walk(&self.items, host);
        found.finish(self, host)
    }
}

// === impl Found ===

impl<'a> Found<'a> {
    /// Lines before the first `Host` are for everybody. An included file starts so too, and what it ends with does not
    /// count for the file around it.
    fn walk(&mut self, items: &'a [Item], host: &str) {
        let mut active = true;
        for item in items {
            match item {
                Item::Host(patterns) => active = wildcard::list_matches(patterns.iter().map(String::as_str), host),
                Item::MatchAll => active = true,
                Item::Match(line) => {
                    self.unsupported(line);
                    active = false;
                }
                Item::Set(directive) if active => self.set(directive),
                Item::Include(items) if active => self.walk(items, host),
                Item::Set(_) | Item::Include(_) => {}
            }
        }
    }

    fn set(&mut self, directive: &'a Directive) {
        use Directive as D;
        let s = &mut self.settings;
        match directive {
            D::HostName(name) => first(&mut self.host_name, name),
            D::User(user) => first(&mut s.user, user.clone()),
            D::Port(port) => first(&mut s.port, *port),
            D::IdentityFile(path) => self.identity_file(path),
            D::IdentitiesOnly(flag) => first(&mut s.identities_only, *flag),
            D::IdentityAgent(agent) => first(&mut self.identity_agent, agent),
            D::ProxyJump(jumps) => first(&mut self.proxy, jumps),
            D::ProxyCommand(line) => {
                if let (None, Some(line)) = (self.proxy, line) {
                    self.unsupported(line);
                }
                first(&mut self.proxy, &[]);
            }
            D::ConnectTimeout(time) => s.connect_timeout = s.connect_timeout.or(*time),
            D::StrictHostKeyChecking(how) => first(&mut s.strict_host_key_checking, *how),
            D::UserKnownHostsFile(paths) => first(&mut self.user_known_hosts_files, paths),
            D::GlobalKnownHostsFile(paths) => first(&mut self.global_known_hosts_files, paths),
            D::HostKeyAlias(alias) => first(&mut s.host_key_alias, alias.clone()),
            D::HashKnownHosts(flag) => first(&mut s.hash_known_hosts, *flag),
            D::ServerAliveInterval(time) => s.server_alive_interval = s.server_alive_interval.or(*time),
            D::ServerAliveCountMax(count) => first(&mut s.server_alive_count_max, *count),
            D::BatchMode(flag) => first(&mut s.batch_mode, *flag),
            D::PreferredAuthentications(methods) => first(&mut s.preferred_authentications, methods.clone()),
            D::PubkeyAuthentication(flag) => first(&mut s.pubkey_authentication, *flag),
            D::PasswordAuthentication(flag) => first(&mut s.password_authentication, *flag),
            D::KbdInteractiveAuthentication(flag) => first(&mut s.kbd_interactive_authentication, *flag),
            D::Unsupported { line, matters } => {
                if !self.seen.contains(&line.keyword()) {
                    self.seen.push(line.keyword());
                    if *matters {
                        self.unsupported(line);
                    }
                }
            }
            D::Refused(line) => self.unsupported(line),
        }
    }

    /// All of them count, each once.
    fn identity_file(&mut self, path: &'a str) {
        let paths = self.identity_files.get_or_insert_default();
        if !paths.contains(&path) {
            paths.push(path);
        }
    }

    /// A file that is included twice has its lines twice.
    fn unsupported(&mut self, line: &Unsupported) {
        if !self.settings.unsupported.contains(line) {
            self.settings.unsupported.push(line.clone());
        }
    }

    fn finish(self, config: &SshConfig, host: &str) -> HostSettings {
        let Self { mut settings, host_name, identity_files, identity_agent, proxy, .. } = self;
        let user = settings.user.clone().unwrap_or_else(|| config.local().user().to_owned());
        let mut tokens = Tokens {
            local: config.local(),
            original: host,
            host_name: host,
            alias: host,
            port: settings.port.unwrap_or(SSH_PORT),
            user: &user,
        };
        settings.host_name = host_name.map_or_else(|| host.to_owned(), |name| tokens.expand(name)).to_ascii_lowercase();
        let (host_name, alias) = (settings.host_name.clone(), settings.host_key_alias.clone());
        tokens.host_name = &host_name;
        tokens.alias = alias.as_deref().unwrap_or(host);
        let paths = |paths: &[String]| -> Vec<PathBuf> { paths.iter().map(|p| tokens.expand_path(p)).collect() };
        settings.identity_files = identity_files.map(|files| {
            let real = files.into_iter().filter(|path| !path.eq_ignore_ascii_case("none"));
            real.map(|path| tokens.expand_path(path)).collect()
        });
        settings.identity_agent = identity_agent.map(|agent| agent_of(agent, &tokens));
        settings.user_known_hosts_files = self.user_known_hosts_files.map(paths);
        settings.global_known_hosts_files = self.global_known_hosts_files.map(paths);
        settings.proxy_jump = proxy.map(|jumps| {
            let expanded = |jump: &Jump| Jump {
                user: jump.user.as_deref().map(|user| tokens.expand(user)),
                host: tokens.expand(&jump.host),
                port: jump.port,
            };
            jumps.iter().map(expanded).collect()
        });
        settings
    }
}

fn first<T>(slot: &mut Option<T>, value: T) {
    if slot.is_none() {
        *slot = Some(value);
    }
}

fn agent_of(value: &str, tokens: &Tokens<'_>) -> IdentityAgent {
    match value.strip_prefix('$') {
        _ if value.eq_ignore_ascii_case("none") => IdentityAgent::None,
        _ if value == "SSH_AUTH_SOCK" => IdentityAgent::Environment(value.to_owned()),
        Some(variable) => IdentityAgent::Environment(variable.to_owned()),
        None => IdentityAgent::Socket(tokens.expand_path(value)),
    }
}
