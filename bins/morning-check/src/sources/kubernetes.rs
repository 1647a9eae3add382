//! Kubernetes clusters.

use std::time::Duration;

use sre_cloud::kubernetes::{
    Cluster, ClusterSurvey, ConnectOptions, Contexts, IN_CLUSTER, InCluster, KubeContext, ProxySettings, SurveyOptions,
};
use sre_cloud::{Error, ErrorKind};
use sre_core::{Classify, Finding, RetryPolicy, Severity, SharedClock, Target};

use crate::config;
use crate::environment::Environment;
use crate::gather::{Board, Job};
use crate::plan::Clusters;
use crate::settings::{Settings, USER_AGENT};
use crate::source::{SourceError, SourceKey, SourceKind, SourceReport};

/// What stands for the clusters until the kubeconfig was read.
const KUBECONFIG: &str = "kubeconfig";

/// Everything that a cluster's check needs besides its context.
#[derive(Debug, Clone)]
struct Asking {
    options: ConnectOptions,
    settings: config::Kubernetes,
    clock: SharedClock,
    board: Board,
}

/// A cluster of the settings with its context, or the reason why it has none.
type Resolved = (config::Cluster, Result<KubeContext, Error>);

/// Where contexts come from.
#[derive(Debug, Clone)]
struct Sources {
    files: Vec<std::path::PathBuf>,
    in_cluster: Option<InCluster>,
    /// What the settings know of single clusters.
    known: Vec<config::Cluster>,
}

/// One job for all clusters: the kubeconfig is read once, then each is asked on its own.
pub(crate) fn jobs(settings: &Settings, env: &Environment, clock: &SharedClock, board: &Board) -> Option<Job> {
    let expected: Vec<SourceKey> = match &settings.plan.clusters {
        Clusters::None => return None,
        Clusters::Named(named) => named.iter().map(|c| key(&c.context)).collect(),
        Clusters::Current | Clusters::All => vec![key(KUBECONFIG)],
    };
    expected.iter().for_each(|key| board.expect(key.clone()));
    let asking = Asking {
        options: options(env, board.timeout()),
        settings: settings.config.kubernetes.clone(),
        clock: clock.clone(),
        board: board.clone(),
    };
    let wanted = settings.plan.clusters.clone();
    let sources = Sources::of(env, settings.config.clusters.clone());
    Some(Box::pin(async move {
        // Files on a dead network disk block: not on a thread of the runtime.
        let started = asking.clock.instant();
        let read = tokio::task::spawn_blocking(move || sources.resolve(&wanted));
        let Ok(resolved) = read.await else { return };
        match resolved {
            Err(error) => {
                let elapsed = asking.clock.instant() - started;
                for key in expected {
                    let error = SourceError::new(SourceKind::Kubernetes, &error);
                    asking.board.done(SourceReport::failed(key, elapsed, error));
                }
            }
            Ok(clusters) => {
                if expected.iter().any(|key| key.target == KUBECONFIG) {
                    let found = clusters.iter().map(|(cluster, _)| key(&cluster.context)).collect();
                    asking.board.replace(key(KUBECONFIG), found);
                }
                let asked = clusters.into_iter().map(|(cluster, context)| asking.clone().run(cluster, context));
                futures_util::future::join_all(asked).await;
            }
        }
    }))
}

/// The contexts that a kubeconfig of this machine has; none when there is none.
pub(crate) fn context_names(env: &Environment) -> Vec<String> {
    let contexts = Contexts::read(&env.kubeconfig_files());
    contexts.map(|c| c.names().map(str::to_owned).collect()).unwrap_or_default()
}

fn key(context: &str) -> SourceKey {
    SourceKey::new(SourceKind::Kubernetes, context)
}

fn options(env: &Environment, limit: Duration) -> ConnectOptions {
    let var = |upper: &str, lower: &str| env.var(upper).or(env.var(lower)).unwrap_or_default().to_owned();
    ConnectOptions::default()
        .connect_timeout(limit.min(Duration::from_secs(5)))
        .read_timeout(limit.min(Duration::from_secs(15)))
        .deadline(limit)
        .plugin_timeout(super::login_limit(limit))
        .retry(RetryPolicy::default())
        // Several plugins that ask at once, under a progress line, help nobody: who has to log in does it before.
        .interactive(false)
        .user_agent(USER_AGENT)
        .proxy(ProxySettings::new(var("HTTPS_PROXY", "https_proxy"), var("NO_PROXY", "no_proxy")))
}

// === impl Sources ===

impl Sources {
    fn of(env: &Environment, known: Vec<config::Cluster>) -> Self {
        let port = env.var("KUBERNETES_SERVICE_PORT").and_then(|p| p.parse().ok()).unwrap_or(443);
        let in_cluster = env.var("KUBERNETES_SERVICE_HOST").map(|host| InCluster::new(host, port));
        Self { files: env.kubeconfig_files(), in_cluster, known }
    }

    /// The wanted clusters.
    fn resolve(&self, wanted: &Clusters) -> Result<Vec<Resolved>, Error> {
        let contexts = Contexts::read(&self.files);
        let known = |name: &str| {
            let known = self.known.iter().find(|cluster| cluster.context == name).cloned();
            known.unwrap_or_else(|| config::Cluster::named(name))
        };
        let named = |name: &str| match (&self.in_cluster, &contexts) {
            (Some(pod), _) if name == IN_CLUSTER => pod.context(),
            (_, Ok(contexts)) => contexts.select(Some(name)),
            (_, Err(e)) => Err(Error::new(e.kind(), Target::new(name)).with_attempts(0).with_detail(e.detail())),
        };
        let names: Vec<config::Cluster> = match wanted {
            Clusters::None => Vec::new(),
            Clusters::Named(named) => named.clone(),
            Clusters::All => contexts.as_ref().map_err(again)?.names().map(known).collect(),
            Clusters::Current => match (&contexts, &self.in_cluster) {
                (Ok(contexts), _) => vec![known(contexts.select(None)?.name())],
                (Err(_), Some(_)) => vec![known(IN_CLUSTER)],
                (Err(e), None) => return Err(again(e)),
            },
        };
        if names.is_empty() {
            let e = Error::new(ErrorKind::Config, Target::new(KUBECONFIG)).with_attempts(0);
            return Err(e.with_detail("there are no contexts in it"));
        }
        Ok(names
            .into_iter()
            .map(|cluster| {
                let context = named(&cluster.context);
                (cluster, context)
            })
            .collect())
    }
}

/// An error said a second time.
fn again(error: &Error) -> Error {
    Error::new(error.kind(), error.target().clone()).with_attempts(0).with_detail(error.detail())
}

// === impl Asking ===

impl Asking {
    async fn run(self, cluster: config::Cluster, context: Result<KubeContext, Error>) {
        let key = key(&cluster.context);
        let board = self.board.clone();
        let named = key.clone();
        board
            .run(key, async move {
                match self.survey(&cluster, context).await {
                    Ok(survey) => report(named, &cluster, survey).scoped(&self.question(&cluster)),
                    Err(error) => {
                        SourceReport::failed(named, Duration::ZERO, SourceError::new(SourceKind::Kubernetes, &error))
                    }
                }
            })
            .await;
    }

    /// What decides which findings there can be.
    fn question<'a>(&'a self, cluster: &'a config::Cluster) -> impl std::fmt::Debug + 'a {
        (self.namespaces(cluster), &self.settings.thresholds)
    }

    fn namespaces<'a>(&'a self, cluster: &'a config::Cluster) -> &'a [String] {
        if cluster.namespaces.is_empty() { &self.settings.namespaces } else { &cluster.namespaces }
    }

    async fn survey(
        &self,
        cluster: &config::Cluster,
        context: Result<KubeContext, Error>,
    ) -> Result<ClusterSurvey, Error> {
        let wanted =
            SurveyOptions::default().namespaces(self.namespaces(cluster)).thresholds(self.settings.thresholds.clone());
        let started = self.clock.instant();
        let connected = Cluster::connect(&context?, self.options.clone(), self.clock.clone()).await?;
        // The connection's deadline counts for each operation anew; getting credentials may have used up some of it.
        let left = self.board.timeout().saturating_sub(self.clock.instant() - started);
        connected.with_deadline(left).survey(&wanted).await
    }
}

fn report(key: SourceKey, cluster: &config::Cluster, mut survey: ClusterSurvey) -> SourceReport {
    let denied = survey.denied.iter().map(|d| match &d.namespace {
        Some(namespace) => format!("no permission to {} {} in {namespace}", d.verb, d.resource),
        None => format!("no permission to {} {}", d.verb, d.resource),
    });
    let gaps = survey.gaps.iter().map(|gap| format!("{}: {}", gap.error.class(), gap.error));
    let notes: Vec<String> = denied.chain(gaps).collect();
    let summary = summary(&survey);
    let findings = std::mem::take(&mut survey.findings);
    let findings = if cluster.critical { findings } else { findings.into_iter().map(at_most_a_warning).collect() };
    SourceReport::answered(key, &survey, findings, summary, notes)
}

fn at_most_a_warning(mut finding: Finding) -> Finding {
    finding.severity = finding.severity.min(Severity::Warning);
    finding
}

/// `412 pods, 9 unhealthy, 31 of 31 nodes ready, 2 of 120 workloads in trouble`.
fn summary(survey: &ClusterSurvey) -> String {
    let facts = &survey.facts;
    let mut parts = Vec::new();
    if let Some(pods) = &facts.pods {
        let health = if pods.unhealthy == 0 { "ok".to_owned() } else { format!("{} unhealthy", pods.unhealthy) };
        parts.push(format!("{} pods, {health}", pods.total));
    }
    if let Some(nodes) = &facts.nodes {
        parts.push(format!("{} of {} nodes ready", nodes.ready, nodes.total));
    }
    if let Some(workloads) = &facts.workloads
        && workloads.unhealthy > 0
    {
        parts.push(format!("{} of {} workloads in trouble", workloads.unhealthy, workloads.total));
    }
    if let Some(jobs) = &facts.jobs
        && jobs.failed > 0
    {
        parts.push(format!("{} of {} jobs failed", jobs.failed, jobs.total));
    }
    parts.join(", ")
}
