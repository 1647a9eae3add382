//! A test report: a host is a test.

use sre_core::output::junit::{Case, Report as Junit, Suite};
use sre_remote::fanout::Status;

use super::lines;
use crate::report::{Report, Row};

pub(crate) fn render(report: &Report) -> String {
    let mut suite = Suite::new(&report.title).timestamp(report.started).time(report.elapsed);
    for row in &report.rows {
        suite = suite.case(case(row));
    }
    Junit::new("fleet-run").timestamp(report.started).time(report.elapsed).suite(suite).to_xml()
}

fn case(row: &Row) -> Case {
    let (name, kind, what) = (&row.host, row.status.as_str(), row.status.to_string());
    let message = if row.detail.is_empty() { what } else { format!("{what}: {}", row.detail) };
    let case = match &row.status {
        Status::Ok => Case::passed(name),
        Status::Skipped => Case::skipped(name, &message),
        Status::Exit { .. } | Status::Signal { .. } | Status::Failed { .. } => Case::failed(name, kind, &message),
        _ => Case::error(name, kind, &message),
    };
    let output = lines::output(row).join("\n");
    let case = case.class("fleet-run").time(row.elapsed);
    if output.is_empty() { case } else { case.output(&output) }
}
