//! From what a YAML inventory says to hosts, groups with all their members, and tags.
//!
//! A host knows best, then its nearest group, then that group's parents, then the `vars` of the file. Of two groups that
//! are equally near, the one that stands later in the file wins.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use sre_core::config::{Loaded, Origin, nearest};

use super::catalog::Inventory;
use super::document::{Document, Group, Hosts};
use super::error::{Flaw, InventoryError, InventoryErrorKind, Place};
use super::pattern::MAX_HOSTS;
use super::roster::Roster;
use super::settings::Settings;
use super::spec::Spec;

/// Places of hosts in groups, counted in every parent again; a chain of thousands of groups would else fill the memory.
const MAX_MEMBERSHIPS: usize = 20 * MAX_HOSTS;

/// A group, taken out of the tree.
struct Flat<'d> {
    group: &'d Group,
    /// The key at which it stands, for errors.
    path: String,
    children: Vec<usize>,
    /// Longest way down from a group without parents.
    depth: usize,
}

type Flats<'d> = IndexMap<&'d str, Flat<'d>>;

pub(super) fn resolve(loaded: &Loaded<Document>) -> Result<Inventory, InventoryError> {
    let document = &loaded.value;
    let flats = flatten(loaded)?;
    let order = downwards(loaded, flats)?;
    let (mut roster, mut tags) = (Roster::default(), IndexMap::new());
    add_hosts(&document.hosts, &mut roster, &mut tags)?;
    let mut own = Vec::new();
    for flat in order.flats.values() {
        own.push(add_hosts(&flat.group.hosts, &mut roster, &mut tags)?);
    }
    let members = all_members(&order, own)?;
    for index in order.parents_first.iter().rev() {
        let (flat, members) = (&order.flats[*index], &members[*index]);
        let settings = flat.group.settings();
        for place in members {
            fill(&mut roster, *place, &settings);
        }
    }
    for place in 0..roster.len() {
        fill(&mut roster, place as u32, &document.vars.0);
    }
    for (flat, members) in order.flats.values().zip(&members) {
        for tag in &flat.group.tags.0 {
            tags.entry(Arc::from(tag.as_str())).or_insert_with(IndexSet::new).extend(members.iter().copied());
        }
    }
    tags.values_mut().for_each(IndexSet::sort_unstable);
    roster.settle_names();
    let groups = order.flats.keys().map(|name| Arc::from(*name)).zip(members).collect();
    Ok(Inventory { roster, groups, tags })
}

fn fill(roster: &mut Roster, place: u32, settings: &Settings) {
    if !settings.is_empty() {
        roster.update(place, |host| settings.fill(host));
    }
}

/// Adds the hosts of one list; returns their places.
fn add_hosts(
    hosts: &Hosts,
    roster: &mut Roster,
    tags: &mut IndexMap<Arc<str>, IndexSet<u32>>,
) -> Result<IndexSet<u32>, InventoryError> {
    let mut places = IndexSet::new();
    let wrong = |flaw: Flaw| InventoryError::new(flaw.kind, flaw.message);
    for (patterns, details) in &hosts.0 {
        let settings = details.settings();
        let mut these = Vec::new();
        for pattern in &patterns.0 {
            let add = |name: &str| roster.add(Spec::parse(name)?, &settings).map(|place| these.push(place));
            pattern.expand(add).map_err(wrong)?;
        }
        for tag in &details.tags.0 {
            tags.entry(Arc::from(tag.as_str())).or_default().extend(these.iter().copied());
        }
        places.extend(these);
    }
    Ok(places)
}

/// All groups by name, nested ones behind their parents.
fn flatten(loaded: &Loaded<Document>) -> Result<Flats<'_>, InventoryError> {
    let mut flats: Flats<'_> = IndexMap::new();
    let top = loaded.value.groups.iter().map(|(name, group)| (name.0.as_str(), group, format!("groups.{}", name.0)));
    let mut waiting: Vec<_> = top.collect();
    waiting.reverse();
    while let Some((name, group, path)) = waiting.pop() {
        let nested = group.children.nested.iter();
        let nested = nested.map(|(child, inner)| (child.as_str(), inner, format!("{path}.children.{child}")));
        waiting.extend(nested.collect::<Vec<_>>().into_iter().rev());
        match flats.get_mut(name) {
            // Where a group is only named, it is described elsewhere.
            Some(_) if group.is_empty() => {}
            Some(known) if known.group.is_empty() => (known.group, known.path) = (group, path),
            Some(known) => {
                let message = format!("the group `{name}` is described twice");
                let first = place(loaded, &known.path).map(|place| format!("the first time at {place}"));
                return Err(located(loaded, &path, InventoryErrorKind::Syntax, message).help(first));
            }
            None => {
                flats.insert(name, Flat { group, path, children: Vec::new(), depth: 0 });
            }
        }
    }
    link(loaded, &mut flats)?;
    Ok(flats)
}

/// Finds the children of every group.
fn link(loaded: &Loaded<Document>, flats: &mut Flats<'_>) -> Result<(), InventoryError> {
    for index in 0..flats.len() {
        let group = flats[index].group;
        let mut children = Vec::new();
        for (number, name) in group.children.named.iter().enumerate() {
            let Some(child) = flats.get_index_of(name.as_str()) else {
                let path = format!("{}.children[{number}]", flats[index].path);
                let error =
                    located(loaded, &path, InventoryErrorKind::UnknownGroup, format!("there is no group `{name}`"));
                let likely = nearest(name, flats.keys().copied());
                return Err(error.help(likely.map(|likely| format!("did you mean `{likely}`?"))));
            };
            children.push(child);
        }
        children.extend(group.children.nested.iter().filter_map(|(name, _)| flats.get_index_of(name.as_str())));
        children.sort_unstable();
        children.dedup();
        flats[index].children = children;
    }
    Ok(())
}

/// The groups, and the order in which each stands behind all its parents.
struct Downwards<'d> {
    flats: Flats<'d>,
    parents_first: Vec<usize>,
}

fn downwards<'d>(loaded: &Loaded<Document>, mut flats: Flats<'d>) -> Result<Downwards<'d>, InventoryError> {
    let mut parents = vec![0_usize; flats.len()];
    flats.values().flat_map(|flat| &flat.children).for_each(|child| parents[*child] += 1);
    let mut order: Vec<usize> = (0..flats.len()).filter(|index| parents[*index] == 0).collect();
    let mut at = 0;
    while let Some(index) = order.get(at).copied() {
        at += 1;
        let depth = flats[index].depth + 1;
        for child in flats[index].children.clone() {
            flats[child].depth = flats[child].depth.max(depth);
            parents[child] -= 1;
            if parents[child] == 0 {
                order.push(child);
            }
        }
    }
    if order.len() < flats.len() {
        return Err(cycle(loaded, &flats, &parents));
    }
    order.sort_by_key(|index| (flats[*index].depth, *index));
    Ok(Downwards { flats, parents_first: order })
}

/// Names one circle: every group that is left has a parent that is left, so going up must come around.
fn cycle(loaded: &Loaded<Document>, flats: &Flats<'_>, parents: &[usize]) -> InventoryError {
    let left = |index: &usize| parents[*index] > 0;
    let parent_of = |child: usize| (0..flats.len()).filter(left).find(|index| flats[*index].children.contains(&child));
    let mut way: Vec<usize> = (0..flats.len()).find(left).into_iter().collect();
    while let Some(parent) = way.last().and_then(|child| parent_of(*child)) {
        if let Some(start) = way.iter().position(|seen| *seen == parent) {
            way.drain(..start);
            break;
        }
        way.push(parent);
    }
    // Upwards it was found, downwards it is read; from the one that stands first in the file.
    way.reverse();
    let first = way.iter().enumerate().min_by_key(|(_, index)| **index).map_or(0, |(at, _)| at);
    way.rotate_left(first);
    let start = way.first().copied().unwrap_or_default();
    let names: Vec<String> = way.iter().chain([&start]).map(|index| format!("`{}`", name(flats, *index))).collect();
    let message = format!("the group {} is inside itself: {}", names[0], names.join(" → "));
    let path = flats.get_index(start).map_or(String::new(), |(_, flat)| format!("{}.children", flat.path));
    located(loaded, &path, InventoryErrorKind::Cycle, message)
}

fn name<'d>(flats: &Flats<'d>, index: usize) -> &'d str {
    flats.get_index(index).map_or("", |(name, _)| *name)
}

/// The members of each group: its own hosts, then those of its children.
fn all_members(order: &Downwards<'_>, own: Vec<IndexSet<u32>>) -> Result<Vec<IndexSet<u32>>, InventoryError> {
    let mut members = own;
    let mut total = 0;
    for index in order.parents_first.iter().rev() {
        let mut all = std::mem::take(&mut members[*index]);
        for child in &order.flats[*index].children {
            all.extend(members[*child].iter().copied());
        }
        total += all.len();
        if total > MAX_MEMBERSHIPS {
            let message = format!("hosts are in groups more than {MAX_MEMBERSHIPS} times");
            return Err(InventoryError::new(InventoryErrorKind::Limit, message));
        }
        members[*index] = all;
    }
    Ok(members)
}

fn located(
    loaded: &Loaded<Document>,
    path: &str,
    kind: InventoryErrorKind,
    message: impl Into<String>,
) -> InventoryError {
    let error = InventoryError::new(kind, message);
    match place(loaded, path) {
        Some(place) => error.at(place),
        None => error,
    }
}

fn place(loaded: &Loaded<Document>, path: &str) -> Option<Place> {
    match loaded.origin(path) {
        Origin::File { path, line, column } => {
            Some(Place::File { source: path.display().to_string().into(), line, column })
        }
        _ => None,
    }
}
