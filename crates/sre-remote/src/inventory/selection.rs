//! Choosing hosts: `-w`, `-g`, `-i` and `-x`, evaluated against an inventory.

use std::collections::HashMap;

use sre_core::config::nearest;

use crate::host::Host;
use crate::wildcard;

use super::catalog::Inventory;
use super::error::{Flaw, InventoryError, InventoryErrorKind, clip};
use super::expression::{self, Meaning, Operator, Ordered, Term};
use super::pattern::Pattern;
use super::roster::{Roster, renamed};
use super::settings::Settings;
use super::spec::{Spec, with_port};

/// Which hosts of an inventory: (all of it, or the union of expressions and groups), then only those that every
/// intersection has, then without the excluded ones.
///
/// ```
/// use sre_remote::inventory::{Inventory, Selection};
/// // No inventory: the names are taken as they are.
/// let chosen = Inventory::new().select(&Selection::all().hosts("sre@db-[a-c]:2222").exclude("db-b"))?;
/// assert_eq!((chosen.len(), chosen[1].name(), chosen[1].port()), (2, "db-c", Some(2222)));
/// # Ok::<(), sre_remote::inventory::InventoryError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    include: Vec<String>,
    intersect: Vec<String>,
    exclude: Vec<String>,
    only_known: bool,
}

// === impl Selection ===

impl Selection {
    /// All hosts of the inventory, until an expression or a group narrows it.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// An expression (`-w`): patterns, groups, set operations. Several are united.
    #[must_use]
    pub fn hosts(mut self, expression: impl Into<String>) -> Self {
        self.include.push(expression.into());
        self
    }

    /// A group by its name (`-g web` is `-w @web`).
    #[must_use]
    pub fn group(mut self, name: &str) -> Self {
        let name = name.strip_prefix('@').unwrap_or(name);
        self.include.push(format!("@{name}"));
        self
    }

    /// An expression that every chosen host must be in (`-i`).
    #[must_use]
    pub fn intersect(mut self, expression: impl Into<String>) -> Self {
        self.intersect.push(expression.into());
        self
    }

    /// An expression of hosts to leave out (`-x`).
    #[must_use]
    pub fn exclude(mut self, expression: impl Into<String>) -> Self {
        self.exclude.push(expression.into());
        self
    }

    /// Whether a name that the inventory does not have is an error, as a typing mistake would be; off by default.
    #[must_use]
    pub fn only_known(mut self, only_known: bool) -> Self {
        self.only_known = only_known;
        self
    }
}

/// What is chosen so far. Places below `inventory.len()` are its hosts, the others are `strangers`.
struct Choice<'i> {
    inventory: &'i Inventory,
    only_known: bool,
    strangers: Roster,
    /// `root@web-01`, `web-01:2222` for a host of the inventory: who or where it is this time.
    changes: HashMap<u32, (Option<String>, Option<u16>)>,
}

pub(super) fn select(inventory: &Inventory, selection: &Selection) -> Result<Vec<Host>, InventoryError> {
    let mut choice =
        Choice { inventory, only_known: selection.only_known, strangers: Roster::default(), changes: HashMap::new() };
    let mut chosen = Ordered::new();
    if selection.include.is_empty() {
        choice.all(&mut chosen);
    }
    for expression in &selection.include {
        chosen.apply(Operator::Union, choice.evaluate(expression, true)?);
    }
    for expression in &selection.intersect {
        chosen.apply(Operator::Intersection, choice.evaluate(expression, false)?);
    }
    for expression in &selection.exclude {
        chosen.apply(Operator::Difference, choice.evaluate(expression, false)?);
    }
    Ok(choice.into_hosts(chosen))
}

// === impl Choice ===

impl Choice<'_> {
    /// `choosing`: hosts that are named are wanted, so they may be strangers, and what is said about them counts.
    fn evaluate(&mut self, expression: &str, choosing: bool) -> Result<Ordered<u32>, InventoryError> {
        let mut set = Ordered::new();
        for term in expression::parse(expression).map_err(|flaw| flaw.in_expression(expression))? {
            let wanted = choosing && matches!(term.operator, Operator::Union | Operator::SymmetricDifference);
            let right = self.term(&term, wanted).map_err(|flaw| flaw.shifted(term.at).in_expression(expression))?;
            set.apply(term.operator, right);
        }
        Ok(set)
    }

    fn term(&mut self, term: &Term, wanted: bool) -> Result<Ordered<u32>, Flaw> {
        let mut found = Ordered::new();
        match &term.meaning {
            Meaning::All => self.all(&mut found),
            Meaning::Hosts(pattern) => pattern.expand(|name| self.host(name, wanted, &mut found))?,
            Meaning::Wildcard(pattern) => pattern.expand(|mask| self.fitting(mask, &mut found))?,
            Meaning::Group(pattern) => {
                expand_named(pattern, &self.inventory.groups, InventoryErrorKind::UnknownGroup, "group", &mut found)?;
            }
            Meaning::Tag(pattern) => {
                expand_named(pattern, &self.inventory.tags, InventoryErrorKind::UnknownTag, "tag", &mut found)?;
            }
        }
        Ok(found)
    }

    fn all(&self, found: &mut Ordered<u32>) {
        (0..).take(self.inventory.len()).for_each(|place| found.insert(place));
    }

    fn host(&mut self, name: &str, wanted: bool, found: &mut Ordered<u32>) -> Result<(), Flaw> {
        let spec = Spec::parse(name)?;
        let places = self.inventory.roster.find(spec.host, spec.port);
        for place in &places {
            found.insert(*place);
            if wanted && (spec.user.is_some() || spec.port.is_some()) {
                let change = self.changes.entry(*place).or_default();
                change.0 = spec.user.map(str::to_owned).or(change.0.take());
                change.1 = spec.port.or(change.1);
            }
        }
        if !places.is_empty() {
            return Ok(());
        }
        let offset = self.inventory.roster.len();
        if wanted {
            if self.only_known {
                return Err(self.unknown_host(spec.host));
            }
            let place = self.strangers.add(spec, &Settings::default())?;
            found.insert(place + offset as u32);
        } else {
            self.strangers.find(spec.host, spec.port).into_iter().for_each(|place| found.insert(place + offset as u32));
        }
        Ok(())
    }

    fn unknown_host(&self, name: &str) -> Flaw {
        let flaw = Flaw::new(InventoryErrorKind::UnknownHost, 0, format!("`{}` is not in the inventory", clip(name)));
        match nearest(name, self.inventory.hosts().iter().map(Host::name)) {
            Some(likely) => flaw.help(format!("did you mean `{likely}`?")),
            None => flaw,
        }
    }

    fn fitting(&self, mask: &str, found: &mut Ordered<u32>) -> Result<(), Flaw> {
        let mut any = false;
        for (place, host) in (0..).zip(self.inventory.hosts()) {
            if wildcard::matches(mask, host.name()) {
                any = true;
                found.insert(place);
            }
        }
        match any {
            true => Ok(()),
            false => {
                let message = format!("no host of the inventory fits `{}`", clip(mask));
                Err(Flaw::new(InventoryErrorKind::UnknownHost, 0, message))
            }
        }
    }

    fn into_hosts(mut self, chosen: Ordered<u32>) -> Vec<Host> {
        self.strangers.settle_names();
        let known = self.inventory.roster.len();
        let host = |place: u32| -> Option<Host> {
            let Some(host) = self.inventory.hosts().get(place as usize) else {
                let stranger = self.strangers.hosts().get(place as usize - known)?;
                return Some(self.apart(stranger));
            };
            let mut host = host.clone();
            if let Some((user, port)) = self.changes.get(&place) {
                host = user.iter().fold(host, |host, user| host.with_user(user.as_str()));
                host = port.iter().fold(host, |host, port| host.with_port(*port));
            }
            Some(host)
        };
        chosen.into_iter().filter_map(host).collect()
    }

    /// A stranger that has its text, but not its port, from a host of the inventory: what that one knows besides (its
    /// user, its address, its key) goes for it, too, under a name of its own.
    fn apart(&self, stranger: &Host) -> Host {
        let (Some(place), Some(port)) =
            (self.inventory.roster.find(stranger.name(), None).first().copied(), stranger.port())
        else {
            return stranger.clone();
        };
        let Some(known) = self.inventory.hosts().get(place as usize) else { return stranger.clone() };
        let host = renamed(known, &with_port(stranger.name(), port)).with_port(port);
        stranger.user().map_or(host.clone(), |user| host.with_user(user))
    }
}

fn expand_named(
    pattern: &Pattern,
    known: &indexmap::IndexMap<std::sync::Arc<str>, indexmap::IndexSet<u32>>,
    kind: InventoryErrorKind,
    what: &str,
    found: &mut Ordered<u32>,
) -> Result<(), Flaw> {
    pattern.expand(|name| {
        let Some(members) = known.get(name) else {
            let flaw = Flaw::new(kind, 0, format!("there is no {what} `{}`", clip(name)));
            return Err(match (nearest(name, known.keys().map(|name| &**name)), known.is_empty()) {
                (Some(likely), _) => flaw.help(format!("did you mean `{likely}`?")),
                (None, true) => flaw.help(format!("the inventory has no {what}s: they come from a YAML inventory")),
                (None, false) => flaw.help(listed(known.keys().map(|name| &**name))),
            });
        };
        members.iter().for_each(|place| found.insert(*place));
        Ok(())
    })
}

fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    const SHOWN: usize = 6;
    let mut names: Vec<&str> = names.take(SHOWN + 1).collect();
    let more = if names.len() > SHOWN { ", …" } else { "" };
    names.truncate(SHOWN);
    format!("one of: {}{more}", names.join(", "))
}
