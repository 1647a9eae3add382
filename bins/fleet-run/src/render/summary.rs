//! The last line: what came of it, and what to type next.

use sre_core::duration;
use sre_remote::fanout::StopReason;

use super::style::Style;
use crate::report::Report;

pub(crate) fn line(report: &Report, can_retry: bool, style: &Style) -> String {
    let all = report.rows.len();
    let mut parts = Vec::new();
    for (status, count) in report.counts().iter().filter(|(status, _)| *status != "ok") {
        parts.push(format!("{count} {status}"));
    }
    let mut text = String::new();
    if report.stopped == Some(StopReason::MaxFail) && report.signal.is_none() {
        text += &format!("{}\n", style.bad("stopped: too many hosts failed (--max-fail)"));
    }
    text += &style.strong(&format!("{}/{all} ok", report.ok()));
    for part in &parts {
        text += &format!(", {part}");
    }
    text += &format!("   {}", style.faint(&duration::format(report.elapsed).to_string()));
    if can_retry && !parts.is_empty() {
        text += "   retry: fleet-run --retry-failed last";
    }
    text + "\n"
}
