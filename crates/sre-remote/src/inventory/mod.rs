//! Who the fleet is, and which part of it is meant.
//!
//! ```
//! use sre_remote::inventory::{Inventory, Selection, fold};
//!
//! let inventory = Inventory::from_yaml(r#"
//! vars: {user: sre}
//! hosts:
//!   - bastion.example
//! groups:
//!   prod:
//!     tags: [critical]
//!     children:
//!       web:
//!         hosts:
//!           - web-[01-20].example
//!         vars: {http_port: 8080}
//!       db:
//!         hosts:
//!           db-[a-c].example: {port: 2222, tags: [postgres]}
//!           db-x.example: {address: 10.0.0.9, user: postgres, vars: {role: spare}}
//! "#, "hosts.yaml")?;
//! let chosen = inventory.select(&Selection::all().hosts("@prod!@db,db-x.example").exclude("web-[04-19].example"))?;
//! assert_eq!(fold(chosen.iter().map(|host| host.name())), "db-x.example,web-[01-03,20].example");
//! assert_eq!(inventory.select(&Selection::all().hosts("@tag:postgres"))?.len(), 3);
//! # Ok::<(), sre_remote::inventory::InventoryError>(())
//! ```
//!
//! # Expressions
//!
//! | written | stands for |
//! | --- | --- |
//! | `web-[01-20,30].example` | `web-01.example` … `web-20.example`, `web-30.example`; the zeros stay |
//! | `rack[1-3]-node[01-16]` | the product, the last range running fastest |
//! | `n[0-20/4]`, `db-[a-c]`, `[blue,green]-1` | every fourth, letters, words |
//! | `sre@web-01:2222`, `[2001:db8::7]:22` | a user, a port; also behind a range |
//! | `@web`, `@rack[1-3]`, `@*` | a group, several groups, every host of the inventory |
//! | `@tag:postgres` | the hosts with a tag |
//! | `web-*`, `db-?` | hosts of the inventory whose names fit |
//! | `a,b` · `a!b` · `a&b` · `a^b` | union, difference, intersection, symmetric difference |
//!
//! Operators are read from left to right without precedence, as ClusterShell reads them: `a,b!c` leaves `c` out of both.
//! A shell needs quotes around `!`, `&` and `*`. Beyond ClusterShell: letters and words in brackets, ranges side by side
//! (`r[1-2][a-b]`); not taken: negative numbers, spaces in names. One expression has at most [`MAX_HOSTS`] hosts.
//!
//! # Variables with a meaning
//!
//! In a servers file `key=value`, in YAML under `vars` or directly at a host or group:
//!
//! | name | meaning |
//! | --- | --- |
//! | `user`, `port`, `address` | who logs in, where; they become [`Host`](crate::Host)'s fields |
//! | `key` | the file of a private key |
//! | `jump` | the host or hosts to go through, as in `ProxyJump` |
//! | `transport` | `ssh`, `openssh` or `local` |
//! | `shell` | `posix` (default) or `raw`: the login shell is of another family |
//!
//! All others are the user's own. A host that is named again is the same host: the later value wins, what is left out
//! stays. One name with two ports is two hosts, named `name:port`. In YAML, a host's own value wins over its group's, a
//! group's over its parents', those over the file's `vars`; of two groups that are equally near, the later one.

mod catalog;
mod document;
mod error;
mod expression;
mod fold;
mod groups;
mod pattern;
mod product;
mod range;
mod roster;
mod selection;
mod servers;
mod set;
mod settings;
mod spec;

pub use catalog::Inventory;
pub use error::{InventoryError, InventoryErrorKind, Place};
pub use fold::fold;
pub use pattern::MAX_HOSTS;
pub use selection::Selection;
pub use set::HostSet;
