//! What each renderer makes of the sample report.

use sre_core::output::Glyphs;

use super::sample::{now, report, style};
use super::{Style, annotations, check_query, html, json, junit, markdown, query, slack, text};
use crate::verdict::FailOn;

#[test]
fn text_in_a_pipe() {
    insta::assert_snapshot!(text(&report(), &style()));
}

#[test]
fn text_on_a_narrow_ascii_terminal() {
    let style = Style { width: Some(80), glyphs: Glyphs::ASCII, ..style() };
    let text = text(&report(), &style);
    assert!(text.is_ascii());
    insta::assert_snapshot!(text);
}

#[test]
fn text_in_colour_says_the_same() {
    let colored = text(&report(), &Style { color: true, ..style() });
    assert!(colored.contains("\u{1b}["));
    assert_eq!(anstream::adapter::strip_str(&colored).to_string(), text(&report(), &style()));
}

#[test]
fn long_lists_are_counted() {
    let mut report = report();
    let one = report.findings[0].clone();
    report.findings.extend(std::iter::repeat_n(one, 100));
    let text = text(&report, &Style { most: Some(50), ..style() });
    assert!(text.contains("and 52 more: -v or -o json shows all"), "{text}");
}

#[test]
fn markdown_cannot_be_broken_out_of() {
    insta::assert_snapshot!(markdown(&report(), &style()));
}

#[test]
fn html_cannot_be_broken_out_of() {
    let page = html(&report(), &style()).unwrap();
    assert!(page.contains("checkout &#60;b&#62;") && !page.contains("<b>"), "{page}");
    insta::assert_snapshot!(page.split("<body>").nth(1).unwrap());
}

#[test]
fn junit_has_a_case_a_check() {
    let xml = junit(&report(), &style(), FailOn::Critical);
    assert!(xml.contains(r#"<testsuite name="kubernetes prod-us-east-1""#), "{xml}");
    insta::assert_snapshot!(xml);
}

#[test]
fn slack_obeys_its_limits() {
    let parts = slack(&report(), &style(), Some("#ops")).parts();
    assert_eq!(parts.len(), 1);
    insta::assert_json_snapshot!(parts);
}

#[test]
fn annotations_for_github() {
    insta::assert_snapshot!(annotations(&report()));
}

#[test]
fn queries_select() {
    let report = report();
    assert_eq!(query(&report, "verdict.status").unwrap(), "unhealthy\n");
    assert_eq!(query(&report, "length(findings)").unwrap(), "3\n");
    assert_eq!(query(&report, "findings[?severity=='critical'].code | [0]").unwrap(), "K8S-CRASHLOOP\n");
    assert!(check_query("findings[").is_err());
    let all: serde_json::Value = serde_json::from_str(&json(&report).unwrap()).unwrap();
    assert_eq!(all["timestamp"], now().to_string());
}
