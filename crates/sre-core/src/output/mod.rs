//! Shapes that results take on their way out: formats, tables, sizes, test reports.
//!
//! Nothing here prints: everything returns text or writes to what it is given.
//!
//! | need | module |
//! | --- | --- |
//! | the value of `-o` | [`format`](mod@format) |
//! | aligned columns that fit the terminal | [`table`], [`width`] |
//! | ✓ ✗ ! ? and what stands for them in ASCII | [`glyphs`] |
//! | `1.4 GiB` | [`bytes`] |
//! | a report that a CI server reads | [`junit`] |

pub mod bytes;
pub mod format;
pub mod glyphs;
pub mod junit;
pub mod table;
pub mod width;

pub use format::Format;
pub use glyphs::Glyphs;
pub use table::{Column, Table};
