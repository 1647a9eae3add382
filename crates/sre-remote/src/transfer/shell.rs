//! Small scripts on the host and their answers.
//!
//! Each line of an answer begins with a number drawn for the run, so that what a login script prints is not taken for
//! one.

use std::fmt::Write as _;

use super::trouble::{Trouble, failed};
use crate::command::{Command, Stdin, Sudo};
use crate::error::{Error, ErrorKind};
use crate::exec::{Captured, ExecContext, OutputSink};
use crate::exit::Exit;
use crate::transport::Session;

/// Answers are short; 100,000 files of a listing fit.
const ANSWER_CAP: usize = 32 * 1024 * 1024;
/// Arguments of one command: Linux takes 128 KiB for `sh -c TEXT`, in which the script and the quotes are as well.
const ARGUMENTS_CAP: usize = 96 * 1024;

const COMMON: &str = include_str!("sh/common.sh");
pub(super) const CHECK: &str = include_str!("sh/check.sh");
pub(super) const PUT: &str = include_str!("sh/put.sh");
pub(super) const FOLDERS: &str = include_str!("sh/folders.sh");
pub(super) const OWNER: &str = include_str!("sh/owner.sh");
pub(super) const LOOK: &str = include_str!("sh/look.sh");
pub(super) const LIST: &str = include_str!("sh/list.sh");
pub(super) const EACH: &str = include_str!("sh/each.sh");
pub(super) const FETCH: &str = include_str!("sh/fetch.sh");

/// A session together with how its commands run.
#[derive(Debug)]
pub(super) struct Shell<'a> {
    session: &'a mut dyn Session,
    context: &'a ExecContext,
    sudo: Option<&'a Sudo>,
}

/// What a script said.
#[derive(Debug)]
pub(super) struct Answer {
    /// Its lines, without the number.
    pub(super) lines: Vec<String>,
    /// All of it, for answers that are not lines.
    pub(super) raw: Vec<u8>,
    /// The last line of its standard error, empty when it said nothing.
    pub(super) complaint: String,
    /// How it ended.
    pub(super) exit: Exit,
    /// The number.
    pub(super) nonce: String,
}

// === impl Shell ===

impl<'a> Shell<'a> {
    pub(super) fn new(session: &'a mut dyn Session, context: &'a ExecContext, sudo: Option<&'a Sudo>) -> Self {
        Self { session, context, sudo }
    }

    /// Runs a script. Its first argument, the number, is added here.
    pub(super) async fn run(&mut self, script: &str, args: &[String], stdin: Stdin) -> Result<Answer, Error> {
        let nonce = nonce();
        let mut said = Captured::with_cap(ANSWER_CAP);
        let exit = self.exec(script, &nonce, args, stdin, self.context, &mut said).await?;
        if said.is_truncated() {
            return Err(failed("answer of the host", "it is larger than 32 MiB"));
        }
        let complaint = last_line(&said.stderr);
        let prefix = format!("{nonce} ");
        let text = String::from_utf8_lossy(&said.stdout);
        let lines = text.lines().filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned).collect();
        Ok(Answer { lines, raw: said.stdout, complaint, exit, nonce })
    }

    /// Runs the first script of a transfer, whose answer begins with `word`: no such answer, no shell.
    pub(super) async fn greet(&mut self, script: &str, args: &[String], word: &str) -> Result<Answer, Trouble> {
        let answer = match self.run(script, args, Stdin::Empty).await {
            Ok(answer) => answer,
            Err(error) if error.kind() == ErrorKind::ExecRefused => return Err(Trouble::NoShell(error.to_string())),
            Err(error) => return Err(error.into()),
        };
        if answer.lines.first().is_some_and(|line| line.split(' ').next() == Some(word)) {
            return Ok(answer);
        }
        let said = if answer.complaint.is_empty() { last_line(&answer.raw) } else { answer.complaint };
        Err(Trouble::NoShell(format!("a command of ours ended with {} {said}", answer.exit).trim_end().to_owned()))
    }

    /// Runs a script whose output goes elsewhere.
    pub(super) async fn exec(
        &mut self,
        script: &str,
        nonce: &str,
        args: &[String],
        stdin: Stdin,
        context: &ExecContext,
        sink: &mut dyn OutputSink,
    ) -> Result<Exit, Error> {
        let fixed = ["sh".to_owned(), "-c".to_owned(), text(script), "sh".to_owned(), nonce.to_owned()];
        let mut command = Command::argv(fixed.into_iter().chain(args.iter().cloned())).with_stdin(stdin);
        if let Some(sudo) = self.sudo {
            command = command.with_sudo(sudo.clone());
        }
        self.session.exec(&command, context, sink).await
    }

    pub(super) fn context(&self) -> &'a ExecContext {
        self.context
    }
}

/// Which items fit into the arguments of one command, as ranges.
pub(super) fn batches<T>(items: &[T], path: impl Fn(&T) -> &str) -> Vec<&[T]> {
    let mut batches = Vec::new();
    let (mut start, mut sum) = (0, 0);
    for (i, item) in items.iter().enumerate() {
        // A quote becomes four characters, and under sudo each of the three new ones does again; a size comes with it.
        let path = path(item);
        let cost = path.len() + 16 * path.matches('\'').count() + 40;
        if sum + cost > ARGUMENTS_CAP && i > start {
            batches.push(&items[start..i]);
            (start, sum) = (i, 0);
        }
        sum += cost;
    }
    if start < items.len() {
        batches.push(&items[start..]);
    }
    batches
}

/// A number that nobody can foresee.
pub(super) fn nonce() -> String {
    format!("{:016x}", rand::random::<u64>())
}

/// A script with what all of them share, without its comments.
pub(super) fn text(script: &str) -> String {
    let mut text = String::new();
    for line in COMMON.lines().chain(script.lines()).filter(|line| !line.starts_with('#')) {
        let _ = writeln!(text, "{}", line.trim_start());
    }
    text
}

fn last_line(bytes: &[u8]) -> String {
    let tail = &bytes[bytes.len().saturating_sub(500)..];
    let text = String::from_utf8_lossy(tail);
    text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_lose_nothing() {
        let names: Vec<String> = (0..5_000).map(|i| format!("folder/file-{i}")).collect();
        let batches = batches(&names, |name| name);
        assert!(batches.len() > 1);
        assert_eq!(batches.concat(), names);
        assert!(super::batches(&Vec::<String>::new(), |name| name).is_empty());
    }

    #[test]
    fn scripts_are_short() {
        for script in [CHECK, PUT, FOLDERS, OWNER, LOOK, LIST, EACH, FETCH] {
            assert!(text(script).len() < 4096);
            assert!(!text(script).contains('#') || text(script).contains("${"));
        }
    }
}
