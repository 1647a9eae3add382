//! One layer as a tree: scalars keep their text, every value keeps its place.

use indexmap::IndexMap;

use super::origin::Origin;
use super::scalar::Scalar;

/// A value and its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// What a value is, before any type is asked for.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Map),
}

/// Keys in the order of the file.
pub(super) type Map = IndexMap<String, Entry>;

/// A value in a map, with the place of its key.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: Origin,
    pub(super) node: Node,
}

// === impl Node ===

impl Node {
    /// An empty map that nobody wrote.
    pub(super) fn empty() -> Self {
        Self { value: Value::Map(Map::new()), origin: Origin::Default }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(s) if s.is_null())
    }

    /// Lays `over` on top: maps merge, everything else is replaced, an empty section changes nothing.
    pub(super) fn merge(&mut self, over: Self) {
        if matches!(self.value, Value::Map(_)) && over.is_null() {
            return;
        }
        let (Value::Map(base), Value::Map(_)) = (&mut self.value, &over.value) else {
            *self = over;
            return;
        };
        let Value::Map(over) = over.value else { return };
        for (name, entry) in over {
            match base.get_mut(&name) {
                Some(existing) => {
                    existing.key = entry.key;
                    existing.node.merge(entry.node);
                }
                None => {
                    base.insert(name, entry);
                }
            }
        }
    }

    /// Lays one value on top, at a dotted key.
    pub(super) fn set(&mut self, key: &str, node: Self) {
        let layer = key.rsplit('.').fold(node, |node, part| {
            let origin = node.origin.clone();
            let entry = Entry { key: origin.clone(), node };
            Self { value: Value::Map(Map::from_iter([(part.to_owned(), entry)])), origin }
        });
        self.merge(layer);
    }

    /// The value at a dotted key; items of lists as `clusters[1].critical`.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        key.split('.').try_fold(self, |node, part| {
            let (name, indexes) = part.split_once('[').map_or((part, None), |(name, rest)| (name, Some(rest)));
            let Value::Map(map) = &node.value else { return None };
            let node = &map.get(name)?.node;
            indexes.map_or(Some(node), |rest| {
                rest.split('[').try_fold(node, |node, index| {
                    let Value::List(items) = &node.value else { return None };
                    items.get(index.strip_suffix(']')?.parse::<usize>().ok()?)
                })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(text: &str) -> Node {
        Node { value: Value::Scalar(Scalar::outside(text)), origin: Origin::Flag(text.into()) }
    }

    #[test]
    fn the_layer_above_wins_and_leaves_the_rest() {
        let mut root = Node::empty();
        root.set("a.b", scalar("1"));
        root.set("a.c", scalar("2"));
        root.set("a.b", scalar("3"));
        assert_eq!(root.get("a.b").unwrap().origin, Origin::Flag("3".into()));
        assert_eq!(root.get("a.c").unwrap().origin, Origin::Flag("2".into()));
        assert!(root.get("a.b.c").is_none() && root.get("a[0]").is_none() && root.get("").is_none());
    }

    #[test]
    fn items_are_found_by_index() {
        let mut root = Node::empty();
        let list = Node { value: Value::List(vec![scalar("x"), scalar("y")]), origin: Origin::Default };
        root.set("l", list);
        assert_eq!(root.get("l[1]").unwrap().origin, Origin::Flag("y".into()));
        assert!(root.get("l[2]").is_none() && root.get("l[").is_none() && root.get("l[x]").is_none());
    }
}
