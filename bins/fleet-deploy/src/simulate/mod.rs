//! A fleet that only pretends: the same plan, engine and journal, over a transport whose hosts take their time and fail
//! by chance. What a host does follows from the seed and its name alone, so a resumed simulation meets the same hosts.
//!
//! ```
//! use fleet_deploy::simulate::{Chance, Span};
//! let span: Span = "2s..5s".parse()?;
//! assert_eq!(span.at(0.5).as_millis(), 3500);
//! assert!("5s..2s".parse::<Span>().is_err());
//! assert_eq!("10%".parse::<Chance>()?.share(), 0.1);
//! # Ok::<(), String>(())
//! ```

mod chance;
mod clock;
mod fleet;

pub use chance::{Chance, Span};
pub use clock::VirtualClock;
pub(crate) use fleet::{Fleet, pretended};
