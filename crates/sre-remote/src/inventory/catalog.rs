//! All hosts that are known, with their groups and tags.

use std::io::Read;
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use crate::host::Host;

use super::error::{InventoryError, InventoryErrorKind};
use super::roster::Roster;
use super::selection::{self, Selection};
use super::{document, servers};

/// The hosts of a fleet in order, with groups and tags to choose them by.
///
/// ```
/// use sre_remote::inventory::{Inventory, Selection};
/// let inventory = Inventory::from_yaml("groups: {web: {hosts: ['web-[01-03]'], vars: {user: sre}}}", "hosts.yaml")?;
/// let chosen = inventory.select(&Selection::all().exclude("web-02"))?;
/// let names: Vec<&str> = chosen.iter().map(|host| host.name()).collect();
/// assert_eq!(names, ["web-01", "web-03"]);
/// assert_eq!(chosen[0].user(), Some("sre"));
/// # Ok::<(), sre_remote::inventory::InventoryError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    pub(super) roster: Roster,
    /// Places in the roster, members of nested groups included, in order.
    pub(super) groups: IndexMap<Arc<str>, IndexSet<u32>>,
    pub(super) tags: IndexMap<Arc<str>, IndexSet<u32>>,
}

// === impl Inventory ===

impl Inventory {
    /// No host: a selection then takes the names as they are.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a servers file; `source` stands for it in errors (`servers.txt`, `-` for stdin).
    ///
    /// # Errors
    /// The first line that cannot be read, with its place.
    pub fn from_servers(text: &str, source: &str) -> Result<Self, InventoryError> {
        Ok(Self { roster: servers::read(text, source)?, ..Self::default() })
    }

    /// Reads a YAML inventory; `source` stands for it in errors.
    ///
    /// # Errors
    /// Text that is no YAML, an unknown key, a group that is missing or inside itself, a pattern that cannot be read; each
    /// with its place.
    pub fn from_yaml(text: &str, source: &str) -> Result<Self, InventoryError> {
        document::read(text, source)
    }

    /// Reads a servers file from a file or from stdin: at most 64 MiB of UTF-8.
    ///
    /// # Errors
    /// As [`from_servers`](Self::from_servers); bytes that cannot be read or are no text.
    pub fn read_servers(reader: impl Read, source: &str) -> Result<Self, InventoryError> {
        Self::from_servers(&servers::read_text(reader, source)?, source)
    }

    /// Reads a YAML inventory from a file or from stdin: at most 64 MiB of UTF-8.
    ///
    /// # Errors
    /// As [`from_yaml`](Self::from_yaml); bytes that cannot be read or are no text.
    pub fn read_yaml(reader: impl Read, source: &str) -> Result<Self, InventoryError> {
        Self::from_yaml(&servers::read_text(reader, source)?, source)
    }

    /// Adds another inventory: its hosts come behind, hosts of both are merged (what the other says wins), groups and
    /// tags of one name have the members of both. What a group's variables say has reached its hosts before.
    ///
    /// # Errors
    /// More than [`MAX_HOSTS`](super::MAX_HOSTS) together.
    pub fn merge(mut self, other: &Self) -> Result<Self, InventoryError> {
        let mut places = Vec::with_capacity(other.roster.len());
        for host in other.roster.hosts() {
            let place = self.roster.merge(host);
            places.push(place.map_err(|flaw| InventoryError::new(InventoryErrorKind::Limit, flaw.message))?);
        }
        self.roster.settle_names();
        for (ours, theirs) in [(&mut self.groups, &other.groups), (&mut self.tags, &other.tags)] {
            for (name, members) in theirs {
                let members = members.iter().filter_map(|place| places.get(*place as usize).copied());
                ours.entry(Arc::clone(name)).or_default().extend(members);
            }
        }
        Ok(self)
    }

    /// All hosts, in order.
    #[must_use]
    pub fn hosts(&self) -> &[Host] {
        self.roster.hosts()
    }

    /// How many hosts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.roster.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.roster.len() == 0
    }

    /// The groups with the number of their hosts, in the order of the file.
    pub fn groups(&self) -> impl Iterator<Item = (&str, usize)> {
        self.groups.iter().map(|(name, members)| (&**name, members.len()))
    }

    /// The tags with the number of their hosts, in the order of the file.
    pub fn tags(&self) -> impl Iterator<Item = (&str, usize)> {
        self.tags.iter().map(|(name, members)| (&**name, members.len()))
    }

    /// The hosts of a group, nested groups included; `None` when there is no such group.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<Vec<&Host>> {
        let members = self.groups.get(name)?;
        Some(members.iter().filter_map(|place| self.roster.hosts().get(*place as usize)).collect())
    }

    /// The chosen hosts, each once, in the order in which the expressions name them; without an expression, all in the
    /// order of the inventory. A choice that leaves nobody is an empty list.
    ///
    /// # Errors
    /// An expression that cannot be read, with its column; a group, tag, wildcard or (where
    /// [only known hosts](Selection::only_known) are wanted) a host that the inventory does not have, with the nearest
    /// one that it has.
    pub fn select(&self, selection: &Selection) -> Result<Vec<Host>, InventoryError> {
        selection::select(self, selection)
    }
}
