//! Reads a typed struct from a [`Node`] and says where it went wrong.
//!
//! The type that a field asks for decides what a scalar is; only where no type is asked for does its look decide.

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};

use super::error::{Error, ErrorKind};
use super::fault::{Fault, unknown_key};
use super::node::{Entry, Map, Node, Value};
use super::origin::Origin;
use super::scalar::{self, Resolved, Scalar, Style};
use super::{secret, suggest};

/// Reads `T` from the merged layers.
pub(super) fn read<T: DeserializeOwned>(root: &Node) -> Result<T, Error> {
    T::deserialize(De(root)).map_err(|fault| fault.0)
}

/// One node, being read.
#[derive(Clone, Copy)]
struct De<'n>(&'n Node);

struct Entries<'n> {
    fields: &'static [&'static str],
    rest: indexmap::map::Iter<'n, String, Entry>,
    current: Option<(&'n str, &'n Entry)>,
}

struct Items<'n> {
    rest: std::iter::Enumerate<std::slice::Iter<'n, Node>>,
}

/// A variant with data: a map of one key.
struct Variant<'n> {
    name: &'n str,
    entry: &'n Entry,
}

// === impl De ===

impl<'n> De<'n> {
    fn located<T>(self, result: Result<T, Fault>) -> Result<T, Fault> {
        result.map_err(|fault| Fault(fault.0.at_least(&self.0.origin)))
    }

    fn scalar(self) -> Option<&'n Scalar> {
        match &self.0.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// A node that does not fit: the visitor's own words for what it wanted.
    fn misfit<'de, V: Visitor<'de>>(self, visitor: &V) -> Fault {
        let found = match &self.0.value {
            Value::Scalar(s) if s.is_null() => Unexpected::Unit,
            Value::Scalar(s) => Unexpected::Str(&s.text),
            Value::List(_) => Unexpected::Seq,
            Value::Map(_) => Unexpected::Map,
        };
        let fault = Fault::invalid_type(found, visitor);
        let quoted = self.scalar().filter(|s| s.style == Style::Text && looks_bare(&s.text));
        Fault(if quoted.is_some() { fault.0.help("remove the quotes: they make it text") } else { fault.0 })
    }

    fn any<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.0.value {
            Value::List(items) => visit_items(items, visitor),
            Value::Map(map) => visitor.visit_map(Entries::new(map, &[])),
            Value::Scalar(s) => match s.resolve() {
                Resolved::Null => visitor.visit_unit(),
                Resolved::Bool(b) => visitor.visit_bool(b),
                Resolved::Int(n) => visit_int(n, visitor),
                Resolved::Float(n) => visitor.visit_f64(n),
                Resolved::Text => visitor.visit_str(&s.text),
            },
        }
    }

    fn text<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.scalar() {
            Some(s) if s.is_null() && s.text != "~" && !s.text.is_empty() => {
                Err(Fault(self.misfit(&visitor).0.help(format!("`{0}` is YAML for nothing: write \"{0}\"", s.text))))
            }
            Some(s) if !s.is_null() => visitor.visit_str(&s.text),
            _ => Err(self.misfit(&visitor)),
        }
    }

    fn truth<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.scalar().and_then(Scalar::as_bool) {
            Some(b) => visitor.visit_bool(b),
            None => Err(self.misfit(&visitor)),
        }
    }

    fn whole<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let Some(s) = self.scalar().filter(|s| s.style != Style::Text) else { return Err(self.misfit(&visitor)) };
        if scalar::has_leading_zero(&s.text) {
            let digits = s.text.trim_start_matches(['0', '-', '+']);
            let fault =
                Error::new(ErrorKind::InvalidValue, format!("`{}` may be octal or decimal", suggest::clip(&s.text)));
            return Err(Fault(fault.help(format!("write `0o{digits}` or `{digits}`"))));
        }
        match scalar::int(&s.text) {
            Some(n) => visit_int(n, visitor),
            None => Err(self.misfit(&visitor)),
        }
    }

    fn float<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let number = self.scalar().filter(|s| s.style != Style::Text).and_then(|s| scalar::float(&s.text));
        match number {
            Some(n) => visitor.visit_f64(n),
            None => Err(self.misfit(&visitor)),
        }
    }

    fn list<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.0.value {
            Value::List(items) => visit_items(items, visitor),
            Value::Scalar(s) if s.is_null() => visit_items(&[], visitor),
            Value::Scalar(s) if s.style == Style::Outside => {
                let parts = s.text.split(',').map(str::trim).filter(|part| !part.is_empty());
                let item = |part| Node { value: Value::Scalar(Scalar::outside(part)), origin: self.0.origin.clone() };
                visit_items(&parts.map(item).collect::<Vec<_>>(), visitor)
            }
            _ => Err(self.misfit(&visitor)),
        }
    }

    fn map<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.section(&[], visitor)
    }

    fn section<'de, V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        match &self.0.value {
            Value::Map(map) => visitor.visit_map(Entries::new(map, fields)),
            Value::Scalar(s) if s.is_null() => visitor.visit_map(Entries::new(&Map::new(), fields)),
            _ => self.any(visitor),
        }
    }
}

fn looks_bare(text: &str) -> bool {
    let bare = Scalar { text: text.to_owned(), style: Style::Plain };
    !matches!(bare.resolve(), Resolved::Text | Resolved::Null) || bare.as_bool().is_some()
}

fn visit_int<'de, V: Visitor<'de>>(n: i128, visitor: V) -> Result<V::Value, Fault> {
    match (u64::try_from(n), i64::try_from(n)) {
        (Ok(n), _) => visitor.visit_u64(n),
        (_, Ok(n)) => visitor.visit_i64(n),
        _ => visitor.visit_i128(n),
    }
}

fn visit_items<'de, V: Visitor<'de>>(items: &[Node], visitor: V) -> Result<V::Value, Fault> {
    visitor.visit_seq(Items { rest: items.iter().enumerate() })
}

macro_rules! forward {
    ($($method:ident => $to:ident),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            self.located(self.$to(visitor))
        }
    )*};
}

impl<'de> Deserializer<'de> for De<'_> {
    type Error = Fault;

    forward! {
        deserialize_any => any, deserialize_bool => truth,
        deserialize_i8 => whole, deserialize_i16 => whole, deserialize_i32 => whole, deserialize_i64 => whole,
        deserialize_i128 => whole, deserialize_u8 => whole, deserialize_u16 => whole, deserialize_u32 => whole,
        deserialize_u64 => whole, deserialize_u128 => whole, deserialize_f32 => float, deserialize_f64 => float,
        deserialize_char => text, deserialize_str => text, deserialize_string => text, deserialize_bytes => text,
        deserialize_byte_buf => text, deserialize_identifier => text, deserialize_seq => list, deserialize_map => map,
        deserialize_unit => any,
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.located(if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) })
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Fault> {
        let in_file = matches!(self.0.origin, Origin::File { .. }) && !self.0.is_null();
        let result = if in_file && name == secret::MARK {
            Err(Fault(secret::inline()))
        } else {
            visitor.visit_newtype_struct(self)
        };
        self.located(result)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if let Value::Map(map) = &self.0.value
            && let Some((name, entry)) = map.iter().find(|(name, _)| !fields.contains(&name.as_str()))
        {
            return Err(Fault(unknown_key(name, fields).at(entry.key.clone())));
        }
        self.located(self.section(fields, visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.located(match &self.0.value {
            Value::Scalar(s) if !s.is_null() => visitor.visit_enum(s.text.as_str().into_deserializer()),
            Value::Map(map) => match map.first().filter(|_| map.len() == 1) {
                Some((name, entry)) => visitor.visit_enum(Variant { name, entry }),
                None => Err(Fault::invalid(format!("expected one key, found {}", map.len()))),
            },
            _ => Err(self.misfit(&visitor)),
        })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }
}

// === impl Entries ===

impl<'n> Entries<'n> {
    fn new(map: &'n Map, fields: &'static [&'static str]) -> Self {
        Self { fields, rest: map.iter(), current: None }
    }

    /// A secret that no file may set: say which of the struct's other keys may.
    fn explain(&self, name: &str, error: Error) -> Error {
        match secret::instead_of(name, self.fields) {
            Some(better) if error.kind() == ErrorKind::InlineSecret && error.help_text().is_none() => better,
            _ => error,
        }
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((name, entry)) = self.rest.next() else { return Ok(None) };
        self.current = Some((name, entry));
        let key: StrDeserializer<'_, Fault> = name.as_str().into_deserializer();
        seed.deserialize(key).map(Some).map_err(|fault| Fault(fault.0.at_least(&entry.key)))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some((name, entry)) = self.current.take() else { return Err(Fault::invalid("a value without a key")) };
        let wrap = |fault: Fault| Fault(self.explain(name, fault.0).at_least(&entry.node.origin).under(name));
        seed.deserialize(De(&entry.node)).map_err(wrap)
    }
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some((index, node)) = self.rest.next() else { return Ok(None) };
        let wrap = |fault: Fault| Fault(fault.0.at_least(&node.origin).under(&format!("[{index}]")));
        seed.deserialize(De(node)).map(Some).map_err(wrap)
    }
}

// === impl Variant ===

impl Variant<'_> {
    fn wrap(&self, fault: Fault) -> Fault {
        Fault(fault.0.at_least(&self.entry.node.origin).under(self.name))
    }
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let name: StrDeserializer<'_, Fault> = self.name.into_deserializer();
        let value = seed.deserialize(name).map_err(|fault| Fault(fault.0.at_least(&self.entry.key)))?;
        Ok((value, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        if self.entry.node.is_null() {
            return Ok(());
        }
        Err(self.wrap(Fault::invalid(format!("`{}` takes nothing", self.name))))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(De(&self.entry.node)).map_err(|fault| self.wrap(fault))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        De(&self.entry.node).deserialize_seq(visitor).map_err(|fault| self.wrap(fault))
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        De(&self.entry.node).deserialize_struct("", fields, visitor).map_err(|fault| self.wrap(fault))
    }
}
