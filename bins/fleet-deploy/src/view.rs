//! What people see of a rollout while it runs: a line a batch, the abort, what could not be rolled back.

use sre_core::duration;
use sre_core::output::width::{self, Align};
use sre_remote::inventory::fold;
use sre_remote::rollout::{Event, HostState, Progress, Rollout, Undo, Watch};

use crate::screen::Screen;

/// Tells the screen.
#[derive(Debug)]
pub(crate) struct View {
    screen: Screen,
    /// By batch: its line was shown.
    shown: Vec<bool>,
    abort_shown: bool,
}

/// Columns for the hosts of a batch.
const HOSTS: usize = 18;
/// Hosts that are named one by one.
const NAMED: usize = 8;
/// Failures of one batch that are shown.
const FAILURES: usize = 10;

// === impl View ===

impl View {
    /// What earlier runs did is not shown again.
    pub(crate) fn new(screen: Screen, rollout: &Rollout) -> Self {
        let shown =
            rollout.batches().iter().map(|batch| rollout.hosts()[batch.clone()].iter().all(is_settled)).collect();
        Self { screen, shown, abort_shown: rollout.aborted().is_some() }
    }

    fn show_batches(&mut self, rollout: &Rollout) {
        for (i, range) in rollout.batches().iter().enumerate() {
            if self.shown[i] {
                continue;
            }
            let batch = &rollout.hosts()[range.clone()];
            let begun = batch.iter().any(|host| !matches!(host.state, HostState::Pending | HostState::Skipped));
            let idle = !batch.iter().any(|host| host.state == HostState::Preparing);
            let over = batch.iter().all(is_settled) || (rollout.aborted().is_some() && idle);
            if !begun {
                // Nor has any batch behind it.
                break;
            }
            if over {
                self.shown[i] = true;
                let number = format!("batch {}/{}", i + 1, rollout.batches().len());
                batch_lines(&number, batch, &self.screen).iter().for_each(|line| self.screen.say(line));
            }
        }
    }

    fn show_abort(&mut self, rollout: &Rollout) {
        let Some(reason) = rollout.aborted() else {
            self.abort_shown = false;
            return;
        };
        if self.abort_shown || rollout.count(HostState::Preparing) > 0 {
            return;
        }
        self.abort_shown = true;
        let undo: Vec<&str> =
            rollout.hosts().iter().rev().filter(|host| host.touched).map(|host| host.host.name()).collect();
        let arrow = self.screen.glyphs.arrow;
        let then = match (rollout.settings().rollback, undo.len()) {
            (false, 0) => String::new(),
            (false, n) => format!("; {n} changed, left as {}", if n == 1 { "it is" } else { "they are" }),
            (true, 0) => format!(" {arrow} nothing to roll back"),
            (true, n) if n <= NAMED => format!(" {arrow} rolling back {}", undo.join(", ")),
            (true, n) => format!(" {arrow} rolling back {n} hosts: {}", fold(&undo)),
        };
        self.screen.say(&format!("ABORT  {reason}{then}"));
    }

    fn progress(&self, rollout: &Rollout) {
        let busy = |host: &&Progress| host.state == HostState::Preparing || host.undo == Undo::Running;
        let busy: Vec<String> = rollout.hosts().iter().filter(busy).map(|host| host.host.to_string()).collect();
        let count = |state| rollout.count(state);
        let all = rollout.hosts().len();
        let done = all - count(HostState::Pending) - count(HostState::Preparing) - count(HostState::Deployed);
        let failed = match rollout.failures() {
            0 => String::new(),
            n => format!("  failed {n}"),
        };
        let gate = match (busy.is_empty(), count(HostState::Deployed)) {
            (true, n) if n > 0 => format!("  waiting for the gate of {n}"),
            _ => String::new(),
        };
        self.screen.progress(format!("{done}/{all}{failed}{gate}"), busy);
    }
}

impl Watch for View {
    fn event(&mut self, rollout: &Rollout, event: &Event) {
        if let Event::Retried = event {
            self.shown =
                rollout.batches().iter().map(|batch| rollout.hosts()[batch.clone()].iter().all(is_settled)).collect();
        }
        self.show_batches(rollout);
        self.show_abort(rollout);
        if let Event::RollbackFailed { host, reason } = event {
            self.screen.say(&format!("  {} {host}  rollback: {reason}", self.screen.glyphs.failed));
        }
        if self.screen.draws() {
            self.progress(rollout);
        }
    }
}

fn is_settled(host: &Progress) -> bool {
    !matches!(host.state, HostState::Pending | HostState::Preparing | HostState::Deployed)
}

/// `batch 2/3  web-[02-04]  deployed 3.4s  gate FAILED web-03: http 503 for 30s`, and a line for each further failure.
fn batch_lines(number: &str, batch: &[Progress], screen: &Screen) -> Vec<String> {
    let names = fold(batch.iter().map(|host| host.host.name()));
    let names = width::pad(&names, HOSTS, Align::Left);
    let deployed: Vec<&Progress> = batch.iter().filter(|host| host.took.is_some()).collect();
    let slowest = deployed.iter().filter_map(|host| host.took).max();
    let took = slowest.map(|took| format!(" {}", duration::format(took))).unwrap_or_default();
    let done = match deployed.len() {
        0 => "FAILED".to_owned(),
        n if n == batch.len() => format!("deployed{took}"),
        n => format!("deployed {n} of {}{took}", batch.len()),
    };
    let mut failed: Vec<&Progress> = batch.iter().filter(|host| host.state == HostState::Failed).collect();
    let gate = match deployed.iter().find(|host| host.state == HostState::Failed) {
        Some(first) => {
            failed.retain(|host| host.host != first.host);
            format!("gate FAILED {}: {}", first.host, first.note)
        }
        None => match deployed.iter().rev().find(|host| host.state == HostState::Healthy) {
            Some(last) if last.note.is_empty() => String::new(),
            Some(last) => format!("gate ok ({})", last.note),
            None => String::new(),
        },
    };
    let mut lines = vec![format!("{number}  {names}  {done:<16}  {gate}").trim_end().to_owned()];
    for host in failed.iter().take(FAILURES) {
        lines.push(format!("  {} {}  {}", screen.glyphs.failed, host.host, host.note));
    }
    if failed.len() > FAILURES {
        lines.push(format!("  and {} more", failed.len() - FAILURES));
    }
    lines
}
