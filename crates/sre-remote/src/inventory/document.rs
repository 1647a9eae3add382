//! The YAML inventory as serde reads it; every flaw with its line and column.

use std::fmt;
use std::marker::PhantomData;

use indexmap::IndexMap;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use sre_core::config::{self, Layers, Limits, Loaded, Origin};

use super::catalog::Inventory;
use super::error::{Flaw, InventoryError, InventoryErrorKind, Place};
use super::expression::{self, Meaning, Operator};
use super::groups;
use super::pattern::{MAX_HOSTS, Pattern};
use super::servers::MAX_BYTES;
use super::settings::{SPECIAL, Settings, is_key};
use super::spec::Spec;

/// The whole file.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Document {
    pub(super) vars: Vars,
    pub(super) hosts: Hosts,
    pub(super) groups: IndexMap<Name, Group>,
}

/// A group and what is in it.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Group {
    pub(super) hosts: Hosts,
    pub(super) children: Children,
    pub(super) tags: Tags,
    vars: Vars,
    user: Option<Direct<0>>,
    port: Option<Direct<1>>,
    key: Option<Direct<3>>,
    jump: Option<Direct<4>>,
    transport: Option<Direct<5>>,
    shell: Option<Direct<6>>,
}

/// What stands behind a host's name.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Details {
    pub(super) tags: Tags,
    vars: Vars,
    user: Option<Direct<0>>,
    port: Option<Direct<1>>,
    address: Option<Direct<2>>,
    key: Option<Direct<3>>,
    jump: Option<Direct<4>>,
    transport: Option<Direct<5>>,
    shell: Option<Direct<6>>,
}

/// A name of a group or tag.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Name(pub(super) String);

/// Patterns, each with its details.
#[derive(Debug, Default)]
pub(super) struct Hosts(pub(super) Vec<(Patterns, Details)>);

/// The terms of a host's name.
#[derive(Debug)]
pub(super) struct Patterns(pub(super) Vec<Pattern>);

/// Names of groups, or groups themselves.
#[derive(Debug, Default)]
pub(super) struct Children {
    pub(super) named: Vec<String>,
    pub(super) nested: Vec<(String, Group)>,
}

/// One tag or a list of them.
#[derive(Debug, Default)]
pub(super) struct Tags(pub(super) Vec<String>);

/// `vars:`
#[derive(Debug, Default)]
pub(super) struct Vars(pub(super) Settings);

/// The special setting number `KEY`, checked.
#[derive(Debug)]
struct Direct<const KEY: usize>(String);

/// Reads and resolves a YAML inventory.
pub(super) fn read(text: &str, source: &str) -> Result<Inventory, InventoryError> {
    let mut limits = Limits::default();
    limits.bytes = MAX_BYTES;
    // A name and some settings for each host.
    limits.values = MAX_HOSTS * 8;
    limits.expanded = MAX_BYTES * 2;
    let layers = Layers::new().limits(limits).text(source, text).map_err(|error| not_yaml(error, text))?;
    let loaded: Loaded<Document> = layers.load()?;
    groups::resolve(&loaded)
}

/// The YAML reader cannot know why brackets do not match, where patterns are the likely reason.
fn not_yaml(error: config::Error, text: &str) -> InventoryError {
    let Some(Origin::File { path, line, column }) = error.origin() else { return error.into() };
    let pattern = |line: &str| line.matches('[').count() > 1;
    if error.kind() != config::ErrorKind::Syntax || !text.lines().nth(line.saturating_sub(1)).is_some_and(pattern) {
        return error.into();
    }
    let place = Place::File { source: path.display().to_string().into(), line: *line, column: *column };
    InventoryError::new(
        InventoryErrorKind::Syntax,
        "this is not YAML: a pattern in a list of `[…]` stands without quotes",
    )
    .at(place)
    .help(Some("write `['web-[01-20]']`, or one host a line after `- `".to_owned()))
}

// === impl Group ===

impl Group {
    /// What it says about its hosts; its own keys win over `vars`.
    pub(super) fn settings(&self) -> Settings {
        let direct = [
            self.user.as_ref().map(Direct::pair),
            self.port.as_ref().map(Direct::pair),
            self.key.as_ref().map(Direct::pair),
            self.jump.as_ref().map(Direct::pair),
            self.transport.as_ref().map(Direct::pair),
            self.shell.as_ref().map(Direct::pair),
        ];
        with_direct(&self.vars, direct)
    }

    /// Whether it only names a group that is described elsewhere.
    pub(super) fn is_empty(&self) -> bool {
        self.hosts.0.is_empty()
            && self.children.named.is_empty()
            && self.children.nested.is_empty()
            && self.tags.0.is_empty()
            && self.settings().is_empty()
    }
}

// === impl Details ===

impl Details {
    /// What is said about the host.
    pub(super) fn settings(&self) -> Settings {
        let direct = [
            self.user.as_ref().map(Direct::pair),
            self.port.as_ref().map(Direct::pair),
            self.address.as_ref().map(Direct::pair),
            self.key.as_ref().map(Direct::pair),
            self.jump.as_ref().map(Direct::pair),
            self.transport.as_ref().map(Direct::pair),
            self.shell.as_ref().map(Direct::pair),
        ];
        with_direct(&self.vars, direct)
    }
}

fn with_direct<'d>(vars: &Vars, direct: impl IntoIterator<Item = Option<(&'static str, &'d str)>>) -> Settings {
    let mut settings = vars.0.clone();
    for (key, value) in direct.into_iter().flatten() {
        // It was checked when it was read.
        let _ = settings.set(key, value);
    }
    settings
}

// === impl Direct ===

impl<const KEY: usize> Direct<KEY> {
    fn pair(&self) -> (&'static str, &str) {
        (SPECIAL[KEY], &self.0)
    }
}

impl<'de, const KEY: usize> Deserialize<'de> for Direct<KEY> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Settings::default().set(SPECIAL[KEY], &text).map_err(wrong)?;
        Ok(Self(text))
    }
}

fn wrong<E: serde::de::Error>(flaw: Flaw) -> E {
    E::custom(flaw.into_text())
}

// === impl Vars ===

impl<'de> Deserialize<'de> for Vars {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut settings = Settings::default();
        deserializer.deserialize_map(Pairs(&mut settings))?;
        Ok(Self(settings))
    }
}

struct Pairs<'s>(&'s mut Settings);

struct Value<'s> {
    key: String,
    settings: &'s mut Settings,
}

impl<'de> Visitor<'de> for Pairs<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of variables")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(VarName(key)) = map.next_key()? {
            map.next_value_seed(Value { key, settings: &mut *self.0 })?;
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        // Whatever it looks like, a variable is text: 1.10 stays 1.10.
        let text = String::deserialize(deserializer)?;
        self.settings.set(&self.key, &text).map_err(wrong)
    }
}

struct VarName(String);

impl<'de> Deserialize<'de> for VarName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = String::deserialize(deserializer)?;
        match is_key(&key) {
            true => Ok(Self(key)),
            false => Err(D::Error::custom("the name of a variable has letters, digits, `-`, `_` and `.`")),
        }
    }
}

// === impl Name ===

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        match is_key(&name) && !name.starts_with('-') {
            true => Ok(Self(name)),
            false => Err(D::Error::custom("the name of a group or tag has letters, digits, `-`, `_` and `.`")),
        }
    }
}

// === impl Patterns ===

impl Patterns {
    fn parse(text: &str) -> Result<Self, Flaw> {
        let mut patterns = Vec::new();
        for term in expression::parse(text)? {
            let (Meaning::Hosts(pattern), Operator::Union) = (term.meaning, term.operator) else {
                let flaw = Flaw::syntax(term.at, "only host names and `,` stand here");
                return Err(flaw.help("groups within a group are its `children`"));
            };
            // Here its place is known; later it is not.
            pattern.expand(|name| Spec::parse(name).map(drop))?;
            patterns.push(pattern);
        }
        Ok(Self(patterns))
    }
}

impl<'de> Deserialize<'de> for Patterns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(|flaw| D::Error::custom(format!("`{text}`: {}", flaw.into_text())))
    }
}

/// Reads what may have several shapes. `T` says what it becomes.
struct Shapes<T>(PhantomData<T>);

// === impl Hosts ===

impl<'de> Deserialize<'de> for Hosts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Shapes::<Self>(PhantomData))
    }
}

impl<'de> Visitor<'de> for Shapes<Hosts> {
    type Value = Hosts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("hosts such as `web-[01-20]`: one, a list, or a map of hosts and their settings")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Hosts, E> {
        Ok(Hosts::default())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Hosts, E> {
        let patterns = Patterns::parse(text).map_err(|flaw| E::custom(format!("`{text}`: {}", flaw.into_text())))?;
        Ok(Hosts(vec![(patterns, Details::default())]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Hosts, A::Error> {
        let mut hosts = Vec::new();
        // An item is a host, or a map of hosts and their settings.
        while let Some(Hosts(more)) = items.next_element()? {
            hosts.extend(more);
        }
        Ok(Hosts(hosts))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Hosts, A::Error> {
        let mut hosts = Vec::new();
        while let Some(entry) = map.next_entry()? {
            hosts.push(entry);
        }
        Ok(Hosts(hosts))
    }
}

// === impl Children ===

impl<'de> Deserialize<'de> for Children {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Shapes::<Self>(PhantomData))
    }
}

impl<'de> Visitor<'de> for Shapes<Children> {
    type Value = Children;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of groups, or a map of groups")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Children, E> {
        Ok(Children::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Children, A::Error> {
        let mut children = Children::default();
        while let Some(Name(name)) = items.next_element()? {
            children.named.push(name);
        }
        Ok(children)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Children, A::Error> {
        let mut children = Children::default();
        while let Some((Name(name), group)) = map.next_entry()? {
            children.nested.push((name, group));
        }
        Ok(children)
    }
}

// === impl Tags ===

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Shapes::<Self>(PhantomData))
    }
}

impl<'de> Visitor<'de> for Shapes<Tags> {
    type Value = Tags;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a tag or a list of tags")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Tags, E> {
        Ok(Tags::default())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Tags, E> {
        match is_key(text) {
            true => Ok(Tags(vec![text.to_owned()])),
            false => Err(E::custom("a tag has letters, digits, `-`, `_` and `.`; several tags are a list")),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tags, A::Error> {
        let mut tags = Vec::new();
        while let Some(Name(tag)) = items.next_element()? {
            tags.push(tag);
        }
        Ok(Tags(tags))
    }
}
