//! The address under which an API lives, sub-path and all.

use sre_core::{Delivery, Target};
use url::Url;

use crate::error::{Error, ErrorKind};

/// A base URL whose path always ends in `/`, so that joining keeps a sub-path.
#[derive(Debug, Clone)]
pub(crate) struct BaseUrl {
    url: Url,
    target: Target,
}

// === impl BaseUrl ===

impl BaseUrl {
    /// Takes `http(s)://host[:port][/sub/path][/]`.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |why: &str| {
            let e = Error::new(ErrorKind::Config, Target::new(text)).with_attempts(0);
            e.with_delivery(Delivery::NotSent).with_detail(why)
        };
        let mut url = Url::parse(text.trim()).map_err(|e| refuse(&format!("not a URL: {e}")))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(refuse("expected http://host:port or https://host/path"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("a base URL has no query and no fragment"));
        }
        let path = format!("{}/", url.path().trim_end_matches('/'));
        url.set_path(&path);
        let target = Target::new(url.as_str().trim_end_matches('/'));
        Ok(Self { url, target })
    }

    /// The redacted base, as errors and findings show it.
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// The URL of `path` (`api/v1/query`) under the base, credentials included.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// A page for people: no credentials.
    pub(crate) fn page(&self, path: &str, query: &[(&str, &str)]) -> String {
        let mut url = self.url.clone();
        // Neither can fail: the URL has a host.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_path(&format!("{}{path}", self.url.path()));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sub_path_is_kept_with_or_without_a_slash() {
        for (base, joined) in [
            ("http://p:9090", "http://p:9090/api/v1/query"),
            ("http://p:9090/", "http://p:9090/api/v1/query"),
            ("https://p/prom", "https://p/prom/api/v1/query"),
            ("https://p/a/prom//", "https://p/a/prom/api/v1/query"),
        ] {
            assert_eq!(BaseUrl::parse(base).unwrap().join("api/v1/query"), joined);
        }
    }

    #[test]
    fn pages_and_targets_show_no_credentials() {
        let base = BaseUrl::parse("https://bob:pw@p/prom").unwrap();
        assert_eq!(base.page("graph", &[("g0.expr", "up == 0")]), "https://p/prom/graph?g0.expr=up+%3D%3D+0");
        assert_eq!(base.target().as_str(), "https://***@p/prom");
        assert!(base.join("x").contains("bob:pw@"));
    }

    #[test]
    fn what_is_no_base_url_is_refused() {
        for text in ["", "prom:9090", "ftp://p", "http://", "http://p/?x=1", "/api"] {
            assert_eq!(BaseUrl::parse(text).unwrap_err().kind(), ErrorKind::Config, "{text}");
        }
    }
}
