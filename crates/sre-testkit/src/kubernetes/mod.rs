//! A scripted Kubernetes API server over HTTPS: lists in pages, watches, `scale`, and the ways in which they fail.
//!
//! It does what a client of the toolkit can notice: bearer tokens, `limit` and `continue`, selectors, resource
//! versions, watch replay and bookmarks, 403 and 410 with the bodies of a real server, gzip above 128 KiB as the
//! real one. It validates nothing and knows no admission.
//!
//! ```
//! use sre_testkit::kubernetes::{KubeApi, objects};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let api = KubeApi::builder()
//!     .pods(vec![objects::pod("shop", "web-1"), objects::crash_looping_pod("shop", "web-2")])
//!     .generated_pods(10_000, 6_800, 100)
//!     .nodes(vec![objects::node("node-1", true)])
//!     .forbid("events")
//!     .expire_lists_after("pods", 5_000)
//!     .start()
//!     .await;
//! let dir = tempfile::tempdir().unwrap();
//! let kubeconfig = sre_testkit::kubernetes::write_kubeconfig(dir.path(), &[("prod", &api)]);
//! assert!(kubeconfig.exists());
//! # });
//! ```

mod api;
mod builder;
mod discovery;
mod generated;
mod kubeconfig;
mod list;
pub mod objects;
pub mod replies;
mod route;
mod scale;
mod store;
mod watch;

pub use api::KubeApi;
pub use builder::KubeApiBuilder;
pub use kubeconfig::{Kubeconfig, write_kubeconfig};
