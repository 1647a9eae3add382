//! Lists of any size in pages: each page is handed to the caller and dropped.
//!
//! Two pages as they were sent are all that is kept, and their memory is used again and again. While one is decompressed
//! and parsed (off the async threads, [when it is its turn](super::page)), the next one is already on its way, because
//! its token stands at the head of the body.
//!
//! A continue token lives about five minutes. When it expires, the server offers a new one that goes on behind the last
//! object but in a newer snapshot: the list then goes on and is marked as not `consistent`. Starting anew instead might
//! never end on a cluster that is slow and large
//! (<https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks>).

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;
use url::form_urlencoded;

use super::body::BodyError;
use super::connect::Cluster;
use super::page::{Digested, Page, Unfit};
use super::refusal::Asked;
use super::request::{Ask, Refused};
use super::resource::{ListScope, Listed, Resource};
use crate::{Error, ErrorKind};

/// How often one page may expire before its new tokens are no longer believed.
const MAX_EXPIRIES: u32 = 3;

/// What a list asks for, besides its scope. Default: everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct ListOptions {
    field_selector: Option<String>,
    label_selector: Option<String>,
}

/// What a list hands to its caller. Exhaustive on purpose: whoever overlooks [`StartOver`](Self::StartOver) counts
/// objects twice.
#[derive(Debug)]
pub enum Listing<T> {
    /// The next objects.
    Page(Vec<T>),
    /// The list begins anew: forget what came before. At most once in a list, and only when the server let it expire
    /// without a way to go on.
    StartOver,
}

/// Whether a list may begin anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Restart {
    Never,
    Once,
}

/// How a list went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ListSummary {
    /// Objects.
    pub items: u64,
    /// Pages.
    pub pages: u32,
    /// Bytes of all pages, decompressed.
    pub bytes: u64,
    /// Bytes of all bodies as they were sent.
    pub wire_bytes: u64,
    /// Whether all of it is one snapshot.
    pub consistent: bool,
    /// Requests that were sent.
    pub attempts: u32,
    /// Time over all of it.
    pub elapsed: Duration,
}

/// One list on its way.
struct Lister<'a> {
    cluster: &'a Cluster,
    asked: Asked<'a>,
    path: String,
    options: &'a ListOptions,
    deadline: Instant,
    summary: ListSummary,
    restarted: bool,
    last_token: Option<String>,
}

/// A page that has come in.
struct Arrived {
    started_over: bool,
}

// === impl ListOptions ===

impl ListOptions {
    /// Only objects whose fields match, as in `type=Warning`; the server decides which fields can be used.
    pub fn field_selector(mut self, selector: impl Into<String>) -> Self {
        self.field_selector = Some(selector.into());
        self
    }

    /// Only objects whose labels match, as in `app=api,tier!=test`.
    pub fn label_selector(mut self, selector: impl Into<String>) -> Self {
        self.label_selector = Some(selector.into());
        self
    }

    /// The query string, with `more` pairs behind the selectors.
    pub(crate) fn query(&self, more: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let selectors = [("fieldSelector", &self.field_selector), ("labelSelector", &self.label_selector)];
        for (name, value) in selectors {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        query.extend_pairs(more).finish()
    }
}

// === impl Cluster ===

impl Cluster {
    /// Lists all objects of a kind in `scope`, page by page, and hands each page to `take`.
    ///
    /// Memory stays at two pages, whatever the size of the list. A page that fails is asked for again as the
    /// [`RetryPolicy`](sre_core::RetryPolicy) says (connection failures, 429, 500, 502, 503, 504, broken bodies).
    ///
    /// # Errors
    /// Connection, auth and application errors of a page that did not come in the end; what was handed to `take` before
    /// is then incomplete. [`ErrorKind::Decode`] when an answer is not a list, [`ErrorKind::TooLarge`] when a page is
    /// above the limit, [`ErrorKind::Timeout`] when the deadline passes.
    ///
    /// # Cancel safety
    /// Dropping the future ends the list; a page that is being parsed is finished in the background and dropped.
    pub async fn list<T: Listed>(
        &self,
        scope: &ListScope,
        options: &ListOptions,
        take: impl FnMut(Listing<T>) + Send,
    ) -> Result<ListSummary, Error> {
        let listed = self.list_versioned(scope, options, (self.deadline(), Restart::Once), take).await?;
        Ok(listed.0)
    }

    /// The same, until `deadline`; also tells the resource version at which a watch may begin.
    #[tracing::instrument(
        name = "cloud.list",
        skip_all,
        fields(cluster = %self.target, resource = T::RESOURCE.plural, namespace = scope.name()),
    )]
    pub(crate) async fn list_versioned<T: Listed>(
        &self,
        scope: &ListScope,
        options: &ListOptions,
        (deadline, restart): (Instant, Restart),
        mut take: impl FnMut(Listing<T>) + Send,
    ) -> Result<(ListSummary, Box<str>), Error> {
        let start = self.clock.instant();
        let mut lister = Lister::new::<T>(self, scope, options, deadline);
        lister.restarted = restart == Restart::Never;
        let (mut page, mut spare) = (Page::default(), Page::default());
        lister.fetch(None, &mut page).await?;
        loop {
            let (here, token) = (lister.last_token.clone(), page.next_token());
            let mut fetched = None;
            let reading = self.digest::<T>(page);
            let read = match &token {
                Some(token) => {
                    let (read, next) = tokio::join!(reading, lister.fetch(Some(token), &mut spare));
                    fetched = Some(next?);
                    read
                }
                None => reading.await,
            };
            let read = match read {
                Err(Unfit::Body(BodyError::Broken(_))) => lister.again::<T>(here.as_deref()).await,
                read => read,
            };
            let Digested { page: used, list, bytes } = read.map_err(|why| self.unfit(lister.asked, why))?;
            lister.count(bytes, list.items.len());
            take(Listing::Page(list.items));
            page = used;
            if fetched.is_none() {
                // The metadata may also stand behind the items.
                let late_token = &*list.metadata.continue_token;
                if late_token.is_empty() {
                    lister.summary.elapsed = self.clock.instant() - start;
                    return Ok((lister.summary, list.metadata.resource_version));
                }
                fetched = Some(lister.fetch(Some(late_token), &mut spare).await?);
            }
            if fetched.is_some_and(|page| page.started_over) {
                lister.summary.items = 0;
                take(Listing::StartOver);
            }
            std::mem::swap(&mut page, &mut spare);
        }
    }

    pub(crate) async fn digest<T: Listed>(&self, page: Page) -> Result<Digested<T>, Unfit> {
        page.digest(&self.options.turns, self.options.max_page_bytes).await
    }

    pub(crate) fn unfit(&self, asked: Asked<'_>, why: Unfit) -> Error {
        match why {
            Unfit::Body(error) => self.body_error(asked, error, self.options.max_page_bytes),
            Unfit::Content(why) => self.unreadable(asked, &why),
            Unfit::Refused(error) => error,
        }
    }
}

// === impl Lister ===

impl<'a> Lister<'a> {
    fn new<T: Listed>(cluster: &'a Cluster, scope: &'a ListScope, options: &'a ListOptions, deadline: Instant) -> Self {
        let resource: &'static Resource = &T::RESOURCE;
        Self {
            cluster,
            asked: Asked { verb: "list", resource },
            path: resource.path(scope),
            options,
            deadline,
            summary: ListSummary {
                items: 0,
                pages: 0,
                bytes: 0,
                wire_bytes: 0,
                consistent: true,
                attempts: 0,
                elapsed: Duration::ZERO,
            },
            restarted: false,
            last_token: None,
        }
    }

    fn count(&mut self, bytes: usize, items: usize) {
        self.summary.pages += 1;
        self.summary.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
        self.summary.items += u64::try_from(items).unwrap_or(u64::MAX);
    }

    /// Fetches the page behind `token`, or the first one, and copes with tokens that have expired.
    async fn fetch(&mut self, token: Option<&str>, into: &mut Page) -> Result<Arrived, Error> {
        if token.is_some() && token == self.last_token.as_deref() {
            return Err(self.cluster.unreadable(self.asked, "the continue token does not move on"));
        }
        let mut token = token.map(str::to_owned);
        self.last_token.clone_from(&token);
        let mut arrived = Arrived { started_over: false };
        for _ in 0..=MAX_EXPIRIES {
            let refused = match self.ask(token.as_deref(), into).await {
                Ok(()) => return Ok(arrived),
                Err(refused) => refused,
            };
            self.summary.attempts += refused.error.attempts();
            token = self.expired(refused, token.is_some(), &mut arrived)?;
        }
        Err(self.cluster.unreadable(self.asked, "each continue token had expired when it was used"))
    }

    async fn ask(&mut self, token: Option<&str>, into: &mut Page) -> Result<(), Refused> {
        let ask = Ask::get(self.asked, self.url(token)).packed();
        let answer = self.cluster.ask(&ask, &mut into.bytes, self.deadline).await?;
        into.gzip = answer.gzip;
        self.summary.attempts += answer.attempts;
        self.summary.wire_bytes += answer.wire_bytes;
        Ok(())
    }

    /// Once more for a page that came in full, but damaged.
    async fn again<T: Listed>(&mut self, token: Option<&str>) -> Result<Digested<T>, Unfit> {
        tracing::info!(cluster = %self.cluster.target, "a page came in damaged and is asked for again");
        let mut page = Page::default();
        match self.ask(token, &mut page).await {
            Ok(()) => self.cluster.digest(page).await,
            Err(refused) => Err(Unfit::Refused(refused.error)),
        }
    }

    /// The token to go on with after a refusal, `None` for the beginning.
    fn expired(&mut self, refused: Refused, paging: bool, arrived: &mut Arrived) -> Result<Option<String>, Error> {
        if refused.error.kind() != ErrorKind::Gone || !paging {
            return Err(refused.error);
        }
        if refused.fresh_continue.is_some() {
            tracing::info!(cluster = %self.cluster.target, "the list expired and goes on in a newer snapshot");
            self.summary.consistent = false;
            return Ok(refused.fresh_continue);
        }
        if self.restarted {
            return Err(refused.error);
        }
        self.restarted = true;
        self.last_token = None;
        arrived.started_over = true;
        self.summary.consistent = true;
        Ok(None)
    }

    fn url(&self, token: Option<&str>) -> String {
        let limit = self.cluster.options.page_size.to_string();
        let mut more = vec![("limit", limit.as_str())];
        more.extend(token.map(|token| ("continue", token)));
        format!("{}?{}", self.path, self.options.query(&more))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_encoded() {
        let options = ListOptions::default().field_selector("type=Warning").label_selector("a in (b,c)");
        assert_eq!(
            options.query(&[("limit", "5")]),
            "fieldSelector=type%3DWarning&labelSelector=a+in+%28b%2Cc%29&limit=5"
        );
    }
}
