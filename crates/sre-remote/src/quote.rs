//! Words as data in shell text.

use std::borrow::Cow;

/// A word that a POSIX shell reads back as exactly these characters.
///
/// ```
/// use sre_remote::quote::word;
/// assert_eq!(word("nginx.conf"), "nginx.conf");
/// assert_eq!(word("it's"), r"'it'\''s'");
/// assert_eq!(word(""), "''");
/// ```
#[must_use]
pub fn word(text: &str) -> Cow<'_, str> {
    // `=` and `~` mean something at the start of a word, `-` is the called program's affair.
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':' | '@' | ',' | '+' | '%');
    if !text.is_empty() && text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}

/// Words with a blank between them, each as [`word`] writes it.
#[must_use]
pub fn words<S: AsRef<str>>(list: impl IntoIterator<Item = S>) -> String {
    let mut text = String::new();
    for item in list {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&word(item.as_ref()));
    }
    text
}

/// Whether a shell takes this as the name of a variable.
#[must_use]
pub fn is_variable_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn a_real_shell_reads_every_word_back(list in prop::collection::vec("[^\0]{0,12}", 1..6)) {
            let text = format!("printf '%s\\0' {}", words(&list));
            let said = Command::new("/bin/sh").arg("-c").arg(text).output().unwrap().stdout;
            let expected = list.iter().map(|w| format!("{w}\0")).collect::<String>();
            prop_assert_eq!(String::from_utf8(said).unwrap(), expected);
        }
    }

    #[test]
    fn variable_names_are_what_a_shell_takes() {
        assert!(is_variable_name("LC_ALL") && is_variable_name("_x1"));
        assert!(
            !is_variable_name("") && !is_variable_name("1x") && !is_variable_name("a-b") && !is_variable_name("a=b")
        );
    }
}
