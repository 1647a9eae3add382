//! Text to trees: YAML through serde_yaml, scalars kept as text, every value with its line and column.
//!
//! serde_yaml gives positions with its errors only, and a scalar's text only to those who ask for text. So each document is
//! read twice: once for its shape (and to stop at the [`Limits`]), once with that shape as a guide, asking for the
//! text of every scalar. serde_yaml lends a scalar's text from the input wherever it can, and the place of the lent text in the
//! input is the scalar's position.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use serde::de::DeserializeSeed as _;

use super::error::{Error, ErrorKind};
use super::node::Node;
use super::origin::Origin;
use super::shape::{Budget, LIMIT_MARK, Shape, ShapeOf, TAG_MARK};
use super::tree::Guided;

/// What a configuration file may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes in the file. Default 1 MiB: larger than any configuration written by hand.
    pub bytes: usize,
    /// Scalars, lists and maps once aliases are expanded. Default 100,000.
    pub values: usize,
    /// Bytes of text once aliases are expanded. Default 8 MiB.
    pub expanded: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 1024 * 1024, values: 100_000, expanded: 8 * 1024 * 1024 }
    }
}

/// Levels of `[` and `{`: serde_yaml's own recursion limit, checked early because its scanner takes quadratic time.
const MAX_DEPTH: usize = 128;

/// All documents of a file, in order; empty ones are left out.
///
/// # Errors
/// [`ErrorKind::Limit`], [`ErrorKind::Syntax`] and [`ErrorKind::DuplicateKey`].
pub(super) fn documents(path: &Path, text: &str, limits: Limits) -> Result<Vec<Node>, Error> {
    let whole = || Origin::whole_file(path);
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > limits.bytes {
        let message = format!("the file is larger than {} bytes", limits.bytes);
        return Err(Error::new(ErrorKind::Limit, message).at(whole()));
    }
    let source = Source::new(path, text);
    if let Some(offset) = too_deep(text) {
        return Err(Error::new(ErrorKind::Limit, TOO_DEEP).at(source.place(offset)));
    }
    let mut budget = Budget { values: limits.values, bytes: limits.expanded };
    let mut nodes = Vec::new();
    let twice = serde_yaml::Deserializer::from_str(text).zip(serde_yaml::Deserializer::from_str(text));
    for (first, second) in twice {
        let shape = ShapeOf(&mut budget).deserialize(first).map_err(|e| source.error(&e))?;
        if matches!(shape, Shape::Null) {
            continue;
        }
        let guided = Guided { shape: &shape, source: &source, near: whole(), keyed: true };
        nodes.push(guided.deserialize(second).map_err(|e| source.error(&e))?);
    }
    Ok(nodes)
}

const TOO_DEEP: &str = "the values are nested more than 128 levels deep";

/// Where `[` and `{` are nested too deeply, quotes and comments left out. Not exact: the parser has the last word.
fn too_deep(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut before = b'\n';
    let mut comment = false;
    for (i, byte) in text.bytes().enumerate() {
        let starts_token = matches!(before, b' ' | b'\n' | b'\t' | b'[' | b'{' | b',' | b':');
        match (quote, byte) {
            _ if comment => comment = byte != b'\n',
            (Some(q), b) if b == q && before != b'\\' => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') if starts_token => quote = Some(byte),
            (None, b'#') if starts_token => comment = true,
            (None, b'[' | b'{') => depth += 1,
            (None, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Some(i);
        }
        before = if before == b'\\' && byte == b'\\' { b' ' } else { byte };
    }
    None
}

/// The text being read and what is needed to name a place in it.
pub(super) struct Source<'t> {
    path: Arc<Path>,
    text: &'t str,
    lines: Vec<usize>,
    /// An error of our own, which serde_yaml can only carry as a message.
    fault: RefCell<Option<Error>>,
}

// === impl Source ===

impl<'t> Source<'t> {
    fn new(path: &Path, text: &'t str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(i, _)| i + 1)).collect();
        Self { path: path.into(), text, lines, fault: RefCell::new(None) }
    }

    pub(super) fn place(&self, offset: usize) -> Origin {
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count()) + 1;
        Origin::File { path: Arc::clone(&self.path), line, column }
    }

    /// Where `part` lies in the text, when it was lent from it.
    pub(super) fn offset_of(&self, part: &str) -> Option<usize> {
        let offset = (part.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize)?;
        (offset + part.len() <= self.text.len()).then_some(offset)
    }

    /// The offset of a scalar, its opening quote included.
    pub(super) fn before_quote(&self, offset: usize) -> usize {
        offset - usize::from(self.is_quote(offset))
    }

    pub(super) fn is_quote(&self, before: usize) -> bool {
        before.checked_sub(1).and_then(|i| self.text.as_bytes().get(i)).is_some_and(|b| matches!(b, b'"' | b'\''))
    }

    pub(super) fn fail<E: serde::de::Error>(&self, error: Error) -> E {
        *self.fault.borrow_mut() = Some(error);
        E::custom("")
    }

    fn error(&self, e: &serde_yaml::Error) -> Error {
        let place = e.location().map_or_else(
            || Origin::whole_file(&self.path),
            |l| Origin::File { path: Arc::clone(&self.path), line: l.line(), column: l.column() },
        );
        if let Some(fault) = self.fault.borrow_mut().take() {
            return fault.at_least(&place);
        }
        let text = e.to_string();
        let message = text.split(" at line ").next().unwrap_or(&text);
        if message.contains(LIMIT_MARK) || message.contains("repetition limit") {
            let error = Error::new(ErrorKind::Limit, "the file grows too large when its aliases are expanded");
            return error.at(Origin::whole_file(&self.path));
        }
        if message.contains("recursion limit") {
            return Error::new(ErrorKind::Limit, TOO_DEEP).at(place);
        }
        if message.contains(TAG_MARK) {
            return Error::new(ErrorKind::Syntax, "a tag (`!…`) means nothing here").at(place).help("leave it out");
        }
        let error = Error::new(ErrorKind::Syntax, format!("this is not YAML: {message}")).at(place);
        match self.syntax_help(e, message).map(str::to_owned).or_else(|| began(&text)) {
            Some(help) => error.help(help),
            None => error,
        }
    }

    fn syntax_help(&self, e: &serde_yaml::Error, message: &str) -> Option<&'static str> {
        let line = e.location().and_then(|l| self.text.lines().nth(l.line().saturating_sub(1))).unwrap_or_default();
        let indent = &line[..line.len() - line.trim_start().len()];
        if indent.contains('\t') {
            return Some("a tab indents this line, and YAML takes spaces only");
        }
        match message {
            m if m.contains("mapping values are not allowed") => {
                Some("quote a value that has `: ` in it, or look at the indentation")
            }
            m if m.contains("cannot start any token") => {
                Some("quote a value that begins with `@`, `` ` ``, `%` or a tab")
            }
            m if m.contains("unknown anchor") => Some("quote a value that begins with `*`"),
            _ => None,
        }
    }
}
/// Of `… at line 2 column 1, while parsing a flow mapping at line 1 column 6`: where the thing began.
fn began(message: &str) -> Option<String> {
    let (what, place) = message.split_once(", while parsing ")?.1.split_once(" at line ")?;
    let line = place.split(' ').next()?;
    Some(format!("{what} that began on line {line} is not finished"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Node>, Error> {
        documents(Path::new("c.yaml"), text, Limits::default())
    }

    fn place(text: &str, key: &str) -> String {
        read(text).unwrap()[0].get(key).unwrap().origin.to_string()
    }

    #[test]
    fn every_value_knows_its_line_and_column() {
        let text =
            "a: 1\n# ä comment\nß: {x: 'q', y: [1, \"é\", z]}\nlist:\n  - k: v\n    m:  7\ntext: |\n  one\n  two\n";
        for (key, at) in [
            ("a", "c.yaml:1:4"),
            ("ß", "c.yaml:3:1"),
            ("ß.x", "c.yaml:3:8"),
            ("ß.y[1]", "c.yaml:3:20"),
            ("ß.y[2]", "c.yaml:3:25"),
            ("list", "c.yaml:4:1"),
            ("list[0]", "c.yaml:5:5"),
            ("list[0].m", "c.yaml:6:9"),
            ("text", "c.yaml:7:1"),
        ] {
            assert_eq!(place(text, key), at, "{key}");
        }
    }

    #[test]
    fn documents_and_crlf_and_byte_order_marks() {
        assert_eq!(read("\u{feff}a: 1\r\n---\r\nb: 2\r\n---\n# empty\n...\n").unwrap().len(), 2);
        assert_eq!(place("\u{feff}a: 1\r\nb: 2\r\n", "b"), "c.yaml:2:4");
        assert!(read("").unwrap().is_empty() && read("# nothing\n").unwrap().is_empty());
    }

    #[test]
    fn merge_keys_fill_what_is_missing() {
        let nodes = read("base: &b {x: 1, y: 2}\nother:\n  <<: *b\n  y: 3\n").unwrap();
        assert_eq!(nodes[0].get("other.x").unwrap().origin.to_string(), "c.yaml:1:14");
        assert_eq!(nodes[0].get("other.y").unwrap().origin.to_string(), "c.yaml:4:6");
        assert!(nodes[0].get("other.<<").is_none());
    }

    #[test]
    fn brackets_in_quotes_and_comments_do_not_count() {
        let line = "- 'a[[[{{{' # [[[[ don't\n- \"[[\\\"[[\"\n- rate(x{a=\"b\"}[5m])\n";
        assert_eq!(too_deep(&line.repeat(200)), None);
        assert_eq!(too_deep(&"[".repeat(129)), Some(128));
    }

    #[test]
    fn what_costs_too_much_is_refused_at_once() {
        let laughs = (1..30).fold("a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned(), |text, i| {
            let item = format!("*a{}", i - 1);
            format!("{text}a{i}: &a{i} [{}]\n", [item.as_str(); 9].join(","))
        });
        let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(500_000), ["*a"; 50].join(","));
        let dashes = "- ".repeat(300_000);
        let braces = "{a: ".repeat(100_000);
        for text in [laughs, long, dashes, braces, "[".repeat(1_000_000), "x".repeat(2_000_000)] {
            let error = read(&text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "[a-c:\\-\\[\\]{}&*!|>'\"#?,% \n\t~0-1<]{0,60}") {
            let _ = read(&text);
        }

        #[test]
        fn never_panics_on_any_text(text in "\\PC*") {
            let _ = read(&text);
        }
    }
}
