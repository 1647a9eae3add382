//! Results as text and as data.

pub(crate) mod csv;
pub(crate) mod gather;
pub(crate) mod health;
pub(crate) mod json;
pub(crate) mod junit;
pub(crate) mod lines;
pub(crate) mod progress;
pub(crate) mod stream;
pub(crate) mod style;
pub(crate) mod summary;
pub(crate) mod table;
pub(crate) mod text;
mod whole;

pub(crate) use whole::{by_ending, whole};
