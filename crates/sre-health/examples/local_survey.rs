//! Prints the survey of this host as JSON, then its findings, a line each.

use sre_core::SystemClock;
use sre_health::{LocalHost, LocalOptions};

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "an example is a small program")]
async fn main() -> Result<(), serde_json::Error> {
    let survey = LocalHost::new(LocalOptions::new(), SystemClock::shared()).survey().await;
    println!("{}", serde_json::to_string_pretty(&survey)?);
    for f in survey.findings() {
        println!("{:8} {:18} {}: {} ({})", f.severity, f.code, f.subject, f.title, f.detail);
    }
    Ok(())
}
