//! Asking before something that is hard to take back.

use std::io::{self, BufRead, Write};

use sre_remote::Host;
use sre_remote::inventory::fold;

use crate::cli::Args;
use crate::destructive;
use crate::environment::Environment;
use crate::settings::Settings;
use crate::usage::Usage;
use crate::work::Work;

/// Goes on when nothing has to be asked, or the answer was yes.
pub(crate) fn confirm(
    args: &Args,
    settings: &Settings,
    env: &Environment,
    work: &Work,
    hosts: &[Host],
) -> Result<(), Usage> {
    if args.limits.yes || hosts.len() <= settings.config.confirm_above {
        return Ok(());
    }
    let Some(found) = destructive::find(&work.text) else { return Ok(()) };
    let what = format!("`{found}` on {} hosts", hosts.len());
    if !env.stdin_terminal || !env.stderr_terminal {
        let advice = "--yes runs it without asking; --confirm-above N asks only for more hosts than N";
        return Err(Usage::new(format!("{what} has to be confirmed, and there is no terminal to ask on"), advice));
    }
    let mut err = io::stderr().lock();
    let question = format!("{}\non {}\n{what}: go on? [y/N] ", work.title, fold(hosts.iter().map(Host::name)));
    let _ = write!(err, "{question}").and_then(|()| err.flush());
    let mut answer = String::new();
    let _ = io::stdin().lock().read_line(&mut answer);
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Usage::new("not confirmed: nothing was run", "")),
    }
}
