//! One run: the action, then the check until it passes or the tries are used up.

use std::time::Duration;

use sre_core::{Clock, duration};
use tokio::time::timeout;

use super::engine::RunOutcome;
use super::executor::{Executor, Output};
use super::plan::{Check, Plan, Step};
use crate::host::HostName;

/// The time of a step that has none of its own.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// How a run went.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) outcome: RunOutcome,
    pub(super) output: String,
    pub(super) check_output: String,
}

/// Executes a plan.
pub(super) async fn run(plan: &Plan, executor: &dyn Executor, clock: &dyn Clock) -> Run {
    let (outcome, output) = match step(executor, &plan.host, &plan.step).await {
        Ok(Output { success: true, text }) => (None, text),
        Ok(Output { text, .. }) => (Some(RunOutcome::Failed("the action was not a success".to_owned())), text),
        Err(why) => (Some(RunOutcome::Failed(why)), String::new()),
    };
    match (outcome, &plan.check) {
        (Some(outcome), _) => Run { outcome, output, check_output: String::new() },
        (None, None) => Run { outcome: RunOutcome::Fixed, output, check_output: String::new() },
        (None, Some(check)) => {
            let (outcome, check_output) = verify(executor, &plan.host, check, clock).await;
            Run { outcome, output, check_output }
        }
    }
}

async fn verify(executor: &dyn Executor, host: &HostName, check: &Check, clock: &dyn Clock) -> (RunOutcome, String) {
    let mut last = (RunOutcome::NotFixed("it was not checked".to_owned()), String::new());
    for attempt in 0..check.tries {
        clock.sleep(if attempt == 0 { check.after } else { check.every }).await;
        last = match step(executor, host, &check.step).await {
            Ok(Output { success: true, text }) => return (RunOutcome::Fixed, text),
            Ok(Output { text, .. }) => {
                let times = if check.tries == 1 { "once".to_owned() } else { format!("{} times", check.tries) };
                (RunOutcome::NotFixed(format!("the check did not pass, tried {times}")), text)
            }
            Err(why) => (RunOutcome::NotFixed(format!("cannot check: {why}")), String::new()),
        };
    }
    last
}

async fn step(executor: &dyn Executor, host: &HostName, step: &Step) -> Result<Output, String> {
    let limit = match step {
        Step::Command { timeout, .. } => *timeout,
        Step::Scale { .. } | Step::Webhook { .. } => DEFAULT_TIMEOUT,
    };
    let late = |_| Err(format!("no end after {}", duration::format(limit)));
    timeout(limit, executor.execute(host, step)).await.unwrap_or_else(late)
}
