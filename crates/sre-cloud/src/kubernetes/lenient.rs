//! Reading API objects that may be anything: a field of an unexpected type reads as its default instead of failing
//! the page it came in. Only text that is not JSON at all is an error.
//!
//! For `#[serde(deserialize_with = "...")]` in structs that carry `#[serde(default)]`.

use std::fmt;
use std::marker::PhantomData;

use jiff::Timestamp;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What a field makes of each JSON type; whatever it does not name becomes the default.
trait Take: Default {
    fn text(_: &str) -> Self {
        Self::default()
    }

    fn int(_: i64) -> Self {
        Self::default()
    }

    fn flag(_: bool) -> Self {
        Self::default()
    }

    fn map<'de, A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }

    fn seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<Self, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

/// A string; anything else reads as empty.
pub(super) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Box<str>, D::Error> {
    Ok(take::<Text, D>(from)?.0)
}

/// A whole number; anything else reads as 0.
pub(super) fn int<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    Ok(take::<Int, D>(from)?.0.unwrap_or_default())
}

/// A whole number, or `None`.
pub(super) fn maybe_int<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    Ok(take::<Int, D>(from)?.0)
}

/// `true`; anything else reads as `false`.
pub(super) fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    Ok(take::<Flag, D>(from)?.0)
}

/// An RFC 3339 time, or `None`.
pub(super) fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(take::<Time, D>(from)?.0)
}

/// How many elements a list has, without keeping any.
pub(super) fn count<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    Ok(take::<Count, D>(from)?.0)
}

/// An object; anything else reads as the default one.
pub(super) fn object<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(from: D) -> Result<T, D::Error> {
    Ok(take::<Object<T>, D>(from)?.0.unwrap_or_default())
}

/// An object, or `None`.
pub(super) fn maybe<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Option<T>, D::Error> {
    Ok(take::<Object<T>, D>(from)?.0)
}

/// A list of objects; elements that are no objects are left out.
pub(super) fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(take::<List<T>, D>(from)?.0)
}

fn take<'de, T: Take, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    from.deserialize_any(TakeVisitor(PhantomData))
}

struct TakeVisitor<T>(PhantomData<T>);

// === impl TakeVisitor ===

impl<'de, T: Take> Visitor<'de> for TakeVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field of an API object")
    }

    fn visit_str<E: Error>(self, v: &str) -> Result<T, E> {
        Ok(T::text(v))
    }

    fn visit_i64<E: Error>(self, v: i64) -> Result<T, E> {
        Ok(T::int(v))
    }

    fn visit_u64<E: Error>(self, v: u64) -> Result<T, E> {
        Ok(T::int(i64::try_from(v).unwrap_or(i64::MAX)))
    }

    fn visit_f64<E: Error>(self, v: f64) -> Result<T, E> {
        Ok(T::int(v as i64))
    }

    fn visit_bool<E: Error>(self, v: bool) -> Result<T, E> {
        Ok(T::flag(v))
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_none<E: Error>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<T, D::Error> {
        take(from)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::map(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<T, A::Error> {
        T::seq(seq)
    }
}

// === impl Take ===

#[derive(Default)]
struct Text(Box<str>);

impl Take for Text {
    fn text(v: &str) -> Self {
        Self(v.into())
    }
}

#[derive(Default)]
struct Int(Option<i64>);

impl Take for Int {
    fn int(v: i64) -> Self {
        Self(Some(v))
    }
}

#[derive(Default)]
struct Flag(bool);

impl Take for Flag {
    fn flag(v: bool) -> Self {
        Self(v)
    }
}

#[derive(Default)]
struct Time(Option<Timestamp>);

impl Take for Time {
    fn text(v: &str) -> Self {
        Self(v.parse().ok())
    }
}

#[derive(Default)]
struct Count(u32);

impl Take for Count {
    fn seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<Self, A::Error> {
        let mut count = 0_u32;
        while seq.next_element::<IgnoredAny>()?.is_some() {
            count = count.saturating_add(1);
        }
        Ok(Self(count))
    }
}

struct Object<T>(Option<T>);

impl<T> Default for Object<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: DeserializeOwned> Take for Object<T> {
    fn map<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|v| Self(Some(v)))
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        take(from)
    }
}

struct List<T>(Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: DeserializeOwned> Take for List<T> {
    fn seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<Self, A::Error> {
        let mut items = Vec::new();
        while let Some(Object(item)) = seq.next_element()? {
            items.extend(item);
        }
        Ok(Self(items))
    }
}
