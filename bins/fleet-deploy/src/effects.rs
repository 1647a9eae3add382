//! What the rollout acts by: the real world, or a pretended one.

use std::sync::Arc;

use sre_core::SharedClock;
use sre_remote::deploy::{PlanExecutor, Probe};
use sre_remote::{Interrupt, SharedTransport};
use tokio::time::Instant;

use crate::cli::Args;
use crate::environment::Environment;
use crate::probe::Clients;
use crate::settings::Settings;
use crate::simulate::{Fleet, VirtualClock};
use crate::usage::Usage;

/// Everything that acts.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) executor: PlanExecutor,
    pub(crate) clock: SharedClock,
    /// The clock that jumps, with `--fast`.
    pub(crate) jumping: Option<VirtualClock>,
}

// === impl World ===

impl World {
    /// Loads keys and `~/.ssh/config`, unless it is a simulation.
    pub(crate) fn new(
        args: &Args,
        env: &Environment,
        settings: &Settings,
        clock: &SharedClock,
        kill: &Interrupt,
    ) -> Result<Self, Usage> {
        let jumping = args.simulate.fast.then(|| VirtualClock::new(clock.now(), Instant::now()));
        let clock = jumping.clone().map_or_else(|| clock.clone(), |jumping| Arc::new(jumping) as SharedClock);
        let (transport, probe): (SharedTransport, Arc<dyn Probe>) = if args.simulate.simulate {
            let fleet = Fleet {
                seed: args.simulate.seed,
                span: args.simulate.simulate_duration,
                failure: args.simulate.simulate_failure,
                steps: settings.plan.steps.len(),
                hosts: settings.hosts.clone().into(),
                clock: clock.clone(),
            };
            (Arc::new(fleet.clone()), Arc::new(fleet))
        } else {
            (
                args.connect.transport_for(&settings.hosts, &env.surroundings()).map_err(|e| Usage::verbatim(&e))?,
                Arc::new(Clients),
            )
        };
        let sudo = args.connect.sudo().map_err(|e| Usage::verbatim(&e))?;
        let plan = Arc::new(settings.plan.clone());
        let executor = PlanExecutor::new(plan, settings.version.clone(), transport, probe, clock.clone());
        Ok(Self { executor: executor.with_sudo(sudo).with_kill(kill.clone()), clock, jumping })
    }

    /// Waits for `work`, in real time or in none.
    pub(crate) async fn drive<F: Future>(&self, work: F) -> F::Output {
        match &self.jumping {
            Some(clock) => clock.drive(work).await,
            None => work.await,
        }
    }
}
