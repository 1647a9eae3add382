//! A document's tree, read along its [`Shape`].

use std::fmt;

use indexmap::map::Entry as Slot;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::error::{Error, ErrorKind};
use super::node::{Entry, Map, Node, Value};
use super::origin::Origin;
use super::scalar::{Resolved, Scalar, Style};
use super::shape::Shape;
use super::suggest;
use super::yaml::Source;

/// Reads a [`Node`] of a known shape.
pub(super) struct Guided<'s, 't> {
    pub(super) shape: &'s Shape,
    pub(super) source: &'s Source<'t>,
    /// The place to name when the value has none of its own.
    pub(super) near: Origin,
    /// Whether `near` is the place of the value's own key.
    pub(super) keyed: bool,
}

/// A scalar's text and, where the parser lent it from the input, its offset.
struct Lent {
    text: String,
    offset: Option<usize>,
}

/// Reads a [`Lent`].
struct LentFrom<'s, 't>(&'s Source<'t>);

// === impl Guided ===

impl<'s> Guided<'s, '_> {
    fn child(&self, shape: &'s Shape, near: Origin, keyed: bool) -> Self {
        Self { shape, source: self.source, near, keyed }
    }

    fn scalar(self, lent: Lent, text: bool) -> Node {
        let Lent { text: raw, offset } = lent;
        let plain = Scalar { text: raw, style: Style::Plain };
        // serde_yaml says "text" of `abc` and of `"5"`: only what looks like something else, or has a quote before it, was quoted.
        let quoted = text && (plain.resolve() != Resolved::Text || offset.is_none_or(|o| self.source.is_quote(o)));
        let style = if quoted { Style::Text } else { Style::Plain };
        let origin = offset.map_or(self.near, |o| self.source.place(self.source.before_quote(o)));
        Node { value: Value::Scalar(Scalar { style, ..plain }), origin }
    }
}

impl<'de> DeserializeSeed<'de> for Guided<'_, '_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        match self.shape {
            Shape::List(_) => deserializer.deserialize_seq(self),
            Shape::Map(_) => deserializer.deserialize_map(self),
            Shape::Null => {
                let lent = LentFrom(self.source).deserialize(deserializer)?;
                Ok(self.scalar(Lent { offset: lent.offset.filter(|_| !lent.text.is_empty()), ..lent }, false))
            }
            Shape::Scalar { text } => {
                let lent = LentFrom(self.source).deserialize(deserializer)?;
                Ok(self.scalar(lent, *text))
            }
        }
    }
}

impl<'de> Visitor<'de> for Guided<'_, '_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let Shape::List(shapes) = self.shape else { return Err(A::Error::custom("a list where none was")) };
        let mut items = Vec::with_capacity(shapes.len());
        for shape in shapes {
            let Some(item) = access.next_element_seed(self.child(shape, self.near.clone(), false))? else { break };
            items.push(item);
        }
        // Nothing is left, and saying so moves the parser past the end of the list.
        while access.next_element::<serde::de::IgnoredAny>()?.is_some() {}
        Ok(Node { value: Value::List(items), origin: self.near })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let Shape::Map(shapes) = self.shape else { return Err(A::Error::custom("a map where none was")) };
        let mut map = Map::with_capacity(shapes.len());
        let mut shapes = shapes.iter();
        let mut bases = Vec::new();
        let mut first = None;
        let mut near = self.near.clone();
        while let Some(key) = access.next_key_seed(LentFrom(self.source))? {
            let Some(shape) = shapes.next() else { return Err(A::Error::custom("a key where none was")) };
            if let Some(offset) = key.offset {
                near = self.source.place(self.source.before_quote(offset));
            }
            first.get_or_insert_with(|| near.clone());
            let node = access.next_value_seed(self.child(shape, near.clone(), true))?;
            if key.text == "<<" {
                bases.push((near.clone(), node));
                continue;
            }
            match map.entry(key.text) {
                Slot::Vacant(slot) => {
                    slot.insert(Entry { key: near.clone(), node });
                }
                Slot::Occupied(slot) => {
                    let error = twice(slot.key(), &slot.get().key).at(near);
                    return Err(self.source.fail(error));
                }
            }
        }
        for (place, base) in bases {
            fill(&mut map, base).map_err(|()| self.source.fail(no_base().at(place)))?;
        }
        // A map in a list has no key of its own: its first key is the nearest thing to a place.
        let origin = first.filter(|_| !self.keyed).unwrap_or(self.near);
        Ok(Node { value: Value::Map(map), origin })
    }
}

fn twice(name: &str, first: &Origin) -> Error {
    let error = Error::new(ErrorKind::DuplicateKey, format!("key `{}` is given twice", suggest::clip(name)));
    match first {
        Origin::File { line, .. } if *line > 0 => error.help(format!("it is on line {line} already")),
        _ => error,
    }
}

fn no_base() -> Error {
    Error::new(ErrorKind::Syntax, "`<<` merges a map, and this is none")
        .help("write `<<: *name`, with `&name` before a map")
}

/// Takes from `base` what `map` does not have: YAML's merge key.
fn fill(map: &mut Map, base: Node) -> Result<(), ()> {
    match base.value {
        Value::Map(base) => {
            for (name, entry) in base {
                map.entry(name).or_insert(entry);
            }
            Ok(())
        }
        Value::List(bases) => bases.into_iter().try_for_each(|base| fill(map, base)),
        Value::Scalar(_) => Err(()),
    }
}

// === impl LentFrom ===

impl<'de> DeserializeSeed<'de> for LentFrom<'_, '_> {
    type Value = Lent;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Lent, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for LentFrom<'_, '_> {
    type Value = Lent;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a scalar")
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<Lent, E> {
        Ok(Lent { text: text.to_owned(), offset: self.0.offset_of(text) })
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Lent, E> {
        Ok(Lent { text: text.to_owned(), offset: None })
    }
}
