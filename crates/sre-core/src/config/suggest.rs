//! The nearest name to a misspelt one, and a list of names that fits on a line.

/// Longer names are not compared: the distance costs the product of the lengths.
const LONGEST: usize = 80;

/// Names in a list before it is cut.
const LISTED: usize = 6;

/// The candidate that is most like `name`, if any is alike: at most one edit in three characters, and case, `-` and `_` do not
/// count.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    let fold = |s: &str| s.to_ascii_lowercase().replace(['-', ' '], "_");
    let name = fold(name);
    let limit = (name.chars().count() / 3).max(1);
    let distance = |candidate: &&str| strsim::damerau_levenshtein(&name, &fold(candidate));
    candidates
        .into_iter()
        .map(|c| (distance(&c), c))
        .filter(|(d, c)| *d <= limit && *d < c.len())
        .min_by_key(|(d, _)| *d)
        .map(|(_, c)| c)
}

/// `one of: a, b, c, …`, with the likely one always in it.
pub(super) fn one_of(names: &[&str], likely: Option<&str>) -> String {
    let mut shown: Vec<&str> = names.iter().copied().take(LISTED).collect();
    if let (Some(likely), Some(last)) = (likely, shown.last_mut())
        && names.iter().skip(LISTED).any(|n| *n == likely)
    {
        *last = likely;
    }
    let more = if names.len() > LISTED { ", …" } else { "" };
    format!("one of: {}{more}", shown.join(", "))
}

/// The help line for a name that is none of `names`.
pub(super) fn help(name: &str, names: &[&str]) -> Option<String> {
    let likely = nearest(name, names.iter().copied());
    match (likely, names) {
        (_, []) => None,
        (Some(likely), [_]) => Some(format!("did you mean `{likely}`?")),
        (Some(likely), _) => Some(format!("did you mean `{likely}`? ({})", one_of(names, Some(likely)))),
        (None, _) => Some(one_of(names, None)),
    }
}

/// A name from outside, short enough to print.
pub(super) fn clip(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_another_word_finds_nothing() {
        let names = ["url", "alert_severity_threshold", "queries"];
        assert_eq!(nearest("alert_severity_treshold", names), Some("alert_severity_threshold"));
        assert_eq!(nearest("URL", names), Some("url"));
        assert_eq!(nearest("alert-severity-threshold", names), Some("alert_severity_threshold"));
        assert_eq!(nearest("retries", names), None);
        assert_eq!(nearest(&"x".repeat(10_000), names), None);
    }

    #[test]
    fn the_likely_name_is_in_a_list_that_is_cut() {
        let names = ["a1", "b1", "c1", "d1", "e1", "f1", "g1", "target"];
        assert_eq!(one_of(&names, Some("target")), "one of: a1, b1, c1, d1, e1, target, …");
        assert_eq!(help("x", &[]), None);
    }
}
