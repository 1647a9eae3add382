//! The environment as a layer: `MORNING_CHECK_PROMETHEUS_URL` is `prometheus.url`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

use super::error::{Error, ErrorKind};
use super::keys::{Key, KeyKind};
use super::node::{Node, Value};
use super::origin::Origin;
use super::scalar::Scalar;
use super::suggest;

/// The variables that were handed in, and how they are named.
#[derive(Debug, Clone, Default)]
pub(super) struct Environment {
    prefix: String,
    variables: BTreeMap<String, OsString>,
    /// Variable without the prefix to key.
    aliases: Vec<(String, String)>,
    /// Variables with the prefix that somebody else reads.
    known: BTreeSet<String>,
}

// === impl Environment ===

impl Environment {
    pub(super) fn add<K: Into<OsString>, V: Into<OsString>>(
        &mut self,
        prefix: &str,
        variables: impl IntoIterator<Item = (K, V)>,
    ) {
        prefix.clone_into(&mut self.prefix);
        // A name that is not UTF-8 is none of ours.
        let named = variables.into_iter().filter_map(|(k, v)| Some((k.into().into_string().ok()?, v.into())));
        self.variables.extend(named);
    }

    pub(super) fn alias(&mut self, variable: &str, key: &str) {
        self.aliases.push((variable.to_owned(), key.to_owned()));
    }

    pub(super) fn know(&mut self, variable: &str) {
        self.known.insert(variable.to_owned());
    }

    /// Lays the variables over `root`; returns a warning for each that looks like ours and is not.
    pub(super) fn apply(&self, keys: &[Key], root: &mut Node) -> Result<Vec<String>, Error> {
        for (variable, key) in &self.aliases {
            self.set(variable, key, root)?;
        }
        if self.prefix.is_empty() {
            return Ok(Vec::new());
        }
        let mut ours: BTreeMap<String, &str> = BTreeMap::new();
        for key in keys.iter().filter(|key| settable(key, keys)) {
            ours.entry(self.name_of(&key.path)).or_insert(&key.path);
        }
        for (variable, key) in &ours {
            self.set(variable, key, root)?;
        }
        let start = format!("{}_", self.prefix);
        let strange =
            |name: &&String| name.starts_with(&start) && !ours.contains_key(*name) && !self.known.contains(*name);
        Ok(self.variables.keys().filter(strange).map(|name| self.warning(name, keys, &ours)).collect())
    }

    fn name_of(&self, path: &str) -> String {
        format!("{}_{}", self.prefix, path.replace(['.', '-'], "_").to_ascii_uppercase())
    }

    /// An empty variable counts as one that is not set: that is how a shell unsets it for one command.
    fn set(&self, variable: &str, key: &str, root: &mut Node) -> Result<(), Error> {
        let Some(value) = self.variables.get(variable).filter(|value| !value.is_empty()) else { return Ok(()) };
        let origin = Origin::Env(variable.into());
        let Some(text) = value.to_str() else {
            return Err(Error::new(ErrorKind::NotUtf8, "the value is not UTF-8").under(key).at(origin));
        };
        root.set(key, Node { value: Value::Scalar(Scalar::outside(text.trim())), origin });
        Ok(())
    }

    fn warning(&self, name: &str, keys: &[Key], ours: &BTreeMap<String, &str>) -> String {
        if let Some(key) = keys.iter().find(|key| self.name_of(&key.path) == name) {
            return format!("environment variable {name} sets nothing: `{key}` can only be set in a file");
        }
        // The prefix is left out of the comparison: it would make any two names alike.
        let own = |name: &str| name.get(self.prefix.len() + 1..).unwrap_or_default().to_owned();
        let known: Vec<String> = ours.keys().map(|name| own(name)).collect();
        let likely = suggest::nearest(&own(name), known.iter().map(String::as_str));
        let hint = likely.map(|likely| format!("; did you mean {}_{likely}?", self.prefix)).unwrap_or_default();
        format!("environment variable {} sets nothing{hint}", suggest::clip(name))
    }
}

/// Whether one line of text can hold it: no map, no list of maps, nothing inside a list.
fn settable(key: &Key, all: &[Key]) -> bool {
    let items = format!("{}[].", key.path);
    key.kind != KeyKind::Map && !key.path.contains("[]") && !all.iter().any(|other| other.path.starts_with(&items))
}
