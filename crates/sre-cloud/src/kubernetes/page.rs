//! One page of a list: it waits as it was sent, and is decompressed and parsed when it is its turn.
//!
//! A page of 500 pods has 3 to 6 MB, on the wire a tenth of that. So what waits is the small form, and the large one exists
//! only while a processor works on it. A turn never waits for a network: a cluster that stalls takes no turn from the
//! others.

use std::fmt;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use flate2::bufread::MultiGzDecoder;
use serde::Deserialize;
use serde::de::{Deserializer as _, Error as _, IgnoredAny, MapAccess, Visitor};
use tokio::sync::Semaphore;

use super::body::{BodyError, unpack};
use super::lenient;
use super::meta::PageMeta;
use super::resource::Listed;
use crate::Error;

/// A smaller body is parsed where it is; handing it to another thread would cost more.
const PARSE_INLINE: usize = 128 * 1024;

/// The metadata with its token is within the first bytes of a list.
const HEAD: u64 = 4096;

/// How much of a parser's message is shown: it may quote the body.
const SHOWN_REASON: usize = 160;

/// A list's answer as it was sent.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) bytes: Vec<u8>,
    pub(crate) gzip: bool,
}

/// A page that was read.
pub(crate) struct Digested<T> {
    /// The page's memory, for the next one.
    pub(crate) page: Page,
    pub(crate) list: ListBody<T>,
    /// Decompressed.
    pub(crate) bytes: usize,
}

/// Why a page could not be read.
#[derive(Debug)]
pub(crate) enum Unfit {
    Body(BodyError),
    Content(String),
    /// It was asked for a second time, and that failed.
    Refused(Error),
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

/// How many pages may be in memory at once, over all that share it.
#[derive(Clone)]
pub(crate) struct PageTurns(Arc<Turns>);

struct Turns {
    turns: Arc<Semaphore>,
    /// Memory of earlier pages.
    spare: Mutex<Vec<Vec<u8>>>,
}

// === impl PageTurns ===

impl PageTurns {
    pub(crate) fn new(pages: usize) -> Self {
        Self(Arc::new(Turns { turns: Arc::new(Semaphore::new(pages)), spare: Mutex::default() }))
    }

    /// Runs `work` off the async threads when it is its turn, with memory for a page. `None` when it panics.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&mut Vec<u8>) -> T + Send + 'static) -> Option<T> {
        let turn = Arc::clone(&self.0.turns).acquire_owned().await.ok()?;
        let shared = Arc::clone(&self.0);
        let working = tokio::task::spawn_blocking(move || {
            let spare = || shared.spare.lock().unwrap_or_else(PoisonError::into_inner);
            let mut memory = spare().pop().unwrap_or_default();
            let result = work(&mut memory);
            spare().push(memory);
            drop(turn);
            result
        });
        working.await.ok()
    }
}

impl fmt::Debug for PageTurns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageTurns").field("free", &self.0.turns.available_permits()).finish()
    }
}

// === impl Page ===

impl Page {
    /// The continue token at the head of the body, found without reading the items.
    pub(crate) fn next_token(&self) -> Option<String> {
        if !self.gzip {
            return head_token(&self.bytes);
        }
        let mut head = Vec::new();
        // What is damaged shows when all of it is read.
        let _ = MultiGzDecoder::new(self.bytes.as_slice()).take(HEAD).read_to_end(&mut head);
        head_token(&head)
    }

    /// Decompresses and parses.
    pub(crate) async fn digest<T: Listed>(self, turns: &PageTurns, limit: usize) -> Result<Digested<T>, Unfit> {
        if !self.gzip && self.bytes.len() <= PARSE_INLINE {
            return self.read(&mut Vec::new(), limit);
        }
        let read = turns.run(move |memory| self.read(memory, limit)).await;
        read.unwrap_or_else(|| Err(Unfit::Content("it could not be parsed".to_owned())))
    }

    fn read<T: Listed>(self, memory: &mut Vec<u8>, limit: usize) -> Result<Digested<T>, Unfit> {
        let body = if self.gzip {
            unpack(&self.bytes, memory, limit).map_err(Unfit::Body)?;
            memory.as_slice()
        } else {
            self.bytes.as_slice()
        };
        let (list, bytes) = (parse(body).map_err(Unfit::Content)?, body.len());
        Ok(Digested { page: self, list, bytes })
    }
}

/// Parses a page.
pub(crate) fn parse<T: Listed>(body: &[u8]) -> Result<ListBody<T>, String> {
    serde_json::from_slice(body).map_err(|e| reason(&e))
}

/// What the parser says, cut short.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.char_indices().nth(SHOWN_REASON) {
        Some((end, _)) => format!("not a list: {}…", &text[..end]),
        None => format!("not a list: {text}"),
    }
}

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
    use std::io::Write;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::super::Pod;
    use super::*;

    fn gzip(text: &str) -> Page {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        Page { bytes: encoder.finish().unwrap(), gzip: true }
    }

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
            let plain = Page { bytes: body.into(), gzip: false };
            assert_eq!(plain.next_token().as_deref(), token, "{body}");
            assert_eq!(gzip(body).next_token().as_deref(), token, "{body}");
        }
        let long = format!(r#"{{"metadata":{{"continue":"a"}},"items":[{}]}}"#, "{},".repeat(10_000));
        assert_eq!(gzip(&long).next_token().as_deref(), Some("a"));
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
            for page in [Page { bytes: body.into(), gzip: false }, gzip(body)] {
                let read = page.digest::<Pod>(&PageTurns::new(1), 1 << 20).await;
                let read = read.map(|d| (d.list.items.len(), d.bytes)).map_err(|why| match why {
                    Unfit::Content(why) => why,
                    other => format!("{other:?}"),
                });
                assert_eq!(read, items.map(|n| (n, body.len())).map_err(str::to_owned));
            }
        }
        let too_large = gzip(&" ".repeat(100_000)).digest::<Pod>(&PageTurns::new(1), 1000).await;
        assert!(matches!(too_large.err(), Some(Unfit::Body(BodyError::TooLarge))));
    }

    #[tokio::test]
    async fn turns_bound_what_is_in_memory() {
        let (turns, now, most) = (PageTurns::new(2), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let work = || {
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            turns.run(move |memory| {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                memory.resize(1000, 0);
                std::thread::yield_now();
                now.fetch_sub(1, Ordering::SeqCst);
            })
        };
        futures_util::future::join_all((0..50).map(|_| work())).await;
        assert!(most.load(Ordering::SeqCst) <= 2);
        assert!(turns.0.spare.lock().unwrap().len() <= 2);
        assert!(turns.run(|_| panic!("a defect")).await.is_none_or(|()| false));
        assert!(turns.run(|_| ()).await.is_some(), "a turn that panics is given back");
    }
}
