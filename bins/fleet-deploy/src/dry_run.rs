//! What would happen, found out by letting the same engine run with nothing behind it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use sre_core::output::Format;
use sre_core::{duration, exit::ExitCode};
use sre_remote::Host;
use sre_remote::deploy::PlanExecutor;
use sre_remote::inventory::fold;
use sre_remote::rollout::{Driver, Error, Event, Executor, GateReport, HostFailure, Log};
use sre_remote::transport::BoxFuture;

use crate::cli::Args;
use crate::effects::World;
use crate::overview;
use crate::screen::Screen;
use crate::settings::Settings;
use crate::usage::Usage;

/// Notes what it is asked for.
#[derive(Debug, Default)]
struct Rehearsal {
    acts: Mutex<Vec<Act>>,
}

#[derive(Debug)]
enum Act {
    Deploy(Host),
    Wait(Duration),
    Gate(usize, Vec<Host>),
}

/// Keeps no journal.
struct Nowhere;

impl Log for Nowhere {
    fn append(&mut self, _: &Event) -> Result<(), Error> {
        Ok(())
    }
}

/// Prints what a run with these settings would do.
pub(crate) async fn show(args: &Args, settings: &Settings, world: &World, screen: &Screen) -> Result<ExitCode, Usage> {
    let mut rollout = settings.rollout(args)?;
    let rehearsal = Rehearsal::default();
    // One host at a time, so that the order is the plan's.
    Driver::new(&rehearsal, &mut Nowhere, world.clock.clone()).workers(1).run(&mut rollout).await?;
    let acts = rehearsal.acts.into_inner().unwrap_or_else(PoisonError::into_inner);
    if args.rollout.output == Format::Json {
        let text =
            serde_json::to_string_pretty(&as_json(settings, &world.executor, &acts)).map_err(|e| Usage::chain(&e))?;
        println_all(&text);
        return Ok(ExitCode::OK);
    }
    let allowed = rollout.settings().allowed_failures;
    screen.say(&overview::line(settings, allowed, screen.glyphs));
    screen.say("dry run: nothing is done");
    as_text(settings, &world.executor, &acts).iter().for_each(|line| screen.say(line));
    if args.rollout.rollback {
        screen.say("on an abort, in reverse order on every host that was changed, as on");
        list(&settings.hosts[..1], |host| world.executor.describe_rollback(host), &mut Vec::new())
            .iter()
            .for_each(|line| screen.say(line));
    }
    screen.say(&format!("the journal would be in {}", settings.journals.display()));
    Ok(ExitCode::OK)
}

fn as_text(settings: &Settings, executor: &PlanExecutor, acts: &[Act]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut seen = Vec::new();
    let mut asked = Vec::new();
    let mut number = 0;
    let mut fresh = Vec::new();
    for act in acts {
        match act {
            Act::Deploy(host) => fresh.push(host.clone()),
            Act::Wait(_) | Act::Gate(..) => {}
        }
        let complete = settings.sizes.get(number).is_some_and(|size| *size == fresh.len());
        if complete {
            number += 1;
            let names = fold(fresh.iter().map(Host::name));
            lines.push(format!("batch {number}/{}  {names}", settings.sizes.len()));
            lines.extend(list(&fresh, |host| executor.describe_steps(host), &mut seen));
            fresh.clear();
        }
        match act {
            Act::Wait(delay) => lines.push(format!("  then wait {}", duration::format(*delay))),
            Act::Gate(_, hosts) if !settings.plan.gate.checks.is_empty() => {
                lines.push(format!("  then the gate, within {}:", duration::format(settings.plan.gate.within)));
                lines.extend(list(hosts, |host| executor.describe_gate(host), &mut asked));
            }
            _ => {}
        }
    }
    lines
}

/// What is done on the first host, and who else gets it; "the same" when it was said before.
fn list(hosts: &[Host], describe: impl Fn(&Host) -> Vec<String>, before: &mut Vec<String>) -> Vec<String> {
    let Some(first) = hosts.first() else { return Vec::new() };
    let said = describe(first);
    if said == *before {
        return vec!["    the same".to_owned()];
    }
    let others: Vec<&str> = hosts[1..].iter().map(Host::name).collect();
    let likewise = if others.is_empty() { String::new() } else { format!(", likewise {}", fold(&others)) };
    let mut lines = vec![format!("  {first}{likewise}")];
    lines.extend(said.iter().map(|line| format!("    {line}")));
    *before = said;
    lines
}

fn as_json(settings: &Settings, executor: &PlanExecutor, acts: &[Act]) -> serde_json::Value {
    let acts: Vec<serde_json::Value> = acts
        .iter()
        .map(|act| match act {
            Act::Deploy(host) => json!({ "deploy": host.name(), "steps": executor.describe_steps(host) }),
            Act::Wait(delay) => json!({ "wait": duration::exact(*delay).to_string() }),
            Act::Gate(batch, hosts) => {
                let asks = hosts.first().map(|host| executor.describe_gate(host)).unwrap_or_default();
                json!({ "gate": hosts.iter().map(Host::name).collect::<Vec<_>>(), "batch": batch, "asks_first": asks })
            }
        })
        .collect();
    json!({ "format": 1, "version": settings.version, "dry_run": true, "batches": settings.sizes, "acts": acts })
}

pub(crate) fn println_all(text: &str) {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

impl Executor for Rehearsal {
    fn deploy<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Result<(), HostFailure>> {
        self.note(Act::Deploy(host.clone()));
        Box::pin(async { Ok(()) })
    }

    fn gate<'a>(&'a self, batch: usize, hosts: &'a [Host]) -> BoxFuture<'a, GateReport> {
        self.note(Act::Gate(batch, hosts.to_vec()));
        let hosts = vec![Ok(String::new()); hosts.len()];
        Box::pin(async { GateReport { hosts, refused: None } })
    }

    fn roll_back<'a>(&'a self, _: &'a Host) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }

    fn wait(&self, delay: Duration) -> BoxFuture<'_, ()> {
        self.note(Act::Wait(delay));
        Box::pin(async {})
    }
}

impl Rehearsal {
    fn note(&self, act: Act) {
        self.acts.lock().unwrap_or_else(PoisonError::into_inner).push(act);
    }
}
