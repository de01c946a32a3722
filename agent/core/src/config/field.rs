//! A value of the file with its place: reading one never fails, so that every error of a file is found at once.
//!
//! In: what TOML holds. Out: [`Field`], either the value or what is wrong with it; it is reported when it is read.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::errors::Problems;
use super::mask::shown;

/// What is wrong with a value, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Complaint {
    pub message: String,
    pub help: String,
}

impl Complaint {
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }
}

/// What stands in the file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Given<'a> {
    Text(&'a str),
    Integer(i64),
    Bool(bool),
    /// Anything that no key takes.
    Other(&'static str),
}

impl<'a> Given<'a> {
    /// The text between the quotes.
    pub(super) fn text(self, expected: &str) -> Result<&'a str, Complaint> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Integer(_) | Self::Bool(_) | Self::Other(_) => Err(self.is_not(expected)),
        }
    }

    /// `expected …, found …`
    pub(super) fn is_not(self, expected: &str) -> Complaint {
        let help = match self {
            Self::Text(_) => String::new(),
            Self::Integer(number) => format!("write it in quotes if it is text: \"{number}\""),
            Self::Bool(value) => format!("write it in quotes if it is text: \"{value}\""),
            Self::Other(_) => "this key takes one value".to_owned(),
        };
        Complaint::new(format!("expected {expected}, found {self}"), help)
    }
}

impl fmt::Display for Given<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "\"{}\"", shown(text)),
            Self::Integer(number) => number.fmt(f),
            Self::Bool(value) => value.fmt(f),
            Self::Other(what) => f.write_str(what),
        }
    }
}

/// A type of value that a key may hold.
pub(super) trait Scalar: Clone {
    /// The value, or what is wrong with it.
    fn read(given: Given<'_>) -> Result<Self, Complaint>;
    /// As it is written in the file.
    fn written(&self) -> serde_json::Value;
    /// Its part of the JSON Schema.
    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// A value with its place.
#[derive(Clone)]
pub(super) struct Field<T> {
    /// Bytes of the file; empty for a default.
    pub span: Range<usize>,
    value: Result<T, Complaint>,
}

impl<T: Scalar> Field<T> {
    /// A default.
    pub(super) fn of(value: T) -> Self {
        Self { span: 0..0, value: Ok(value) }
    }

    /// The value, if it is right.
    pub(super) fn get(&self) -> Option<&T> {
        self.value.as_ref().ok()
    }

    /// The value; what is wrong with it is noted.
    pub(super) fn read(&self, problems: &mut Problems) -> Option<T> {
        match &self.value {
            Ok(value) => Some(value.clone()),
            Err(complaint) => {
                problems.add(&self.span, &complaint.message, &complaint.help);
                None
            }
        }
    }
}

impl<T: Scalar + Default> Default for Field<T> {
    fn default() -> Self {
        Self::of(T::default())
    }
}

/// The values of an optional key or a list that are right; what is wrong with the others is noted.
pub(super) fn read_all<'a, T: Scalar + 'a, C: FromIterator<T>>(
    fields: impl IntoIterator<Item = &'a Field<T>>,
    problems: &mut Problems,
) -> C {
    fields.into_iter().filter_map(|field| field.read(problems)).collect()
}

/// The value of an optional key; `None` also if it is wrong, which is noted.
pub(super) fn read_optional<T: Scalar>(field: Option<&Field<T>>, problems: &mut Problems) -> Option<T> {
    field.and_then(|field| field.read(problems))
}

impl<'de, T: Scalar> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = toml::Spanned::<Content<T>>::deserialize(deserializer)?;
        Ok(Self { span: spanned.span(), value: spanned.into_inner().0 })
    }
}

impl<T: Scalar> Serialize for Field<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.get().map(Scalar::written).serialize(serializer)
    }
}

impl<T: Scalar> JsonSchema for Field<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        std::any::type_name::<T>().into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::schema(generator)
    }
}

struct Content<T>(Result<T, Complaint>);

impl<'de, T: Scalar> Deserialize<'de> for Content<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader(PhantomData)).map(Self)
    }
}

struct Reader<T>(PhantomData<T>);

impl<'de, T: Scalar> Visitor<'de> for Reader<T> {
    type Value = Result<T, Complaint>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(T::read(Given::Text(text)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(T::read(Given::Integer(number)))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(T::read(Given::Other("a number that is too large")))
    }

    fn visit_u128<E>(self, _: u128) -> Result<Self::Value, E> {
        Ok(T::read(Given::Other("a number that is too large")))
    }

    fn visit_i128<E>(self, _: i128) -> Result<Self::Value, E> {
        Ok(T::read(Given::Other("a number that is too large")))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(T::read(Given::Other("a number with a fraction")))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(T::read(Given::Bool(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(T::read(Given::Other("a list")))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut what = "a table";
        while let Some(key) = entries.next_key::<String>()? {
            entries.next_value::<IgnoredAny>()?;
            // How the toml crate hands over dates and times.
            if key.starts_with("$__toml_private") {
                what = "a date or time";
            }
        }
        Ok(T::read(Given::Other(what)))
    }
}

/// A table with its place.
#[derive(Clone)]
pub(super) struct At<T> {
    /// Bytes of the file: those of the header, or of the inline table.
    pub span: Range<usize>,
    pub table: T,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = toml::Spanned::<T>::deserialize(deserializer)?;
        Ok(Self { span: spanned.span(), table: spanned.into_inner() })
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
