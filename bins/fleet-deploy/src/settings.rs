//! Plan and flags: defaults < plan file < flags.

use std::io::Read;
use std::path::PathBuf;

use sre_core::config::Layers;
use sre_core::duration;
use sre_remote::Host;
use sre_remote::deploy::{Plan, Version};
use sre_remote::rollout::{Header, Rollout, Settings as RolloutSettings};

use crate::cli::Args;
use crate::environment::Environment;
use crate::simulate;
use crate::usage::Usage;

/// All that one rollout goes by.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) version: Version,
    pub(crate) plan: Plan,
    pub(crate) hosts: Vec<Host>,
    pub(crate) sizes: Vec<usize>,
    pub(crate) header: Header,
    pub(crate) journals: PathBuf,
}

/// What a simulation without a plan does.
const PRETENDED: &str = "\
steps:
  - {name: deploy, shell: 'true'}
gate:
  within: 10s
  checks:
    - http: http://{address}/healthz
rollback:
  - {name: roll back, shell: 'true'}
";

// === impl Settings ===

impl Settings {
    pub(crate) fn load(args: &Args, env: &Environment, stdin: impl Read) -> Result<Self, Usage> {
        let version = args.version.clone().ok_or_else(|| Usage::new("no version is given", "fleet-deploy --help"))?;
        if args.common.config.is_some() {
            return Err(Usage::new("fleet-deploy has no configuration file", "its plan is given by --plan FILE"));
        }
        let plan = plan(args)?;
        let plan = plan.prepared().map_err(|e| Usage::verbatim(&e))?;
        if args.rollout.rollback && plan.rollback.is_empty() {
            return Err(Usage::new("--rollback needs `rollback` steps, and the plan has none", "add them to the plan"));
        }
        let hosts = args.hosts.select(stdin).map_err(|e| Usage::verbatim(&e))?;
        plan.check_hosts(&hosts).map_err(|e| Usage::verbatim(&e))?;
        let sizes = plan.all_batches().of(hosts.len());
        let plan = if args.simulate.simulate { simulate::pretended(plan) } else { plan };
        let print = plan.fingerprint(&version).map_err(|e| Usage::verbatim(&e))?;
        let names = hosts.iter().map(|host| host.name().to_owned()).collect();
        let seed = args.simulate.simulate.then_some(args.simulate.seed);
        let header = Header::new(version.as_str(), print, names, sizes.clone()).with_seed(seed);
        Ok(Self { version, plan, hosts, sizes, header, journals: journals(args, env)? })
    }

    /// A rollout that has not begun.
    pub(crate) fn rollout(&self, args: &Args) -> Result<Rollout, Usage> {
        let settings = RolloutSettings::default()
            .with_delay(self.plan.delay)
            .with_allowed_failures(self.plan.max_fail.of(self.hosts.len()))
            .with_rollback(args.rollout.rollback)
            .with_gate(!self.plan.gate.checks.is_empty())
            .with_pause_after(args.rollout.pause_after.map(|batches| batches as usize));
        Rollout::new(self.hosts.clone(), &self.sizes, settings).map_err(Usage::from)
    }
}

fn plan(args: &Args) -> Result<Plan, Usage> {
    let layers = match &args.rollout.plan {
        Some(path) => Layers::new().file(path),
        None if args.simulate.simulate => Layers::new().text("(built-in plan)", PRETENDED),
        None => {
            return Err(Usage::new(
                "no plan is given",
                "--plan FILE says what is done on each host; try --simulate without one",
            ));
        }
    };
    let flags = &args.rollout;
    let text = |duration| duration::exact(duration).to_string();
    let loaded = layers
        .map_err(|e| Usage::verbatim(&e))?
        .flag("--batch-size", "batches", flags.batch_size.as_ref().map(ToString::to_string))
        .flag("--canary", "canary", flags.canary.map(|hosts| hosts.to_string()))
        .flag("--delay", "delay", flags.delay.map(text))
        .flag("--max-fail", "max_fail", flags.max_fail.map(|hosts| hosts.to_string()))
        .flag("--timeout", "timeout", args.common.timeout.map(text))
        .load::<Plan>();
    loaded.map(|loaded| loaded.value).map_err(|e| Usage::verbatim(&e))
}

/// Simulations are kept apart, so that `--resume` never finds one in the place of a real rollout.
fn journals(args: &Args, env: &Environment) -> Result<PathBuf, Usage> {
    let folder = args.rollout.state_dir.clone().or_else(|| env.state_folder());
    let folder =
        folder.ok_or_else(|| Usage::new("there is no place for the journal", "set HOME, or give --state-dir DIR"))?;
    Ok(folder.join(if args.simulate.simulate { "simulations" } else { "deploys" }))
}
