//! What changes in a cluster, as a stream that never ends by itself.
//!
//! The stream lists first (`Reset`, then `Applied` for each object, then `Synced`) and watches from there. When the
//! connection breaks it watches on from the last version it saw: nothing is lost and nothing comes twice. When the
//! server no longer has that version (410), it lists anew: again `Reset … Synced`, and what was deleted meanwhile is
//! what is missing then. Refused credentials are renewed as for lists. Whatever goes wrong is told as `Interrupted` and
//! tried again with back-off, for ever: whoever has seen enough drops the stream.
//!
//! Memory is bounded: one page of a list, or the events of one chunk from the network (an event is at most 8 MiB).
//!
//! ```no_run
//! # async fn run(cluster: sre_cloud::kubernetes::Cluster) {
//! use futures_util::StreamExt;
//! use sre_cloud::kubernetes::{ListOptions, ListScope, Pod, WatchEvent};
//!
//! let mut events = std::pin::pin!(cluster.watch::<Pod>(ListScope::All, ListOptions::default()));
//! while let Some(event) = events.next().await {
//!     match event {
//!         WatchEvent::Applied(pod) => println!("{} is {}", pod.metadata.name, pod.status.phase),
//!         WatchEvent::Deleted(pod) => println!("{} is gone", pod.metadata.name),
//!         WatchEvent::Interrupted { error, retry_in } => println!("{error}; again in {retry_in:?}"),
//!         _ => {}
//!     }
//! }
//! # }
//! ```

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{Stream, stream};
use sre_core::{Classify, RetryHint};
use tokio::time::timeout_at;

use super::connect::{Cluster, too_late};
use super::list::ListOptions;
use super::page::Page;
use super::refusal::Asked;
use super::request::Ask;
use super::resource::{ListScope, Listed};
use super::watch_lines::{Line, Lines};
use crate::{Error, ErrorKind};

/// How long the server shall keep one watch open: under the five minutes of most load balancers.
const WATCH_SECONDS: u64 = 290;

/// One thing that happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum WatchEvent<T> {
    /// What was known no longer counts; everything that exists follows as [`Applied`](Self::Applied).
    Reset,
    /// Everything that existed has been told; changes follow.
    Synced,
    /// An object is there or has changed.
    Applied(T),
    /// An object is gone; this was its last state.
    Deleted(T),
    /// Nothing is known for a while.
    Interrupted {
        /// What went wrong.
        error: Error,
        /// When it is tried again.
        retry_in: Duration,
    },
}

struct Watcher<T> {
    cluster: Cluster,
    scope: ListScope,
    options: ListOptions,
    queue: VecDeque<WatchEvent<T>>,
    state: State,
    failures: u32,
    pause: Option<Duration>,
}

enum State {
    /// About to list; with the token of the next page.
    Listing { token: Option<String> },
    /// About to watch from a version.
    Connecting { version: Box<str> },
    /// Watching; `told` says whether this connection has brought anything.
    Watching { version: Box<str>, lines: Lines, told: bool },
}

// === impl Cluster ===

impl Cluster {
    /// Watches all objects of a kind in `scope`; see the `watch` module for what the stream promises.
    ///
    /// # Cancel safety
    /// Dropping the stream ends the watch.
    pub fn watch<T: Listed>(
        &self,
        scope: ListScope,
        options: ListOptions,
    ) -> impl Stream<Item = WatchEvent<T>> + Send + 'static {
        let state = State::Listing { token: None };
        let cluster = self.clone();
        let watcher = Watcher { cluster, scope, options, queue: VecDeque::new(), state, failures: 0, pause: None };
        stream::unfold(watcher, async |mut watcher| Some((watcher.next().await, watcher)))
    }
}

// === impl Watcher ===

impl<T: Listed> Watcher<T> {
    async fn next(&mut self) -> WatchEvent<T> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return event;
            }
            if let Some(pause) = self.pause.take() {
                self.cluster.clock.sleep(pause).await;
            }
            if let Err(error) = self.advance().await {
                self.interrupted(error);
            }
        }
    }

    /// One step: a page, a connection, or a chunk.
    async fn advance(&mut self) -> Result<(), Error> {
        match &mut self.state {
            State::Listing { token } => {
                let token = token.take();
                self.list_page(token).await
            }
            State::Connecting { .. } => self.connect().await,
            State::Watching { version, lines, told } => {
                let more = lines.next_chunk().await.map_err(|verdict| self.cluster.error(verdict));
                let version = std::mem::take(version);
                match more {
                    Ok(Some(batch)) => {
                        *told = true;
                        self.failures = 0;
                        self.take(batch, version)
                    }
                    Ok(None) => {
                        let silent = !*told;
                        self.state = State::Connecting { version };
                        // A server that ends each watch at once is not asked in a tight loop.
                        if silent {
                            self.pause = Some(self.backoff());
                        }
                        Ok(())
                    }
                    Err(error) => {
                        self.state = State::Connecting { version };
                        Err(error)
                    }
                }
            }
        }
    }

    async fn list_page(&mut self, token: Option<String>) -> Result<(), Error> {
        let asked = Asked { verb: "list", resource: &T::RESOURCE };
        let limit = self.cluster.options.page_size.to_string();
        let mut more = vec![("limit", limit.as_str())];
        more.extend(token.as_deref().map(|token| ("continue", token)));
        let path = format!("{}?{}", T::RESOURCE.path(&self.scope), self.options.query(&more));
        let mut body = Vec::new();
        let asking = self.cluster.ask(&Ask::get(asked, path), &mut body, self.cluster.deadline()).await;
        if let Err(refused) = asking {
            // A page in the middle is asked for again; after a 410 the list begins anew: going on in a newer snapshot, as
            // plain lists do, would leave changes between the two snapshots untold.
            let resume = token.filter(|_| refused.error.kind() != ErrorKind::Gone);
            self.state = State::Listing { token: resume };
            return Err(refused.error);
        }
        let read = self.cluster.digest::<T>(Page { bytes: body, gzip: false }).await;
        let page = read.map_err(|why| self.cluster.unfit(asked, why))?.list;
        self.failures = 0;
        if token.is_none() {
            self.queue.push_back(WatchEvent::Reset);
        }
        self.queue.extend(page.items.into_iter().map(WatchEvent::Applied));
        self.state = match page.metadata.continue_token {
            next if !next.is_empty() => State::Listing { token: Some(next.into_string()) },
            _ => {
                self.queue.push_back(WatchEvent::Synced);
                State::Connecting { version: page.metadata.resource_version }
            }
        };
        Ok(())
    }

    async fn connect(&mut self) -> Result<(), Error> {
        let State::Connecting { version } = &mut self.state else { return Ok(()) };
        let version = version.clone();
        let seconds = WATCH_SECONDS.to_string();
        let query = self.options.query(&[
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", &version),
            ("timeoutSeconds", &seconds),
        ]);
        let ask = Ask::get(
            Asked { verb: "watch", resource: &T::RESOURCE },
            format!("{}?{query}", T::RESOURCE.path(&self.scope)),
        );
        let read_timeout = Duration::from_secs(WATCH_SECONDS) + self.cluster.options.read_timeout;
        let opening = timeout_at(self.cluster.deadline(), self.cluster.open_watch(&ask, read_timeout)).await;
        let limit = self.cluster.options.deadline;
        let answer = opening.map_err(|_| too_late(&self.cluster.target, &self.cluster.host, limit))?;
        match answer {
            Ok(answer) => {
                self.state = State::Watching { version, lines: Lines::new(answer.into_body()), told: false };
                Ok(())
            }
            Err(refused) if refused.error.kind() == ErrorKind::Gone => {
                self.state = State::Listing { token: None };
                Ok(())
            }
            Err(refused) => Err(refused.error),
        }
    }

    /// Takes the events of one chunk.
    fn take(&mut self, batch: Vec<Vec<u8>>, mut version: Box<str>) -> Result<(), Error> {
        let asked = Asked { verb: "watch", resource: &T::RESOURCE };
        for line in batch {
            match Line::<T>::read(&line) {
                Ok(Line::Applied { object, version: seen }) => {
                    version = seen.unwrap_or(version);
                    self.queue.push_back(WatchEvent::Applied(object));
                }
                Ok(Line::Deleted { object, version: seen }) => {
                    version = seen.unwrap_or(version);
                    self.queue.push_back(WatchEvent::Deleted(object));
                }
                Ok(Line::Bookmark { version: seen }) => version = seen.unwrap_or(version),
                Ok(Line::Expired) => {
                    self.state = State::Listing { token: None };
                    return Ok(());
                }
                Ok(Line::Failed { message }) => {
                    self.state = State::Connecting { version };
                    let error = self.cluster.unreadable(asked, &message).map_kind(|_| ErrorKind::Server);
                    return Err(error.with_hint(RetryHint::Backoff));
                }
                // What this event was is lost, so only a new list tells how things stand.
                Err(why) => {
                    self.state = State::Listing { token: None };
                    return Err(self.cluster.unreadable(asked, &why));
                }
            }
        }
        if let State::Watching { version: current, .. } = &mut self.state {
            *current = version;
        }
        Ok(())
    }

    fn interrupted(&mut self, error: Error) {
        let retry_in = match error.retry_hint() {
            RetryHint::After(wait) => wait.max(self.backoff()),
            _ => self.backoff(),
        };
        tracing::info!(cluster = %self.cluster.target, resource = T::RESOURCE.plural, %error, "the watch is interrupted");
        self.pause = Some(retry_in);
        self.queue.push_back(WatchEvent::Interrupted { error, retry_in });
    }

    fn backoff(&mut self) -> Duration {
        let delay = self.cluster.options.retry.jittered_delay(self.failures);
        self.failures = self.failures.saturating_add(1);
        delay
    }
}
