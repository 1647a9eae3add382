//! Slack's own verifier (PyPI `slack_sdk`) and ours, on the same requests.

use std::io::Write as _;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use sre_alerts::signature;
use sre_core::Secret;
use sre_testkit::peers::program;

const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";

/// Reads cases, one JSON object a line, and answers with `true` or `false` a line.
const VERIFIER: &str = r"
import json, sys
from slack_sdk.signature import Clock, SignatureVerifier
class At(Clock):
    def now(self): return self.at
for line in sys.stdin:
    case, clock = json.loads(line), At()
    clock.at = case['now']
    verifier = SignatureVerifier(case['secret'], clock)
    try: print(verifier.is_valid(bytes.fromhex(case['body']), case['timestamp'], case['signature']))
    except Exception: print(False)
";

#[derive(Debug, Clone)]
struct Case {
    body: Vec<u8>,
    timestamp: String,
    signature: String,
    now: i64,
}

impl Case {
    fn json(&self) -> Value {
        let body: String = self.body.iter().map(|byte| format!("{byte:02x}")).collect();
        json!({ "secret": SECRET, "body": body, "timestamp": self.timestamp, "signature": self.signature, "now": self.now })
    }

    fn ours(&self) -> bool {
        let (timestamp, signature) = (self.timestamp.as_bytes(), self.signature.as_bytes());
        signature::verify_v0(&Secret::new(SECRET), timestamp, signature, &self.body, self.now).is_ok()
    }
}

/// A signed body (any text: the SDK decodes what it signs as UTF-8), with at most one thing wrong.
fn case() -> impl Strategy<Value = Case> {
    let forms = prop_oneof!["[a-z_]{1,9}=\\PC{0,40}&text=.{0,60}", any::<String>()];
    (forms, 1_500_000_000_i64..2_000_000_000, -310_i64..310, 0..12_usize, any::<prop::sample::Index>()).prop_map(
        |(body, at, skew, fault, place)| {
            let mut case = Case {
                signature: signature::sign_v0(&Secret::new(SECRET), at, body.as_bytes()),
                body: body.into_bytes(),
                timestamp: at.to_string(),
                now: at + skew,
            };
            match fault {
                0 => case.body.push(b'x'),
                1 => case.signature.truncate(place.index(case.signature.len())),
                2 => case.signature.push('0'),
                3 => case.signature = case.signature.to_uppercase(),
                4 => case.signature = case.signature.replacen("v0=", "v1=", 1),
                5 => case.signature = "v0=ünïcödé".to_owned(),
                6 => case.timestamp.truncate(place.index(case.timestamp.len())),
                7 => case.timestamp = "soon".to_owned(),
                8 => case.now = at + if skew < 0 { -301 } else { 301 },
                _ => {}
            }
            case
        },
    )
}

#[test]
fn both_say_the_same() {
    let mut runner = TestRunner::deterministic();
    let cases: Vec<Case> = (0..3000).map(|_| case().new_tree(&mut runner).unwrap().current()).collect();
    // In the environment of `cargo xtask peers`, beside moto.
    let python = program("moto_server").with_file_name("python");
    let mut child = Command::new(python)
        .args(["-c", VERIFIER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: String = cases.iter().map(|case| format!("{}\n", case.json())).collect();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "slack_sdk is not installed: run `cargo xtask peers`\n{said}");
    writer.join().unwrap().unwrap();
    let theirs: Vec<bool> = String::from_utf8(output.stdout).unwrap().lines().map(|line| line == "True").collect();
    assert_eq!(theirs.len(), cases.len());
    for (case, theirs) in cases.iter().zip(&theirs) {
        assert_eq!(case.ours(), *theirs, "{case:?}");
    }
    let accepted = theirs.iter().filter(|valid| **valid).count();
    assert!((300..2700).contains(&accepted), "{accepted} of {} are valid: the cases are no good", cases.len());
}
