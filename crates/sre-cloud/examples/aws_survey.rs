//! Prints what the AWS survey sees, as JSON: who we are, then one object a region.
//!
//! `cargo run --release -p sre-cloud --features aws --example aws_survey -- [REGION]...`, with the credentials and the
//! endpoint that the AWS CLI would use; without regions, all that are enabled.
#![expect(clippy::print_stderr, reason = "an example prints its result")]

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use futures_util::future::join_all;
use sre_cloud::Error;
use sre_cloud::aws::{AwsSession, AwsSettings, SurveyOptions};
use sre_core::SystemClock;
use sre_core::chain::ErrorChain;
use tokio::time::Instant;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", ErrorChain(&error));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Error> {
    let deadline = Instant::now() + Duration::from_secs(120);
    let settings = AwsSettings::default().regions(std::env::args().skip(1));
    let session = AwsSession::connect(settings, SystemClock::shared()).await?;
    let who = session.identity(deadline).await?;
    let mut out = vec![serde_json::to_string(&who).unwrap_or_default()];
    let regions = session.regions(deadline).await?;
    let options = SurveyOptions::default();
    for survey in join_all(regions.iter().map(|r| session.survey_region(r, &options, deadline))).await {
        match survey {
            Ok(survey) => out.push(serde_json::to_string_pretty(&survey).unwrap_or_default()),
            Err(error) => eprintln!("error: {}", ErrorChain(&error)),
        }
    }
    // A reader that left early, such as `head`, is no failure.
    let _ = writeln!(io::stdout(), "{}", out.join("\n"));
    Ok(())
}
