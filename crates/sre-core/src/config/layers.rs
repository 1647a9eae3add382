//! Putting the layers together.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::env::Environment;
use super::error::{Error, ErrorKind};
use super::keys::keys;
use super::node::{Node, Value};
use super::origin::{Layered, Origin};
use super::scalar::Scalar;
use super::show::Shown;
use super::yaml::Limits;
use super::{de, file, yaml};

/// Collects the layers of a configuration; see the [module](super).
///
/// Whatever the order of the calls: files lie under the environment, the environment under the flags. Within a layer,
/// the later call wins.
#[derive(Clone)]
pub struct Layers {
    limits: Limits,
    files: Node,
    read: Vec<PathBuf>,
    environment: Environment,
    flags: Vec<(String, Node)>,
}

/// A configuration, and where each of its values came from.
#[derive(Clone)]
#[non_exhaustive]
pub struct Loaded<T> {
    /// The configuration.
    pub value: T,
    /// Variables that look like settings of this tool and set nothing, as lines for the log.
    pub warnings: Vec<String>,
    /// The files that were read, lowest layer first.
    pub files: Vec<PathBuf>,
    tree: Node,
}

// === impl Layers ===

impl Default for Layers {
    fn default() -> Self {
        Self::new()
    }
}

impl Layers {
    /// No layer but the defaults.
    #[must_use]
    pub fn new() -> Self {
        Self {
            limits: Limits::default(),
            files: Node::empty(),
            read: Vec::new(),
            environment: Environment::default(),
            flags: Vec::new(),
        }
    }

    /// What a file may cost; call it before [`file`](Self::file).
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// A file that must be there. Its documents are merged in order.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::Unreadable`], [`ErrorKind::NotUtf8`], [`ErrorKind::Limit`],
    /// [`ErrorKind::Syntax`] and [`ErrorKind::DuplicateKey`].
    pub fn file(mut self, path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let nodes = file::nodes(path, self.limits)?;
        self.read.push(path.to_owned());
        self.lay(path, nodes)
    }

    /// A file that may be there, such as the one in the user's configuration folder.
    ///
    /// # Errors
    /// As [`file`](Self::file), but for [`ErrorKind::NotFound`].
    pub fn file_if_exists(self, path: impl AsRef<Path>) -> Result<Self, Error> {
        match self.clone().file(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(self),
            other => other,
        }
    }

    /// Text that was read elsewhere; `name` stands for it in errors.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`], [`ErrorKind::Syntax`] and [`ErrorKind::DuplicateKey`].
    pub fn text(self, name: impl AsRef<Path>, text: &str) -> Result<Self, Error> {
        let nodes = yaml::documents(name.as_ref(), text, self.limits)?;
        self.lay(name.as_ref(), nodes)
    }

    fn lay(mut self, path: &Path, nodes: Vec<Node>) -> Result<Self, Error> {
        for node in nodes {
            if !matches!(node.value, Value::Map(_)) {
                let found = if matches!(node.value, Value::List(_)) { "a list" } else { "a single value" };
                let error = Error::new(ErrorKind::InvalidValue, format!("expected keys and values, found {found}"));
                return Err(error.at(node.origin).at_least(&Origin::whole_file(path)));
            }
            self.files.merge(node);
        }
        Ok(self)
    }

    /// The environment: `PREFIX_TIMEOUT` is `timeout`, `PREFIX_PROMETHEUS_URL` is `prometheus.url`, a list is separated
    /// by commas, an empty variable is not set. Usually `.env("MORNING_CHECK", std::env::vars_os())`.
    ///
    /// A variable with the prefix and no key becomes a [warning](Loaded::warnings): it may belong to another version.
    #[must_use]
    pub fn env<K: Into<OsString>, V: Into<OsString>>(
        mut self,
        prefix: &str,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.environment.add(prefix, variables);
        self
    }

    /// Another variable that sets `key`, such as `PROMETHEUS_URL`; the one with the prefix wins over it.
    #[must_use]
    pub fn env_alias(mut self, variable: &str, key: &str) -> Self {
        self.environment.alias(variable, key);
        self
    }

    /// A variable with the prefix that is read elsewhere and deserves no warning, such as `MORNING_CHECK_CONFIG`.
    #[must_use]
    pub fn env_known(mut self, variable: &str) -> Self {
        self.environment.know(variable);
        self
    }

    /// A flag with a value, if it was given.
    #[must_use]
    pub fn flag(mut self, flag: &str, key: &str, value: Option<impl Into<String>>) -> Self {
        if let Some(value) = value {
            let origin = Origin::Flag(flag.into());
            self.flags.push((key.to_owned(), Node { value: Value::Scalar(Scalar::outside(value)), origin }));
        }
        self
    }

    /// A flag that may be given several times; given, it replaces the list of the layers below.
    #[must_use]
    pub fn flag_list<S: Into<String>>(mut self, flag: &str, key: &str, values: impl IntoIterator<Item = S>) -> Self {
        let origin = Origin::Flag(flag.into());
        let item = |value: S| Node { value: Value::Scalar(Scalar::outside(value)), origin: origin.clone() };
        let items: Vec<Node> = values.into_iter().map(item).collect();
        if !items.is_empty() {
            self.flags.push((key.to_owned(), Node { value: Value::List(items), origin }));
        }
        self
    }

    /// Merges the layers and reads the result into `T`.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownKey`], [`ErrorKind::MissingKey`], [`ErrorKind::InvalidValue`] and
    /// [`ErrorKind::InlineSecret`], each with the place that is to blame.
    pub fn load<T: DeserializeOwned>(self) -> Result<Loaded<T>, Error> {
        let mut tree = self.files;
        let warnings = self.environment.apply(&keys::<T>(), &mut tree)?;
        for (key, node) in self.flags {
            tree.set(&key, node);
        }
        Ok(Loaded { value: de::read(&tree)?, warnings, files: self.read, tree })
    }
}

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layers").field("files", &self.read).finish_non_exhaustive()
    }
}

// === impl Loaded ===

impl<T> Loaded<T> {
    /// Who set the value at a dotted key, such as `prometheus.url` or `clusters[1].critical`.
    #[must_use]
    pub fn origin(&self, key: &str) -> Origin {
        self.tree.get(key).map_or(Origin::Default, |node| node.origin.clone())
    }

    /// A value with its origin: `loaded.layered("timeout", |c| c.timeout)`.
    pub fn layered<V>(&self, key: &str, value: impl FnOnce(&T) -> V) -> Layered<V> {
        Layered { value: value(&self.value), origin: self.origin(key) }
    }

    /// What `--show-config` prints: every value with its origin, secrets masked.
    pub fn show(&self) -> Shown
    where
        T: Serialize,
    {
        Shown::new(&self.value, |key| self.origin(key))
    }
}

impl<T: fmt::Debug> fmt::Debug for Loaded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("value", &self.value).field("files", &self.files).finish_non_exhaustive()
    }
}
