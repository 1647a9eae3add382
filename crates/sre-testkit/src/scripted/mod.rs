//! A scripted HTTP/1.1 server: what it answers, how slowly, and how it breaks, is a closure of the test.
//!
//! The wire is written by hand on purpose: a server library would repair the very faults a test wants to see.
//!
//! ```
//! use sre_testkit::scripted::{Reply, Server};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! // Fails once, then works.
//! let server = Server::start(|req| match req.nth {
//!     0 => Reply::text(503, "not yet"),
//!     _ => Reply::json(200, &serde_json::json!({ "path": req.path })),
//! })
//! .await;
//!
//! for expected in ["HTTP/1.1 503", "HTTP/1.1 200"] {
//!     let mut stream = tokio::net::TcpStream::connect(server.addr()).await.unwrap();
//!     stream.write_all(b"GET /api?limit=5 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
//!     let mut answer = String::new();
//!     stream.read_to_string(&mut answer).await.unwrap();
//!     assert!(answer.starts_with(expected), "{answer}");
//! }
//! assert_eq!(server.requests()[1].query(), [("limit".to_owned(), "5".to_owned())]);
//! # });
//! ```

mod absent;
mod reply;
mod request;
mod server;
mod tls;
mod write;

pub use absent::{Blackhole, refused_url};
pub(crate) use reply::gzip;
pub use reply::{Chunk, Reply};
pub use request::Request;
pub use server::Server;
pub(crate) use tls::Identity;
