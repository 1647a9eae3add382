//! The keys that a settings struct has, asked of the struct itself.
//!
//! ```
//! use sre_core::config::{KeyKind, keys};
//! #[derive(serde::Deserialize)] struct Config { timeout: u32, prometheus: Option<Prometheus>, clusters: Vec<Cluster> }
//! #[derive(serde::Deserialize)] struct Prometheus { url: String }
//! #[derive(serde::Deserialize)] struct Cluster { context: String }
//!
//! let found: Vec<String> = keys::<Config>().into_iter().map(|key| key.path).collect();
//! assert_eq!(found, ["timeout", "prometheus.url", "clusters", "clusters[].context"]);
//! ```

use std::cell::RefCell;
use std::fmt;

use serde::de::value::Error as Stop;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};

/// A setting that a file, a variable or a flag may set.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Key {
    /// Its dotted name; `clusters[].context` is a key of each item of a list.
    pub path: String,
    /// What it takes.
    pub kind: KeyKind,
}

/// What a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyKind {
    /// One value.
    Scalar,
    /// A list; its items may have keys of their own.
    List,
    /// Keys of the user's choice.
    Map,
}

/// Levels that are looked into; a type that contains itself ends here.
const MAX_DEPTH: usize = 8;

/// All keys of `T`, in the order of its fields, serde's aliases included.
///
/// Nothing is read: `T` is asked for its fields and stopped before it gets a value. What is behind `serde(flatten)` or
/// a hand-written `Deserialize` that asks for any value stays unseen.
#[must_use]
pub fn keys<'de, T: Deserialize<'de>>() -> Vec<Key> {
    let mut found = Vec::new();
    walk::<T>(&mut Vec::new(), String::new(), &mut found);
    found
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Field(&'static str),
    Item,
}

#[derive(Debug, Clone, Copy)]
enum Asked {
    Struct(&'static [&'static str]),
    List,
    Map,
    Scalar,
}

/// Follows `path` into a type and notes what is asked for at its end. Every run ends in an error.
#[derive(Clone, Copy)]
struct Probe<'p> {
    path: &'p [Step],
    asked: &'p RefCell<Option<Asked>>,
}

struct One<'p> {
    key: Option<&'static str>,
    inner: Option<Probe<'p>>,
}

fn walk<'de, T: Deserialize<'de>>(steps: &mut Vec<Step>, path: String, found: &mut Vec<Key>) {
    let asked = RefCell::new(None);
    // The error is the way out: there never is a value.
    let _ = T::deserialize(Probe { path: steps, asked: &asked });
    let mut deeper = |step: Step, path: String, found: &mut Vec<Key>| {
        if steps.len() < MAX_DEPTH {
            steps.push(step);
            walk::<T>(steps, path, found);
            steps.pop();
        }
    };
    match asked.into_inner() {
        Some(Asked::Struct(fields)) => {
            for field in fields {
                let dot = if path.is_empty() { "" } else { "." };
                deeper(Step::Field(field), format!("{path}{dot}{field}"), found);
            }
        }
        Some(Asked::List) => {
            found.push(Key { path: path.clone(), kind: KeyKind::List });
            let before = found.len();
            deeper(Step::Item, format!("{path}[]"), found);
            // Of a list of plain values there is nothing more to say.
            if found.get(before).is_some_and(|key| key.path.ends_with("[]")) {
                found.truncate(before);
            }
        }
        Some(Asked::Map) => found.push(Key { path, kind: KeyKind::Map }),
        Some(Asked::Scalar) => found.push(Key { path, kind: KeyKind::Scalar }),
        None => {}
    }
}

// === impl Probe ===

impl<'p> Probe<'p> {
    fn note<T>(self, asked: Asked) -> Result<T, Stop> {
        if self.path.is_empty() {
            *self.asked.borrow_mut() = Some(asked);
        }
        Err(Stop::custom("seen"))
    }

    fn next(self) -> Option<(Step, Self)> {
        let (step, path) = self.path.split_first()?;
        Some((*step, Self { path, ..self }))
    }
}

macro_rules! scalars {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stop> { self.note(Asked::Scalar) }
    )*};
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Stop;

    scalars! {
        deserialize_any deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64 deserialize_char deserialize_str deserialize_string deserialize_bytes
        deserialize_byte_buf deserialize_unit deserialize_identifier deserialize_ignored_any
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, _: V) -> Result<V::Value, Stop> {
        self.note(Asked::Scalar)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Stop> {
        self.note(Asked::Scalar)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        match self.next() {
            Some((Step::Item, inner)) => visitor.visit_seq(One { key: None, inner: Some(inner) }),
            _ => self.note(Asked::List),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Stop> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stop> {
        self.note(Asked::Map)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        match self.next() {
            Some((Step::Field(name), inner)) => visitor.visit_map(One { key: Some(name), inner: Some(inner) }),
            _ => self.note(Asked::Struct(fields)),
        }
    }
}

// === impl One ===

impl<'de> MapAccess<'de> for One<'_> {
    type Error = Stop;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Stop> {
        self.key.take().map(|key| seed.deserialize(key.into_deserializer())).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Stop> {
        self.inner.take().map_or_else(|| Err(Stop::custom("seen")), |inner| seed.deserialize(inner))
    }
}

impl<'de> SeqAccess<'de> for One<'_> {
    type Error = Stop;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Stop> {
        self.inner.take().map(|inner| seed.deserialize(inner)).transpose()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}
