//! Hosts in order, each once.

use std::collections::HashMap;
use std::sync::Arc;

use crate::host::Host;

use super::error::{Flaw, InventoryErrorKind};
use super::pattern::MAX_HOSTS;
use super::settings::Settings;
use super::spec::{Spec, with_port};

/// Hosts by the place at which each was named first.
///
/// A host that is named again is the same host: later settings win, what they leave out stays. One host text with two
/// ports is two hosts (two servers behind one address); they are then named `host:port`.
#[derive(Debug, Clone)]
pub(super) struct Roster {
    /// The most hosts it takes.
    limit: usize,
    hosts: Vec<Host>,
    /// By the host's text: nearly always one place.
    places: HashMap<Arc<str>, Places>,
}

#[derive(Debug, Clone)]
enum Places {
    One(u32),
    /// The same text with several ports.
    Several(Vec<u32>),
}

// === impl Places ===

impl Places {
    fn as_slice(&self) -> &[u32] {
        match self {
            Self::One(place) => std::slice::from_ref(place),
            Self::Several(places) => places,
        }
    }

    fn push(&mut self, place: u32) {
        let mut places = self.as_slice().to_vec();
        places.push(place);
        *self = Self::Several(places);
    }
}

// === impl Roster ===

impl Default for Roster {
    fn default() -> Self {
        Self { limit: MAX_HOSTS, hosts: Vec::new(), places: HashMap::new() }
    }
}

impl Roster {
    pub(super) fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    pub(super) fn len(&self) -> usize {
        self.hosts.len()
    }

    /// Adds a host, or adds to what is known of it; returns its place.
    pub(super) fn add(&mut self, spec: Spec<'_>, settings: &Settings) -> Result<u32, Flaw> {
        let port = settings.port().or(spec.port);
        let place = match self.find(spec.host, port).first() {
            Some(place) => *place,
            None => self.push(spec.host)?,
        };
        let slot = &mut self.hosts[place as usize];
        let mut host = std::mem::replace(slot, Host::new(""));
        if let Some(user) = spec.user {
            host = host.with_user(user);
        }
        if let Some(port) = spec.port {
            host = host.with_port(port);
        }
        *slot = settings.apply(host);
        Ok(place)
    }

    /// Adds what another roster knows of a host.
    pub(super) fn merge(&mut self, other: &Host) -> Result<u32, Flaw> {
        let text = host_text(other);
        let place = match self.find(text, other.port()).first() {
            Some(place) => *place,
            None => self.push(text)?,
        };
        let slot = &mut self.hosts[place as usize];
        let mut host = std::mem::replace(slot, Host::new(""));
        if let Some(user) = other.user() {
            host = host.with_user(user);
        }
        if let Some(port) = other.port() {
            host = host.with_port(port);
        }
        // Only `settle_names` gives a host an address that is its text.
        if let Some(address) = other.explicit_address().filter(|address| *address != text) {
            host = host.with_address(address);
        }
        *slot = other.vars().fold(host, |host, (key, value)| host.with_var(key, value));
        Ok(place)
    }

    fn push(&mut self, text: &str) -> Result<u32, Flaw> {
        let place = u32::try_from(self.hosts.len()).ok().filter(|place| (*place as usize) < self.limit);
        let place = place.ok_or_else(|| {
            Flaw::new(InventoryErrorKind::Limit, 0, format!("the inventory has more than {} hosts", self.limit))
        })?;
        let name: Arc<str> = text.into();
        self.hosts.push(Host::new(Arc::clone(&name)));
        self.places.entry(name).and_modify(|places| places.push(place)).or_insert(Places::One(place));
        Ok(place)
    }

    /// The places of a host text. With a port: the one with that port, else the one that has no port yet.
    pub(super) fn find(&self, text: &str, port: Option<u16>) -> Vec<u32> {
        let Some(places) = self.places.get(text).map(Places::as_slice) else { return Vec::new() };
        if port.is_none() {
            return places.to_vec();
        }
        let with = |wanted: Option<u16>| places.iter().find(|place| self.hosts[**place as usize].port() == wanted);
        with(port).or_else(|| with(None)).copied().into_iter().collect()
    }

    /// Changes what is known of a host.
    pub(super) fn update(&mut self, place: u32, change: impl FnOnce(Host) -> Host) {
        if let Some(slot) = self.hosts.get_mut(place as usize) {
            *slot = change(std::mem::replace(slot, Host::new("")));
        }
    }

    /// Gives the hosts that share their text with others, and differ in the port, names of their own.
    pub(super) fn settle_names(&mut self) {
        for (text, places) in &self.places {
            if let Places::Several(places) = places {
                for place in places {
                    let slot = &mut self.hosts[*place as usize];
                    let Some(port) = slot.port().filter(|_| slot.name() == &**text) else { continue };
                    *slot = renamed(slot, &with_port(text, port));
                }
            }
        }
    }
}

/// The text that a host was named by: its name, unless that had to be made unique.
pub(super) fn host_text(host: &Host) -> &str {
    let made = |port: u16| host.explicit_address().filter(|address| with_port(address, port) == host.name());
    host.port().and_then(made).unwrap_or_else(|| host.name())
}

/// The same host under another name; it is reached as before.
pub(super) fn renamed(host: &Host, name: &str) -> Host {
    let mut made = Host::new(name).with_address(host.address());
    if let Some(user) = host.user() {
        made = made.with_user(user);
    }
    if let Some(port) = host.port() {
        made = made.with_port(port);
    }
    host.vars().fold(made, |made, (key, value)| made.with_var(key, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(roster: &mut Roster, text: &str) -> u32 {
        roster.add(Spec::parse(text).unwrap(), &Settings::default()).unwrap()
    }

    #[test]
    fn a_host_that_is_named_again_is_the_same_and_keeps_its_place() {
        let mut roster = Roster::default();
        let places: Vec<u32> =
            ["b", "a", "sre@b:22", "b", "root@a"].iter().map(|text| add(&mut roster, text)).collect();
        assert_eq!(places, [0, 1, 0, 0, 1]);
        let b = &roster.hosts()[0];
        assert_eq!((b.name(), b.user(), b.port()), ("b", Some("sre"), Some(22)));
        assert_eq!(roster.hosts()[1].user(), Some("root"));
    }

    #[test]
    fn there_are_only_so_many_hosts() {
        let mut roster = Roster { limit: 2, ..Roster::default() };
        assert_eq!(["a", "b", "a"].map(|text| add(&mut roster, text)), [0, 1, 0]);
        let flaw = roster.add(Spec::parse("c").unwrap(), &Settings::default()).unwrap_err();
        assert_eq!(
            (flaw.kind, flaw.message.as_str()),
            (InventoryErrorKind::Limit, "the inventory has more than 2 hosts")
        );
    }

    #[test]
    fn one_address_with_two_ports_is_two_hosts() {
        let mut roster = Roster::default();
        let places: Vec<u32> =
            ["h:1", "h:2", "x", "h:1", "::1", "[::1]:9", "[::1]:8"].iter().map(|t| add(&mut roster, t)).collect();
        assert_eq!(places, [0, 1, 2, 0, 3, 3, 4]);
        roster.settle_names();
        let names: Vec<&str> = roster.hosts().iter().map(Host::name).collect();
        assert_eq!(names, ["h:1", "h:2", "x", "[::1]:9", "[::1]:8"]);
        assert_eq!(roster.hosts()[0].address(), "h");
        assert_eq!(roster.find("h", None), [0, 1]);
        let mut other = Roster::default();
        roster.hosts().iter().for_each(|host| drop(other.merge(host)));
        other.settle_names();
        assert_eq!(other.hosts(), roster.hosts());
    }
}
