//! One run from the settings to the exit code.

use std::collections::BTreeSet;

use sre_core::exit::ExitCode;
use sre_core::{Finding, SharedClock};
use tokio::sync::watch;

use crate::cli::{Args, Command};
use crate::deliver::Delivery;
use crate::environment::Environment;
use crate::gather::{Limits, Progress, gather};
use crate::history::{self, Compared};
use crate::ignore;
use crate::progress;
use crate::report::{Entry, Report};
use crate::settings::{Settings, Usage};
use crate::source::{SourceKey, SourceKind, SourceReport};
use crate::verdict::Verdict;
use crate::{sources, subcommands};

/// Does what the command line says and returns what the shell shall see. Prints to stdout and stderr.
pub async fn run(args: Args, env: &Environment, clock: SharedClock) -> ExitCode {
    let logging = args.common.logging(|name| env.var(name).map(Into::into), env.stderr_terminal);
    if let Err(error) = logging.clock(clock.clone()).init() {
        return Usage::verbatim(&error).print();
    }
    let work = async {
        match args.command.clone() {
            Some(command) => subcommand(command, &args, env),
            None => check(&args, env, &clock).await,
        }
    };
    tokio::select! {
        result = work => result.unwrap_or_else(|usage| usage.print()),
        code = interrupted() => code,
    }
}

fn subcommand(command: Command, args: &Args, env: &Environment) -> Result<ExitCode, Usage> {
    match command {
        Command::Init { file, force, stdout } => subcommands::init(file, force, stdout, args, env),
        Command::CheckConfig => subcommands::check_config(args, env),
        Command::Explain { code } => subcommands::explain(code.as_deref(), env),
        Command::Dist { dir } => subcommands::dist(&dir),
    }
}

async fn check(args: &Args, env: &Environment, clock: &SharedClock) -> Result<ExitCode, Usage> {
    // Files may lie on a dead network disk, and Ctrl-C has to work all the same.
    let load = {
        let (args, env) = (args.clone(), env.clone());
        tokio::task::spawn_blocking(move || Settings::load(&args, &env))
    };
    let settings = load.await.map_err(|e| Usage::from_error(&e, ""))??;
    if args.check.show_config {
        return subcommands::show_config(&settings, args);
    }
    let delivery = Delivery::prepare(args, env, &settings, clock)?;
    let (now, started) = (clock.now(), clock.instant());
    let deadline = settings.config.deadline;
    let limits = Limits { timeout: settings.config.timeout, deadline: deadline - delivery.share_of(deadline) };
    let drawing = env.draws_on_stderr() && args.common.verbose == 0;
    let reports = ask(&settings, env, clock, limits, drawing).await;
    let last = delivery.last_run();
    let (mut report, next) = judge(&settings, reports, last.as_ref(), now);
    report.verdict.elapsed_seconds = (clock.instant() - started).as_secs_f64();
    report.verdict.compared_with = last.as_ref().map(|run| run.timestamp());
    let left = deadline.saturating_sub(clock.instant() - started).max(delivery.share_of(deadline));
    Ok(delivery.deliver(&report, next, left).await)
}

async fn ask(
    settings: &Settings,
    env: &Environment,
    clock: &SharedClock,
    limits: Limits,
    drawing: bool,
) -> Vec<SourceReport> {
    let (progress, watched) = watch::channel(Progress::default());
    let gathering = gather(limits, &progress, |board| sources::jobs(settings, env, clock, board));
    if !drawing {
        return gathering.await;
    }
    // In one task, so that the line is erased before anything else happens, also on Ctrl-C.
    tokio::select! {
        reports = gathering => reports,
        never = progress::draw(watched, env.width.unwrap_or(80), env.glyphs()) => match never {},
    }
}

/// From what the sources handed back to a report, and what the next run compares with.
fn judge(
    settings: &Settings,
    mut reports: Vec<SourceReport>,
    last: Option<&history::LastRun>,
    now: jiff::Timestamp,
) -> (Report, history::LastRun) {
    let mut entries = Vec::new();
    let mut hidden = BTreeSet::new();
    for report in &mut reports {
        let (kept, out) = ignore::apply(&settings.config.ignore, std::mem::take(&mut report.findings), now);
        hidden.extend(out.into_iter().map(|f| f.id));
        entries.extend(kept.into_iter().map(|f| Entry::new(report.key.clone(), f)));
    }
    let config = SourceKey::new(SourceKind::Local, "config");
    let expired = |f: Finding| Entry::new(config.clone(), f);
    entries.extend(ignore::expired(&settings.config.ignore, now).into_iter().map(expired));
    let Compared { resolved, next } = history::compare(last, &mut entries, &hidden, &reports, now);
    entries
        .sort_by(|a, b| (b.severity, &a.origin, &a.subject, a.code).cmp(&(a.severity, &b.origin, &b.subject, b.code)));
    let mut verdict = Verdict::of(&reports, &entries, settings.config.fail_on);
    verdict.ignored = hidden.len();
    (Report::new(now, verdict, reports, entries, resolved), next)
}

/// Ends with the code of the first signal that asks us to stop.
async fn interrupted() -> ExitCode {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => ExitCode::INTERRUPTED,
        _ = terminate.recv() => ExitCode::TERMINATED,
    }
}
