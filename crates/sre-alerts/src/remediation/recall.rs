//! After a restart: what the rules did before it still counts.

use std::collections::BTreeSet;
use std::io;

use sre_core::Clock;
use tokio::time::Instant;

use super::engine::Engine;
use super::record::{PastRun, PastStage, RunLog};
use crate::host::HostName;

/// Rules and hosts where the last run did not help.
pub(super) type Unsolved = BTreeSet<(String, HostName)>;

impl Engine {
    /// Takes over what the log has: cooldowns, budgets, shares of the fleet and breakers go on where they were. A run that
    /// was begun and has no end was cut off, perhaps by what it did itself: it counts as one that did not help.
    ///
    /// [`Driver::new`](super::Driver::new) calls it.
    ///
    /// # Errors
    /// The log cannot be read.
    pub(super) fn recall(&mut self, log: &dyn RunLog, clock: &dyn Clock) -> io::Result<Unsolved> {
        let (now, wall) = (clock.instant(), clock.now());
        let mut unsolved = Unsolved::new();
        let mut begun = BTreeSet::new();
        log.past(&mut |run| {
            // What lies in the future was before the clock was set back: now, to be on the safe side.
            let ago = wall.duration_since(run.at).try_into().unwrap_or_default();
            let at = now.checked_sub(ago);
            let PastRun { rule, host, stage, .. } = run;
            let id = (rule, host);
            match stage {
                PastStage::DryRun => self.did(&id, at),
                PastStage::Begun => {
                    self.did(&id, at);
                    begun.insert(id);
                }
                PastStage::Ended { helped } => {
                    self.ended(&id.0, helped, at);
                    begun.remove(&id);
                    if helped {
                        unsolved.remove(&id);
                    } else {
                        unsolved.insert(id);
                    }
                }
            }
        })?;
        for (rule, _) in begun {
            self.ended(&rule, false, Some(now));
        }
        Ok(unsolved)
    }

    fn did(&mut self, (rule, host): &(String, HostName), at: Option<Instant>) {
        if let (Some(state), Some(at)) = (self.state(rule), at) {
            state.ledger.remember(host, at);
        }
    }

    fn ended(&mut self, rule: &str, helped: bool, at: Option<Instant>) {
        if let (Some(state), Some(at)) = (self.state(rule), at) {
            state.breaker.end(helped, at, &state.ready.rule.breaker);
        }
    }
}
