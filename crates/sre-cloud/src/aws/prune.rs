//! Takes out of an XML answer, while it comes in, what nobody is going to read.
//!
//! A page of 1,000 instances is 4 to 6 MB, of which the survey reads a twentieth; the SDK parses all of it, comparing
//! each element's name with up to sixty others. Dropping whole elements beforehand costs a fraction of that.
//!
//! Only elements are dropped, from `<` to `>`, and only children of elements that are known; all else passes as it is:
//! text, comments, CDATA, attributes, and any document whose root is another. So what the SDK makes of the rest is what it
//! would have made of the whole. A document that ends too early is an error, which the SDK would overlook.
//!
//! ```text
//! <item><instanceId>i-1</instanceId><vpcId>vpc-1</vpcId></item>   becomes   <item><instanceId>i-1</instanceId></item>
//! ```

use memchr::{memchr, memchr3};

/// What of an element is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// Everything in it.
    All,
    /// Children of these names, each as it says.
    Only(&'static [(&'static str, Keep)]),
}

/// A document that is known: its root's name and what is kept of it.
pub(super) type Document = (&'static str, Keep);

/// The document ended within an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the XML ends before it is complete")]
pub(super) struct CutShort;

/// The state between two pieces of a document.
#[derive(Debug)]
pub(super) struct Pruner {
    document: &'static Document,
    state: State,
    /// Elements that are open and known, from the root on.
    open: Vec<Keep>,
    /// How many more are open in the last of them, which is kept whole.
    within: usize,
    /// How many are open that are being dropped; 0 means that bytes are copied.
    dropped: usize,
    /// Bytes that are not decided yet, from `<` on.
    held: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Text,
    /// Behind `<`.
    Opened,
    /// In the name of an element whose parent is known.
    Name,
    /// Behind the name: the quotation mark that is open, and whether the last byte was a slash.
    Attributes {
        quote: Option<u8>,
        slash: bool,
    },
    /// Behind `</`.
    EndTag,
    /// Behind `<!`.
    Declaration,
    /// In a comment, CDATA or processing instruction, which ends with this; and the last bytes seen.
    Aside {
        end: &'static [u8],
        seen: [u8; 3],
    },
    /// Not understood: the rest passes as it is.
    Verbatim,
}

/// No element that is kept has a longer name.
const LONGEST_NAME: usize = 64;

/// What may follow `<!`, and how it ends.
const ASIDES: [(&[u8], &[u8]); 2] = [(b"<!--", b"-->"), (b"<![CDATA[", b"]]>")];

// === impl Pruner ===

impl Pruner {
    pub(super) fn new(document: &'static Document) -> Self {
        Self { document, state: State::Text, open: Vec::new(), within: 0, dropped: 0, held: Vec::new() }
    }

    /// Takes the next bytes and appends what is left of them.
    pub(super) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let used = self.step(rest, out);
            rest = rest.get(used..).unwrap_or_default();
        }
    }

    /// Says whether the document was complete.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), CutShort> {
        out.append(&mut self.held);
        let verbatim = matches!(self.state, State::Verbatim);
        match self.dropped > 0 || (!verbatim && !self.open.is_empty()) {
            true => Err(CutShort),
            false => Ok(()),
        }
    }

    /// Handles some bytes, at least one if there is one to decide about, and says how many.
    fn step(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> usize {
        match self.state {
            State::Text => self.text(bytes, out),
            State::Opened => self.opened(bytes, out),
            State::Name => self.name(bytes, out),
            State::Attributes { quote, slash } => self.attributes(bytes, quote, slash, out),
            State::EndTag => match memchr(b'>', bytes) {
                None => self.copy(bytes, bytes.len(), out),
                Some(at) => {
                    let used = self.copy(bytes, at + 1, out);
                    self.state = State::Text;
                    self.close();
                    used
                }
            },
            State::Declaration => self.declaration(bytes, out),
            State::Aside { end, seen } => self.aside(bytes, end, seen, out),
            State::Verbatim => {
                out.extend_from_slice(bytes);
                bytes.len()
            }
        }
    }

    fn text(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> usize {
        let Some(at) = memchr(b'<', bytes) else { return self.copy(bytes, bytes.len(), out) };
        self.copy(bytes, at, out);
        self.held.push(b'<');
        self.state = State::Opened;
        at + 1
    }

    fn opened(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> usize {
        let next = match bytes.first() {
            Some(b'/') => State::EndTag,
            Some(b'?') => State::Aside { end: b"?>", seen: [0; 3] },
            Some(b'!') => {
                self.held.push(b'!');
                self.state = State::Declaration;
                return 1;
            }
            _ if self.dropped > 0 => {
                self.dropped += 1;
                self.held.clear();
                self.state = State::Attributes { quote: None, slash: false };
                return 0;
            }
            _ => {
                self.state = State::Name;
                return 0;
            }
        };
        self.state = next;
        self.release(out);
        self.copy(bytes, 1, out)
    }

    fn name(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> usize {
        let end = bytes.iter().position(|b| matches!(b, b'>' | b'/') || b.is_ascii_whitespace());
        // A longer name need not be held as a whole to know that it is a stranger's.
        let room = (LONGEST_NAME + 2).saturating_sub(self.held.len());
        let used = end.unwrap_or(bytes.len()).min(room);
        self.held.extend_from_slice(bytes.get(..used).unwrap_or_default());
        if end == Some(used) || self.held.len() > LONGEST_NAME + 1 {
            self.decide(out);
        }
        used
    }

    /// The name of an element is known: keep it or not.
    fn decide(&mut self, out: &mut Vec<u8>) {
        self.state = State::Attributes { quote: None, slash: false };
        let name = self.held.get(1..).unwrap_or_default();
        let known = |children: &[(&str, Keep)]| children.iter().find(|(n, _)| n.as_bytes() == name).map(|(_, k)| *k);
        match self.open.last() {
            Some(Keep::All) => self.within += 1,
            Some(Keep::Only(children)) => match known(children) {
                Some(keep) => self.open.push(keep),
                None => self.dropped = 1,
            },
            None => match known(&[*self.document]) {
                Some(keep) => self.open.push(keep),
                None => self.state = State::Verbatim,
            },
        }
        self.release(out);
    }

    fn attributes(&mut self, bytes: &[u8], quote: Option<u8>, slash: bool, out: &mut Vec<u8>) -> usize {
        let found = match quote {
            Some(mark) => memchr(mark, bytes),
            None => memchr3(b'>', b'"', b'\'', bytes),
        };
        let before = |at: usize| match at.checked_sub(1) {
            Some(i) => bytes.get(i) == Some(&b'/'),
            None => slash,
        };
        let Some(at) = found else {
            self.state = State::Attributes { quote, slash: before(bytes.len()) };
            return self.copy(bytes, bytes.len(), out);
        };
        let used = self.copy(bytes, at + 1, out);
        match (quote, bytes.get(at)) {
            (None, Some(b'>')) => {
                self.state = State::Text;
                if before(at) {
                    self.close();
                }
            }
            (None, mark) => self.state = State::Attributes { quote: mark.copied(), slash: false },
            (Some(_), _) => self.state = State::Attributes { quote: None, slash: false },
        }
        used
    }

    /// An element has ended.
    fn close(&mut self) {
        if self.dropped > 0 {
            self.dropped -= 1;
        } else if self.within > 0 {
            self.within -= 1;
        } else if self.open.pop().is_none() {
            self.state = State::Verbatim;
        }
    }

    fn declaration(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> usize {
        self.held.extend(bytes.first());
        match ASIDES.iter().find(|(start, _)| start.starts_with(&self.held)) {
            Some((start, end)) if start.len() == self.held.len() => {
                self.state = State::Aside { end, seen: [0; 3] };
                self.release(out);
            }
            Some(_) => {}
            None => {
                self.state = State::Verbatim;
                out.append(&mut self.held);
            }
        }
        1
    }

    fn aside(&mut self, bytes: &[u8], end: &'static [u8], mut seen: [u8; 3], out: &mut Vec<u8>) -> usize {
        for (i, byte) in bytes.iter().enumerate() {
            seen = [seen[1], seen[2], *byte];
            if seen.ends_with(end) {
                self.state = State::Text;
                return self.copy(bytes, i + 1, out);
            }
        }
        self.state = State::Aside { end, seen };
        self.copy(bytes, bytes.len(), out)
    }

    /// Copies the first bytes unless they are being dropped.
    fn copy(&self, bytes: &[u8], count: usize, out: &mut Vec<u8>) -> usize {
        if self.dropped == 0 {
            out.extend_from_slice(bytes.get(..count).unwrap_or_default());
        }
        count
    }

    /// Copies or drops what was held.
    fn release(&mut self, out: &mut Vec<u8>) {
        if self.dropped == 0 {
            out.extend_from_slice(&self.held);
        }
        self.held.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KNOWN: Document = (
        "root",
        Keep::Only(&[("list", Keep::Only(&[("item", Keep::Only(&[("id", Keep::All), ("tags", Keep::All)]))]))]),
    );

    /// Prunes in pieces of the given sizes, again and again.
    fn pruned(xml: &[u8], sizes: &[usize]) -> (Vec<u8>, Result<(), CutShort>) {
        let (mut pruner, mut out, mut rest) = (Pruner::new(&KNOWN), Vec::new(), xml);
        for size in sizes.iter().cycle() {
            let (piece, behind) = rest.split_at((*size).min(rest.len()));
            pruner.push(piece, &mut out);
            rest = behind;
            if rest.is_empty() {
                break;
            }
        }
        let end = pruner.finish(&mut out);
        (out, end)
    }

    fn text(xml: &str) -> String {
        let (whole, end) = pruned(xml.as_bytes(), &[usize::MAX]);
        assert_eq!(end, Ok(()), "{xml}");
        assert_eq!(pruned(xml.as_bytes(), &[1]).0, whole, "{xml}");
        String::from_utf8(whole).unwrap()
    }

    #[test]
    fn strangers_are_dropped_with_all_in_them() {
        for (xml, left) in [
            (
                "<root><list><item><id>1</id><x>2</x></item></list></root>",
                "<root><list><item><id>1</id></item></list></root>",
            ),
            ("<root> <x><id>1</id></x> <list/></root>", "<root>  <list/></root>"),
            (
                "<root><x/><list><item><x a='/>' b=\"'>\"/><id  /></item></list></root>",
                "<root><list><item><id  /></item></list></root>",
            ),
            (
                "<root><list><item><tags><x><id/></x></tags></item></list></root>",
                "<root><list><item><tags><x><id/></x></tags></item></list></root>",
            ),
            (
                "<?xml version=\"1.0\"?>\n<root a=\">\"><x><x><x></x></x></x></root >\n",
                "<?xml version=\"1.0\"?>\n<root a=\">\"></root >\n",
            ),
            (
                "<root><x><!-- </x> --><![CDATA[</x>]]]><?x </x>?></x><!-- <x> ---><![CDATA[<x>]]></root>",
                "<root><!-- <x> ---><![CDATA[<x>]]></root>",
            ),
            ("<root><identity>1</identity><i/></root>", "<root></root>"),
        ] {
            assert_eq!(text(xml), left);
        }
    }

    #[test]
    fn what_is_not_known_passes() {
        let long = format!("<root><{}>1</x></root>", "x".repeat(500));
        assert_eq!(text(&long), "<root></root>");
        for xml in [
            "",
            "no xml",
            "<Response><x>1</x></Response>",
            "<!DOCTYPE root [<!ELEMENT x>]><root><x/></root>",
            "</root><x>",
            "<r",
            "<root/></x><x>",
            "<",
        ] {
            assert_eq!(text(xml), xml);
        }
    }

    #[test]
    fn an_early_end_is_an_error() {
        for xml in [
            "<root",
            "<root>",
            "<root><x",
            "<root><x>",
            "<root><x></x>",
            "<root><list><it",
            "<root></roo",
            "<root><x><!y></x></root>",
        ] {
            let early = pruned(xml.as_bytes(), &[3]).1;
            // `<root` may still become another name.
            assert_eq!(early, if xml == "<root" { Ok(()) } else { Err(CutShort) }, "{xml}");
        }
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(xml in "(<root>)?(<(/?(root|list|item|id|x)|!--|!\\[CDATA\\[|\\?)( a=['\"]?)?(/?>|-->|\\]\\]>|['\"])?|[ab<>/'\"!-]){0,40}", sizes in prop::collection::vec(1_usize..9, 1..8)) {
            prop_assert_eq!(pruned(xml.as_bytes(), &[usize::MAX]), pruned(xml.as_bytes(), &sizes));
        }

        #[test]
        fn bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), sizes in prop::collection::vec(1_usize..50, 1..4)) {
            let (out, _) = pruned(&bytes, &sizes);
            prop_assert!(out.len() <= bytes.len());
        }
    }
}
