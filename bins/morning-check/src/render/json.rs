//! The JSON document, whole or as a JMESPath query sees it.

use serde_json::Value;

use crate::report::Report;

/// A query that cannot be used, and why.
#[derive(Debug, thiserror::Error)]
#[error("--query `{query}`: {why}")]
pub struct QueryError {
    query: String,
    why: String,
}

/// The document, indented, ending with a newline.
///
/// # Errors
/// Never in practice; serialization is fallible by type.
pub fn json(report: &Report) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(report).map(|text| text + "\n")
}

/// What `query` selects: a bare string is printed without quotes, everything else as JSON.
///
/// # Errors
/// When the query is no JMESPath or fails on this document.
pub fn query(report: &Report, query: &str) -> Result<String, QueryError> {
    let fail = |why: String| QueryError { query: query.to_owned(), why };
    let compiled = jmespath::compile(query).map_err(|e| fail(one_line(&e)))?;
    let document = serde_json::to_value(report).map_err(|e| fail(e.to_string()))?;
    let found = compiled.search(document).map_err(|e| fail(one_line(&e)))?;
    match serde_json::to_value(&*found).map_err(|e| fail(e.to_string()))? {
        Value::String(text) => Ok(text + "\n"),
        other => serde_json::to_string_pretty(&other).map(|text| text + "\n").map_err(|e| fail(e.to_string())),
    }
}

/// Whether `query` can be compiled; told before any source is asked.
///
/// # Errors
/// When it is no JMESPath.
pub fn check_query(query: &str) -> Result<(), QueryError> {
    let fail = |e: jmespath::JmespathError| QueryError { query: query.to_owned(), why: one_line(&e) };
    jmespath::compile(query).map(|_| ()).map_err(fail)
}

fn one_line(error: &jmespath::JmespathError) -> String {
    let reason = error.reason.to_string();
    let reason = reason.strip_prefix("Parse error: ").unwrap_or(&reason).lines().next().unwrap_or_default();
    format!("{reason} at character {}", error.offset + 1)
}
