//! The small types that everything hangs on.

use std::time::Duration;

use sre_remote::{Captured, Deadline, Exit, OutputSink, OutputStream, Phase, Timings};

#[test]
fn captured_output_is_capped_and_counted() {
    let mut captured = Captured::with_cap(4);
    captured.output(OutputStream::Stdout, b"abc");
    captured.output(OutputStream::Stdout, b"def");
    captured.output(OutputStream::Stderr, b"x");
    assert_eq!((captured.stdout.as_slice(), captured.stdout_bytes), (&b"abcd"[..], 6));
    assert_eq!((captured.stderr.as_slice(), captured.is_truncated()), (&b"x"[..], true));
}

#[test]
fn timings_add_up_and_say_only_what_was_reached() {
    let mut timings = Timings::default();
    timings.add(Phase::Auth, Duration::from_millis(20));
    timings.add(Phase::Connect, Duration::from_millis(5));
    timings.add(Phase::Auth, Duration::from_millis(10));
    assert_eq!(serde_json::to_string(&timings).unwrap(), r#"{"connect":0.005,"auth":0.03}"#);
    assert_eq!(timings.total(), Duration::from_millis(35));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_never_gets_later() {
    let host = Deadline::after(Duration::from_secs(2));
    assert_eq!(host.within(Duration::from_secs(60)), host);
    assert!(host.limit(tokio::time::sleep(Duration::from_secs(3))).await.is_err());
    assert!(host.has_passed());
    assert!(!Exit::Lost.is_success());
}
