//! Which sources a run asks, from the settings and the flags `--only` and `--skip`.

use crate::config::{Cluster, Config};
use crate::environment::Environment;
use crate::settings::Usage;
use crate::source::SourceKind;

/// What will be asked.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) clusters: Clusters,
    pub(crate) prometheus: bool,
    pub(crate) aws: bool,
    pub(crate) local: bool,
    /// What could be checked as well, for someone who configured nothing.
    pub(crate) hints: Vec<String>,
}

/// Which clusters.
#[derive(Debug, Clone)]
pub(crate) enum Clusters {
    None,
    Named(Vec<Cluster>),
    /// The kubeconfig's current context, or the cluster that we run in.
    Current,
    /// Every context of the kubeconfig.
    All,
}

impl Plan {
    pub(crate) fn new(
        config: &Config,
        only: &[SourceKind],
        skip: &[SourceKind],
        env: &Environment,
    ) -> Result<Self, Usage> {
        let asked = |kind| only.contains(&kind);
        let wanted = |kind| (only.is_empty() || asked(kind)) && !skip.contains(&kind);
        for kind in SourceKind::ALL.into_iter().filter(|kind| asked(*kind)) {
            if skip.contains(&kind) {
                return Err(Usage::new(format!("{kind} stands both in --only and in --skip"), "leave one of them out"));
            }
        }
        let clusters = if wanted(SourceKind::Kubernetes) {
            clusters(config, asked(SourceKind::Kubernetes))
        } else {
            Clusters::None
        };
        if config.prometheus.url.is_none() && asked(SourceKind::Prometheus) {
            return Err(Usage::new(
                "--only prometheus needs an address".to_owned(),
                "give --prometheus-url, PROMETHEUS_URL or prometheus.url in the configuration file",
            ));
        }
        if let (Some(_), None) = (&config.alertmanager.url, &config.prometheus.url) {
            return Err(Usage::new(
                "an Alertmanager without a Prometheus cannot be checked".to_owned(),
                "give --prometheus-url as well: the alerts' rules and metrics live there",
            ));
        }
        let prometheus = wanted(SourceKind::Prometheus) && config.prometheus.url.is_some();
        let in_use = config.aws.enabled.unwrap_or(!config.aws.regions.is_empty() || config.aws.profile.is_some());
        let aws = wanted(SourceKind::Aws) && (in_use || asked(SourceKind::Aws));
        let nothing_else = matches!(clusters, Clusters::None) && !prometheus && !aws;
        let in_use = config.local.enabled.unwrap_or(nothing_else && only.is_empty());
        let local = wanted(SourceKind::Local) && (in_use || asked(SourceKind::Local));
        if nothing_else && !local {
            return Err(Usage::new(
                "there is nothing to check".to_owned(),
                "name a source (--cluster, --region, --prometheus-url, --only local), or run `morning-check init`",
            ));
        }
        let hints = if nothing_else && only.is_empty() { hints(env) } else { Vec::new() };
        Ok(Self { clusters, prometheus, aws, local, hints })
    }
}

fn clusters(config: &Config, asked: bool) -> Clusters {
    let known = |context: &String| config.clusters.iter().find(|c| c.context == *context).cloned();
    let named = &config.kubernetes.contexts;
    if config.kubernetes.all_contexts {
        Clusters::All
    } else if !named.is_empty() {
        let mut clusters: Vec<Cluster> = Vec::new();
        for context in named {
            if !clusters.iter().any(|c| c.context == *context) {
                clusters.push(known(context).unwrap_or_else(|| Cluster::named(context)));
            }
        }
        Clusters::Named(clusters)
    } else if !config.clusters.is_empty() {
        Clusters::Named(config.clusters.clone())
    } else if asked {
        Clusters::Current
    } else {
        Clusters::None
    }
}

/// One line for each source that is not configured, with what this machine has for it.
fn hints(env: &Environment) -> Vec<String> {
    let prometheus = "prometheus   --prometheus-url http://HOST:9090".to_owned();
    let rest = [
        "slack        SLACK_WEBHOOK_URL=https://… posts the report".to_owned(),
        "all of it    morning-check init writes a configuration file".to_owned(),
    ];
    kubernetes_hint(env).into_iter().chain([prometheus]).chain(aws_hint(env)).chain(rest).collect()
}

#[cfg(feature = "kubernetes")]
fn kubernetes_hint(env: &Environment) -> Option<String> {
    Some(match crate::sources::kubernetes::context_names(env).as_slice() {
        [] => "kubernetes   no kubeconfig found: -c CONTEXT once there is one".to_owned(),
        [one] => format!("kubernetes   -c {one}"),
        [first, rest @ ..] => format!("kubernetes   -c {first} (and {} more), or --all-clusters", rest.len()),
    })
}

#[cfg(not(feature = "kubernetes"))]
fn kubernetes_hint(_: &Environment) -> Option<String> {
    None
}

#[cfg(feature = "aws")]
fn aws_hint(env: &Environment) -> Option<String> {
    let files = [".aws/config", ".aws/credentials"];
    let known = env.var("AWS_ACCESS_KEY_ID").is_some()
        || env.home().is_some_and(|home| files.iter().any(|file| home.join(file).exists()));
    let found = if known { "credentials found" } else { "no credentials found" };
    Some(format!("aws          -r REGION, or --profile NAME for every region ({found})"))
}

#[cfg(not(feature = "aws"))]
fn aws_hint(_: &Environment) -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(yaml: &str, only: &[SourceKind], skip: &[SourceKind]) -> Result<Plan, Usage> {
        let config = sre_core::config::Layers::new().text("test", yaml).unwrap().load::<Config>().unwrap().value;
        Plan::new(&config, only, skip, &Environment::empty())
    }

    #[test]
    fn without_settings_it_is_this_host() {
        let plan = plan("", &[], &[]).unwrap();
        assert!(plan.local && !plan.aws && !plan.prometheus && matches!(plan.clusters, Clusters::None));
        assert!(plan.hints.len() >= 3);
    }

    #[test]
    fn with_settings_it_is_what_they_name() {
        let plan = plan("prometheus: {url: 'http://p'}\naws: {regions: [us-east-1]}", &[], &[]).unwrap();
        assert!(!plan.local && plan.aws && plan.prometheus && plan.hints.is_empty());
    }

    #[test]
    fn flags_pick_clusters_and_keep_what_the_file_knows_of_them() {
        let yaml = "clusters: [{context: a}, {context: b, critical: false}]\nkubernetes: {contexts: [b, c, b]}";
        let Clusters::Named(named) = plan(yaml, &[], &[]).unwrap().clusters else { unreachable!() };
        let named: Vec<_> = named.iter().map(|c| (c.context.as_str(), c.critical)).collect();
        assert_eq!(named, [("b", false), ("c", true)]);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        use SourceKind::{Local, Prometheus};
        assert!(plan("", &[Prometheus], &[]).is_err());
        assert!(plan("", &[], &[Local]).is_err());
        assert!(plan("", &[Local], &[Local]).is_err());
        assert!(plan("alertmanager: {url: 'http://a'}", &[], &[]).is_err());
    }
}
