//! Many names in few characters: `web-[01-12,14-18]`.
//!
//! Every run of digits is a dimension. Names with the same text around their numbers are folded together; one
//! dimension is written exactly as ClusterShell's `nodeset -f` writes it, several dimensions become products. What is
//! folded expands to the same names again; only their order is lost.

use std::collections::HashMap;

use super::product;
use super::range::{MAX_DIGITS, push_number};

/// Names that differ in their numbers only.
struct Family<'n> {
    /// The text around the numbers: one piece more than there are dimensions.
    texts: Vec<&'n str>,
    /// The numbers of all names, one row of as many as there are dimensions after the other.
    numbers: Vec<&'n str>,
}

/// Folds names for people to read; sorted, duplicates once. Takes linear time but for the sorting.
///
/// ```
/// use sre_remote::inventory::fold;
/// assert_eq!(fold(["web-02", "db-a", "web-01", "web-03", "web-10"]), "db-a,web-[01-03,10]");
/// assert_eq!(fold(["rack1-n1", "rack1-n2", "rack2-n1", "rack2-n2"]), "rack[1-2]-n[1-2]");
/// ```
#[must_use]
pub fn fold<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    let names: Vec<S> = names.into_iter().collect();
    let mut families: HashMap<String, Family<'_>> = HashMap::new();
    let mut key = String::new();
    for name in &names {
        add(name.as_ref(), &mut key, &mut families);
    }
    let mut families: Vec<(String, Family<'_>)> = families.into_iter().collect();
    families.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let mut out = String::new();
    for (_, family) in &families {
        family.write(&mut out);
    }
    out
}

fn add<'n>(name: &'n str, key: &mut String, families: &mut HashMap<String, Family<'n>>) {
    key.clear();
    let mut rest = name;
    // Two passes over the name: the first makes the key, so that nothing is allocated for a known family.
    while let Some((text, _, after)) = next_number(rest) {
        push_escaped(key, text);
        // ClusterShell sorts by this form of a pattern, and so must we.
        key.push_str("%s");
        rest = after;
    }
    push_escaped(key, rest);
    if !families.contains_key(key.as_str()) {
        families.insert(key.clone(), Family { texts: texts(name), numbers: Vec::new() });
    }
    let Some(family) = families.get_mut(key.as_str()) else { return };
    let mut rest = name;
    while let Some((_, number, after)) = next_number(rest) {
        family.numbers.push(number);
        rest = after;
    }
}

fn push_escaped(key: &mut String, text: &str) {
    for part in text.split_inclusive('%') {
        key.push_str(part);
        if part.ends_with('%') {
            key.push('%');
        }
    }
}

fn texts(name: &str) -> Vec<&str> {
    let mut texts = Vec::new();
    let mut rest = name;
    while let Some((text, _, after)) = next_number(rest) {
        texts.push(text);
        rest = after;
    }
    texts.push(rest);
    texts
}

/// The text before the next number, the number, and what follows. Numbers too long to count with are text, and so is
/// all of a name with brackets (an IPv6 address with a port): within them, no other bracket can be written.
fn next_number(text: &str) -> Option<(&str, &str, &str)> {
    let bytes = text.as_bytes();
    if bytes.contains(&b'[') {
        return None;
    }
    let mut from = 0;
    loop {
        let start = from + bytes[from..].iter().position(u8::is_ascii_digit)?;
        let length = bytes[start..].iter().take_while(|b| b.is_ascii_digit()).count();
        if length <= MAX_DIGITS {
            return Some((&text[..start], &text[start..start + length], &text[start + length..]));
        }
        from = start + length;
    }
}

// === impl Family ===

impl Family<'_> {
    fn write(&self, out: &mut String) {
        let dimensions = self.texts.len() - 1;
        let comma = |out: &mut String| {
            if !out.is_empty() {
                out.push(',');
            }
        };
        if dimensions == 0 {
            comma(out);
            out.push_str(self.texts[0]);
            return;
        }
        for product in product::products(&self.numbers, dimensions) {
            comma(out);
            for (text, values) in self.texts.iter().zip(&product) {
                out.push_str(text);
                write_ranges(values, out);
            }
            out.push_str(self.texts[dimensions]);
        }
    }
}

/// Sorted numbers as ranges, in brackets unless it is one number.
///
/// How ClusterShell does it, padding included: numbers of one width go together once one of them begins with a zero; a
/// number that skips some of its predecessors keeps the padding of the range before it.
fn write_ranges(values: &[&str], out: &mut String) {
    if let [one] = values {
        out.push_str(one);
        return;
    }
    out.push('[');
    let mut run = Run::default();
    let mut first = true;
    for value in values {
        run.take(value, &mut |start, end, width| write_range(start, end, width, &mut first, out));
    }
    run.finish(&mut |start, end, width| write_range(start, end, width, &mut first, out));
    out.push(']');
}

fn write_range(start: u64, end: u64, width: usize, first: &mut bool, out: &mut String) {
    if !std::mem::replace(first, false) {
        out.push(',');
    }
    push_number(start, width, out);
    if end > start {
        out.push('-');
        push_number(end, width, out);
    }
}

/// The numbers that were taken and not yet written: from `start` to `last`, each `step` after the one before.
#[derive(Default)]
struct Run {
    open: bool,
    start: u64,
    last: u64,
    step: Option<u64>,
    padded: bool,
    width: usize,
}

// === impl Run ===

impl Run {
    fn take(&mut self, value: &str, write: &mut impl FnMut(u64, u64, usize)) {
        let number = value.parse().unwrap_or_default();
        let padded = value.len() > 1 && value.starts_with('0');
        if !self.open {
            *self = Self { open: true, start: number, last: number, step: None, padded, width: value.len() };
            return;
        }
        let other_padding = if self.padded { value.len() != self.width } else { padded };
        let step = number.saturating_sub(self.last);
        let other_step = !other_padding && self.step.is_some_and(|known| known != step);
        if !other_padding && !other_step {
            self.step = Some(step);
            self.last = number;
            return;
        }
        if self.is_contiguous() {
            write(self.start, self.last, self.shown_width());
            (self.start, self.padded, self.width) = (number, padded, value.len());
        } else if other_padding {
            self.write_each(self.last, write);
            (self.start, self.padded, self.width) = (number, padded, value.len());
        } else {
            // The last one may begin a range with this one.
            if self.start < self.last {
                self.write_each(self.last - self.step.unwrap_or(1), write);
            }
            self.start = self.last;
        }
        self.step = other_step.then_some(step);
        self.last = number;
    }

    fn finish(&self, write: &mut impl FnMut(u64, u64, usize)) {
        if self.is_contiguous() {
            write(self.start, self.last, self.shown_width());
        } else {
            self.write_each(self.last, write);
        }
    }

    fn is_contiguous(&self) -> bool {
        self.step.is_none_or(|step| step == 1)
    }

    fn write_each(&self, end: u64, write: &mut impl FnMut(u64, u64, usize)) {
        let mut number = self.start;
        while number <= end {
            write(number, number, self.shown_width());
            number += self.step.unwrap_or(1).max(1);
        }
    }

    fn shown_width(&self) -> usize {
        if self.padded { self.width } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fold_as_nodeset_folds_them() {
        for (names, folded) in [
            ("", ""),
            ("web", "web"),
            ("a1,a2,a3,a5,a7,a8", "a[1-3,5,7-8]"),
            ("a08,a09,a10,a11", "a[08-11]"),
            ("a8,a9,a10", "a[8-10]"),
            ("a1,a01,a001,a2", "a[1-2,01,001]"),
            ("a1,a3,a5,a7", "a[1,3,5,7]"),
            ("b2,a,b1,a", "a,b[1-2]"),
            ("9,10,11", "[9-11]"),
            ("x1y1,x1y2,x2y1,x2y2", "x[1-2]y[1-2]"),
            ("10.0.0.1,10.0.0.2", "10.0.0.[1-2]"),
            ("h:2201,h:2202", "h:[2201-2202]"),
            ("[::1]:22,[::2]:22", "[::1]:22,[::2]:22"),
            ("a12345678901234567890,a12345678901234567891", "a12345678901234567890,a12345678901234567891"),
        ] {
            assert_eq!(fold(names.split(',').filter(|n| !n.is_empty())), folded, "{names}");
        }
    }

    #[test]
    fn a_hole_in_a_product_makes_two() {
        let all = (1..=3).flat_map(|r| (1..=4).map(move |n| format!("r{r}n{n:02}")));
        let folded = fold(all.filter(|name| name != "r2n03"));
        assert!(["r[1-3]n[01-02,04],r[1,3]n03", "r[1,3]n[01-04],r2n[01-02,04]"].contains(&folded.as_str()), "{folded}");
    }
}
