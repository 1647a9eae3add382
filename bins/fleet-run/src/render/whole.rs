//! A report that is one document.

use std::io;
use std::path::Path;

use super::{csv, json, junit, style::Style, table};
use crate::cli::OutputFormat;
use crate::report::Report;

/// The document in a format; formats that are printed host by host are their lines.
pub(crate) fn whole(report: &Report, format: OutputFormat) -> io::Result<Vec<u8>> {
    Ok(match format {
        OutputFormat::Json => json::document(report)?,
        OutputFormat::Jsonl => report.rows.iter().map(json::line).collect::<String>().into_bytes(),
        OutputFormat::Csv => csv::render(report).into_bytes(),
        OutputFormat::Junit => junit::render(report).into_bytes(),
        OutputFormat::Text | OutputFormat::Table => table::render(report, &Style::plain(), false).into_bytes(),
    })
}

/// The format that a file's name asks for.
pub(crate) fn by_ending(path: &Path) -> OutputFormat {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("jsonl" | "ndjson") => OutputFormat::Jsonl,
        Some("csv") => OutputFormat::Csv,
        Some("xml") => OutputFormat::Junit,
        Some("txt") => OutputFormat::Table,
        _ => OutputFormat::Json,
    }
}
