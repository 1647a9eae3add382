//! `test` and `ci`: the steps, in the order in which they fail fastest.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::{
    peers, place,
    step::{self, Steps},
};

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    features: BTreeMap<String, Vec<String>>,
}

/// The peers, then the doctests, then every test of the workspace; nextest's summary comes last.
///
/// # Errors
/// Names the steps that failed and how to repeat each.
pub(crate) fn test(nextest: &[String]) -> Result<()> {
    peers::install_for_tests()?;
    let mut steps = Steps::default();
    if nextest.is_empty() {
        steps.command("doctests", &mut place::cargo(["test", "--doc", "--workspace", "--all-features", "--quiet"])?);
    }
    let mut tests = place::cargo(["nextest", "run", "--workspace", "--all-features"])?;
    steps.command("tests", tests.args(nextest));
    steps.finish()
}

/// Everything that must hold before a change lands. All steps run, whatever fails.
///
/// # Errors
/// Names the steps that failed and how to repeat each.
pub(crate) fn ci(without_tests: bool) -> Result<()> {
    let mut steps = Steps::default();
    steps.command("format", &mut place::cargo(["fmt", "--all", "--check"])?);
    steps.step("cargo-deny is there", || peers::cargo_tool(&peers::DENY));
    steps.command("dependencies", &mut place::cargo(["deny", "check", "bans", "licenses", "sources"])?);
    let mut clippy = place::cargo(["clippy", "--workspace", "--all-targets", "--all-features", "--locked"])?;
    steps.command("lints", clippy.args(["--", "-D", "warnings"]));
    let mut doc = place::cargo(["doc", "--workspace", "--no-deps", "--all-features", "--locked"])?;
    steps.command("docs", doc.env("RUSTDOCFLAGS", "-D warnings"));
    features(&mut steps)?;
    if !without_tests {
        steps.step("tests", || test(&[]));
    }
    println!();
    steps.print();
    steps.finish()
}

/// Each package that has features compiles without any, and with each alone.
fn features(steps: &mut Steps) -> Result<()> {
    let metadata = step::output(&mut place::cargo(["metadata", "--no-deps", "--format-version", "1", "--offline"])?)
        .context("`cargo metadata --no-deps` failed: is a Cargo.toml broken?")?;
    let metadata: Metadata = serde_json::from_str(&metadata).context("cannot read what `cargo metadata` says")?;
    for package in metadata.packages {
        for features in alone(&package) {
            let mut check = place::cargo(["clippy", "--locked", "--no-deps", "--no-default-features", "-p"])?;
            check.arg(&package.name).args(["--features", features, "--", "-D", "warnings"]);
            let which = if features.is_empty() { "no feature" } else { features };
            steps.command(&format!("{} with {which}", package.name), &mut check);
        }
    }
    Ok(())
}

/// The feature sets to try: none, then each one; nothing for a package without features.
fn alone(package: &Package) -> Vec<&str> {
    let named: Vec<&str> = package.features.keys().map(String::as_str).filter(|name| *name != "default").collect();
    if named.is_empty() { named } else { std::iter::once("").chain(named).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feature_sets() {
        let package = |features: &[&str]| Package {
            name: "p".into(),
            features: features.iter().map(|name| ((*name).to_owned(), Vec::new())).collect(),
        };
        assert!(alone(&package(&[])).is_empty());
        assert!(alone(&package(&["default"])).is_empty());
        assert_eq!(alone(&package(&["aws", "default", "kubernetes"])), ["", "aws", "kubernetes"]);
    }
}
