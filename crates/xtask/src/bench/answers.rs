//! Whether an answer is right: fast and wrong does not count.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::servers::{INSTANCES_PER_REGION, Kubernetes, REGIONS};

/// Compares a report with what the servers hold by construction.
///
/// # Errors
/// Names the first difference.
pub(crate) fn check(report: &Path, kubernetes: Option<&Kubernetes>, aws: bool) -> Result<()> {
    let bytes = std::fs::read(report).with_context(|| format!("cannot read {}", report.display()))?;
    let report: Value = serde_json::from_slice(&bytes).context("the answer is not JSON")?;
    if let Some(kubernetes) = kubernetes {
        let clusters = by_name(&report, "kubernetes", "cluster");
        for context in &kubernetes.contexts {
            let cluster = clusters.get(context.as_str()).with_context(|| format!("no answer for {context}"))?;
            unhealthy(context, cluster, &kubernetes.about.unhealthy)?;
        }
    }
    if aws {
        let regions = by_name(&report, "aws", "region");
        for region in REGIONS {
            let answer = regions.get(region).with_context(|| format!("no answer for {region}"))?;
            states(region, answer)?;
        }
    }
    Ok(())
}

fn by_name<'a>(report: &'a Value, list: &str, name: &str) -> BTreeMap<&'a str, &'a Value> {
    let items = report[list].as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|item| Some((item[name].as_str()?, item))).collect()
}

fn unhealthy(context: &str, cluster: &Value, golden: &[String]) -> Result<()> {
    let list = cluster["unhealthy"].as_array().with_context(|| format!("{context}: no `unhealthy` in {cluster}"))?;
    let text = |pod: &Value, key: &str| pod[key].as_str().unwrap_or_default().to_owned();
    let mut found: Vec<String> =
        list.iter().map(|pod| format!("{}/{}", text(pod, "namespace"), text(pod, "name"))).collect();
    found.sort();
    if found == golden {
        return Ok(());
    }
    let missing = golden.iter().find(|pod| found.binary_search(pod).is_err());
    let wrong = found.iter().find(|pod| golden.binary_search(pod).is_err());
    bail!(
        "{context}: {} unhealthy pods, expected {}; missing {missing:?}, too many {wrong:?}",
        found.len(),
        golden.len()
    )
}

/// One in twenty was stopped when they were made.
fn states(region: &str, answer: &Value) -> Result<()> {
    let summary = &answer["summary"];
    let stopped = INSTANCES_PER_REGION / 20;
    for (state, expected) in [("running", INSTANCES_PER_REGION - stopped), ("stopped", stopped)] {
        if summary[state].as_u64() != u64::try_from(expected).ok() {
            bail!("{region}: expected {expected} {state}, got {answer}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_are_named() {
        let golden = ["a/x".to_owned(), "a/y".to_owned()];
        let cluster = json!({ "unhealthy": [{ "namespace": "a", "name": "y" }, { "namespace": "a", "name": "x" }] });
        unhealthy("c", &cluster, &golden).unwrap();
        let cluster = json!({ "unhealthy": [{ "namespace": "a", "name": "y" }, { "namespace": "b", "name": "z" }] });
        let error = unhealthy("c", &cluster, &golden).unwrap_err().to_string();
        assert_eq!(error, r#"c: 2 unhealthy pods, expected 2; missing Some("a/x"), too many Some("b/z")"#);
        states("r", &json!({ "summary": { "running": 950, "stopped": 50, "pending": 0 } })).unwrap();
        assert!(states("r", &json!({ "summary": { "running": 1000 } })).is_err());
    }
}
