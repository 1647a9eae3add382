//! Lists of any size in pages: each page is handed to the caller and dropped.
//!
//! Two buffers of one page each are all that is kept, and they are used again and again. While a page is parsed (off the
//! async threads), the next one is already on its way, because its token stands at the head of the body.
//!
//! A continue token lives about five minutes. When it expires, the server offers a new one that goes on behind the last
//! object but in a newer snapshot: the list then goes on and is marked as not `consistent`. Starting anew instead might
//! never end on a cluster that is slow and large
//! (<https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks>).

use std::fmt;
use std::time::Duration;

use serde::de::{Deserializer as _, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use url::form_urlencoded;

use super::connect::Cluster;
use super::lenient;
use super::meta::PageMeta;
use super::refusal::Asked;
use super::request::{Ask, Refused};
use super::resource::{ListScope, Listed, Resource};
use crate::{Error, ErrorKind};

/// A smaller body is parsed where it is; handing it to another thread would cost more.
const PARSE_INLINE: usize = 128 * 1024;

/// How often one page may expire before its new tokens are no longer believed.
const MAX_EXPIRIES: u32 = 3;

/// How much of a parser's message is shown: it may quote the body.
const SHOWN_REASON: usize = 160;

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

/// The part of a list's body that is read.
#[derive(Deserialize)]
#[serde(bound = "T: serde::de::DeserializeOwned")]
pub(crate) struct ListBody<T> {
    #[serde(default, deserialize_with = "lenient::object")]
    pub(crate) metadata: PageMeta,
    /// Without `items` it is no list but something else that a proxy or a wrong URL answered: never "nothing there".
    #[serde(deserialize_with = "lenient::list")]
    pub(crate) items: Vec<T>,
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
        let (mut current, mut spare) = (Vec::new(), Vec::new());
        lister.fetch(None, &mut current).await?;
        loop {
            lister.count_page(&current);
            let token = head_token(&current);
            let mut fetched = None;
            let parsing = parse::<T>(current);
            let parsed = match &token {
                Some(token) => {
                    let (parsed, next) = tokio::join!(parsing, lister.fetch(Some(token), &mut spare));
                    fetched = Some(next?);
                    parsed
                }
                None => parsing.await,
            };
            let (buffer, body) = parsed.map_err(|why| self.unreadable(lister.asked, &why))?;
            lister.summary.items += u64::try_from(body.items.len()).unwrap_or(u64::MAX);
            take(Listing::Page(body.items));
            current = buffer;
            if fetched.is_none() {
                // The metadata may also stand behind the items.
                let late_token = &*body.metadata.continue_token;
                if late_token.is_empty() {
                    lister.summary.elapsed = self.clock.instant() - start;
                    return Ok((lister.summary, body.metadata.resource_version));
                }
                fetched = Some(lister.fetch(Some(late_token), &mut spare).await?);
            }
            if fetched.is_some_and(|page| page.started_over) {
                lister.summary.items = 0;
                take(Listing::StartOver);
            }
            std::mem::swap(&mut current, &mut spare);
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

    fn count_page(&mut self, body: &[u8]) {
        self.summary.pages += 1;
        self.summary.bytes += u64::try_from(body.len()).unwrap_or(u64::MAX);
    }

    /// Fetches the page behind `token`, or the first one, and copes with tokens that have expired.
    async fn fetch(&mut self, token: Option<&str>, into: &mut Vec<u8>) -> Result<Arrived, Error> {
        if token.is_some() && token == self.last_token.as_deref() {
            return Err(self.cluster.unreadable(self.asked, "the continue token does not move on"));
        }
        let mut token = token.map(str::to_owned);
        self.last_token.clone_from(&token);
        let mut arrived = Arrived { started_over: false };
        for _ in 0..=MAX_EXPIRIES {
            let ask = Ask::get(self.asked, self.url(token.as_deref()));
            let refused = match self.cluster.ask(&ask, into, self.deadline).await {
                Ok(answer) => {
                    self.summary.attempts += answer.attempts;
                    self.summary.wire_bytes += answer.wire_bytes;
                    return Ok(arrived);
                }
                Err(refused) => refused,
            };
            self.summary.attempts += refused.error.attempts();
            token = self.expired(refused, token.is_some(), &mut arrived)?;
        }
        Err(self.cluster.unreadable(self.asked, "each continue token had expired when it was used"))
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

/// Parses a page; gives the buffer back.
pub(crate) async fn parse<T: Listed>(buffer: Vec<u8>) -> Result<(Vec<u8>, ListBody<T>), String> {
    let small = buffer.len() <= PARSE_INLINE;
    let parse = move || {
        let body = serde_json::from_slice::<ListBody<T>>(&buffer).map_err(|e| reason(&e))?;
        Ok((buffer, body))
    };
    if small {
        return parse();
    }
    let parsed = tokio::task::spawn_blocking(parse).await;
    parsed.unwrap_or_else(|e| Err(format!("it could not be parsed: {e}")))
}

/// What the parser says, cut short.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.char_indices().nth(SHOWN_REASON) {
        Some((end, _)) => format!("not a list: {}…", &text[..end]),
        None => format!("not a list: {text}"),
    }
}

/// The continue token at the head of the body, found without reading the items.
fn head_token(body: &[u8]) -> Option<String> {
    struct Head<'a>(&'a mut Option<PageMeta>);

    impl<'de> Visitor<'de> for Head<'_> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(key) = map.next_key::<String>()? {
                match key.as_str() {
                    "metadata" => {
                        *self.0 = Some(map.next_value()?);
                        break;
                    }
                    "items" => break,
                    _ => map.next_value::<IgnoredAny>()?,
                };
            }
            // The rest is not wanted, and an error is how a visitor says so.
            Err(A::Error::custom("seen enough"))
        }
    }

    let mut meta = None;
    let _ = serde_json::Deserializer::from_slice(body).deserialize_map(Head(&mut meta));
    meta.map(|meta: PageMeta| meta.continue_token.into_string()).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::Pod;
    use super::*;

    #[test]
    fn the_token_is_found_at_the_head() {
        for (body, token) in [
            (
                r#"{"kind":"PodList","metadata":{"resourceVersion":"7","continue":"a\"b"},"items":[{"metad"#,
                Some("a\"b"),
            ),
            (r#"{"metadata":{"continue":""},"items":[]}"#, None),
            (r#"{"metadata":null,"items":[]}"#, None),
            (r#"{"items":[],"metadata":{"continue":"late"}}"#, None),
            ("[]", None),
            ("", None),
        ] {
            assert_eq!(head_token(body.as_bytes()).as_deref(), token, "{body}");
        }
    }

    #[tokio::test]
    async fn only_a_list_is_a_list() {
        for (body, items) in [
            (r#"{"metadata":{},"items":[{},{}]}"#, Ok(2)),
            (r#"{"metadata":{},"items":null}"#, Ok(0)),
            (r#"{"kind":"Status","message":"hello"}"#, Err("not a list: missing field `items` at line 1 column 35")),
            ("<html>", Err("not a list: expected value at line 1 column 1")),
            (r#"{"items":[{},"#, Err("not a list: EOF while parsing a value at line 1 column 13")),
        ] {
            let parsed = parse::<Pod>(body.as_bytes().to_vec()).await.map(|(_, body)| body.items.len());
            assert_eq!(parsed.as_ref().map_err(String::as_str).copied(), items.as_ref().map_err(|e| *e).copied());
        }
    }

    #[test]
    fn selectors_are_encoded() {
        let options = ListOptions::default().field_selector("type=Warning").label_selector("a in (b,c)");
        assert_eq!(
            options.query(&[("limit", "5")]),
            "fieldSelector=type%3DWarning&labelSelector=a+in+%28b%2Cc%29&limit=5"
        );
    }
}
