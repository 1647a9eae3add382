//! One run from the flags to the exit code.

use std::path::Path;

use clap::CommandFactory as _;
use sre_core::exit::ExitCode;
use sre_core::output::Format;
use sre_core::{SharedClock, atomic, duration};
use sre_remote::quote;
use sre_remote::rollout::{Driver, End, Event, HostState, Journal, Outcome, Past, Rollout, Undo, latest};

use crate::cli::{Args, Command};
use crate::effects::World;
use crate::environment::Environment;
use crate::report::{Facts, Report};
use crate::screen::Screen;
use crate::settings::Settings;
use crate::signals::Signals;
use crate::usage::Usage;
use crate::view::View;
use crate::{dry_run, overview};

/// Does what the command line says and returns what the shell shall see. Prints to stdout and stderr.
pub async fn run(args: Args, env: &Environment, clock: SharedClock) -> ExitCode {
    let logging = args.common.logging(|name| env.var(name).map(Into::into), env.stderr_terminal);
    if let Err(error) = logging.clock(clock.clone()).init() {
        return Usage::verbatim(&error).print();
    }
    let done = match &args.command {
        Some(Command::Dist { dir }) => dist(dir),
        None => deploy(&args, env, &clock).await,
    };
    done.unwrap_or_else(|usage| usage.print())
}

fn dist(dir: &Path) -> Result<ExitCode, Usage> {
    let written = sre_core::cli::write_pages(&Args::command(), dir)
        .map_err(|e| Usage::verbatim(&e).with_code(ExitCode::CANTCREAT))?;
    for path in written {
        dry_run::println_all(&path.display().to_string());
    }
    Ok(ExitCode::OK)
}

async fn deploy(args: &Args, env: &Environment, clock: &SharedClock) -> Result<ExitCode, Usage> {
    let settings = Settings::load(args, env, std::io::stdin())?;
    let screen = Screen::new(env, args.rollout.output == Format::Text, args.common.verbose > 0);
    let signals = Signals::default();
    let mut world = World::new(args, env, &settings, clock, &signals.kill)?;
    if args.common.dry_run {
        return dry_run::show(args, &settings, &world, &screen).await;
    }
    let told = screen.clone();
    world.executor = world.executor.on_step(move |host, i, all, title| {
        told.step(host.name(), format!("{}/{all} {title}", i + 1));
    });
    // Before the journal: what is in it is only there for a run that can be stopped cleanly.
    signals.listen(screen.clone());
    let (journal, past) = open_journal(args, &settings, &world.clock, &screen)?;
    let run = Run { args, settings: &settings, world: &world, screen: &screen, signals: &signals };
    run.carry_out(journal, past.as_ref()).await
}

/// A new journal, or the last one of this version with what it tells.
fn open_journal(
    args: &Args,
    settings: &Settings,
    clock: &SharedClock,
    screen: &Screen,
) -> Result<(Journal, Option<Past>), Usage> {
    let folder = &settings.journals;
    let version = settings.version.as_str();
    if args.rollout.resume {
        let (journal, past) = Journal::resume(&latest(folder, version)?, &settings.header, clock)?;
        return Ok((journal, Some(past)));
    }
    let last = latest(folder, version).and_then(|path| Journal::read(&path));
    if last.is_ok_and(|past| !matches!(past.events.last(), Some(Event::Finished { .. }) | None)) {
        screen.note(&format!(
            "note: an earlier rollout of {version} did not come to its end; --resume would go on with it"
        ));
    }
    Ok((Journal::create(folder, &settings.header, clock)?, None))
}

/// One run, ready to go.
struct Run<'a> {
    args: &'a Args,
    settings: &'a Settings,
    world: &'a World,
    screen: &'a Screen,
    signals: &'a Signals,
}

// === impl Run ===

impl Run<'_> {
    async fn carry_out(&self, mut journal: Journal, past: Option<&Past>) -> Result<ExitCode, Usage> {
        let clock = &self.world.clock;
        let (started, began) = (clock.now(), clock.instant());
        let mut rollout = self.settings.rollout(self.args)?;
        let path = journal.path().display().to_string();
        self.screen.say(&overview::line(self.settings, rollout.settings().allowed_failures, self.screen.glyphs));
        if let Some(past) = past {
            Driver::new(&self.world.executor, &mut journal, clock.clone()).resume(&mut rollout, &past.events)?;
            let done = rollout.count(HostState::Healthy);
            self.screen.say(&format!("resuming: {done} of {} hosts are healthy", rollout.hosts().len()));
        }
        let mut view = View::new(self.screen.clone(), &rollout);
        let driver = Driver::new(&self.world.executor, &mut journal, clock.clone())
            .workers(self.args.rollout.workers.into())
            .stop(self.signals.stop.clone())
            .kill(self.signals.kill.clone())
            .watch(&mut view);
        let end = tokio::select! {
            biased;
            () = self.signals.leave.triggered() => Ok(End::Interrupted),
            end = self.world.drive(driver.run(&mut rollout)) => end,
            never = self.screen.draw() => match never {},
        }?;
        tokio::select! {
            biased;
            () = self.signals.leave.triggered() => {}
            () = self.world.executor.settle() => {}
        }
        let code = self.code(end, &rollout);
        let resume = (end != End::Done(Outcome::Healthy)).then(|| self.resume_command());
        let facts = Facts { end, code: code.get(), started, elapsed: clock.instant() - began, journal: path, resume };
        self.finish(&rollout, facts)?;
        Ok(code)
    }

    fn finish(&self, rollout: &Rollout, facts: Facts) -> Result<(), Usage> {
        self.screen.say(&summary(rollout, &facts));
        let resume = facts.resume.as_ref().map(|command| format!("   to {}: {command}", verb(facts.end)));
        self.screen.say(&format!("journal: {}{}", facts.journal, resume.unwrap_or_default()));
        let report = Report::new(self.settings, rollout, facts);
        let text = serde_json::to_string_pretty(&report).map_err(|e| Usage::chain(&e))?;
        if self.args.rollout.output == Format::Json {
            dry_run::println_all(&text);
        }
        if let Some(path) = &self.args.rollout.output_file {
            let written = atomic::write(path, format!("{text}\n").as_bytes());
            written.map_err(|e| Usage::verbatim(&e).with_code(ExitCode::CANTCREAT))?;
        }
        Ok(())
    }

    fn code(&self, end: End, rollout: &Rollout) -> ExitCode {
        match end {
            End::Done(outcome) => ExitCode::of_tool(outcome.code()),
            // So far so good, or as good as allowed.
            End::Paused if rollout.failures() == 0 => ExitCode::OK,
            End::Paused => ExitCode::FINDINGS,
            _ => self.signals.code(),
        }
    }

    /// The same command line with `--resume`.
    fn resume_command(&self) -> String {
        let words = self.args.words.iter().skip(1).filter(|word| *word != "--resume").map(String::as_str);
        format!("fleet-deploy {} --resume", quote::words(words))
    }
}

fn verb(end: End) -> &'static str {
    match end {
        End::Done(Outcome::RollbackFailed) => "roll back again",
        End::Done(_) => "try again",
        _ => "go on",
    }
}

/// `9/10 healthy, 1 failed in 3m 20s`
fn summary(rollout: &Rollout, facts: &Facts) -> String {
    let all = rollout.hosts().len();
    let count = |state| rollout.count(state);
    let healthy = count(HostState::Healthy);
    let failed = match rollout.failures() {
        0 => String::new(),
        n => format!(", {n} failed"),
    };
    let took = duration::format(facts.elapsed);
    let back = count(HostState::RolledBack);
    let stuck: Vec<&str> =
        rollout.hosts().iter().filter(|host| host.undo == Undo::Failed).map(|host| host.host.name()).collect();
    match facts.end {
        End::Done(Outcome::Healthy) => format!("{healthy}/{all} healthy in {took}"),
        End::Done(Outcome::Partial) => {
            format!("{healthy}/{all} healthy{failed} ({} allowed) in {took}", rollout.settings().allowed_failures)
        }
        End::Done(Outcome::RolledBack) => format!("rolled back {back}/{back} in {took}"),
        End::Done(Outcome::RollbackFailed) => {
            format!("ROLLBACK FAILED on {}; rolled back {back}/{} in {took}", stuck.join(", "), back + stuck.len())
        }
        End::Done(_) => {
            format!("aborted: {healthy}/{all} healthy{failed}, {} skipped in {took}", count(HostState::Skipped))
        }
        End::Paused => {
            let (done, batches) = (rollout.batches_done(), rollout.batches().len());
            format!("paused after batch {done}/{batches}: {healthy}/{all} healthy{failed} in {took}")
        }
        _ => format!("interrupted: {healthy}/{all} healthy{failed} in {took}"),
    }
}
