//! Taking our own marks out of a command's output.

use crate::exec::{OutputSink, OutputStream};

/// Begins each mark: a control character that hardly any output has, so that looking for marks costs next to nothing.
const START: u8 = 0x1e;
/// A login shell that says more than this before our header is no login shell: its output is passed on.
const LONGEST_GREETING: usize = 64 * 1024;

/// The random word of one command.
#[derive(Debug, Clone)]
pub(crate) struct Mark(String);

/// The state of one command's output.
#[derive(Debug)]
pub(crate) struct Filter {
    mark: Option<Mark>,
    stage: Stage,
    sudo: bool,
    stdout: Held,
    stderr: Held,
    group: Option<u32>,
    succeeded: bool,
    prompts: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing of ours was seen: this is what a login shell prints, or no shell runs our text.
    Header,
    /// The header came; sudo has not started the command yet.
    Sudo,
    /// The command's own output.
    Body,
}

/// Bytes that may be the beginning of a mark.
#[derive(Debug, Default)]
struct Held(Vec<u8>);

// === impl Mark ===

impl Mark {
    pub(crate) fn random() -> Self {
        Self(format!("{:016x}", rand::random::<u64>()))
    }

    // The control character is written as an escape that `printf %s` would not read, so it is in the words as it is.
    pub(crate) fn header(&self) -> String {
        format!("'\u{1e}h{}'", self.0)
    }

    pub(crate) fn started(&self) -> String {
        format!("'\u{1e}s{}'", self.0)
    }

    pub(crate) fn trailer(&self) -> String {
        format!("'\u{1e}t{}'", self.0)
    }

    pub(crate) fn prompt(&self) -> String {
        format!("'\u{1e}p{}'", self.0)
    }

    fn word(&self, letter: char) -> Vec<u8> {
        format!("\u{1e}{letter}{}", self.0).into_bytes()
    }
}

// === impl Filter ===

impl Filter {
    pub(crate) fn new(mark: Mark, sudo: bool) -> Self {
        Self { mark: Some(mark), stage: Stage::Header, sudo, ..Self::pass_all() }
    }

    /// For commands that are sent as they are.
    pub(crate) fn pass_all() -> Self {
        Self {
            mark: None,
            stage: Stage::Body,
            sudo: false,
            stdout: Held::default(),
            stderr: Held::default(),
            group: None,
            succeeded: false,
            prompts: 0,
        }
    }

    /// The process group that the command runs in, once the host said it.
    pub(crate) fn group(&self) -> Option<u32> {
        self.group
    }

    /// Whether the host runs our text: a status of 0 then needs [`succeeded`](Self::succeeded).
    pub(crate) fn is_wrapped(&self) -> bool {
        self.group.is_some()
    }

    /// Whether the trailer came.
    pub(crate) fn succeeded(&self) -> bool {
        self.succeeded
    }

    /// How often sudo asked for a password so far.
    pub(crate) fn prompts(&self) -> u32 {
        self.prompts
    }

    /// Whether what is sent now reaches the command and not sudo.
    pub(crate) fn may_send_stdin(&self) -> bool {
        !self.sudo || self.stage == Stage::Body
    }

    /// Takes what came and hands the command's part of it to `sink`.
    pub(crate) fn push(&mut self, stream: OutputStream, bytes: &[u8], sink: &mut dyn OutputSink) {
        let Some(mark) = self.mark.clone() else { return emit(stream, bytes, sink) };
        match stream {
            OutputStream::Stderr if self.sudo => self.stderr_of_sudo(&mark, bytes, sink),
            OutputStream::Stderr => emit(stream, bytes, sink),
            OutputStream::Stdout => self.stdout(&mark, bytes, sink),
        }
    }

    /// The output is over: hands on what was held back.
    pub(crate) fn finish(&mut self, sink: &mut dyn OutputSink) {
        emit(OutputStream::Stdout, &std::mem::take(&mut self.stdout.0), sink);
        emit(OutputStream::Stderr, &std::mem::take(&mut self.stderr.0), sink);
    }

    fn stderr_of_sudo(&mut self, mark: &Mark, bytes: &[u8], sink: &mut dyn OutputSink) {
        let word = mark.word('p');
        self.stderr.0.extend_from_slice(bytes);
        while let Some(at) = find(&self.stderr.0, &word) {
            emit(OutputStream::Stderr, &self.stderr.0[..at], sink);
            self.stderr.0.drain(..at + word.len());
            self.prompts += 1;
        }
        self.stderr.pass_surely_foreign(&word, OutputStream::Stderr, sink);
    }

    fn stdout(&mut self, mark: &Mark, bytes: &[u8], sink: &mut dyn OutputSink) {
        if self.stage == Stage::Body && self.stdout.0.is_empty() && !bytes.contains(&START) {
            return emit(OutputStream::Stdout, bytes, sink);
        }
        self.stdout.0.extend_from_slice(bytes);
        if self.stage == Stage::Header && !self.take_header(mark, sink) {
            return;
        }
        if self.stage == Stage::Sudo {
            let word = mark.word('s');
            let Some(at) = find(&self.stdout.0, &word) else { return };
            self.stdout.0.drain(..at + word.len());
            self.stage = Stage::Body;
        }
        let word = mark.word('t');
        while let Some(at) = find(&self.stdout.0, &word) {
            self.succeeded = true;
            emit(OutputStream::Stdout, &self.stdout.0[..at], sink);
            self.stdout.0.drain(..at + word.len());
        }
        self.stdout.pass_surely_foreign(&word, OutputStream::Stdout, sink);
    }

    /// Whether the header is behind us (or will never come).
    fn take_header(&mut self, mark: &Mark, sink: &mut dyn OutputSink) -> bool {
        let word = mark.word('h');
        let held = &mut self.stdout.0;
        let found = find(held, &word).and_then(|at| {
            let end = at + held[at..].iter().position(|b| *b == b'\n')?;
            Some((at + word.len(), end))
        });
        let Some((from, end)) = found else {
            if held.len() > LONGEST_GREETING {
                self.stage = Stage::Body;
                emit(OutputStream::Stdout, &std::mem::take(held), sink);
            }
            return false;
        };
        let group = std::str::from_utf8(&held[from..end]).ok().and_then(|text| text.trim().parse().ok());
        // 0 and 1 would be everybody's and init's group.
        self.group = group.filter(|group| *group > 1);
        held.drain(..=end);
        self.stage = if self.sudo { Stage::Sudo } else { Stage::Body };
        true
    }
}

// === impl Held ===

impl Held {
    /// Hands on everything that cannot be the beginning of `word` any more.
    fn pass_surely_foreign(&mut self, word: &[u8], stream: OutputStream, sink: &mut dyn OutputSink) {
        let tail = self.0.len().saturating_sub(word.len() - 1);
        let keep_from = (tail..self.0.len()).find(|&at| word.starts_with(&self.0[at..])).unwrap_or(self.0.len());
        emit(stream, &self.0[..keep_from], sink);
        self.0.drain(..keep_from);
    }
}

fn emit(stream: OutputStream, bytes: &[u8], sink: &mut dyn OutputSink) {
    if !bytes.is_empty() {
        sink.output(stream, bytes);
    }
}

fn find(haystack: &[u8], word: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = haystack[from..].iter().position(|b| *b == START) {
        if haystack[from + at..].starts_with(word) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::exec::Captured;

    fn mark() -> Mark {
        Mark("0123456789abcdef".to_owned())
    }

    fn feed(filter: &mut Filter, chunks: &[&[u8]]) -> Captured {
        let mut sink = Captured::with_cap(usize::MAX);
        for chunk in chunks {
            filter.push(OutputStream::Stdout, chunk, &mut sink);
        }
        filter.finish(&mut sink);
        sink
    }

    proptest! {
        #[test]
        fn marks_go_and_output_stays_whatever_the_chunks(
            body in prop::collection::vec(prop_oneof![Just(0x1e), Just(b't'), Just(b'0'), any::<u8>()], 0..80),
            cuts in prop::collection::vec(0usize..200, 0..6),
        ) {
            let all = [&b"motd\n\x1eh0123456789abcdef 4711\r\n"[..], &body, b"\x1et0123456789abcdef"].concat();
            let mut cuts = cuts.into_iter().map(|c| c.min(all.len())).collect::<Vec<_>>();
            cuts.extend([0, all.len()]);
            cuts.sort_unstable();
            let chunks = cuts.windows(2).map(|w| &all[w[0]..w[1]]).collect::<Vec<_>>();
            let mut filter = Filter::new(mark(), false);
            let sink = feed(&mut filter, &chunks);
            prop_assert_eq!(sink.stdout, body);
            prop_assert_eq!((filter.group(), filter.succeeded()), (Some(4711), true));
        }
    }

    #[test]
    fn without_a_header_everything_is_output() {
        let mut filter = Filter::new(mark(), false);
        let sink = feed(&mut filter, &[b"forced ", b"command\n"]);
        assert_eq!((sink.stdout.as_slice(), filter.is_wrapped()), (&b"forced command\n"[..], false));
        let long = vec![b'x'; LONGEST_GREETING + 10];
        let mut filter = Filter::new(mark(), false);
        let mut sink = Captured::with_cap(usize::MAX);
        filter.push(OutputStream::Stdout, &long, &mut sink);
        assert_eq!(sink.stdout.len(), long.len(), "it must stream, not wait for the end");
    }

    #[test]
    fn a_password_is_asked_for_by_our_own_prompt_only() {
        let mut filter = Filter::new(mark(), true);
        let mut sink = Captured::with_cap(usize::MAX);
        filter.push(OutputStream::Stdout, b"\x1eh0123456789abcdef 99\n", &mut sink);
        assert!(!filter.may_send_stdin());
        filter.push(OutputStream::Stderr, b"lecture\n\x1ep01234567", &mut sink);
        assert_eq!(filter.prompts(), 0);
        filter.push(OutputStream::Stderr, b"89abcdef", &mut sink);
        assert_eq!((filter.prompts(), sink.stderr.as_slice()), (1, &b"lecture\n"[..]));
        filter.push(OutputStream::Stdout, b"\x1es0123456789abcdefroot\n", &mut sink);
        assert!(filter.may_send_stdin());
        filter.finish(&mut sink);
        assert_eq!(sink.stdout, b"root\n");
    }
}
