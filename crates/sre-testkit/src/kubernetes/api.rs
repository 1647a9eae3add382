//! The running API server: what it answers, and how a test changes it meanwhile.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::builder::{Fault, KubeApiBuilder};
use super::list::PageCache;
use super::route::{Kind, Route};
use super::store::{Filter, Store, whole};
use super::{discovery, replies, scale};
use crate::scripted::{Chunk, Reply, Request, Server};

/// A scripted Kubernetes API server; it stops when dropped.
#[derive(Debug)]
pub struct KubeApi {
    server: Server,
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) rules: Rules,
    pub(super) store: Mutex<Store>,
    /// How many requests each path had.
    pub(super) seen: Mutex<HashMap<String, usize>>,
    pub(super) pages: PageCache,
}

/// What does not change while the server runs.
pub(super) struct Rules {
    pub(super) token: String,
    pub(super) faults: Vec<Box<Fault>>,
    /// Resource, and namespace or everywhere.
    pub(super) forbidden: HashSet<(String, Option<String>)>,
    pub(super) expires_after: HashMap<String, usize>,
}

// === impl KubeApi ===

impl KubeApi {
    /// An empty cluster with the token `testkit-token`.
    #[must_use]
    pub fn builder() -> KubeApiBuilder {
        KubeApiBuilder::new()
    }

    pub(super) fn new(server: Server, shared: Arc<Shared>) -> Self {
        Self { server, shared }
    }

    /// `https://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The certificate that a client has to trust.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        self.server.ca_pem()
    }

    /// The bearer token that opens it.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.shared.rules.token
    }

    /// The server below.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Every request so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }

    /// An object as it is now.
    #[must_use]
    pub fn get(&self, plural: &str, namespace: Option<&str>, name: &str) -> Option<Value> {
        let kind = Kind::named(plural);
        self.shared.store().find(kind, namespace, name).map(|object| whole(kind, object))
    }

    /// Adds or replaces an object; watchers get ADDED or MODIFIED.
    pub fn apply(&self, plural: &str, object: Value) {
        self.shared.store().apply(Kind::named(plural), object);
    }

    /// Removes an object; watchers get DELETED. False when there was none.
    pub fn delete(&self, plural: &str, namespace: Option<&str>, name: &str) -> bool {
        self.shared.store().delete(Kind::named(plural), namespace, name)
    }

    /// Sends a BOOKMARK to the watchers of a resource that asked for them.
    pub fn bookmark(&self, plural: &str) {
        self.shared.store().bookmark(plural);
    }

    /// How many clients watch a resource now.
    #[must_use]
    pub fn watching(&self, plural: &str) -> usize {
        self.shared.store().watching(plural)
    }

    /// Ends the watches of a resource in good order, as a real server does every few minutes.
    pub fn close_watches(&self, plural: &str) {
        self.shared.store().end_watches(plural, false, None);
    }

    /// Resets the connections that watch a resource.
    pub fn reset_watches(&self, plural: &str) {
        self.shared.store().end_watches(plural, false, Some(&Chunk::Reset));
    }

    /// Forgets the history and sends the watchers of a resource an ERROR with code 410: they have to list again.
    pub fn expire_watches(&self, plural: &str) {
        let mut store = self.shared.store();
        store.compact();
        store.end_watches(plural, true, None);
    }

    /// Forgets the history: a watch that begins at an older version gets 410. Running watches go on.
    pub fn compact(&self) {
        self.shared.store().compact();
    }
}

// === impl Shared ===

impl Shared {
    pub(super) fn answer(&self, request: &Request) -> Reply {
        let nth = self.count(&request.path);
        if let Some(reply) = self.rules.faults.iter().find_map(|fault| fault(request, nth)) {
            return reply;
        }
        if request.header("authorization") != Some(format!("Bearer {}", self.rules.token).as_str()) {
            return replies::unauthorized();
        }
        let route = Route::parse(&request.path);
        if self.rules.forbids(route) {
            return replies::forbidden(request);
        }
        match route {
            Route::List { kind, namespace } => self.list(kind, namespace, request),
            Route::Object { kind, namespace, name } => match self.store().find(kind, namespace, name) {
                Some(object) => Reply::json(200, &whole(kind, object)),
                None => replies::not_found(kind.plural, name),
            },
            Route::Scale { kind, namespace, name } => scale::answer(&mut self.store(), kind, namespace, name, request),
            Route::Other => match discovery::answer(&request.path) {
                Some(Value::String(text)) => Reply::text(200, text),
                Some(value) => Reply::json(200, &value),
                None => replies::error(404, "NotFound", "the server could not find the requested resource"),
            },
        }
    }

    fn list(&self, kind: &'static Kind, namespace: Option<&str>, request: &Request) -> Reply {
        let (fields, labels) = (request.query_value("fieldSelector"), request.query_value("labelSelector"));
        let filter = Filter::new(namespace, fields.as_deref(), labels.as_deref());
        if request.query_value("watch").is_some_and(|on| on == "true" || on == "1") {
            return self.store().watch(kind, filter, request);
        }
        let expires_after = self.rules.expires_after.get(kind.plural).copied();
        let page = self.store().page(kind, &filter, request, expires_after);
        match page {
            Ok(page) => self.pages.answer(request, page),
            Err(reply) => reply,
        }
    }

    fn count(&self, path: &str) -> usize {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let count = seen.entry(path.to_owned()).or_default();
        *count += 1;
        *count - 1
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Rules ===

impl Rules {
    fn forbids(&self, route: Route<'_>) -> bool {
        let Some((kind, namespace)) = route.scope() else { return false };
        let rule = |namespace: Option<&str>| (kind.plural.to_owned(), namespace.map(str::to_owned));
        self.forbidden.contains(&rule(None)) || (namespace.is_some() && self.forbidden.contains(&rule(namespace)))
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules")
            .field("faults", &self.faults.len())
            .field("forbidden", &self.forbidden)
            .finish_non_exhaustive()
    }
}
