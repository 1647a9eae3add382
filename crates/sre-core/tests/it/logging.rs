//! What a log line looks like, who is heard, and that nothing about logging can end the program.

use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};

use sre_core::clock::FixedClock;
use sre_core::logging::{LogFormat, Logging};
use sre_core::path_error::PathErrorKind;

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Buffer {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// A stream that nobody reads any more.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

/// Logs one message of each kind and returns what was written.
fn log(logging: Logging) -> String {
    let buffer = Buffer::default();
    let dispatch = logging
        .output(buffer.clone())
        .clock(Arc::new(FixedClock::at("2026-11-21T12:00:00.5Z".parse().unwrap())))
        .build()
        .unwrap();
    tracing::dispatcher::with_default(&dispatch, speak);
    buffer.text()
}

fn speak() {
    let span = tracing::info_span!("cloud.list", url = "https://bob:pw@api/x?token=abc");
    let _inside = span.enter();
    tracing::error!(target: "tool", attempts = 3, "no answer from https://hooks.slack.com/services/T0/B0/x");
    tracing::warn!(target: "tool", "slow");
    tracing::info!(target: "tool", "started");
    tracing::debug!(target: "tool", "detail");
    tracing::trace!(target: "tool", "everything");
    tracing::info!(target: "hyper::client", "a connection");
    tracing::warn!(target: "hyper::client", "a bad connection");
    tracing::error!(target: "kube_client::client::builder", "failed with status 500");
}

#[test]
fn levels_follow_the_flags() {
    let lines = |logging: Logging| log(logging).lines().count();
    assert_eq!(lines(Logging::new()), 3);
    assert_eq!(lines(Logging::new().verbosity(1)), 4);
    assert_eq!(lines(Logging::new().verbosity(2)), 5);
    assert_eq!(lines(Logging::new().verbosity(3)), 8);
    assert_eq!(lines(Logging::new().daemon()), 4);
    assert_eq!(lines(Logging::new().filter(Some("debug,hyper=info".into()))), 6);
    assert_eq!(lines(Logging::new().filter(Some("off".into()))), 1, "a library says nothing below a warning");
    assert_eq!(lines(Logging::new().filter(Some("off,kube_client=warn".into()))), 2, "unless it is asked for");
    assert_eq!(lines(Logging::new().filter(Some("trace".into())).verbosity(1)), 4, "a flag wins");
    let bad = log(Logging::new().filter(Some("tool=loud".into())));
    assert!(bad.lines().count() == 4 && bad.contains("RUST_LOG"), "{bad}");
}

#[test]
fn lines_as_people_and_programs_see_them() {
    let text = log(Logging::new().verbosity(1));
    let json = log(Logging::new().verbosity(1).format(LogFormat::Json));
    for line in json.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
    let colour = log(Logging::new().verbosity(1).color(true));
    assert!(colour.contains('\u{1b}') && !text.contains('\u{1b}'));
    for all in [&text, &json, &colour] {
        assert!(!all.contains("pw@") && !all.contains("token=abc") && !all.contains("/T0/"), "{all}");
    }
    insta::assert_snapshot!(format!("{text}\n{json}"));
}

#[test]
fn a_log_file_is_private_and_is_appended_to() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.log");
    for _ in 0..2 {
        assert_eq!(log(Logging::new().color(true).file(Some(path.clone()))).lines().count(), 3);
    }
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.lines().count() == 8 && !text.contains('\u{1b}'), "{text}");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_log_file_that_cannot_be_opened_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let error = Logging::new().file(Some(dir.path().join("none/run.log"))).build().unwrap_err();
    assert_eq!(error.kind(), PathErrorKind::NotFound);
    insta::assert_snapshot!(error.to_string().replace(&dir.path().display().to_string(), "DIR"));
    assert!(Logging::new().file(Some(dir.path().to_owned())).build().is_err());
}

#[test]
fn a_closed_stderr_and_a_full_disk_cost_lines_only() {
    let dispatch = Logging::new().output(Closed).build().unwrap();
    tracing::dispatcher::with_default(&dispatch, speak);
    // Every write to this device fails as on a full disk.
    let complaint = log(Logging::new().file(Some("/dev/full".into())));
    assert_eq!(complaint.matches("lacks lines").count(), 1, "{complaint}");
    assert_eq!(complaint.lines().count(), 4);
}
