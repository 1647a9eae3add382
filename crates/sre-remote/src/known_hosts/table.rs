//! The lines of all known_hosts files, ready to be asked.

use std::collections::HashMap;
use std::sync::Arc;

use super::hashed::{Candidate, HashedName};
use super::key::{Fingerprint, HostKey, KeyType};
use super::line::{self, Line, Marker};
use super::name;
use super::verdict::{Expected, Verdict};
use crate::problem::{Place, Problem};
use crate::wildcard;

/// What known_hosts files say, the user's before the system's.
///
/// Plain names are found in constant time; hashed names and patterns are tried one after the other (about 0.1 µs a
/// line). A key is kept as its SHA-256, so that a line costs some 100 bytes of memory, whatever the key.
#[derive(Debug, Clone, Default)]
pub struct KnownHosts {
    files: Vec<Arc<str>>,
    entries: Vec<Entry>,
    plain: HashMap<Box<str>, Vec<u32>>,
    hashed: Vec<(HashedName, u32)>,
    patterns: Vec<(Box<str>, u32)>,
}

/// A line with a key; its number is its index.
#[derive(Debug, Clone)]
struct Entry {
    file: u32,
    line: u32,
    marker: Marker,
    key_type: KeyType,
    fingerprint: Fingerprint,
}

// === impl KnownHosts ===

impl KnownHosts {
    /// Reads one file's text; `source` is its name in problems and verdicts. A line that cannot be read is a problem,
    /// and the others count all the same.
    #[must_use]
    pub fn parse(text: &str, source: &str) -> (Self, Vec<Problem>) {
        let mut known = Self::default();
        let problems = known.read(text, source);
        (known, problems)
    }

    /// Reads one more file's text. The order of reading is the order of [`Verdict::Changed`]'s keys.
    pub fn read(&mut self, text: &str, source: &str) -> Vec<Problem> {
        let file = self.file(source);
        let mut problems = Vec::new();
        for (number, text) in (1..).zip(text.split('\n')) {
            let added = match line::parse(text) {
                Ok(None) => Ok(()),
                Ok(Some(line)) => self.add(&line, file, number),
                Err(why) => Err(why),
            };
            if let Err(why) = added {
                problems.push(Problem::new(Arc::clone(&self.files[file as usize]), number, why));
            }
        }
        problems
    }

    /// Adds a key that was accepted during this run and appended to the file `source`.
    pub fn insert(&mut self, host: &str, port: u16, key: &HostKey, source: &str) {
        let file = self.file(source);
        let entry = self.push(file, 0, Marker::None, key);
        self.plain.entry(name::with_port(host, port).into()).or_default().push(entry);
    }

    /// Whether `key` is the key of `host` on `port`. The name is compared without regard to case; with `HostKeyAlias`
    /// it is the alias. An address is a name as well.
    ///
    /// A host on a port other than 22 that is not known as `[host]:port` is known with the key it has on port 22, as
    /// for OpenSSH; a different key there says nothing.
    #[must_use]
    pub fn lookup(&self, host: &str, port: u16, key: &HostKey) -> Verdict {
        let verdict = self.verdict(&name::with_port(host, port), key);
        if verdict != Verdict::Unknown || !name::has_own_name(port) {
            return verdict;
        }
        match self.verdict(&name::lower(host), key) {
            found @ (Verdict::Known { .. } | Verdict::Revoked { .. }) => found,
            _ => Verdict::Unknown,
        }
    }

    /// The types of key on file for a host, best first: to be asked for before all others, so that a host that has more
    /// keys than we know shows the one we know.
    #[must_use]
    pub fn key_types(&self, host: &str, port: u16) -> Vec<KeyType> {
        let types = |name: &str| -> Vec<KeyType> { self.plain_keys(name).map(|e| e.key_type).collect() };
        let mut found = types(&name::with_port(host, port));
        if found.is_empty() && name::has_own_name(port) {
            found = types(&name::lower(host));
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Whether some key of this host is on file: what `strict` needs to know before it connects.
    #[must_use]
    pub fn knows_host(&self, host: &str, port: u16) -> bool {
        !self.key_types(host, port).is_empty()
    }

    /// The lines that name this host, whatever they say of it (`@revoked` and `@cert-authority` included), in the order
    /// of the files: what `ssh-keygen -F` lists.
    #[must_use]
    pub fn places(&self, host: &str, port: u16) -> Vec<Place> {
        let found = self.matching(&name::with_port(host, port));
        found.into_iter().map(|number| self.place(&self.entries[number as usize])).collect()
    }

    /// How many lines with a key were read.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no key is on file at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn verdict(&self, name: &str, key: &HostKey) -> Verdict {
        let shown = key.fingerprint();
        let found = self.matching(name);
        let entries = || found.iter().map(|number| &self.entries[*number as usize]);
        let with = |marker| entries().filter(move |e| e.marker == marker);
        if let Some(entry) = with(Marker::Revoked).find(|e| e.fingerprint == shown) {
            return Verdict::Revoked { place: self.place(entry) };
        }
        if let Some(entry) = with(Marker::None).find(|e| e.fingerprint == shown) {
            return Verdict::Known { place: self.place(entry) };
        }
        let expected: Vec<Expected> = with(Marker::None)
            .map(|e| Expected { place: self.place(e), key_type: e.key_type, fingerprint: e.fingerprint })
            .collect();
        if !expected.is_empty() {
            return Verdict::Changed { expected };
        }
        match with(Marker::CertAuthority).next() {
            Some(entry) => Verdict::CertAuthorityOnly { place: self.place(entry) },
            None => Verdict::Unknown,
        }
    }

    fn plain_keys(&self, name: &str) -> impl Iterator<Item = &Entry> {
        let entries = self.matching(name).into_iter().map(|number| &self.entries[number as usize]);
        entries.filter(|e| e.marker == Marker::None)
    }

    /// The lines for a name, in the order of the files.
    fn matching(&self, name: &str) -> Vec<u32> {
        let mut found = self.plain.get(name).cloned().unwrap_or_default();
        if !self.hashed.is_empty() {
            let candidate = Candidate::new(name);
            found.extend(self.hashed.iter().filter(|(hashed, _)| hashed.is(&candidate)).map(|(_, number)| *number));
        }
        let fits = |list: &str| wildcard::list_matches(list.split(','), name);
        found.extend(self.patterns.iter().filter(|(list, _)| fits(list)).map(|(_, number)| *number));
        found.sort_unstable();
        found.dedup();
        found
    }

    fn add(&mut self, line: &Line<'_>, file: u32, number: u32) -> Result<(), String> {
        if HashedName::is_hashed(line.names) {
            let hashed = HashedName::parse(line.names)?;
            let entry = self.push(file, number, line.marker, &line.key);
            self.hashed.push((hashed, entry));
            return Ok(());
        }
        let entry = self.push(file, number, line.marker, &line.key);
        let names = name::lower(line.names);
        if names.contains(['*', '?', '!']) {
            self.patterns.push((names.into(), entry));
        } else {
            for name in names.split(',') {
                self.plain.entry(name.into()).or_default().push(entry);
            }
        }
        Ok(())
    }

    fn push(&mut self, file: u32, line: u32, marker: Marker, key: &HostKey) -> u32 {
        self.entries.push(Entry { file, line, marker, key_type: key.key_type(), fingerprint: key.fingerprint() });
        // Four thousand million lines do not fit into the memory of today's machines.
        u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX)
    }

    fn file(&mut self, source: &str) -> u32 {
        let at = self.files.iter().position(|f| **f == *source).unwrap_or_else(|| {
            self.files.push(source.into());
            self.files.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    fn place(&self, entry: &Entry) -> Place {
        Place::new(Arc::clone(&self.files[entry.file as usize]), entry.line)
    }
}

#[cfg(test)]
mod tests {
    use super::super::render_line;
    use super::*;

    /// A key that differs in its last byte.
    fn key(n: u8) -> HostKey {
        let mut blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20".to_vec();
        blob.extend([n; 32]);
        HostKey::from_blob(blob).unwrap()
    }

    fn rsa(n: u8) -> HostKey {
        HostKey::from_blob([&b"\0\0\0\x07ssh-rsa\0\0\0\x01\x03\0\0\0\x01"[..], &[n]].concat()).unwrap()
    }

    fn known(lines: &[String]) -> KnownHosts {
        let (known, problems) = KnownHosts::parse(&lines.join("\n"), "kh");
        assert_eq!(problems, []);
        known
    }

    fn line(names: &str, key: &HostKey) -> String {
        format!("{names} {} {}", key.key_type(), key.to_base64())
    }

    fn at(verdict: &Verdict) -> u32 {
        match verdict {
            Verdict::Known { place } | Verdict::Revoked { place } | Verdict::CertAuthorityOnly { place } => {
                place.line()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn names_ports_and_patterns() {
        let known = known(&[
            line("web-1,192.0.2.7", &key(1)),
            line("[Web-2]:2222", &key(2)),
            line("*.Example,!db.example", &key(3)),
            render_line("hidden", 22, &key(4), Some([9; 20])),
            render_line("hidden", 2200, &key(5), Some([8; 20])),
        ]);
        for (host, port, n, expected) in [
            ("web-1", 22, 1, 1),
            ("WEB-1", 0, 1, 1),
            ("192.0.2.7", 22, 1, 1),
            ("web-2", 2222, 2, 2),
            ("a.b.example", 22, 3, 3),
            ("hidden", 22, 4, 4),
            ("Hidden", 2200, 5, 5),
        ] {
            assert_eq!(at(&known.lookup(host, port, &key(n))), expected, "{host} {port}");
        }
        for host in ["web-2", "db.example", "web-3", "example"] {
            assert_eq!(known.lookup(host, 22, &key(1)), Verdict::Unknown, "{host}");
        }
    }

    #[test]
    fn a_host_on_another_port_may_have_the_key_of_port_22() {
        let known = known(&[line("web", &key(1)), line("[db]:2222", &key(2)), line("db", &key(3))]);
        assert_eq!(at(&known.lookup("web", 2222, &key(1))), 1);
        assert_eq!(known.lookup("web", 2222, &key(9)), Verdict::Unknown);
        assert!(matches!(known.lookup("db", 2222, &key(3)), Verdict::Changed { .. }), "it has a line of its own");
        assert_eq!(known.key_types("web", 2222), [KeyType::Ed25519]);
        assert!(known.knows_host("web", 2222) && !known.knows_host("mail", 22));
    }

    #[test]
    fn another_key_is_a_change_whatever_its_type() {
        let known =
            known(&[line("web", &rsa(1)), line("web", &key(1)), "@revoked web ".to_owned() + &line("", &rsa(7))]);
        let Verdict::Changed { expected } = known.lookup("web", 22, &key(2)) else { panic!() };
        let lines: Vec<u32> = expected.iter().map(|e| e.place.line()).collect();
        assert_eq!((lines, expected[1].fingerprint), (vec![1, 2], key(1).fingerprint()));
        assert_eq!(known.key_types("web", 22), [KeyType::Ed25519, KeyType::Rsa], "best first, not as in the file");
    }

    #[test]
    fn a_revoked_key_is_refused_even_where_a_line_knows_it() {
        let known = known(&[
            line("web", &key(1)),
            format!("@revoked {}", line("*", &key(1))),
            format!("@revoked {}", line("db", &key(2))),
            line("db", &key(3)),
        ]);
        assert!(matches!(known.lookup("web", 22, &key(1)), Verdict::Revoked { place } if place.line() == 2));
        assert!(matches!(known.lookup("web", 2222, &key(1)), Verdict::Revoked { .. }));
        assert_eq!(at(&known.lookup("db", 22, &key(3))), 4);
        assert_eq!(known.key_types("mail", 22), []);
    }

    #[test]
    fn an_authority_is_never_trusted() {
        let known = known(&[format!("@cert-authority {}", line("*.example", &key(1))), line("a.example", &key(2))]);
        let verdict = known.lookup("b.example", 22, &key(1));
        assert!(matches!(&verdict, Verdict::CertAuthorityOnly { place } if place.to_string() == "kh:1"), "{verdict:?}");
        assert!(matches!(known.lookup("a.example", 22, &key(1)), Verdict::Changed { .. }));
    }

    #[test]
    fn a_bad_line_is_named_and_the_rest_counts() {
        let text = format!("web\n{}\n|1|x ssh-ed25519 {}\n", line("db", &key(1)), key(1).to_base64());
        let (mut known, problems) = KnownHosts::parse(&text, "~/.ssh/known_hosts");
        let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "~/.ssh/known_hosts:1: the key is missing: a line is names, type, key",
                "~/.ssh/known_hosts:3: a hashed name is |1|salt|hash",
            ]
        );
        assert_eq!(known.len(), 1);
        assert_eq!(known.read(&line("web", &key(2)), "/etc/ssh/ssh_known_hosts"), []);
        let Verdict::Known { place } = known.lookup("web", 22, &key(2)) else { panic!() };
        assert_eq!(place.to_string(), "/etc/ssh/ssh_known_hosts:1");
    }

    #[test]
    fn what_was_accepted_is_known_from_then_on() {
        let mut known = KnownHosts::default();
        known.insert("Web", 2222, &key(1), "kh");
        let Verdict::Known { place } = known.lookup("web", 2222, &key(1)) else { panic!() };
        assert_eq!(place.to_string(), "kh");
        assert!(matches!(known.lookup("web", 2222, &key(2)), Verdict::Changed { .. }));
    }
}
