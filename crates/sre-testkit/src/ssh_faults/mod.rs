//! SSH servers that misbehave: a scripted one that speaks the protocol up to a chosen point, and a TCP proxy that
//! harms the connection to a real server.
//!
//! ```no_run
//! use std::time::Duration;
//! use sre_testkit::ssh_faults::{Action, Fault, FaultServer, Mishap, Proxy, Stage};
//!
//! # async fn example(real: std::net::SocketAddr) {
//! let server = FaultServer::start(Fault::At(Stage::Auth, Action::Close)).await;
//! let known_hosts = server.known_hosts_file(&["127.0.0.1"]);
//! // … a client fails; then:
//! server.wait_until_idle(Duration::from_secs(2)).await;
//!
//! let proxy = Proxy::start(real, Mishap::CutAfter(900)).await;
//! # let _ = (known_hosts, proxy.addr());
//! # }
//! ```

mod auth;
mod cipher;
mod connection;
mod fault;
mod kex;
mod packet;
mod proxy;
mod run;
mod server;
mod session;
mod wire;

pub use fault::{Action, Fault, Stage};
pub use proxy::{Mishap, Proxy};
pub use server::FaultServer;
