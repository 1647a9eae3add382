//! What the server holds: objects by resource, their versions, and the history that a watch replays.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::generated::Generated;
use super::route::Kind;
use super::watch::Watcher;

/// All that changes while the server runs.
#[derive(Debug)]
pub(super) struct Store {
    collections: BTreeMap<&'static str, Collection>,
    /// The version of the newest change.
    pub(super) version: u64,
    /// Watches can begin at this version or later.
    pub(super) oldest: u64,
    pub(super) history: Vec<Change>,
    pub(super) watchers: Vec<Watcher>,
}

/// The objects of one resource: those that were given, then those that are made on demand.
#[derive(Debug, Default)]
pub(super) struct Collection {
    /// Without `kind` and `apiVersion`, as the items of a real list.
    pub(super) objects: Vec<Value>,
    pub(super) generated: Option<Arc<Generated>>,
}

/// One step of the history.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) version: u64,
    pub(super) plural: &'static str,
    /// `ADDED`, `MODIFIED` or `DELETED`.
    pub(super) what: &'static str,
    pub(super) object: Value,
}

/// Which objects a list or a watch wants.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    pub(super) namespace: Option<String>,
    fields: Vec<Requirement>,
    labels: Vec<Requirement>,
}

#[derive(Clone, Debug)]
struct Requirement {
    key: String,
    /// `None`: the key must be there, whatever its value.
    value: Option<String>,
    equal: bool,
}

// === impl Store ===

impl Store {
    pub(super) fn new() -> Self {
        // Versions of a real cluster never begin at 1.
        Self { collections: BTreeMap::new(), version: 1000, oldest: 1000, history: Vec::new(), watchers: Vec::new() }
    }

    pub(super) fn collection(&self, kind: &Kind) -> Option<&Collection> {
        self.collections.get(kind.plural)
    }

    pub(super) fn set_generated(&mut self, generated: Generated) {
        self.collections.entry("pods").or_default().generated = Some(Arc::new(generated));
    }

    /// Puts an object that was there before the server started: no history.
    pub(super) fn seed(&mut self, kind: &'static Kind, mut object: Value) {
        self.version += 1;
        complete(kind, &mut object, self.version);
        self.collections.entry(kind.plural).or_default().objects.push(object);
        self.oldest = self.version;
    }

    pub(super) fn find(&self, kind: &Kind, namespace: Option<&str>, name: &str) -> Option<&Value> {
        self.collection(kind)?.objects.iter().find(|object| is(object, namespace, name))
    }

    /// Adds or replaces an object and tells the watchers.
    pub(super) fn apply(&mut self, kind: &'static Kind, mut object: Value) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = Value::Null;
        complete(kind, &mut object, self.version);
        let (namespace, name) = (text(&object, "namespace"), text(&object, "name").unwrap_or_default());
        let objects = &mut self.collections.entry(kind.plural).or_default().objects;
        let what = match objects.iter_mut().find(|old| is(old, namespace, name)) {
            Some(old) => {
                old.clone_from(&object);
                "MODIFIED"
            }
            None => {
                objects.push(object.clone());
                "ADDED"
            }
        };
        self.publish(Change { version: self.version, plural: kind.plural, what, object });
    }

    /// Removes an object and tells the watchers; false when there is none.
    pub(super) fn delete(&mut self, kind: &'static Kind, namespace: Option<&str>, name: &str) -> bool {
        let Some(collection) = self.collections.get_mut(kind.plural) else { return false };
        let Some(at) = collection.objects.iter().position(|object| is(object, namespace, name)) else { return false };
        let mut object = collection.objects.remove(at);
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.publish(Change { version: self.version, plural: kind.plural, what: "DELETED", object });
        true
    }

    fn publish(&mut self, change: Change) {
        self.watchers.retain(|watcher| watcher.tell(&change));
        self.history.push(change);
    }
}

// === impl Filter ===

impl Filter {
    pub(super) fn new(namespace: Option<&str>, field_selector: Option<&str>, label_selector: Option<&str>) -> Self {
        Self {
            namespace: namespace.map(str::to_owned),
            fields: requirements(field_selector),
            labels: requirements(label_selector),
        }
    }

    /// Whether it looks into the objects.
    pub(super) fn selects(&self) -> bool {
        !self.fields.is_empty() || !self.labels.is_empty()
    }

    pub(super) fn matches(&self, object: &Value) -> bool {
        let namespace = text(object, "namespace");
        self.namespace.as_deref().is_none_or(|wanted| namespace == Some(wanted))
            && self.fields.iter().all(|wanted| {
                let found = wanted.key.split('.').try_fold(object, |value, key| value.get(key));
                wanted.holds(found)
            })
            && self.labels.iter().all(|wanted| wanted.holds(object["metadata"]["labels"].get(&wanted.key)))
    }
}

// === impl Requirement ===

impl Requirement {
    fn holds(&self, found: Option<&Value>) -> bool {
        let found = found.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        match &self.value {
            None => found.is_some() == self.equal,
            Some(value) => (found.as_deref().unwrap_or_default() == value) == self.equal,
        }
    }
}

/// `a=b,c!=d,e,!f`: the equality part of both selector languages.
fn requirements(selector: Option<&str>) -> Vec<Requirement> {
    let selector = selector.unwrap_or_default();
    let parse = |term: &str| {
        if let Some((key, value)) = term.split_once("!=") {
            return Requirement { key: key.to_owned(), value: Some(value.to_owned()), equal: false };
        }
        if let Some((key, value)) = term.split_once('=') {
            return Requirement {
                key: key.to_owned(),
                value: Some(value.trim_start_matches('=').to_owned()),
                equal: true,
            };
        }
        let key = term.trim_start_matches('!').to_owned();
        Requirement { key, value: None, equal: !term.starts_with('!') }
    };
    selector.split(',').map(str::trim).filter(|term| !term.is_empty()).map(parse).collect()
}

/// Fills in what a server would have set.
fn complete(kind: &Kind, object: &mut Value, version: u64) {
    if let Some(fields) = object.as_object_mut() {
        fields.remove("kind");
        fields.remove("apiVersion");
    }
    let metadata = &mut object["metadata"];
    if metadata["name"].is_null() {
        let prefix = metadata["generateName"].as_str().unwrap_or("unnamed-").to_owned();
        metadata["name"] = json!(format!("{prefix}{version:x}"));
    }
    if kind.namespaced && metadata["namespace"].is_null() {
        metadata["namespace"] = json!("default");
    }
    if metadata["uid"].is_null() {
        metadata["uid"] = json!(format!("00000000-0000-4000-9000-{version:012}"));
    }
    if metadata["resourceVersion"].is_null() {
        metadata["resourceVersion"] = json!(version.to_string());
    }
}

fn is(object: &Value, namespace: Option<&str>, name: &str) -> bool {
    text(object, "name") == Some(name) && text(object, "namespace") == namespace
}

fn text<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object["metadata"][key].as_str()
}

/// The object with the `kind` and `apiVersion` that it has when it is not in a list.
pub(super) fn whole(kind: &Kind, object: &Value) -> Value {
    let mut whole = json!({ "kind": kind.name, "apiVersion": kind.api_version() });
    if let (Some(whole), Some(fields)) = (whole.as_object_mut(), object.as_object()) {
        whole.extend(fields.clone());
    }
    whole
}
