//! How patient, how greedy and how quiet a connection to a cluster is.
//!
//! ```
//! use std::time::Duration;
//! use sre_cloud::kubernetes::ConnectOptions;
//! let options = ConnectOptions::default().connect_timeout(Duration::from_secs(2)).page_size(200);
//! # let _ = options;
//! ```

use std::time::Duration;

use sre_core::RetryPolicy;

use super::page::PageTurns;
use super::proxy::ProxySettings;

/// Time limits, page sizes and manners of a [`Cluster`](super::Cluster).
///
/// Defaults: connect 5 s, read 30 s, each operation 2 min, credential plugin 30 s, the default [`RetryPolicy`], pages
/// of 500 objects and at most 64 MiB, two pages in memory at once, not interactive, no proxy but the kubeconfig's own.
///
/// Clones share the memory for pages: options that are cloned for each of many clusters bound it over all of them.
#[derive(Debug, Clone)]
#[must_use]
pub struct ConnectOptions {
    pub(crate) connect_timeout: Duration,
    pub(crate) read_timeout: Duration,
    pub(crate) deadline: Duration,
    pub(crate) plugin_timeout: Duration,
    pub(crate) retry: RetryPolicy,
    pub(crate) page_size: u32,
    pub(crate) max_page_bytes: usize,
    pub(crate) interactive: bool,
    pub(crate) user_agent: String,
    pub(crate) proxy: ProxySettings,
    pub(crate) turns: PageTurns,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(30),
            deadline: Duration::from_secs(120),
            plugin_timeout: Duration::from_secs(30),
            retry: RetryPolicy::default(),
            // kubectl's own chunk size.
            page_size: 500,
            max_page_bytes: 64 * 1024 * 1024,
            interactive: false,
            user_agent: concat!("sre-toolkit/", env!("CARGO_PKG_VERSION")).to_owned(),
            proxy: ProxySettings::default(),
            // Some 100,000 pods a second.
            turns: PageTurns::new(2),
        }
    }
}

impl ConnectOptions {
    /// Time for name lookup, TCP and TLS together.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// Time without a single byte from the server.
    pub fn read_timeout(mut self, limit: Duration) -> Self {
        self.read_timeout = limit;
        self
    }

    /// Time for one whole operation (a connect, a list of all pages, a survey, a scale), retries included.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = limit;
        self
    }

    /// Time for the exec credential plugin; the deadline counts too.
    pub fn plugin_timeout(mut self, limit: Duration) -> Self {
        self.plugin_timeout = limit;
        self
    }

    /// How often a request that did no harm is tried again.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Objects a page; at least 1.
    pub fn page_size(mut self, objects: u32) -> Self {
        self.page_size = objects.max(1);
        self
    }

    /// The largest page that is accepted, in bytes after decompression.
    pub fn max_page_bytes(mut self, bytes: usize) -> Self {
        self.max_page_bytes = bytes;
        self
    }

    /// How many compressed pages are unpacked and read at once, at least 1, over all clusters with these options and later
    /// clones of them.
    pub fn pages_at_once(mut self, pages: usize) -> Self {
        self.turns = PageTurns::new(pages.max(1));
        self
    }

    /// Whether a person sits at the terminal: only then does a credential plugin get stdin and the terminal's stderr.
    pub fn interactive(mut self, interactive: bool) -> Self {
        self.interactive = interactive;
        self
    }

    /// The `User-Agent` of every request.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// The environment's proxy, for clusters whose kubeconfig entry has no `proxy-url`.
    pub fn proxy(mut self, proxy: ProxySettings) -> Self {
        self.proxy = proxy;
        self
    }
}
