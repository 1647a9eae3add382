//! Names of hosts as a set that keeps its order.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexSet;

use super::error::{Flaw, InventoryError, InventoryErrorKind};
use super::expression::{self, Meaning, Ordered};
use super::fold::fold;

/// An ordered set of host names. `Display` is its folded form.
///
/// ```
/// use sre_remote::inventory::HostSet;
/// let web = HostSet::parse("web-[01-20]!web-13")?;
/// assert_eq!(web.len(), 19);
/// assert_eq!(web.to_string(), "web-[01-12,14-20]");
/// let odd = web.intersection(&HostSet::parse("web-[01-99/2]")?);
/// assert_eq!(odd.iter().take(3).collect::<Vec<_>>(), ["web-01", "web-03", "web-05"]);
/// # Ok::<(), sre_remote::inventory::InventoryError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostSet {
    names: IndexSet<Arc<str>>,
}

// === impl HostSet ===

impl HostSet {
    /// No host.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Evaluates an expression without an inventory: patterns and set operations, as in the [module](super). Names stay
    /// as they are written, `user@` and `:port` included.
    ///
    /// # Errors
    /// What cannot be read, with its column; more than [`MAX_HOSTS`](super::MAX_HOSTS); a group, tag or wildcard.
    pub fn parse(expression: &str) -> Result<Self, InventoryError> {
        let names = evaluate(expression).map_err(|flaw| flaw.in_expression(expression))?;
        Ok(names.into_iter().collect())
    }

    /// Adds a name; `false` when it was there.
    pub fn insert(&mut self, name: impl Into<Arc<str>>) -> bool {
        self.names.insert(name.into())
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether it is in the set.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// The names in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// Those of this set, then those that only the other has.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self { names: self.names.union(&other.names).cloned().collect() }
    }

    /// Those that the other does not have.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        Self { names: self.names.difference(&other.names).cloned().collect() }
    }

    /// Those that the other has, too.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self { names: self.names.intersection(&other.names).cloned().collect() }
    }

    /// Those that exactly one of the two has.
    #[must_use]
    pub fn symmetric_difference(&self, other: &Self) -> Self {
        Self { names: self.names.symmetric_difference(&other.names).cloned().collect() }
    }
}

fn evaluate(expression: &str) -> Result<Ordered<Arc<str>>, Flaw> {
    let mut set = Ordered::new();
    for term in expression::parse(expression)? {
        let Meaning::Hosts(pattern) = &term.meaning else {
            let message = "groups, tags and wildcards need an inventory";
            return Err(Flaw::new(InventoryErrorKind::UnknownGroup, term.at, message));
        };
        let mut names = Ordered::new();
        pattern.expand(|name| -> Result<(), Flaw> {
            names.insert(Arc::from(name));
            Ok(())
        })?;
        set.apply(term.operator, names);
    }
    Ok(set)
}

impl<S: Into<Arc<str>>> FromIterator<S> for HostSet {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        Self { names: names.into_iter().map(Into::into).collect() }
    }
}

impl fmt::Display for HostSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&fold(self.iter()))
    }
}
