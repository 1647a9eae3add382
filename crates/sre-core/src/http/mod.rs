//! The HTTP client of every tool: bounded in time and size, polite when refused, clear when it fails.
//!
//! It is reqwest with [`reqwest_retry`] on a [`RetryPolicy`](crate::RetryPolicy): GET and HEAD (and whatever the caller
//! declares [`idempotent`](Request::idempotent)) are tried again after connect errors, broken or late answers and
//! 429, 500, 502, 503, 504. Delays have full jitter; a `Retry-After` header is honoured up to the policy's cap. Bodies are
//! read whole, up to a cap, inside the retry loop, so that a connection reset in mid-body is tried again as well.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! # let url = format!("http://{}", listener.local_addr()?);
//! # tokio::spawn(async move {
//! #     let (mut s, _) = listener.accept().await.unwrap();
//! #     let _ = s.read(&mut [0; 4096]).await;
//! #     let _ = s.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n{\"up\": \"yes\"}").await;
//! # });
//! use std::time::Duration;
//! use sre_core::http::Client;
//!
//! let client = Client::builder().connect_timeout(Duration::from_secs(2)).build()?;
//! let answer = client.get(&url).send().await?.error_for_status()?;
//! assert_eq!(answer.json::<serde_json::Value>()?["up"], "yes");
//! assert_eq!(answer.attempts(), 1);
//! # Ok(()) }
//! ```

mod attempt;
mod client;
mod error;
mod request;
mod response;
mod retry;
mod retry_after;

pub use client::{Auth, Client, ClientBuilder, Proxy};
pub use error::{Error, ErrorKind};
pub use request::Request;
pub use response::Response;
