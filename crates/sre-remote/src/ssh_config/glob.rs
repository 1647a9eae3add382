//! The names of files with `*`, `?` and `[a-z]`, as glob(7) has them, for `Include`.

use std::io;
use std::path::{Path, PathBuf};

use super::files::Files;

/// One step of a pattern.
#[derive(Debug)]
enum Step {
    Star,
    Any,
    Char(char),
    Class { negated: bool, ranges: Vec<(char, char)> },
}

/// The files that an absolute pattern names, sorted. One without special characters names itself, there or not.
pub(super) fn expand(pattern: &str, files: &dyn Files) -> io::Result<Vec<PathBuf>> {
    let mut found = vec![PathBuf::from("/")];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        if !part.contains(['*', '?', '[']) {
            for path in &mut found {
                path.push(part);
            }
            continue;
        }
        let steps = steps(part);
        let mut next = Vec::new();
        for folder in &found {
            next.extend(fitting(&steps, part, files.list(folder)?).into_iter().map(|name| folder.join(name)));
        }
        found = next;
    }
    Ok(found)
}

/// A pattern with the home folder in the place of a leading `~`.
pub(super) fn anchored(pattern: &str, home: &Path) -> String {
    match pattern.strip_prefix("~/") {
        Some(rest) => format!("{}/{rest}", home.display()),
        None => pattern.to_owned(),
    }
}

fn fitting(steps: &[Step], part: &str, names: Vec<String>) -> Vec<String> {
    // A leading dot is hidden unless it is written.
    let hidden = |name: &String| name.starts_with('.') && !part.starts_with('.');
    let mut names: Vec<String> = names.into_iter().filter(|name| !hidden(name) && fits(steps, name)).collect();
    names.sort();
    names
}

fn steps(part: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = part;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        steps.push(match c {
            '*' => Step::Star,
            '?' => Step::Any,
            '[' => match class(rest) {
                Some((step, after)) => {
                    rest = after;
                    step
                }
                None => Step::Char('['),
            },
            c => Step::Char(c),
        });
    }
    steps
}

/// What follows a `[`, up to its `]`; none when it is not closed. A `]` in the first place is one of the characters.
fn class(text: &str) -> Option<(Step, &str)> {
    let inside = text.strip_prefix(['!', '^']);
    let (negated, text) = (inside.is_some(), inside.unwrap_or(text));
    let first = text.chars().next()?.len_utf8();
    let end = first + text[first..].find(']')?;
    let chars: Vec<char> = text[..end].chars().collect();
    let mut ranges = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let is_range = chars.get(at + 1) == Some(&'-') && at + 2 < chars.len();
        ranges.push((chars[at], chars[if is_range { at + 2 } else { at }]));
        at += if is_range { 3 } else { 1 };
    }
    Some((Step::Class { negated, ranges }, &text[end + 1..]))
}

fn fits(steps: &[Step], name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let (mut s, mut n) = (0, 0);
    let mut star = None;
    while n < name.len() {
        match steps.get(s) {
            Some(Step::Star) => {
                star = Some((s, n));
                s += 1;
            }
            Some(step) if step.takes(name[n]) => {
                s += 1;
                n += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    s = at + 1;
                    n = taken + 1;
                }
                None => return false,
            },
        }
    }
    steps[s..].iter().all(|step| matches!(step, Step::Star))
}

// === impl Step ===

impl Step {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Star => false,
            Self::Any => true,
            Self::Char(own) => *own == c,
            Self::Class { negated, ranges } => ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *negated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Tree(&'static [&'static str]);

    impl Files for Tree {
        fn read(&self, _path: &Path) -> io::Result<Option<String>> {
            Ok(None)
        }

        fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
            let inside = |path: &&str| Path::new(path).parent() == Some(folder);
            let name = |path: &str| path.rsplit('/').next().unwrap().to_owned();
            Ok(self.0.iter().filter(|path| inside(path)).map(|path| name(path)).collect())
        }
    }

    #[test]
    fn patterns_in_every_part() {
        let tree = Tree(&["/a", "/b", "/a/2.conf", "/a/10.conf", "/a/.conf", "/b/1.conf", "/b/x]", "/a/old"]);
        let found = |pattern: &str| -> Vec<String> {
            expand(pattern, &tree).unwrap().iter().map(|p| p.display().to_string()).collect()
        };
        assert_eq!(found("/a/*.conf"), ["/a/10.conf", "/a/2.conf"]);
        assert_eq!(found("/?/*.conf"), ["/a/10.conf", "/a/2.conf", "/b/1.conf"]);
        assert_eq!(found("/[!a]/[0-9].conf"), ["/b/1.conf"]);
        assert_eq!(found("/b/x[]]"), ["/b/x]"]);
        assert_eq!(found("/a/.c*"), ["/a/.conf"]);
        assert_eq!(found("/no/such"), ["/no/such"]);
        assert!(found("/a/*.nope").is_empty() && found("/a/[x").is_empty());
    }
}
