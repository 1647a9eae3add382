//! Turns a [`Report`](crate::report::Report) into what people and programs read.

mod annotations;
mod html;
mod json;
mod junit;
mod lines;
mod markdown;
#[cfg(test)]
mod sample;
mod slack;
mod style;
#[cfg(test)]
mod tests;
mod text;
mod when;

pub use annotations::annotations;
pub use html::html;
pub use json::{QueryError, check_query, json, query};
pub use junit::junit;
pub use markdown::markdown;
pub use slack::slack;
pub use style::Style;
pub use text::text;
