//! One run from the command line to the exit code.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::CommandFactory;
use sre_core::color::ColorHints;
use sre_core::exit::ExitCode;
use sre_core::{SharedClock, atomic, cli};
use sre_remote::fanout::{Fleet, Stop};
use sre_remote::transport::SharedTransport;
use sre_remote::{Host, HostResult, Status};

use crate::again::{self, Again};
use crate::audit::Audit;
use crate::cli::Args;
use crate::confirm::confirm;
use crate::environment::Environment;
use crate::preview;
use crate::render;
use crate::render::style::Style;
use crate::report::Report;
use crate::screen::Screen;
use crate::settings::Settings;
use crate::signals::{Level, Signals};
use crate::state::Last;
use crate::usage::Usage;
use crate::view::View;
use crate::work::Work;

/// How often the progress line is drawn anew.
const TICK: Duration = Duration::from_millis(120);

/// Does what the command line says and returns what the shell shall see. Prints to stdout and stderr.
pub async fn run(args: Args, env: &Environment, clock: SharedClock) -> ExitCode {
    let logging = args.common.logging(|name| env.var(name).map(Into::into), env.stderr_terminal);
    if let Err(error) = logging.clock(clock.clone()).init() {
        return Usage::verbatim(&error).print();
    }
    start(args, env, &clock).await.unwrap_or_else(|usage| usage.print())
}

async fn start(args: Args, env: &Environment, clock: &SharedClock) -> Result<ExitCode, Usage> {
    if let Some(folder) = &args.report.dist {
        return dist(folder, env);
    }
    let (args, again) = again::complete(args, env)?;
    let settings = Settings::load(&args, env)?;
    let mut screen = Screen::new(env, args.report.quiet || args.common.verbose > 0);
    if args.report.show_config {
        return Ok(preview::show_config(&mut screen, &args, &settings));
    }
    let mut hosts = settings.select(std::io::stdin().lock())?;
    if let Some(Again { names, all }) = again {
        hosts.retain(|host| names.contains(host.name()));
        if hosts.is_empty() && names.is_empty() {
            return Ok(preview::say(&mut screen, &format!("nothing to retry: all {all} hosts were ok\n")));
        }
        if hosts.is_empty() {
            return Err(Usage::new("none of the hosts that failed is among those that are named", ""));
        }
    }
    if args.report.list {
        return Ok(preview::list(&mut screen, &args, &hosts));
    }
    let work = Work::new(&args, &settings, env)?;
    if args.common.dry_run {
        return Ok(preview::dry_run(&mut screen, &args, &settings, env, &work, &hosts));
    }
    confirm(&args, &settings, env, &work, &hosts)?;
    prepare(&args)?;
    let transport = settings.connect.transport_for(&hosts, &env.surroundings()).map_err(|e| Usage::verbatim(&e))?;
    Ok(Run { args, settings, env, clock, work, hosts: hosts.into() }.go(transport, screen).await)
}

fn dist(folder: &Path, env: &Environment) -> Result<ExitCode, Usage> {
    let written = cli::write_pages(&Args::command(), folder);
    let written = written.map_err(|e| Usage::verbatim(&e).with_code(ExitCode::CANTCREAT))?;
    let rows: String = written.iter().map(|path| format!("{}\n", path.display())).collect();
    Ok(preview::say(&mut Screen::new(env, true), &rows))
}

/// What would be found out too late: places for results that cannot be written.
fn prepare(args: &Args) -> Result<(), Usage> {
    let wrong = |path: &Path, e: std::io::Error| {
        Usage::new(format!("cannot write {}: {e}", path.display()), "").with_code(ExitCode::CANTCREAT)
    };
    if let Some(folder) = &args.report.output_dir {
        std::fs::create_dir_all(folder).map_err(|e| wrong(folder, e))?;
    }
    if let Some(file) = &args.report.output_file {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        std::fs::metadata(folder).map_err(|e| wrong(file, e))?;
    }
    Ok(())
}

/// A run that is about to begin.
struct Run<'a> {
    args: Args,
    settings: Settings,
    env: &'a Environment,
    clock: &'a SharedClock,
    work: Work,
    hosts: Arc<[Host]>,
}

// === impl Run ===

impl Run<'_> {
    async fn go(&self, transport: SharedTransport, mut screen: Screen) -> ExitCode {
        let stop = Stop::new();
        let mut signals = Signals::listen(stop.clone());
        let started = self.clock.now();
        let mut audit = Audit::new(self.env, self.clock, self.settings.config.audit);
        let sudo = self.args.work.sudo || self.args.work.sudo_user.is_some();
        audit.begin(self.env, &self.work, sudo, &self.hosts, started).await;
        let style = self.style();
        let mut view = View::new(&self.args, &self.hosts, style);
        let fleet = self.fleet(transport, stop, view.wants_live_output());
        let begun = self.clock.instant();
        tokio::spawn(self.work.clone().prepare());
        let mut running = fleet.run(self.work.clone(), self.hosts.clone());
        let mut ticks = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                biased;
                level = signals.next() => {
                    view.signal(level, &mut screen);
                    if level == Level::Leave {
                        break;
                    }
                }
                event = running.next() => match event {
                    Some(event) => view.event(event, &mut screen),
                    None => break,
                },
                _ = ticks.tick() => screen.draw(&view.progress.line(self.clock.instant() - begun, screen.glyphs)),
            }
        }
        let mut rows = std::mem::take(&mut view.rows);
        for index in unfinished(&rows, self.hosts.len()) {
            rows.push(HostResult::without_answer(index, self.hosts[index].name(), Status::Interrupted));
        }
        rows.sort_unstable_by_key(|row| row.index);
        let elapsed = self.clock.instant() - begun;
        let (stopped, signal) = (running.stopped(), signals.code);
        drop(running);
        let report = Report { title: self.work.title.clone(), started, elapsed, rows, stopped, signal };
        let code = self.finish(&report, &mut view, &mut screen);
        audit.end(&report).await;
        code
    }

    fn style(&self) -> Style {
        let hints = ColorHints::new(|name| self.env.var(name).map(Into::into), self.env.stdout_terminal);
        let width = self.env.width.filter(|_| self.env.stdout_terminal);
        Style { color: self.args.common.color.resolve(&hints), glyphs: self.env.glyphs(), width }
    }

    fn fleet(&self, transport: SharedTransport, stop: Stop, live: bool) -> Fleet {
        let config = &self.settings.config;
        let mut fleet = Fleet::new(transport)
            .with_workers(config.workers as usize)
            .with_startups(config.startups as usize)
            .with_timeout(config.timeout)
            .with_retry(self.settings.retry)
            .with_output_cap(usize::try_from(config.output_cap).unwrap_or(usize::MAX))
            .with_live_output(live)
            .with_clock(self.clock.clone())
            .with_stop(stop);
        fleet = self.settings.max_fail.into_iter().fold(fleet, Fleet::with_max_fail);
        self.args.report.output_dir.iter().fold(fleet, Fleet::with_output_folder)
    }

    /// Shows and keeps the report. Whatever fails here, everything else is still done.
    fn finish(&self, report: &Report, view: &mut View<'_>, screen: &mut Screen) -> ExitCode {
        let mut code = report.exit_code();
        let mut trouble = |what: String| {
            code = Usage::new(what, "").with_code(ExitCode::CANTCREAT).print();
        };
        let remembered = match self.env.state_folder() {
            Some(folder) => {
                let saved = Last::of(report, again::without_flag(&self.args.argv)).save(&folder);
                saved.map_err(|e| tracing::warn!("the run is not remembered for --retry-failed: {e}")).is_ok()
            }
            None => false,
        };
        let shown = view.end(report, remembered, screen);
        if let Some(e) = screen.finish() {
            trouble(format!("cannot write to stdout: {e}"));
        }
        if let Err(e) = shown {
            trouble(format!("cannot write the report: {e}"));
        }
        if let Some(path) = &self.args.report.output_file {
            let format = render::by_ending(path);
            let text = render::whole(report, format).map_err(|e| e.to_string());
            if let Err(e) = text.and_then(|text| atomic::write(path, &text).map_err(|e| e.to_string())) {
                trouble(e);
            }
        }
        if report.rows.iter().any(|row| row.spill_error.is_some()) {
            trouble("not all output could be written (--output-dir)".to_owned());
        }
        code
    }
}

fn unfinished<T>(rows: &[HostResult<T>], hosts: usize) -> Vec<usize> {
    let mut open = vec![true; hosts];
    rows.iter().for_each(|row| open[row.index] = false);
    (0..hosts).filter(|index| open[*index]).collect()
}
