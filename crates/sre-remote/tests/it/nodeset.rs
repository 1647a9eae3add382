//! Patterns, set operations and folding beside ClusterShell's `nodeset`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use sre_remote::inventory::{HostSet, fold};
use sre_testkit::peers;

/// What ClusterShell makes of an expression: names, folded form, count; nothing when it refuses it.
type Answer = Option<(Vec<String>, String, usize)>;

/// One process for all questions: a start of Python for each would take minutes.
const DRIVER: &str = r"
import json, sys
from ClusterShell.NodeSet import NodeSet
for line in sys.stdin:
    try:
        nodes = NodeSet(json.loads(line))
        print(json.dumps([list(nodes), str(nodes), len(nodes)]))
    except Exception:
        print('null')
";

fn clustershell(expressions: &[String]) -> Vec<Answer> {
    let python = peers::program("nodeset").with_file_name("python3");
    let mut child = Command::new(python)
        .args(["-c", DRIVER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{error}: run `cargo xtask peers`"));
    let questions: String = expressions.iter().map(|e| serde_json::to_string(e).unwrap() + "\n").collect();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(questions.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<Answer> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), expressions.len());
    answers
}

fn nodeset(args: &[&str], input: &str) -> String {
    let mut child = Command::new(peers::program("nodeset"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

fn samples<T>(strategy: &impl Strategy<Value = T>, count: usize) -> Vec<T> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

fn range() -> impl Strategy<Value = String> {
    (0_u32..40, 0_u32..12, prop_oneof![4 => Just(1_u32), 1 => 2_u32..5], 0_usize..4).prop_map(
        |(from, more, step, width)| {
            let (first, last) = (format!("{from:0width$}"), format!("{:0width$}", from + more));
            match (more, step) {
                (0, _) => first,
                // A leading zero wants ends of one width.
                _ if first.len() != last.len() && first.starts_with('0') && first.len() > 1 => first,
                (_, 1) => format!("{first}-{last}"),
                _ => format!("{first}-{last}/{step}"),
            }
        },
    )
}

fn bracket() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::collection::vec(range(), 1..4).prop_map(|ranges| format!("[{}]", ranges.join(","))),
        1 => range().prop_filter("one number", |r| !r.contains('-')),
    ]
}

/// Few prefixes, so that operations have something to do. None ends in a digit: ClusterShell reads `r2[7-17]` as
/// r27 to r217, and we as r27 to r29 and r210 to r217.
fn atom() -> impl Strategy<Value = String> {
    let prefix = prop::sample::select(vec!["a", "a", "web-", "web-", "n%", ""]);
    let suffix = prop::sample::select(vec!["", "", ".ex", "-x9", "7"]);
    let middle = prop::collection::vec((prop::sample::select(vec!["-", "n", ".ex"]), bracket()), 0..2);
    let numbered = (prefix, bracket(), middle, suffix).prop_map(|(prefix, first, more, suffix)| {
        let more: String = more.into_iter().map(|(text, bracket)| text.to_owned() + &bracket).collect();
        format!("{prefix}{first}{more}{suffix}")
    });
    prop_oneof![8 => numbered, 1 => prop::sample::select(vec!["a", "db", "gate"]).prop_map(str::to_owned)]
}

fn expression() -> impl Strategy<Value = String> {
    let operator = prop::sample::select(vec![",", ",", "!", "&", "^", " , ", "! "]);
    (atom(), prop::collection::vec((operator, atom()), 0..6))
        .prop_map(|(first, rest)| rest.into_iter().fold(first, |all, (operator, atom)| all + operator + &atom))
}

fn sorted(names: impl IntoIterator<Item = impl Into<String>>) -> Vec<String> {
    let mut names: Vec<String> = names.into_iter().map(Into::into).collect();
    names.sort();
    names
}

fn dimensions(name: &str) -> usize {
    name.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty()).count()
}

#[test]
fn expressions_mean_what_clustershell_says() {
    let expressions = samples(&expression(), 600);
    let mut compared = 0;
    for (expression, answer) in expressions.iter().zip(clustershell(&expressions)) {
        // It cannot write down what is next to a bracket: `[1-3]07` with a step, a prefix of zeros.
        let Some((names, folded, count)) = answer else { continue };
        let ours = HostSet::parse(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
        let missing: Vec<_> = names.iter().filter(|name| !ours.contains(name)).take(5).collect();
        assert!(missing.is_empty() && ours.len() == count, "{expression}: {} of {count}, no {missing:?}", ours.len());
        if ours.iter().all(|name| dimensions(name) <= 1) {
            assert_eq!(ours.to_string(), folded, "{expression}");
        }
        compared += 1;
    }
    assert!(compared > 500, "only {compared} expressions were understood by both");
}

#[test]
fn what_we_fold_in_one_dimension_is_what_clustershell_folds() {
    let number = (0_u32..130, 0_usize..4).prop_map(|(n, width)| format!("{n:0width$}"));
    let name = (prop::sample::select(vec!["a", "web-", ""]), number, prop::sample::select(vec!["", ".ex", "%"]));
    let lists = samples(&prop::collection::vec(name.prop_map(|(a, n, b)| a.to_owned() + &n + b), 1..40), 600);
    let questions: Vec<String> = lists.iter().map(|list| list.join(",")).collect();
    for (list, answer) in lists.iter().zip(clustershell(&questions)) {
        assert_eq!(fold(list), answer.unwrap().1, "{list:?}");
    }
}

#[test]
fn products_expand_to_the_same_names_and_are_as_short() {
    let row = (1_u32..4, 8_u32..12, 0_u32..3).prop_map(|(a, b, c)| (a, b, c));
    let lists = samples(&prop::collection::vec(row, 1..30), 200);
    let lists: Vec<Vec<String>> = lists
        .into_iter()
        .enumerate()
        .map(|(i, rows)| match i % 2 {
            0 => rows.into_iter().map(|(a, b, _)| format!("rack{a}-node{b:02}")).collect(),
            _ => rows.into_iter().map(|(a, b, c)| format!("dc{a}r{b}n{c}.ex")).collect(),
        })
        .collect();
    let folded: Vec<String> = lists.iter().map(fold).collect();
    let theirs = clustershell(&lists.iter().map(|list| list.join(",")).collect::<Vec<_>>());
    let again = clustershell(&folded);
    let terms = |folded: &str| folded.matches("rack").count() + folded.matches("dc").count();
    let (mut ours_terms, mut their_terms) = (0, 0);
    for ((list, folded), (theirs, again)) in lists.iter().zip(&folded).zip(theirs.into_iter().zip(again)) {
        let (theirs, again) = (theirs.unwrap(), again.unwrap());
        assert_eq!(sorted(again.0), sorted(theirs.0), "{list:?}");
        (ours_terms, their_terms) = (ours_terms + terms(folded), their_terms + terms(&theirs.1));
    }
    assert!(ours_terms <= their_terms, "ours {ours_terms} terms, ClusterShell's {their_terms}");
}

#[test]
fn the_command_line_tool_agrees() {
    let expression = "rack[1-3]-node[01-16],web-[0-20/4]!rack2-node[03-04]&rack[1-9]-node[01-99]";
    let ours = HostSet::parse(expression).unwrap();
    assert_eq!(nodeset(&["-c", expression], ""), ours.len().to_string());
    let theirs = nodeset(&["-e", "-S", "\n", expression], "");
    assert_eq!(sorted(ours.iter()), sorted(theirs.lines()));
    let web = HostSet::parse("web-[01-12,14-18,100],db").unwrap();
    let names: Vec<&str> = web.iter().collect();
    assert_eq!(web.to_string(), nodeset(&["-f"], &(names.join("\n") + "\n")));
}

proptest! {
    #[test]
    fn folding_and_expanding_give_the_same_names(
        names in prop::collection::hash_set("[a-c]{0,2}[0-9]{1,3}([-.][a-c]?[0-9]{0,2}){0,2}|[a-z]{1,4}|::[1-9]|\\[::1\\]:[1-9]{2}", 0..40)
    ) {
        let names: Vec<String> = names.into_iter().collect();
        let folded = fold(&names);
        let again = if names.is_empty() { HostSet::new() } else { HostSet::parse(&folded).unwrap() };
        prop_assert_eq!(sorted(again.iter()), sorted(names), "{}", folded);
    }
}
