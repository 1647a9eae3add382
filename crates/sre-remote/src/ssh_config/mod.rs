//! `~/.ssh/config`: what OpenSSH's client configuration says about a host.
//!
//! The rules are ssh_config(5)'s: the first value wins, `Host` blocks with patterns and `!`, `Include` inside a block stays
//! inside it. The tests compare the result with `ssh -G`.
//!
//! Three kinds of keyword are told apart, so that nothing is ignored in silence:
//!
//! | kind | what happens |
//! | --- | --- |
//! | supported (`HostName`, `ProxyJump`, `IdentityFile`, …) | in [`HostSettings`] |
//! | changes how a host is reached or trusted, not supported (`Match`, `ProxyCommand`, `Ciphers`, …) | in [`HostSettings::unsupported`] of the hosts that it is about |
//! | of no consequence here (`ForwardX11`, `ControlMaster`, `SendEnv`, …) | nothing |
//!
//! Anything else is an error, as for `ssh`, unless `IgnoreUnknown` names it.
//!
//! The environment, the home folder and files are handed in ([`Local`], [`Files`]).
//!
//! ```
//! use sre_remote::ssh_config::{Local, SshConfig};
//! let local = Local::new("/home/sre", "sre");
//! let text = "Host web-*\n  HostName %h.example.com\n  Port 2222\n  ProxyJump gate\n\nHost *\n  User ops\n  Port 22\n";
//! let config = SshConfig::parse(text, "config", &local).unwrap();
//! let web = config.resolve("web-1");
//! assert_eq!((web.host_name.as_str(), web.port, web.user.as_deref()), ("web-1.example.com", Some(2222), Some("ops")));
//!
//! let route = config.route("web-1", None, None, None).unwrap();
//! assert_eq!(route.iter().map(|hop| hop.name.as_str()).collect::<Vec<_>>(), ["gate", "web-1"]);
//!
//! let e = SshConfig::parse("Prot 22\n", "config", &local).unwrap_err();
//! assert_eq!(e.to_string(), "config:1: \"Prot\" is not a keyword of ssh_config; did you mean Port?");
//! ```

mod directive;
mod files;
mod glob;
mod jump;
mod keyword;
mod line;
mod load;
mod resolve;
mod route;
mod settings;
mod tokens;
mod value;

pub use files::{Disk, Files};
pub use jump::Jump;
pub use load::{BadConfig, Local, Scope, SshConfig};
pub use route::Hop;
pub use settings::{HostSettings, IdentityAgent, StrictHostKeyChecking, Unsupported};
