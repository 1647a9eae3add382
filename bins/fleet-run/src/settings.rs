//! From the layers to the settings of this run: defaults < file < environment < flags.

use std::fmt::Display;
use std::io::Read;
use std::path::PathBuf;

use sre_core::config::{Layers, Loaded};
use sre_core::duration;
use sre_core::retry::RetryPolicy;
use sre_remote::Host;
use sre_remote::cli::{ConnectArgs, HostArgs};
use sre_remote::rollout::MaxFail;

use crate::cli::Args;
use crate::config::Config;
use crate::environment::Environment;
use crate::usage::Usage;

/// The settings of one run.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) config: Config,
    pub(crate) loaded: Loaded<Config>,
    pub(crate) hosts: HostArgs,
    pub(crate) connect: ConnectArgs,
    pub(crate) max_fail: Option<MaxFail>,
    pub(crate) retry: RetryPolicy,
}

// === impl Settings ===

impl Settings {
    pub(crate) fn load(args: &Args, env: &Environment) -> Result<Self, Usage> {
        let loaded = layers(args, env)?.load::<Config>().map_err(|e| Usage::verbatim(&e))?;
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        let config = loaded.value.clone();
        if config.timeout.is_zero() || config.workers == 0 || config.startups == 0 {
            return Err(Usage::new("timeout, workers and startups must be more than nothing", ""));
        }
        let retry = RetryPolicy::builder().attempts(config.retries + 1).build().map_err(|e| Usage::verbatim(&e))?;
        let (hosts, connect) = (hosts(args, &config), connect(args, &config)?);
        let max_fail = max_fail(args, &config)?;
        Ok(Self { config, loaded, hosts, connect, max_fail, retry })
    }

    /// The hosts that are meant.
    pub(crate) fn select(&self, stdin: impl Read) -> Result<Vec<Host>, Usage> {
        self.hosts.select(stdin).map_err(|e| Usage::verbatim(&e))
    }
}

fn layers(args: &Args, env: &Environment) -> Result<Layers, Usage> {
    let layers = args.common.layers("fleet-run", &env.vars).map_err(|e| Usage::verbatim(&e))?;
    let (limits, connect) = (&args.limits, &args.connect);
    let text = |value: Option<&dyn Display>| value.map(ToString::to_string);
    let connect_timeout = connect.connect_timeout.map(|d| duration::exact(d).to_string());
    let keys = connect.key.iter().map(|path| path.display().to_string());
    Ok(layers
        .flag("--workers", "workers", text(limits.workers.as_ref().map(|n| n as _)))
        .flag("--startups", "startups", text(limits.startups.as_ref().map(|n| n as _)))
        .flag("--retries", "retries", text(limits.retries.as_ref().map(|n| n as _)))
        .flag("--max-fail", "max_fail", text(limits.max_fail.as_ref().map(|n| n as _)))
        .flag("--fail-fast", "max_fail", limits.fail_fast.then_some("0"))
        .flag("--confirm-above", "confirm_above", text(limits.confirm_above.as_ref().map(|n| n as _)))
        .flag("--connect-timeout", "connect_timeout", connect_timeout)
        .flag("--username", "username", connect.username.as_deref())
        .flag("--port", "port", text(connect.port.as_ref().map(|n| n as _)))
        .flag_list("--key", "keys", keys)
        .flag("--jump", "jump", connect.jump.as_deref())
        .flag("--host-key", "host_key", connect.host_key.map(|policy| policy.as_str()))
        .flag("--no-audit", "audit", args.report.no_audit.then_some("false")))
}

fn hosts(args: &Args, config: &Config) -> HostArgs {
    let mut hosts = args.hosts.clone();
    if hosts.servers.is_empty() && hosts.inventory.is_empty() {
        hosts.servers.clone_from(&config.servers);
        hosts.inventory.clone_from(&config.inventory);
    }
    hosts
}

fn connect(args: &Args, config: &Config) -> Result<ConnectArgs, Usage> {
    let mut connect = args.connect.clone();
    connect.username.clone_from(&config.username);
    connect.port = config.port;
    connect.key = config.keys.iter().map(PathBuf::clone).collect();
    connect.jump.clone_from(&config.jump);
    connect.connect_timeout = Some(config.connect_timeout);
    let policy = config.host_key.as_deref().map(str::parse).transpose();
    connect.host_key = policy.map_err(|e: String| Usage::new(format!("host_key: {e}"), ""))?;
    Ok(connect)
}

fn max_fail(args: &Args, config: &Config) -> Result<Option<MaxFail>, Usage> {
    if args.limits.max_fail.is_some() {
        return Ok(args.limits.max_fail);
    }
    let parsed = config.max_fail.as_deref().map(str::parse::<MaxFail>).transpose();
    parsed.map_err(|e| Usage::new(format!("max_fail: {e}"), ""))
}
