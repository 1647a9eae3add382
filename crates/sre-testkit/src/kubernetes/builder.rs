//! What a scripted API server holds and how it fails, before it starts.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::api::{KubeApi, Rules, Shared};
use super::generated::Generated;
use super::list::PageCache;
use super::replies;
use super::route::{Kind, Route};
use super::store::Store;
use crate::scripted::{Reply, Request, Server};

/// What a `fault` hook looks like.
pub(super) type Fault = dyn Fn(&Request, usize) -> Option<Reply> + Send + Sync;

/// See [`KubeApi::builder`].
pub struct KubeApiBuilder {
    store: Store,
    rules: Rules,
}

// === impl KubeApiBuilder ===

impl KubeApiBuilder {
    pub(super) fn new() -> Self {
        let rules = Rules {
            token: "testkit-token".to_owned(),
            faults: Vec::new(),
            forbidden: HashSet::new(),
            expires_after: HashMap::new(),
        };
        Self { store: Store::new(), rules }
    }

    /// The bearer token that every request needs; `testkit-token` by default.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.rules.token = token.into();
        self
    }

    /// Adds pods. Names and versions that are missing are filled in, as for all objects.
    #[must_use]
    pub fn pods(self, pods: Vec<Value>) -> Self {
        self.objects("pods", pods)
    }

    /// Adds `n` pods of about `bytes_each` in the namespace `bench`, made when they are asked for.
    ///
    /// One in `crash_every` (0: none) is in CrashLoopBackOff: number 37 of each hundred, when it is 100.
    #[must_use]
    pub fn generated_pods(mut self, n: usize, bytes_each: usize, crash_every: usize) -> Self {
        self.store.set_generated(Generated::new(n, bytes_each, crash_every));
        self.namespaces(&["bench"])
    }

    /// Adds events.
    #[must_use]
    pub fn events(self, events: Vec<Value>) -> Self {
        self.objects("events", events)
    }

    /// Adds nodes.
    #[must_use]
    pub fn nodes(self, nodes: Vec<Value>) -> Self {
        self.objects("nodes", nodes)
    }

    /// Adds Deployments.
    #[must_use]
    pub fn deployments(self, deployments: Vec<Value>) -> Self {
        self.objects("deployments", deployments)
    }

    /// Adds StatefulSets.
    #[must_use]
    pub fn stateful_sets(self, stateful_sets: Vec<Value>) -> Self {
        self.objects("statefulsets", stateful_sets)
    }

    /// Adds DaemonSets.
    #[must_use]
    pub fn daemon_sets(self, daemon_sets: Vec<Value>) -> Self {
        self.objects("daemonsets", daemon_sets)
    }

    /// Adds ReplicaSets.
    #[must_use]
    pub fn replica_sets(self, replica_sets: Vec<Value>) -> Self {
        self.objects("replicasets", replica_sets)
    }

    /// Adds Jobs.
    #[must_use]
    pub fn jobs(self, jobs: Vec<Value>) -> Self {
        self.objects("jobs", jobs)
    }

    /// Adds HorizontalPodAutoscalers.
    #[must_use]
    pub fn hpas(self, hpas: Vec<Value>) -> Self {
        self.objects("horizontalpodautoscalers", hpas)
    }

    /// Adds namespaces; those of the objects are there anyhow.
    #[must_use]
    pub fn namespaces(mut self, names: &[&str]) -> Self {
        for name in names {
            self.add_namespace(name);
        }
        self
    }

    /// Answers 403 for a resource (`pods`, `events`, …) everywhere.
    #[must_use]
    pub fn forbid(mut self, plural: &str) -> Self {
        self.rules.forbidden.insert((plural.to_owned(), None));
        self
    }

    /// Answers 403 for a resource in one namespace.
    #[must_use]
    pub fn forbid_in(mut self, plural: &str, namespace: &str) -> Self {
        self.rules.forbidden.insert((plural.to_owned(), Some(namespace.to_owned())));
        self
    }

    /// Lists of a resource cannot be continued beyond that many items: 410 with a fresh token, with which they can.
    #[must_use]
    pub fn expire_lists_after(mut self, plural: &str, items: usize) -> Self {
        self.rules.expires_after.insert(plural.to_owned(), items);
        self
    }

    /// The first `times` requests for a resource get that status (500, 503, …).
    #[must_use]
    pub fn fail_first(self, plural: &str, times: usize, status: u16) -> Self {
        let plural = plural.to_owned();
        self.fault(move |request, nth| {
            let hit = nth < times && is_about(request, &plural);
            hit.then(|| replies::error(status, "InternalError", "scripted failure"))
        })
    }

    /// The first `times` requests for a resource get 429 with `Retry-After`.
    #[must_use]
    pub fn rate_limit_first(self, plural: &str, times: usize, retry_after: Duration) -> Self {
        let plural = plural.to_owned();
        self.fault(move |request, nth| {
            (nth < times && is_about(request, &plural)).then(|| replies::rate_limited(retry_after))
        })
    }

    /// Asks `fault` before anything else (even the token); the first hook with an answer wins.
    ///
    /// The number is that of earlier requests with the same path, whatever their query: the pages of one list count up.
    #[must_use]
    pub fn fault(mut self, fault: impl Fn(&Request, usize) -> Option<Reply> + Send + Sync + 'static) -> Self {
        self.rules.faults.push(Box::new(fault));
        self
    }

    /// Starts the server.
    ///
    /// # Panics
    /// When no port can be bound.
    pub async fn start(self) -> KubeApi {
        let shared = Arc::new(Shared {
            rules: self.rules,
            store: Mutex::new(self.store),
            seen: Mutex::new(HashMap::new()),
            pages: PageCache::default(),
        });
        let handler = Arc::clone(&shared);
        let server = Server::start_tls(move |request| handler.answer(request)).await;
        KubeApi::new(server, shared)
    }

    fn objects(mut self, plural: &str, objects: Vec<Value>) -> Self {
        let kind = Kind::named(plural);
        for object in objects {
            if let Some(namespace) = object["metadata"]["namespace"].as_str().map(str::to_owned) {
                self.add_namespace(&namespace);
            }
            self.store.seed(kind, object);
        }
        self
    }

    fn add_namespace(&mut self, name: &str) {
        let kind = Kind::named("namespaces");
        if self.store.find(kind, None, name).is_none() {
            self.store.seed(kind, json!({ "metadata": { "name": name }, "status": { "phase": "Active" } }));
        }
    }
}

impl fmt::Debug for KubeApiBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KubeApiBuilder").field("rules", &self.rules).finish_non_exhaustive()
    }
}

fn is_about(request: &Request, plural: &str) -> bool {
    Route::parse(&request.path).scope().is_some_and(|(kind, _)| kind.plural == plural)
}
