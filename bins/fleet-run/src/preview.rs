//! What is shown without touching a host: `--list`, `--dry-run`, `--show-config`.

use sre_core::duration;
use sre_core::exit::ExitCode;
use sre_remote::Host;
use sre_remote::inventory::fold;

use crate::cli::{Args, OutputFormat};
use crate::confirm;
use crate::destructive;
use crate::environment::Environment;
use crate::screen::Screen;
use crate::settings::Settings;
use crate::usage::Usage;
use crate::work::Work;

/// Prints, and ends as the printing did.
pub(crate) fn say(screen: &mut Screen, text: &str) -> ExitCode {
    screen.say(text.as_bytes());
    match screen.finish() {
        Some(e) => Usage::new(format!("cannot write to stdout: {e}"), "").with_code(ExitCode::CANTCREAT).print(),
        None => ExitCode::OK,
    }
}

pub(crate) fn list(screen: &mut Screen, args: &Args, hosts: &[Host]) -> ExitCode {
    if args.report.fold {
        return say(screen, &(fold(hosts.iter().map(Host::name)) + "\n"));
    }
    let lines: String = hosts.iter().map(|host| format!("{host}\n")).collect();
    say(screen, &lines)
}

pub(crate) fn show_config(screen: &mut Screen, args: &Args, settings: &Settings) -> ExitCode {
    let shown = settings.loaded.show();
    match args.report.output {
        Some(OutputFormat::Json) => say(screen, &format!("{:#}\n", shown.to_json())),
        _ => say(screen, &shown.to_string()),
    }
}

pub(crate) fn dry_run(
    screen: &mut Screen,
    args: &Args,
    settings: &Settings,
    env: &Environment,
    work: &Work,
    hosts: &[Host],
) -> ExitCode {
    let config = &settings.config;
    let plural = if hosts.len() == 1 { "" } else { "s" };
    let mut text = format!("would run on {} host{plural}: {}\n", hosts.len(), fold(hosts.iter().map(Host::name)));
    text += &format!("  {}\n", work.title);
    let timeout = duration::format(config.timeout);
    let workers = (config.workers as usize).min(hosts.len());
    text += &format!("  {workers} at once, {timeout} a host, {} retries of a connection", config.retries);
    if let Some(max) = settings.max_fail {
        text += &format!(", stops after more than {} failures", max.of(hosts.len()));
    }
    text += "\n";
    if let Some(found) = destructive::find(&work.text) {
        let asked = confirm::confirm(args, settings, env, work, &[]).is_ok() && !args.limits.yes;
        let asks = asked && hosts.len() > config.confirm_above;
        text += &format!("  `{found}` looks destructive{}\n", if asks { ": would have to be confirmed" } else { "" });
    }
    say(screen, &text)
}
