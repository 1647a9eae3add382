//! Rules that take known findings out of the report, until a date and for a reason.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use sre_core::{Code, Finding, Severity, Target};

use crate::source::SourceKind;

/// A rule whose day has passed; it no longer ignores anything.
pub const EXPIRED: Code = Code::new("MC-IGNORE-EXPIRED");

/// One rule. All parts that are given must match; at least one must be given besides `reason` and `until`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IgnoreRule {
    /// A finding code, `*` allowed: `K8S-*`.
    #[serde(default)]
    pub code: Option<String>,
    /// A cluster context, region, server or host; `*` allowed.
    #[serde(default, alias = "target")]
    pub cluster: Option<String>,
    /// A namespace; `*` allowed. Matches findings about `kind namespace/name`.
    #[serde(default)]
    pub namespace: Option<String>,
    /// A name; `*` allowed. Matches the name without its namespace, or the whole subject.
    #[serde(default)]
    pub name: Option<String>,
    /// The last day on which the rule holds, as in 2026-03-23 (UTC). Without one it holds for ever.
    #[serde(default)]
    pub until: Option<Date>,
    /// Why: shown when the rule expires.
    pub reason: String,
}

impl IgnoreRule {
    /// Whether the rule names anything at all.
    #[must_use]
    pub fn is_blanket(&self) -> bool {
        [&self.code, &self.cluster, &self.namespace, &self.name].iter().all(|p| p.is_none())
    }

    fn is_expired(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| now.to_zoned(TimeZone::UTC).date() > until)
    }

    fn matches(&self, finding: &Finding) -> bool {
        let (namespace, name) = parts(&finding.subject);
        let fits = |pattern: &Option<String>, texts: &[&str]| {
            pattern.as_ref().is_none_or(|p| texts.iter().any(|t| glob(p, t)))
        };
        !self.is_blanket()
            && fits(&self.code, &[finding.code.as_str()])
            && fits(&self.cluster, &[finding.target.as_str()])
            && fits(&self.namespace, &[namespace])
            && fits(&self.name, &[name, &finding.subject])
    }
}

/// Splits `deployment payments/api` into namespace and name; what has no namespace has an empty one.
fn parts(subject: &str) -> (&str, &str) {
    let object = subject.rsplit_once(' ').map_or(subject, |(_, object)| object);
    object.split_once('/').unwrap_or(("", object))
}

/// Whether `text` matches `pattern`, in which `*` stands for anything. Case counts.
fn glob(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// The findings that no rule takes out, and those that one does.
pub fn apply(rules: &[IgnoreRule], findings: Vec<Finding>, now: Timestamp) -> (Vec<Finding>, Vec<Finding>) {
    let live: Vec<&IgnoreRule> = rules.iter().filter(|rule| !rule.is_expired(now)).collect();
    findings.into_iter().partition(|f| !live.iter().any(|rule| rule.matches(f)))
}

/// A finding for each rule whose day has passed.
#[must_use]
pub fn expired(rules: &[IgnoreRule], now: Timestamp) -> Vec<Finding> {
    rules.iter().filter(|rule| rule.is_expired(now)).map(expired_finding).collect()
}

fn expired_finding(rule: &IgnoreRule) -> Finding {
    let named =
        [("code", &rule.code), ("cluster", &rule.cluster), ("namespace", &rule.namespace), ("name", &rule.name)];
    let named: Vec<String> = named.iter().filter_map(|(k, v)| v.as_ref().map(|v| format!("{k}={v}"))).collect();
    let until = rule.until.map(|d| d.to_string()).unwrap_or_default();
    Finding::new(
        EXPIRED,
        Severity::Info,
        SourceKind::Local.id(),
        Target::new("config"),
        named.join(" "),
        "ignore rule expired",
    )
    .detail(format!("it held until {until} and no longer hides anything; its reason was: {}", rule.reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(subject: &str) -> Finding {
        Finding::new(
            Code::new("K8S-CRASHLOOP"),
            Severity::Critical,
            SourceKind::Kubernetes.id(),
            Target::new("prod-us-east-1"),
            subject,
            "t",
        )
    }

    fn rule(json: &str) -> IgnoreRule {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn globs() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*c", "abc", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXcYb", false),
            ("ab*ba", "aba", false),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn all_parts_must_match() {
        let now = "2026-03-23T12:00:00Z".parse().unwrap();
        let subject = "deployment payments/api";
        for (json, ignored) in [
            (r#"{"code": "K8S-*", "reason": "r"}"#, 1),
            (r#"{"namespace": "payments", "name": "api", "reason": "r"}"#, 1),
            (r#"{"namespace": "payments", "name": "web", "reason": "r"}"#, 0),
            (r#"{"cluster": "prod-*", "until": "2026-03-23", "reason": "r"}"#, 1),
            (r#"{"cluster": "staging-*", "reason": "r"}"#, 0),
            (r#"{"reason": "r"}"#, 0),
        ] {
            assert_eq!(apply(&[rule(json)], vec![finding(subject)], now).1.len(), ignored, "{json}");
        }
    }

    #[test]
    fn an_expired_rule_says_so_and_hides_nothing() {
        let now = "2026-03-24T00:00:01Z".parse().unwrap();
        let rule = rule(r#"{"code": "K8S-*", "until": "2026-03-23", "reason": "migration"}"#);
        let rules = [rule];
        assert_eq!(apply(&rules, vec![finding("pod a/b")], now).1.len(), 0);
        let told = expired(&rules, now);
        assert_eq!((told.len(), told[0].code), (1, EXPIRED));
        assert!(told[0].detail.contains("migration"));
    }
}
