//! A host's output as lines that can neither steer the terminal nor pass for ours.

use sre_core::output::bytes;

use super::health;
use crate::report::Row;
use crate::work::Brought;

/// What a host has to say: its output, what was moved, how it is; then why it failed, and what was cut.
pub(crate) fn of(row: &Row) -> Vec<String> {
    let mut lines = output(row);
    if !row.detail.is_empty() {
        lines.push(row.detail.clone());
    }
    if row.is_truncated() {
        let kept = row.output.stdout.len() + row.output.stderr.len();
        let all = row.output.stdout_bytes + row.output.stderr_bytes;
        let (kept, all) = (bytes::format(kept as u64), bytes::format(all));
        lines.push(format!("[output cut: {kept} of {all} kept; --output-dir keeps all of it]"));
    }
    lines
}

/// Standard output, then standard error.
pub(crate) fn output(row: &Row) -> Vec<String> {
    let mut lines: Vec<String> = split(&row.output.stdout).chain(split(&row.output.stderr)).collect();
    match &row.value {
        Some(Brought::Facts(facts)) => lines.push(health::line(facts)),
        Some(Brought::Moved(receipt)) => lines.push(moved(receipt)),
        Some(Brought::Nothing) | None => {}
    }
    lines
}

fn moved(receipt: &sre_remote::transfer::Receipt) -> String {
    use sre_remote::transfer::Change;
    let files = if receipt.files == 1 { "1 file".to_owned() } else { format!("{} files", receipt.files) };
    match receipt.change {
        Change::Unchanged => format!("unchanged, {files}"),
        Change::Changed => format!("{} of {files} changed, {}", receipt.changed, bytes::format(receipt.bytes)),
    }
}

/// Lines without their ends and without control characters but tabs, which become spaces.
pub(crate) fn split(bytes: &[u8]) -> impl Iterator<Item = String> + '_ {
    let whole = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let lines = (!bytes.is_empty()).then(|| whole.split(|b| *b == b'\n'));
    lines.into_iter().flatten().map(|line| clean(line.strip_suffix(b"\r").unwrap_or(line)))
}

pub(crate) fn clean(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let text = if text.contains('\t') { text.replace('\t', "    ").into() } else { text };
    sre_core::output::width::clean(&without_colours(&text)).into_owned()
}

/// Colours that a command insists on would otherwise leave the rest of their codes behind.
fn without_colours(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains('\x1b') {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\x1b[") {
        out.push_str(&rest[..at]);
        let code = &rest[at + 2..];
        let end = code.find(|c: char| ('\x40'..='\x7e').contains(&c)).map_or(code.len(), |end| end + 1);
        rest = &code[end..];
    }
    out.push_str(rest);
    out.into()
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_hosts_send_cannot_steer_the_terminal() {
        assert_eq!(super::clean(b"\x1b[31mred\x1b[0m \x1b]0;title\x07 a\tb"), "red  ]0;title  a    b");
        assert_eq!(super::split(b"a\r\n\nb\n").collect::<Vec<_>>(), ["a", "", "b"]);
        assert_eq!(super::split(b"").count(), 0);
    }
}
