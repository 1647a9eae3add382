//! From the layers to the settings of this run: defaults < file < environment < flags.

use std::fmt;
use std::io::Write;
use std::path::PathBuf;

use sre_core::chain::ErrorChain;
use sre_core::config::{Layers, Loaded, Origin, SecretRef};
use sre_core::exit::ExitCode;
use sre_core::{Secret, duration};

use crate::cli::Args;
use crate::config::Config;
use crate::environment::Environment;
use crate::plan::Plan;

/// Sent with every request.
pub(crate) const USER_AGENT: &str = concat!("morning-check/", env!("CARGO_PKG_VERSION"));

/// The settings of one run.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) config: Config,
    pub(crate) loaded: Loaded<Config>,
    pub(crate) plan: Plan,
    pub(crate) webhook: Webhook,
}

/// Where the report is posted.
#[derive(Debug)]
pub(crate) enum Webhook {
    None,
    At(Secret),
    /// It is configured, but its URL cannot be had; the report is not posted, which is said.
    Missing(String),
}

/// A mistake of whoever called us: what, and what to do.
#[derive(Debug)]
pub(crate) struct Usage {
    what: String,
    advice: String,
    code: ExitCode,
}

// === impl Settings ===

impl Settings {
    pub(crate) fn load(args: &Args, env: &Environment) -> Result<Self, Usage> {
        let loaded = layers(args, env)?.load::<Config>().map_err(|e| Usage::verbatim(&e))?;
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        let mut config = loaded.value.clone();
        if matches!(loaded.origin("kubernetes.namespaces"), Origin::Flag(_) | Origin::Env(_)) {
            // A flag wins over the file, also over what the file says of one cluster.
            config.clusters.iter_mut().for_each(|cluster| cluster.namespaces.clear());
        }
        check(&config)?;
        let plan = Plan::new(&config, &args.check.only, &args.check.skip, env)?;
        let webhook = webhook(env, &config);
        Ok(Self { config, loaded, plan, webhook })
    }
}

fn layers(args: &Args, env: &Environment) -> Result<Layers, Usage> {
    let layers = args.common.layers("morning-check", &env.vars).map_err(|e| Usage::verbatim(&e))?;
    let layers = layers.env_alias("PROMETHEUS_URL", "prometheus.url").env_alias("SLACK_WEBHOOK_URL", "slack.webhook");
    Ok(flags(layers, args))
}

fn flags(layers: Layers, args: &Args) -> Layers {
    let check = &args.check;
    let deadline = check.deadline.map(|d| duration::exact(d).to_string());
    let fail_on = check.fail_on.and_then(|f| serde_json::to_value(f).ok()).and_then(|v| v.as_str().map(str::to_owned));
    layers
        .flag_list("--cluster", "kubernetes.contexts", &check.cluster)
        .flag("--cluster", "kubernetes.all_contexts", (!check.cluster.is_empty()).then_some("false"))
        .flag("--all-clusters", "kubernetes.all_contexts", check.all_clusters.then_some("true"))
        .flag_list("--namespace", "kubernetes.namespaces", &check.namespace)
        .flag_list("--region", "aws.regions", &check.region)
        .flag("--slack-webhook", "slack.webhook", check.slack_webhook.as_deref())
        .flag("--profile", "aws.profile", check.profile.as_deref())
        .flag("--prometheus-url", "prometheus.url", check.prometheus_url.as_deref())
        .flag("--alertmanager-url", "alertmanager.url", check.alertmanager_url.as_deref())
        .flag("--deadline", "deadline", deadline.as_deref())
        .flag("--fail-on", "fail_on", fail_on.as_deref())
}

/// Where the configuration file is looked for.
pub(crate) fn default_config_file(env: &Environment) -> Option<PathBuf> {
    env.xdg("XDG_CONFIG_HOME", ".config").map(|dir| dir.join("morning-check/config.yaml"))
}

/// What single values cannot tell.
fn check(config: &Config) -> Result<(), Usage> {
    for (i, rule) in config.ignore.iter().enumerate() {
        if rule.is_blanket() {
            let what = format!("ignore[{i}] would ignore everything");
            return Err(Usage::new(what, "name at least one of code, cluster, namespace, name"));
        }
    }
    if config.timeout.is_zero() || config.deadline.is_zero() {
        return Err(Usage::new(
            "timeout and deadline must be longer than nothing".to_owned(),
            "the defaults are 30s and 2m",
        ));
    }
    config
        .prometheus
        .survey()
        .validate()
        .map_err(|e| Usage::new(format!("prometheus.checks: {e}"), "correct the value"))?;
    config.local.thresholds.validate().map_err(|e| {
        Usage::new(
            e.to_string(),
            "correct local.thresholds; a limit that is not set has its default, null turns it off",
        )
    })
}

fn webhook(env: &Environment, config: &Config) -> Webhook {
    let slack = &config.slack;
    if let Some(url) = &slack.webhook {
        return Webhook::At(url.clone());
    }
    let reference = SecretRef::new("slack.webhook", slack.webhook_env.clone(), slack.webhook_file.clone());
    match reference.resolve(|name| env.var(name).map(Into::into)) {
        Ok(None) => Webhook::None,
        Ok(Some(url)) => Webhook::At(url),
        Err(error) => Webhook::Missing(error.to_string()),
    }
}

// === impl Usage ===

impl Usage {
    pub(crate) fn new(what: String, advice: &str) -> Self {
        Self { what, advice: advice.to_owned(), code: ExitCode::USAGE }
    }

    pub(crate) fn from_error(error: &dyn std::error::Error, advice: &str) -> Self {
        Self::new(ErrorChain(error).to_string(), advice)
    }

    /// An error that says everything itself, place and advice included.
    pub(crate) fn verbatim(error: &dyn std::error::Error) -> Self {
        Self::new(error.to_string(), "")
    }

    pub(crate) fn with_code(mut self, code: ExitCode) -> Self {
        self.code = code;
        self
    }

    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    pub(crate) fn advice(&self) -> &str {
        &self.advice
    }

    /// Says it on stderr.
    pub(crate) fn print(&self) -> ExitCode {
        let _ = writeln!(std::io::stderr().lock(), "{self}");
        self.code
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.what)?;
        if self.advice.is_empty() { Ok(()) } else { write!(f, "\n   = {}", self.advice) }
    }
}
