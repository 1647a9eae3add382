//! RFC 4180.

use std::fmt::Write;

use super::json;
use crate::report::Report;

pub(crate) fn render(report: &Report) -> String {
    let mut out = String::from(
        "host,status,exit_code,phase,address,user,attempts,started,seconds,truncated,detail,stdout,stderr\r\n",
    );
    for row in &report.rows {
        let facts = json::status_facts(&row.status);
        let text = |key: &str| facts.get(key).map_or_else(String::new, |v| v.to_string().trim_matches('"').to_owned());
        let cells = [
            row.host.clone(),
            row.status.as_str().to_owned(),
            if row.is_ok() { "0".to_owned() } else { text("code") },
            text("phase"),
            row.address.map_or_else(String::new, |address| address.to_string()),
            row.user.clone().unwrap_or_default(),
            row.attempts.to_string(),
            row.started.map_or_else(String::new, |at| at.to_string()),
            format!("{:.3}", row.elapsed.as_secs_f64()),
            row.is_truncated().to_string(),
            row.detail.clone(),
            String::from_utf8_lossy(&row.output.stdout).into_owned(),
            String::from_utf8_lossy(&row.output.stderr).into_owned(),
        ];
        let line: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
        let _ = write!(out, "{}\r\n", line.join(","));
    }
    out
}

fn quoted(cell: &str) -> String {
    // A spreadsheet takes such a cell for a formula; what a host says must not run there.
    let formula = cell.starts_with(['=', '+', '@', '\t']) || (cell.starts_with('-') && cell.parse::<f64>().is_err());
    let guard = if formula { "'" } else { "" };
    if formula || cell.contains([',', '"', '\n', '\r']) {
        format!("\"{guard}{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}
