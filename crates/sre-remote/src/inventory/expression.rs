//! Patterns joined by set operations, read from left to right without precedence, as ClusterShell does.

use std::collections::HashMap;
use std::hash::Hash;

use super::error::{Flaw, InventoryErrorKind};
use super::pattern::{MAX_HOSTS, Pattern};

/// What is done with the term behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    /// `,`
    Union,
    /// `!`
    Difference,
    /// `&`
    Intersection,
    /// `^`
    SymmetricDifference,
}

/// What a term stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    /// `@*`: every host of the inventory.
    All,
    /// `@web`, `@rack[1-3]`.
    Group(Pattern),
    /// `@tag:web`.
    Tag(Pattern),
    /// `web-*`: hosts of the inventory whose names fit.
    Wildcard(Pattern),
    /// Names.
    Hosts(Pattern),
}

/// One operand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Term {
    /// Byte offset in the expression.
    pub(super) at: usize,
    pub(super) operator: Operator,
    pub(super) meaning: Meaning,
}

/// A set that is built by operations and keeps the order of insertion. Removing costs what is removed, not what is
/// left, so that a long chain of `!` stays linear.
#[derive(Debug)]
pub(super) struct Ordered<T> {
    slots: Vec<Option<T>>,
    places: HashMap<T, usize>,
}

/// The terms of an expression; offsets in flaws count from its first byte.
pub(super) fn parse(text: &str) -> Result<Vec<Term>, Flaw> {
    let mut terms = Vec::new();
    let mut operator = Operator::Union;
    let mut start = 0;
    let mut total = 0_u64;
    loop {
        let end = term_end(text, start);
        let whole = &text[start..end];
        let term = whole.trim();
        let at = start + (whole.len() - whole.trim_start().len());
        if term.is_empty() {
            return Err(missing(text, start, end));
        }
        let meaning = Meaning::parse(term).map_err(|flaw| flaw.shifted(at))?;
        if let Meaning::Hosts(pattern) = &meaning {
            total = total.saturating_add(pattern.count());
        }
        if total > MAX_HOSTS as u64 {
            let flaw = Flaw::new(InventoryErrorKind::Limit, at, format!("more than {MAX_HOSTS} hosts up to here"));
            return Err(flaw.help("split it, or look for a digit too many"));
        }
        terms.push(Term { at, operator, meaning });
        let Some(next) = text[end..].chars().next().and_then(Operator::of) else { return Ok(terms) };
        operator = next;
        start = end + 1;
    }
}

fn missing(text: &str, start: usize, end: usize) -> Flaw {
    let help = "expected a host such as `web-[01-20]` or a group such as `@web`";
    let before = start.checked_sub(1).and_then(|at| text.get(at..start));
    match (before, text.get(end..end + 1)) {
        (Some(operator), _) => Flaw::syntax(start - 1, format!("nothing stands behind this `{operator}`")).help(help),
        (None, Some(operator)) => Flaw::syntax(end, format!("nothing stands before this `{operator}`")).help(help),
        (None, None) => Flaw::syntax(0, "no host is named").help(help),
    }
}

/// Where the term that begins at `start` ends: at an operator outside brackets, or at the end of the text.
fn term_end(text: &str, start: usize) -> usize {
    let mut inside = false;
    for (at, c) in text[start..].char_indices() {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            _ if !inside && Operator::of(c).is_some() => return start + at,
            _ => {}
        }
    }
    text.len()
}

// === impl Operator ===

impl Operator {
    fn of(c: char) -> Option<Self> {
        Some(match c {
            ',' => Self::Union,
            '!' => Self::Difference,
            '&' => Self::Intersection,
            '^' => Self::SymmetricDifference,
            _ => return None,
        })
    }
}

// === impl Meaning ===

impl Meaning {
    fn parse(term: &str) -> Result<Self, Flaw> {
        let of_group = |name: &str, skipped: usize| -> Result<Pattern, Flaw> {
            if name.is_empty() {
                return Err(Flaw::syntax(0, format!("`{term}` names nothing")).help("expected `@GROUP` or `@tag:TAG`"));
            }
            Pattern::parse(name).map_err(|flaw| flaw.shifted(skipped))
        };
        match term.strip_prefix('@') {
            Some("*") => Ok(Self::All),
            Some(name) => match name.strip_prefix("tag:") {
                Some(tag) => of_group(tag, "@tag:".len()).map(Self::Tag),
                None => of_group(name, 1).map(Self::Group),
            },
            None => {
                let pattern = Pattern::parse(term)?;
                Ok(if term.contains(['*', '?']) { Self::Wildcard(pattern) } else { Self::Hosts(pattern) })
            }
        }
    }
}

// === impl Ordered ===

impl<T: Hash + Eq + Clone> Ordered<T> {
    pub(super) fn new() -> Self {
        Self { slots: Vec::new(), places: HashMap::new() }
    }

    pub(super) fn insert(&mut self, item: T) {
        let next = self.slots.len();
        if let std::collections::hash_map::Entry::Vacant(place) = self.places.entry(item) {
            self.slots.push(Some(place.key().clone()));
            place.insert(next);
        }
    }

    fn remove(&mut self, item: &T) -> bool {
        match self.places.remove(item) {
            Some(place) => {
                self.slots[place] = None;
                true
            }
            None => false,
        }
    }

    pub(super) fn contains(&self, item: &T) -> bool {
        self.places.contains_key(item)
    }

    pub(super) fn apply(&mut self, operator: Operator, right: Self) {
        if self.places.is_empty() && matches!(operator, Operator::Union | Operator::SymmetricDifference) {
            *self = right;
            return;
        }
        match operator {
            Operator::Union => right.into_iter().for_each(|item| self.insert(item)),
            Operator::Difference => right.into_iter().for_each(|item| {
                self.remove(&item);
            }),
            Operator::Intersection => {
                let left = std::mem::replace(self, Self::new());
                left.into_iter().filter(|item| right.contains(item)).for_each(|item| self.insert(item));
            }
            Operator::SymmetricDifference => right.into_iter().for_each(|item| {
                if !self.remove(&item) {
                    self.insert(item);
                }
            }),
        }
    }

    pub(super) fn into_iter(self) -> impl Iterator<Item = T> {
        self.slots.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_told_apart() {
        let terms = parse("web-[1,2] , @db!@tag:old & web-* ^@*").unwrap();
        let seen: Vec<_> = terms.iter().map(|term| (term.at, term.operator)).collect();
        let expected = [
            (0, Operator::Union),
            (12, Operator::Union),
            (16, Operator::Difference),
            (27, Operator::Intersection),
            (34, Operator::SymmetricDifference),
        ];
        assert_eq!(seen, expected);
        assert!(matches!(terms[1].meaning, Meaning::Group(_)) && matches!(terms[2].meaning, Meaning::Tag(_)));
        assert!(matches!(terms[3].meaning, Meaning::Wildcard(_)) && terms[4].meaning == Meaning::All);
    }

    #[test]
    fn an_operand_that_is_missing_is_pointed_at() {
        for (text, at, message) in [
            ("", 0, "no host is named"),
            ("  ", 0, "no host is named"),
            ("a,", 1, "nothing stands behind this `,`"),
            ("a,,b", 1, "nothing stands behind this `,`"),
            ("!a", 0, "nothing stands before this `!`"),
            ("a,@", 2, "`@` names nothing"),
            ("a,web-[3-1]", 7, "the range `3-1` runs backwards"),
        ] {
            let flaw = parse(text).unwrap_err();
            assert_eq!((flaw.at, flaw.message.as_str()), (at, message), "{text}");
        }
        assert_eq!(parse("a[1-600000],b[1-600000]").unwrap_err().kind, InventoryErrorKind::Limit);
    }

    #[test]
    fn what_comes_back_stands_last() {
        let set = |items: &[u32]| {
            let mut set = Ordered::new();
            items.iter().for_each(|i| set.insert(*i));
            set
        };
        let mut left = set(&[1, 2, 3, 2]);
        left.apply(Operator::Difference, set(&[1, 9]));
        left.apply(Operator::Union, set(&[1]));
        left.apply(Operator::SymmetricDifference, set(&[3, 7]));
        assert_eq!(left.into_iter().collect::<Vec<_>>(), [2, 1, 7]);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in r"[a-b\[\]0-9,!&^@*? -]{0,24}|\PC*") {
            let _ = parse(&text);
        }
    }
}
