//! Which objects a manifest holds: the kind, API version, namespace and name of each of its documents.
//!
//! Documents are separated by `---`; empty ones are skipped, and a `List` stands for its items. Reading is bounded:
//! at most [`MAX_MANIFEST_BYTES`] unless said otherwise, and the YAML reader limits depth and repeated aliases.
//!
//! ```
//! use sre_cloud::kubernetes::{MAX_MANIFEST_BYTES, read_manifest};
//!
//! let objects = read_manifest("kind: Namespace\nmetadata: {name: shop}\n---\n# nothing\n---\nkind: Service\n\
//!                              metadata: {name: api, namespace: shop}\n", MAX_MANIFEST_BYTES).unwrap();
//! assert_eq!(objects.iter().map(ToString::to_string).collect::<Vec<_>>(), ["namespace shop", "service shop/api"]);
//!
//! let error = read_manifest("kind: A\nmetadata: {name: a}\n---\nkind: B\n", MAX_MANIFEST_BYTES).unwrap_err();
//! assert_eq!((error.document(), error.line()), (2, Some(4)));
//! ```

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_yaml::Value;

/// 16 MiB: far above any manifest, far below what hurts.
pub const MAX_MANIFEST_BYTES: usize = 16 * 1024 * 1024;

/// One object of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ManifestObject {
    /// The API group and version, or empty: `apps/v1`.
    pub api_version: String,
    /// The kind: `Deployment`.
    pub kind: String,
    /// The namespace that the manifest names, or `None`: then it is the context's.
    pub namespace: Option<String>,
    /// The name, or the beginning of a generated one.
    pub name: String,
    /// The document that it is in, from 1.
    pub document: usize,
}

/// Why a manifest cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ManifestError {
    document: usize,
    line: Option<usize>,
    why: String,
}

// === impl ManifestError ===

impl ManifestError {
    /// The document, from 1.
    #[must_use]
    pub fn document(&self) -> usize {
        self.document
    }

    /// The line of the text, from 1, where it is known.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.line
    }
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "document {}", self.document)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.why)
    }
}

// === impl ManifestObject ===

impl fmt::Display for ManifestObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.to_lowercase();
        match &self.namespace {
            Some(namespace) => write!(f, "{kind} {namespace}/{}", self.name),
            None => write!(f, "{kind} {}", self.name),
        }
    }
}

/// The objects of a manifest in their order.
///
/// # Errors
/// When the text is longer than `max_bytes`, is not YAML, or a document is not an object with `kind` and
/// `metadata.name` (or `generateName`). The error names the document and the line.
pub fn read_manifest(text: &str, max_bytes: usize) -> Result<Vec<ManifestObject>, ManifestError> {
    if text.len() > max_bytes {
        let why = format!("the manifest is {} bytes long, {max_bytes} are allowed", text.len());
        return Err(ManifestError { document: 1, line: None, why });
    }
    let mut objects = Vec::new();
    for (i, document) in serde_yaml::Deserializer::from_str(text).enumerate() {
        let number = i + 1;
        let value = Value::deserialize(document).map_err(|error| ManifestError {
            document: number,
            line: error.location().map(|at| at.line()),
            why: format!("not YAML: {}", without_place(&error.to_string())),
        })?;
        collect(&value, number, &mut objects).map_err(|why| ManifestError {
            document: number,
            line: first_line(text, number),
            why,
        })?;
    }
    Ok(objects)
}

fn collect(value: &Value, document: usize, objects: &mut Vec<ManifestObject>) -> Result<(), String> {
    if value.is_null() {
        return Ok(());
    }
    if !value.is_mapping() {
        return Err("expected an object with apiVersion, kind and metadata".to_owned());
    }
    let kind = text(value, "kind").ok_or("`kind` is missing")?;
    if kind.ends_with("List")
        && let Some(Value::Sequence(items)) = value.get("items")
    {
        // The reader's own depth limit bounds lists in lists.
        return items.iter().try_for_each(|item| collect(item, document, objects));
    }
    let metadata = value.get("metadata").cloned().unwrap_or_default();
    let name = text(&metadata, "name").or_else(|| text(&metadata, "generateName"));
    objects.push(ManifestObject {
        api_version: text(value, "apiVersion").unwrap_or_default(),
        name: name.ok_or_else(|| format!("`metadata.name` of this {kind} is missing"))?,
        kind,
        namespace: text(&metadata, "namespace"),
        document,
    });
    Ok(())
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The reader's message ends in a place that counts from 1 as ours does; ours is said once, in front.
fn without_place(message: &str) -> &str {
    message.split_once(" at line ").map_or(message, |(what, _)| what)
}

/// Where the `number`th document begins: the first line with content after its separator.
fn first_line(text: &str, number: usize) -> Option<usize> {
    let mut document = 1;
    let mut content = false;
    for (i, line) in text.lines().enumerate() {
        let separator = line == "---" || line.starts_with("--- ") || line.starts_with("---\t");
        if separator {
            // A separator in front of any content opens the first document.
            document += usize::from(content || document > 1);
            content = true;
        }
        let blank = line.trim().is_empty() || line.trim_start().starts_with(['#', '%']);
        if !separator && !blank {
            content = true;
            if document == number {
                return Some(i + 1);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<String>, String> {
        let shown = |o: &ManifestObject| format!("{} {o} #{}", o.api_version, o.document);
        read_manifest(text, 1000).map(|all| all.iter().map(shown).collect()).map_err(|e| e.to_string())
    }

    #[test]
    fn flattens_lists_and_skips_nothing_else() {
        let text = "---\n# only a comment\n---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: apps/v1, kind: Deployment, \
                    metadata: {name: a, namespace: n}}\n- {kind: ConfigMap, metadata: {generateName: c-}}\n---\n";
        assert_eq!(read(text).unwrap(), ["apps/v1 deployment n/a #2", " configmap c- #2"]);
        assert_eq!(read("").unwrap(), Vec::<String>::new());
        assert_eq!(read("kind: AllowList\nmetadata: {name: x}").unwrap(), [" allowlist x #1"]);
    }

    #[test]
    fn says_where_and_why() {
        for (text, want) in [
            (
                "kind: A\nmetadata: {name: a}\n---\n- 1\n",
                "document 2, line 4: expected an object with apiVersion, kind and metadata",
            ),
            ("\n\nmetadata: {name: a}\n", "document 1, line 3: `kind` is missing"),
            ("---\nkind: A\nmetadata: {}\n", "document 1, line 2: `metadata.name` of this A is missing"),
            ("kind: List\nitems: [{kind: B}]\n", "document 1, line 1: `metadata.name` of this B is missing"),
            ("kind: A\n---\n", "document 1, line 1: `metadata.name` of this A is missing"),
        ] {
            assert_eq!(read(text).unwrap_err(), want);
        }
        let broken = read("kind: A\nmetadata: {name: a}\n---\nkind: {\n").unwrap_err();
        assert!(broken.starts_with("document 2, line ") && broken.contains("not YAML"), "{broken}");
        assert!(!broken.contains(" at line "), "{broken}");
    }

    #[test]
    fn refuses_what_is_too_long_or_explodes() {
        assert_eq!(
            read(&"#".repeat(1001)).unwrap_err(),
            "document 1: the manifest is 1001 bytes long, 1000 are allowed"
        );
        let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
        for i in 1..9 {
            let before = vec![format!("*a{}", i - 1); 9].join(",");
            bomb.push_str(&format!("a{i}: &a{i} [{before}]\n"));
        }
        assert!(read_manifest(&bomb, MAX_MANIFEST_BYTES).is_err());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "([ -~\n]{0,10}(---\n|kind: |items:\n- |\\{|&a |\\*a ))*") {
            let _ = read_manifest(&text, MAX_MANIFEST_BYTES);
        }
    }
}
