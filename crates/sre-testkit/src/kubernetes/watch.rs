//! Watches: a chunked stream of one JSON event a line, replayed from a resource version and then live.
//!
//! Kubernetes API concepts, "Efficient detection of changes": a version older than the history is answered by an
//! `ERROR` event with code 410, after which the client has to list again.

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use super::replies;
use super::route::Kind;
use super::store::{Change, Filter, Store, whole};
use crate::scripted::{Chunk, Reply, Request};

/// A client that is watching.
#[derive(Debug)]
pub(super) struct Watcher {
    kind: &'static Kind,
    filter: Filter,
    bookmarks: bool,
    line: UnboundedSender<Chunk>,
}

// === impl Watcher ===

impl Watcher {
    /// Sends a change if it is one that the client asked for; false once the client has gone.
    pub(super) fn tell(&self, change: &Change) -> bool {
        if change.plural != self.kind.plural || !self.filter.matches(&change.object) {
            return !self.line.is_closed();
        }
        self.send(change.what, &whole(self.kind, &change.object))
    }

    fn send(&self, what: &str, object: &Value) -> bool {
        self.line.send(Chunk::from(format!("{}\n", json!({ "type": what, "object": object })))).is_ok()
    }
}

// === impl Store ===

impl Store {
    /// Answers a `watch=true` list.
    pub(super) fn watch(&mut self, kind: &'static Kind, filter: Filter, request: &Request) -> Reply {
        let (line, reply) = Reply::channel();
        let bookmarks = request.query_value("allowWatchBookmarks").is_some_and(|on| on == "true" || on == "1");
        let watcher = Watcher { kind, filter, bookmarks, line };
        let since = request.query_value("resourceVersion").and_then(|version| version.parse::<u64>().ok()).unwrap_or(0);
        if since == 0 {
            for object in self.collection(kind).map_or(&[][..], |collection| &collection.objects) {
                if watcher.filter.matches(object) {
                    watcher.send("ADDED", &whole(kind, object));
                }
            }
        } else if since < self.oldest {
            watcher.send("ERROR", &too_old(since, self.oldest));
            return reply;
        } else {
            for change in self.history.iter().filter(|change| change.version > since) {
                watcher.tell(change);
            }
        }
        self.watchers.push(watcher);
        reply
    }

    /// How many clients watch a resource.
    pub(super) fn watching(&mut self, plural: &str) -> usize {
        self.watchers.retain(|watcher| !watcher.line.is_closed());
        self.watchers.iter().filter(|watcher| watcher.kind.plural == plural).count()
    }

    /// Tells the clients that asked for bookmarks how far they are.
    pub(super) fn bookmark(&mut self, plural: &str) {
        let metadata =
            json!({ "metadata": { "resourceVersion": self.version.to_string(), "creationTimestamp": null } });
        for watcher in self.watchers.iter().filter(|watcher| watcher.kind.plural == plural && watcher.bookmarks) {
            watcher.send("BOOKMARK", &whole(watcher.kind, &metadata));
        }
    }

    /// Forgets the history: whoever comes back with an older version has to list again.
    pub(super) fn compact(&mut self) {
        self.version += 1;
        self.oldest = self.version;
        self.history.clear();
    }

    /// Ends the watches of a resource: with a last event, with a fault, or in good order.
    pub(super) fn end_watches(&mut self, plural: &str, expired: bool, fault: Option<&Chunk>) {
        let oldest = self.oldest;
        self.watchers.retain(|watcher| {
            if watcher.kind.plural != plural {
                return true;
            }
            if expired {
                watcher.send("ERROR", &too_old(oldest.saturating_sub(1), oldest));
            }
            if let Some(fault) = fault {
                // A client that has gone already needs no fault.
                watcher.line.send(fault.clone()).ok();
            }
            false
        });
    }
}

fn too_old(asked: u64, oldest: u64) -> Value {
    replies::status(410, "Expired", &format!("too old resource version: {asked} ({oldest})"))
}
