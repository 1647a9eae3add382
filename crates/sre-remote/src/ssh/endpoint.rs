//! Host, options and `~/.ssh/config` make one address, user and policy.

use std::path::PathBuf;
use std::time::Duration;

use super::host_key::HostKeyPolicy;
use super::options::SshOptions;
use super::tcp::Alive;
use crate::error::{Error, ErrorKind};
use crate::host::Host;
use crate::phase::Phase;
use crate::ssh_config::{Hop, HostSettings, IdentityAgent, Jump, SshConfig, StrictHostKeyChecking};

/// Everything that is to be known before connecting to one machine.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    /// The name that people use.
    pub(super) name: String,
    /// Where to connect.
    pub(super) address: String,
    pub(super) port: u16,
    pub(super) user: String,
    /// The name and port to look for in known_hosts.
    pub(super) known_as: (String, u16),
    pub(super) known_hosts: Vec<PathBuf>,
    pub(super) hash_known_hosts: bool,
    pub(super) policy: HostKeyPolicy,
    /// Key files; the defaults when nothing names any.
    pub(super) key_files: Option<Vec<PathBuf>>,
    pub(super) agent: AgentUse,
    /// Ways to log in, in the order in which they are tried.
    pub(super) methods: Vec<Method>,
    pub(super) connect: Duration,
    pub(super) alive: Option<Alive>,
}

/// A way to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    PublicKey,
    Password,
    KeyboardInteractive,
}

/// Which of the agent's keys may be offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AgentUse {
    None,
    /// Only those that a key file names, too.
    Listed,
    All,
}

// === impl Method ===

impl Method {
    const ALL: [Self; 3] = [Self::PublicKey, Self::Password, Self::KeyboardInteractive];

    /// Its name in SSH (RFC 4252, RFC 4256).
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::PublicKey => "publickey",
            Self::Password => "password",
            Self::KeyboardInteractive => "keyboard-interactive",
        }
    }

    /// Those that the configuration allows, in its order where it says one.
    fn of(settings: &HostSettings) -> Vec<Self> {
        let mut methods: Vec<_> = Self::ALL.into_iter().filter(|method| settings.allows(method.as_str())).collect();
        if let Some(order) = &settings.preferred_authentications {
            methods.sort_by_key(|method| order.iter().position(|name| name == method.as_str()));
        }
        methods
    }
}

/// The way to a host: the machine nearest to us first, the host itself last.
pub(super) fn route(host: &Host, options: &SshOptions, config: &SshConfig) -> Result<Vec<Endpoint>, Error> {
    let jumps = host.var("jump").map(str::to_owned);
    let usage = |why: String| Error::new(ErrorKind::Usage, Phase::Resolve, host).with_detail(why);
    let jumps = jumps.map(|text| Jump::parse_list(&text)).transpose().map_err(usage)?;
    let user = host.user().or(options.user.as_deref());
    let port = host.port().or(options.port);
    let mut hops = config.route(host.address(), user, port, jumps.as_deref())?;
    if let (1, None, Some(default)) = (hops.len(), &jumps, &options.jump) {
        // `ProxyJump none` of the host's own configuration is an answer, too.
        if hops[0].settings.proxy_jump.is_none() {
            let default = Jump::parse_list(default).map_err(usage)?;
            // The same machine on another port may well be behind its own gateway.
            let own_port = hops[0].settings.port.unwrap_or(22);
            let is_host = |jump: &Jump| jump.host == host.address() && jump.port.unwrap_or(22) == own_port;
            let is_jump_itself = default.iter().any(is_host);
            if !is_jump_itself {
                hops = config.route(host.address(), user, port, Some(&default))?;
            }
        }
    }
    let last = hops.len().saturating_sub(1);
    let endpoints =
        hops.into_iter().enumerate().map(|(i, hop)| endpoint(hop, (i == last).then_some(host), options, config));
    Ok(endpoints.collect())
}

fn endpoint(hop: Hop, host: Option<&Host>, options: &SshOptions, config: &SshConfig) -> Endpoint {
    let settings = hop.settings;
    let methods = Method::of(&settings);
    let port = settings.port.unwrap_or(22);
    let address = match host.and_then(Host::explicit_address) {
        // The inventory's address is meant; the configuration may still say more about it.
        Some(address) if settings.host_name.is_empty() => address.to_owned(),
        _ => settings.host_name,
    };
    let known_as = settings.host_key_alias.map_or_else(|| (address.clone(), port), |alias| (alias, 22));
    let mut key_files = settings.identity_files;
    if let Some(key) = host.and_then(|host| host.var("key")) {
        key_files = Some(vec![PathBuf::from(key)]);
    }
    let known_hosts = match (settings.user_known_hosts_files, settings.global_known_hosts_files) {
        (None, None) => options.known_hosts.clone(),
        (user, global) => {
            let user = user.unwrap_or_else(|| options.known_hosts.clone());
            user.into_iter().chain(global.unwrap_or_default()).collect()
        }
    };
    Endpoint {
        name: hop.name,
        address,
        port,
        user: settings.user.unwrap_or_else(|| config.local().user().to_owned()),
        known_as,
        known_hosts,
        hash_known_hosts: settings.hash_known_hosts.unwrap_or(options.hash_known_hosts),
        policy: options.host_keys.unwrap_or(match settings.strict_host_key_checking {
            Some(StrictHostKeyChecking::AcceptNew) => HostKeyPolicy::AcceptNew,
            Some(StrictHostKeyChecking::No) => HostKeyPolicy::Off,
            _ => HostKeyPolicy::Strict,
        }),
        key_files,
        methods,
        agent: match (settings.identity_agent, settings.identities_only) {
            (Some(IdentityAgent::None), _) => AgentUse::None,
            (_, Some(true)) => AgentUse::Listed,
            _ => AgentUse::All,
        },
        connect: settings.connect_timeout.filter(|limit| !limit.is_zero()).unwrap_or(options.limits.connect),
        alive: settings.server_alive_interval.filter(|interval| !interval.is_zero()).map(|interval| Alive {
            interval,
            // ssh_config(5): three by default.
            count: settings.server_alive_count_max.unwrap_or(3),
        }),
    }
}
