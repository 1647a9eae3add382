//! The shape of a document: what is a list, what is a map, what serde_yaml takes for text, and no text yet.
//!
//! Aliases are followed here for the first time, so this is where a file that multiplies itself is stopped.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, Visitor};

/// A document without its text.
pub(super) enum Shape {
    Null,
    Scalar {
        /// Whether serde_yaml takes it for text: quoted, or nothing else.
        text: bool,
    },
    List(Vec<Shape>),
    Map(Vec<Shape>),
}

/// What is left of the [`Limits`](super::Limits).
pub(super) struct Budget {
    pub(super) values: usize,
    pub(super) bytes: usize,
}

/// Reads a [`Shape`].
pub(super) struct ShapeOf<'b>(pub(super) &'b mut Budget);

/// A spent budget, as serde_yaml's error carries it.
pub(super) const LIMIT_MARK: &str = "expansion limit";
/// A tag, as serde_yaml's error carries it.
pub(super) const TAG_MARK: &str = "tags have no meaning here";

// === impl ShapeOf ===

impl ShapeOf<'_> {
    fn spend<E: serde::de::Error>(&mut self, bytes: usize) -> Result<(), E> {
        let left = (self.0.values.checked_sub(1), self.0.bytes.checked_sub(bytes));
        let (Some(values), Some(bytes)) = left else { return Err(E::custom(LIMIT_MARK)) };
        *self.0 = Budget { values, bytes };
        Ok(())
    }

    fn scalar<E: serde::de::Error>(mut self, text: bool, bytes: usize) -> Result<Shape, E> {
        self.spend(bytes)?;
        Ok(Shape::Scalar { text })
    }
}

impl<'de> DeserializeSeed<'de> for ShapeOf<'_> {
    type Value = Shape;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Shape, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ShapeOf<'_> {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: serde::de::Error>(mut self) -> Result<Shape, E> {
        self.spend(0)?;
        Ok(Shape::Null)
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<Shape, E> {
        self.visit_unit()
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<Shape, E> {
        self.scalar(false, 5)
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Shape, E> {
        self.scalar(false, 20)
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Shape, E> {
        self.scalar(false, 20)
    }

    fn visit_u128<E: serde::de::Error>(self, _: u128) -> Result<Shape, E> {
        self.scalar(false, 40)
    }

    fn visit_i128<E: serde::de::Error>(self, _: i128) -> Result<Shape, E> {
        self.scalar(false, 40)
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Shape, E> {
        self.scalar(false, 40)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Shape, E> {
        self.scalar(true, text.len())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut access: A) -> Result<Shape, A::Error> {
        self.spend(0)?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(ShapeOf(self.0))? {
            items.push(item);
        }
        Ok(Shape::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut access: A) -> Result<Shape, A::Error> {
        self.spend(0)?;
        let mut values = Vec::new();
        while let Some(KeyLength(length)) = access.next_key()? {
            self.spend(length)?;
            values.push(access.next_value_seed(ShapeOf(self.0))?);
        }
        Ok(Shape::Map(values))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<Shape, A::Error> {
        Err(A::Error::custom(TAG_MARK))
    }
}

/// A key, of which only the length matters yet.
struct KeyLength(usize);

impl<'de> serde::Deserialize<'de> for KeyLength {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Key;
        impl Visitor<'_> for Key {
            type Value = KeyLength;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key that is a word")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<KeyLength, E> {
                Ok(KeyLength(text.len()))
            }
        }
        deserializer.deserialize_str(Key)
    }
}
