//! What is remembered of the last run, for `--retry-failed`.

use std::path::Path;

use indexmap::IndexSet;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sre_core::atomic::AtomicFile;
use sre_core::path_error::PathError;

use crate::report::Report;
use crate::usage::Usage;

/// The last run, or what is of use of a JSON report.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Last {
    /// How it was called, without the program's name. A report does not have it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) argv: Vec<String>,
    results: Vec<Remembered>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Remembered {
    host: String,
    status: String,
}

// === impl Last ===

impl Last {
    pub(crate) fn of(report: &Report, argv: Vec<String>) -> Self {
        let remembered =
            |row: &crate::report::Row| Remembered { host: row.host.clone(), status: row.status.as_str().to_owned() };
        Self { argv, results: report.rows.iter().map(remembered).collect() }
    }

    /// Replaces what was remembered. The command line may hold secrets, so only its user may read it.
    pub(crate) fn save(&self, folder: &Path) -> Result<(), PathError> {
        std::fs::create_dir_all(folder).map_err(|e| PathError::new("create", folder, e))?;
        let text = serde_json::to_vec(self).unwrap_or_default();
        AtomicFile::new(folder.join("last.json")).mode(0o600).write(&text)
    }

    /// Reads a JSON report, JSON lines, or what was remembered.
    pub(crate) fn load(path: &Path) -> Result<Self, Usage> {
        let text = std::fs::read_to_string(path)
            .map_err(|e| Usage::new(format!("cannot read {} (--retry-failed): {e}", path.display()), ""))?;
        if let Ok(last) = serde_json::from_str(&text) {
            return Ok(last);
        }
        let lines: Result<Vec<Remembered>, _> =
            text.lines().filter(|line| !line.trim().is_empty()).map(serde_json::from_str).collect();
        match lines {
            Ok(results) if !results.is_empty() => Ok(Self { argv: Vec::new(), results }),
            _ => Err(Usage::new(
                format!("{} is no report of fleet-run", path.display()),
                "it takes what --output json, --output jsonl or --output-file wrote",
            )),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.results.len()
    }

    pub(crate) fn not_ok(&self) -> IndexSet<String> {
        self.results.iter().filter(|result| result.status != "ok").map(|result| result.host.clone()).collect()
    }
}

/// A line of JSON for a value that cannot fail to serialize.
pub(crate) fn line(value: &Value) -> String {
    format!("{value}\n")
}
