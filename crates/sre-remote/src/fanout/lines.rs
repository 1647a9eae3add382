//! Output as whole lines.

/// A line that is longer than this is passed on in pieces: memory is bounded whatever a host sends.
const LONGEST: usize = 64 * 1024;

/// Keeps the unfinished line of a stream.
#[derive(Debug, Default)]
pub(super) struct Lines {
    unfinished: Vec<u8>,
}

// === impl Lines ===

impl Lines {
    /// Takes bytes and gives back the whole lines that are there now, if any.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.unfinished.extend_from_slice(bytes);
        let whole = match self.unfinished.iter().rposition(|b| *b == b'\n') {
            Some(last) => last + 1,
            None if self.unfinished.len() >= LONGEST => self.unfinished.len(),
            None => return None,
        };
        let rest = self.unfinished.split_off(whole);
        Some(std::mem::replace(&mut self.unfinished, rest))
    }

    /// The last line, when it had no line end.
    pub(super) fn finish(&mut self) -> Option<Vec<u8>> {
        let rest = std::mem::take(&mut self.unfinished);
        (!rest.is_empty()).then_some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn pieces_end_at_line_ends_and_nothing_is_lost(chunks in proptest::collection::vec("[ab\n]{0,9}", 0..20)) {
            let mut lines = Lines::default();
            let mut seen = Vec::new();
            for chunk in &chunks {
                if let Some(whole) = lines.push(chunk.as_bytes()) {
                    assert!(whole.ends_with(b"\n"));
                    seen.extend(whole);
                }
            }
            seen.extend(lines.finish().unwrap_or_default());
            assert_eq!(seen, chunks.concat().into_bytes());
        }
    }

    #[test]
    fn a_line_without_end_is_passed_on_in_pieces() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(&vec![b'x'; LONGEST]).map(|piece| piece.len()), Some(LONGEST));
        assert_eq!(lines.finish(), None);
    }
}
