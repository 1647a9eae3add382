//! JSON: one document, or one object a line. `docs/fleet-run.md` describes the shape.

use std::io;

use serde::Serialize;
use serde_json::{Map, Value, json};
use sre_remote::Timings;
use sre_remote::fanout::Status;

use crate::report::{Report, Row};
use crate::work::Brought;

/// The shape's version: it counts up when a reader would have to change.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    what: &'a str,
    started: String,
    seconds: f64,
    hosts: usize,
    ok: usize,
    counts: Value,
    stopped: Option<&'static str>,
    exit_code: u8,
    results: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    host: &'a str,
    #[serde(flatten)]
    status: &'a Status,
    detail: &'a str,
    class: Option<sre_core::ErrorClass>,
    address: Option<String>,
    user: Option<&'a str>,
    attempts: u32,
    started: Option<String>,
    seconds: f64,
    timings: Timings,
    stdout: String,
    stderr: String,
    stdout_bytes: u64,
    stderr_bytes: u64,
    truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    health: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer: Option<Value>,
}

fn entry(row: &Row) -> Entry<'_> {
    let (health, transfer) = match &row.value {
        Some(Brought::Facts(facts)) => (serde_json::to_value(facts).ok(), None),
        Some(Brought::Moved(receipt)) => (None, serde_json::to_value(receipt).ok()),
        Some(Brought::Nothing) | None => (None, None),
    };
    Entry {
        host: &row.host,
        status: &row.status,
        detail: &row.detail,
        class: row.class,
        address: row.address.map(|address| address.to_string()),
        user: row.user.as_deref(),
        attempts: row.attempts,
        started: row.started.map(|at| at.to_string()),
        seconds: rounded(row.elapsed),
        timings: row.timings,
        stdout: String::from_utf8_lossy(&row.output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&row.output.stderr).into_owned(),
        stdout_bytes: row.output.stdout_bytes,
        stderr_bytes: row.output.stderr_bytes,
        truncated: row.is_truncated(),
        health,
        transfer,
    }
}

/// Milliseconds are what can be told from noise.
fn rounded(elapsed: std::time::Duration) -> f64 {
    (elapsed.as_secs_f64() * 1e3).round() / 1e3
}

pub(crate) fn line(row: &Row) -> String {
    let text = serde_json::to_string(&entry(row)).unwrap_or_else(|e| json!({ "error": e.to_string() }).to_string());
    text + "\n"
}

pub(crate) fn document(report: &Report) -> io::Result<Vec<u8>> {
    let document = Document {
        version: VERSION,
        what: &report.title,
        started: report.started.to_string(),
        seconds: rounded(report.elapsed),
        hosts: report.rows.len(),
        ok: report.ok(),
        counts: json!(report.counts()),
        stopped: report.stop_word(),
        exit_code: report.exit_code().get(),
        results: report.rows.iter().map(entry).collect(),
    };
    let mut text = serde_json::to_vec_pretty(&document)?;
    text.push(b'\n');
    Ok(text)
}

/// What a status says beside its word.
pub(crate) fn status_facts(status: &Status) -> Map<String, Value> {
    match serde_json::to_value(status) {
        Ok(Value::Object(facts)) => facts,
        _ => Map::new(),
    }
}
