//! Which cluster a finding is about, and the `kubectl` command that shows it.
//!
//! ```
//! use sre_cloud::kubernetes::Scope;
//! use sre_core::Evidence;
//!
//! let scope = Scope::new("arn:aws:eks:eu-west-1:1:cluster/prod one");
//! let Evidence::Command(shown) = scope.kubectl("payments", &["describe", "pod", "api-0"]) else { panic!() };
//! assert_eq!(shown, "kubectl --context 'arn:aws:eks:eu-west-1:1:cluster/prod one' -n payments describe pod api-0");
//! ```

use std::borrow::Cow;

use sre_core::{Code, Evidence, Finding, Severity, SourceId, Target};

/// A cluster as its findings name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    target: Target,
    context: Option<String>,
}

// === impl Scope ===

impl Scope {
    /// A cluster that is known by its kubeconfig context.
    #[must_use]
    pub fn new(context: impl Into<String>) -> Self {
        let context = context.into();
        Self { target: Target::new(&context), context: Some(context) }
    }

    /// A cluster that we run in: commands take `kubectl`'s own default.
    #[must_use]
    pub fn in_cluster(name: impl AsRef<str>) -> Self {
        Self { target: Target::new(name), context: None }
    }

    /// The name that findings carry.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// A finding about something in this cluster.
    #[must_use]
    pub fn finding(&self, code: Code, severity: Severity, subject: impl Into<String>, title: &str) -> Finding {
        Finding::new(code, severity, SourceId::new("kubernetes"), self.target.clone(), subject, title)
    }

    /// A command to paste into a shell; no `-n` for an empty namespace.
    #[must_use]
    pub fn kubectl(&self, namespace: &str, arguments: &[&str]) -> Evidence {
        let mut words = vec!["kubectl"];
        if let Some(context) = &self.context {
            words.extend(["--context", context]);
        }
        if !namespace.is_empty() {
            words.extend(["-n", namespace]);
        }
        words.extend(arguments);
        Evidence::Command(words.into_iter().map(quoted).collect::<Vec<_>>().join(" "))
    }
}

/// A word as a POSIX shell reads it back.
fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./_-".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        Cow::Borrowed(word)
    } else {
        Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_a_shell_would_read_otherwise() {
        for (word, want) in
            [("a-b.c/d", "a-b.c/d"), ("", "''"), ("$(x)", "'$(x)'"), ("it's", r"'it'\''s'"), ("a;b", "'a;b'")]
        {
            assert_eq!(quoted(word), want);
        }
    }

    #[test]
    fn in_cluster_commands_have_no_context() {
        let shown = Scope::in_cluster("in-cluster").kubectl("", &["get", "nodes"]);
        assert_eq!(shown, Evidence::Command("kubectl get nodes".into()));
    }
}
