//! The decisions of the pipeline, one stage a file: from state, settings, an alert and a time to a verdict with a reason.
//!
//! alert → [`route`] → [`inhibit`] → [`silence`] → [`window`] → suppress → group → outbox → receiver, and later repeat.
//! Nothing here touches a disk, a network or a clock. `decide` puts the stages in their order; [`explain`] is what they
//! say about one alert, in words.

pub(crate) mod decide;
pub mod explain;
pub(crate) mod group;
pub mod inhibit;
pub mod matcher;
pub(crate) mod moment;
pub(crate) mod repeat;
pub mod route;
pub mod silence;
pub(crate) mod suppress;
pub mod window;

pub use explain::{Explanation, Stage, Step, Verdict};
pub use inhibit::InhibitRule;
pub use matcher::{InvalidMatcher, Matcher};
pub use route::RouteConfig;
pub use silence::{NewSilence, Silence, SilenceId};
pub use window::WindowConfig;
