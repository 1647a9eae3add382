//! Lists in pages: `limit`, opaque `continue` tokens, expiry in the middle, gzip.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::replies;
use super::route::Kind;
use super::store::{Collection, Filter, Store};
use crate::scripted::{Reply, Request};

/// A real API server compresses bodies from this size (`defaultGzipThresholdBytes` in apiserver's responsewriters).
const GZIP_FROM: usize = 128 * 1024;

/// Where a list goes on. The shape is that of a real token, with an index instead of a key.
#[derive(Debug, Deserialize, Serialize)]
struct Token {
    v: String,
    /// The version of the snapshot; -1 in the token of a 410: whatever is newest.
    rv: i64,
    start: usize,
}

/// Compressed pages of generated pods: made once, or compressing would be what a benchmark measures.
#[derive(Debug, Default)]
pub(super) struct PageCache(Mutex<HashMap<String, Bytes>>);

/// One page, before it is compressed.
#[derive(Debug)]
pub(super) struct Page {
    body: Vec<u8>,
    /// Identifies the page if its content never changes.
    key: Option<String>,
}

// === impl Token ===

impl Token {
    fn decode(text: &str) -> Option<Self> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }

    fn encode(rv: i64, start: usize) -> String {
        let token = Self { v: "meta.k8s.io/v1".to_owned(), rv, start };
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&token).expect("a token in JSON"))
    }
}

// === impl PageCache ===

impl PageCache {
    /// The answer with this page, compressed if the client takes it.
    pub(super) fn answer(&self, request: &Request, page: Page) -> Reply {
        if !request.accepts_gzip() || page.body.len() < GZIP_FROM {
            return Reply::bytes(200, "application/json", page.body);
        }
        let reply = |body: Bytes| Reply::bytes(200, "application/json", body);
        let Some(key) = page.key else { return reply(page.body.into()).gzip() };
        let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let body = cached.unwrap_or_else(|| {
            let body = crate::scripted::gzip(&page.body);
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, body.clone());
            body
        });
        reply(body).header("content-encoding", "gzip")
    }
}

// === impl Store ===

impl Store {
    /// The page that a request asks for, or the error that it gets.
    ///
    /// `expires_after`: a snapshot cannot be continued beyond that many items.
    pub(super) fn page(
        &self,
        kind: &Kind,
        filter: &Filter,
        request: &Request,
        expires_after: Option<usize>,
    ) -> Result<Page, Reply> {
        let newest = i64::try_from(self.version).unwrap_or(i64::MAX);
        let (version, start) = match request.query_value("continue").filter(|token| !token.is_empty()) {
            None => (newest, 0),
            Some(token) => {
                let token = Token::decode(&token)
                    .ok_or_else(|| replies::error(400, "BadRequest", "continue key is not valid: unexpected token"))?;
                if token.rv != -1 && token.rv <= newest && expires_after.is_some_and(|items| token.start >= items) {
                    return Err(replies::expired(&Token::encode(-1, token.start)));
                }
                // The rest of an expired list is a snapshot of its own, and younger than all that expire.
                (if token.rv == -1 { newest + 1 } else { token.rv }, token.start)
            }
        };
        let from_cache = start == 0 && request.query_value("resourceVersion").as_deref() == Some("0");
        let limit = request.query_value("limit").and_then(|limit| limit.parse::<usize>().ok());
        // "resourceVersion=0": the watch cache answers, and it knows no limit.
        let limit = limit.filter(|limit| *limit > 0 && !from_cache).unwrap_or(usize::MAX);
        let empty = Collection::default();
        Ok(render(kind, self.collection(kind).unwrap_or(&empty), filter, version, start, limit))
    }
}

fn render(kind: &Kind, collection: &Collection, filter: &Filter, version: i64, start: usize, limit: usize) -> Page {
    let objects: Vec<_> = collection.objects.iter().filter(|object| filter.matches(object)).collect();
    let generated = collection.generated.as_deref();
    let made: Vec<usize> = generated.map_or_else(Vec::new, |generated| generated.matching(filter));
    let total = objects.len() + made.len();
    let end = start.saturating_add(limit).min(total);
    let start = start.min(end);

    let mut metadata = json!({ "resourceVersion": version.to_string() });
    if end < total {
        metadata["continue"] = json!(Token::encode(version, end));
        if !filter.selects() {
            metadata["remainingItemCount"] = json!(total - end);
        }
    }
    let mut body = Vec::new();
    let head = format!("{{\"kind\":\"{}List\",\"apiVersion\":\"{}\",", kind.name, kind.api_version());
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(format!("\"metadata\":{metadata},\"items\":[").as_bytes());
    for at in start..end {
        if at > start {
            body.push(b',');
        }
        match (objects.get(at), generated) {
            (Some(object), _) => serde_json::to_writer(&mut body, object).expect("write into memory"),
            (None, Some(generated)) => generated.write(made[at - objects.len()], &mut body),
            (None, None) => {}
        }
    }
    body.extend_from_slice(b"]}\n");
    let key = (objects.is_empty() && !made.is_empty() && !filter.selects())
        .then(|| format!("{:?} {version} {start} {end}", filter.namespace));
    Page { body, key }
}
