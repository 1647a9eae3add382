//! What a rollout learns.

use std::time::Duration;

use super::error::{Error, ErrorKind};
use super::event::Event;
use super::next::Step;
use super::outcome::Outcome;
use super::state::{HostState, Progress, Rollout, Undo};

/// Why a host failed whose steps ran when the run ended.
const HALF_DONE: &str = "the run ended while its steps ran";

impl Rollout {
    /// Takes in what happened.
    ///
    /// # Errors
    /// [`ErrorKind::Impossible`] when that cannot happen in this state; nothing is changed then.
    pub fn record(&mut self, event: &Event) -> Result<(), Error> {
        if self.apply(event).is_some() {
            // Only a new run makes a batch that was settled unsettled again.
            let anew = matches!(event, Event::Resumed | Event::Retried);
            self.count_done(if anew { 0 } else { self.batches_done() });
            return Ok(());
        }
        let state = event.host().and_then(|name| self.host(name)).map_or("none of the hosts", |h| h.state.as_str());
        let subject = event.host().map(|host| format!(" ({host} is {state})")).unwrap_or_default();
        Err(Error::new(ErrorKind::Impossible, format!("this cannot happen now: {event:?}{subject}")))
    }

    fn apply(&mut self, event: &Event) -> Option<()> {
        match event {
            Event::Started { host } => self.started(host),
            Event::Deployed { host, seconds } => self.deployed(host, *seconds),
            Event::Failed { host, touched, reason } => self.failed(host, *touched, reason),
            Event::Waited { batch } => self.waited.get_mut(batch.checked_sub(1)?).map(|waited| *waited = true),
            Event::Healthy { host, note } => {
                let host = self.in_state(host, HostState::Deployed)?;
                (host.state, host.note) = (HostState::Healthy, note.clone());
                Some(())
            }
            Event::Unhealthy { host, reason } => {
                let i = self.position(host)?;
                (self.hosts[i].state == HostState::Deployed).then(|| self.fail_gate(i, reason))
            }
            Event::Refused { batch, reason } => self.refused(*batch, reason),
            Event::Aborted { reason } => self.abort(reason),
            Event::RollingBack { host } => {
                self.aborted.as_ref()?;
                let host = self.find(host).filter(|host| host.is_to_undo() && host.undo == Undo::No)?;
                host.undo = Undo::Running;
                Some(())
            }
            Event::RolledBack { host, .. } => {
                let host = self.find(host).filter(|host| host.undo == Undo::Running)?;
                (host.state, host.undo, host.touched) = (HostState::RolledBack, Undo::No, false);
                Some(())
            }
            Event::RollbackFailed { host, reason } => {
                let host = self.find(host).filter(|host| host.undo == Undo::Running)?;
                (host.undo, host.note) = (Undo::Failed, reason.clone());
                Some(())
            }
            Event::Paused | Event::Interrupted => Some(()),
            Event::Resumed => self.resumed(),
            Event::Retried => self.retried(),
            Event::Finished { .. } => {
                let over = matches!(self.next(), Step::Done(_));
                over.then(|| self.finished = true)
            }
        }
    }

    fn started(&mut self, name: &str) -> Option<()> {
        if self.aborted.is_some() {
            return None;
        }
        let host = self.in_state(name, HostState::Pending)?;
        host.state = HostState::Preparing;
        host.note.clear();
        Some(())
    }

    fn deployed(&mut self, name: &str, seconds: f64) -> Option<()> {
        let host = self.in_state(name, HostState::Preparing)?;
        host.state = HostState::Deployed;
        host.touched = true;
        host.took = Duration::try_from_secs_f64(seconds).ok();
        Some(())
    }

    fn failed(&mut self, name: &str, touched: bool, reason: &str) -> Option<()> {
        let host = self.in_state(name, HostState::Preparing)?;
        host.state = HostState::Failed;
        // What an earlier run may have done does not go away.
        host.touched |= touched;
        host.gated = false;
        reason.clone_into(&mut host.note);
        self.count_failure();
        Some(())
    }

    fn fail_gate(&mut self, i: usize, reason: &str) {
        let host = &mut self.hosts[i];
        host.state = HostState::Failed;
        host.gated = true;
        reason.clone_into(&mut host.note);
        self.count_failure();
    }

    fn refused(&mut self, batch: usize, reason: &str) -> Option<()> {
        let range = self.batches.get(batch.checked_sub(1)?)?.clone();
        for i in range {
            if matches!(self.hosts[i].state, HostState::Deployed | HostState::Healthy) {
                self.fail_gate(i, reason);
            }
        }
        self.abort(&format!("the gate refused batch {batch}: {reason}"))
    }

    fn abort(&mut self, reason: &str) -> Option<()> {
        if self.aborted.is_none() {
            self.aborted = Some(reason.to_owned());
            self.turn(HostState::Pending, HostState::Skipped);
        }
        Some(())
    }

    /// Nothing runs any more, whatever the journal says last.
    fn resumed(&mut self) -> Option<()> {
        // After an abort nothing is started anew: what was half done is only undone.
        let (state, failures) = match self.aborted {
            None => (HostState::Pending, 0),
            Some(_) => (HostState::Failed, self.count(HostState::Preparing)),
        };
        for host in &mut self.hosts {
            if host.state == HostState::Preparing {
                (host.state, host.touched) = (state, true);
                HALF_DONE.clone_into(&mut host.note);
            }
            if host.undo == Undo::Running {
                host.undo = Undo::No;
            }
        }
        (0..failures).for_each(|_| self.count_failure());
        self.count_done(0);
        self.pause_at = self.settings.pause_after.map(|more| self.batches_done() + more);
        Some(())
    }

    /// A host that could not be rolled back is rolled back first. Otherwise: what failed in its steps, was skipped or
    /// rolled back is deployed, what failed at the gate is only asked again, because it is deployed.
    fn retried(&mut self) -> Option<()> {
        if !self.finished {
            return None;
        }
        self.finished = false;
        if self.hosts.iter().any(|host| host.undo == Undo::Failed) {
            for host in &mut self.hosts {
                host.undo = Undo::No;
            }
            return Some(());
        }
        self.aborted = None;
        self.forget_failures();
        self.waited.fill(false);
        for host in &mut self.hosts {
            match host.state {
                HostState::Failed if host.gated => host.state = HostState::Deployed,
                HostState::Failed | HostState::RolledBack | HostState::Skipped => host.state = HostState::Pending,
                _ => {}
            }
            host.gated = false;
        }
        self.count_done(0);
        self.pause_at = self.settings.pause_after.map(|more| self.batches_done() + more);
        Some(())
    }

    /// How it ended, when it has.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        match self.next() {
            Step::Done(outcome) => Some(outcome),
            _ => None,
        }
    }

    fn turn(&mut self, from: HostState, to: HostState) {
        for host in &mut self.hosts {
            if host.state == from {
                host.state = to;
            }
        }
    }

    fn find(&mut self, name: &str) -> Option<&mut Progress> {
        self.position(name).map(|i| &mut self.hosts[i])
    }

    fn in_state(&mut self, name: &str, state: HostState) -> Option<&mut Progress> {
        self.find(name).filter(|host| host.state == state)
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::Settings;
    use super::*;
    use crate::host::Host;

    fn rollout(sizes: &[usize], settings: Settings) -> Rollout {
        let hosts = (0..sizes.iter().sum()).map(|i| Host::new(format!("h{i}"))).collect();
        Rollout::new(hosts, sizes, settings).unwrap()
    }

    fn play(rollout: &mut Rollout, events: &str) {
        for line in events.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (word, host) = line.split_once(' ').unwrap_or((line, ""));
            let host = host.to_owned();
            let seconds = 1.0;
            let reason = "broken".to_owned();
            let event = match word {
                "started" => Event::Started { host },
                "deployed" => Event::Deployed { host, seconds },
                "failed" => Event::Failed { host, touched: true, reason },
                "unreachable" => Event::Failed { host, touched: false, reason },
                "healthy" => Event::Healthy { host, note: String::new() },
                "unhealthy" => Event::Unhealthy { host, reason },
                "aborted" => Event::Aborted { reason },
                "rolling-back" => Event::RollingBack { host },
                "rolled-back" => Event::RolledBack { host, seconds },
                "rollback-failed" => Event::RollbackFailed { host, reason },
                "resumed" => Event::Resumed,
                "retried" => Event::Retried,
                "finished" => Event::Finished { outcome: rollout.outcome().unwrap() },
                other => panic!("{other}"),
            };
            rollout.record(&event).unwrap();
        }
    }

    fn states(rollout: &Rollout) -> String {
        rollout.hosts().iter().map(|h| h.state.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_canary_comes_first_and_the_gate_between_batches() {
        let delay = Duration::from_secs(30);
        let mut r = rollout(&[1, 2], Settings::default().with_delay(delay).with_gate(true));
        play(&mut r, "started h0\n deployed h0");
        assert_eq!(r.next(), Step::Wait { batch: 1 });
        r.record(&Event::Waited { batch: 1 }).unwrap();
        assert_eq!(r.next(), Step::Gate { batch: 1, hosts: vec![0] });
        play(&mut r, "healthy h0");
        assert_eq!(r.next(), Step::Deploy { host: 1 });
        play(&mut r, "started h1");
        assert_eq!(r.next(), Step::Deploy { host: 2 });
        play(&mut r, "started h2");
        assert_eq!(r.next(), Step::Await);
    }

    #[test]
    fn a_failure_too_many_stops_what_has_not_begun_and_undoes_what_was_changed_backwards() {
        let mut r = rollout(&[4, 1], Settings::default().with_rollback(true));
        play(&mut r, "started h0\n started h1\n started h2\n deployed h0\n unreachable h1");
        assert_eq!(r.next(), Step::Abort { reason: "1 of 5 failed, 0 allowed".to_owned() });
        play(&mut r, "aborted");
        assert_eq!((r.next(), states(&r).as_str()), (Step::Await, "deployed failed preparing skipped skipped"));
        play(&mut r, "failed h2");
        assert_eq!(r.next(), Step::RollBack { host: 2 });
        play(&mut r, "rolling-back h2");
        assert_eq!(r.next(), Step::RollBack { host: 0 });
        play(&mut r, "rolling-back h0\n rolled-back h0\n rolled-back h2");
        assert_eq!(r.next(), Step::Done(Outcome::RolledBack));
        assert_eq!(states(&r), "rolled-back failed rolled-back skipped skipped");
    }

    #[test]
    fn failures_within_the_allowance_end_with_code_1() {
        let mut r = rollout(&[2], Settings::default().with_allowed_failures(1));
        play(&mut r, "started h0\n started h1\n unreachable h0\n deployed h1");
        assert_eq!(r.next(), Step::Gate { batch: 1, hosts: vec![1] });
        play(&mut r, "healthy h1");
        assert_eq!(r.next(), Step::Done(Outcome::Partial));
    }

    #[test]
    fn a_refused_batch_aborts_whatever_is_allowed() {
        let mut r = rollout(&[1, 9], Settings::default().with_allowed_failures(9));
        play(&mut r, "started h0\n deployed h0");
        r.record(&Event::Refused { batch: 1, reason: "5xx at 3/s".to_owned() }).unwrap();
        assert_eq!(r.next(), Step::Done(Outcome::Aborted));
        assert_eq!((r.failures(), r.aborted()), (1, Some("the gate refused batch 1: 5xx at 3/s")));
    }

    #[test]
    fn what_was_running_at_the_kill_is_unknown_and_done_again() {
        let mut r = rollout(&[3], Settings::default().with_rollback(true));
        play(&mut r, "started h0\n started h1\n deployed h0\n resumed");
        assert_eq!((r.next(), r.host("h1").unwrap().touched), (Step::Deploy { host: 1 }, true));
        // It cannot be reached now, but the first try may have changed it.
        play(&mut r, "started h1\n unreachable h1\n aborted\n rolling-back h1\n resumed");
        assert_eq!(r.next(), Step::RollBack { host: 1 });
        play(&mut r, "rolling-back h1\n rollback-failed h1\n rolling-back h0\n rolled-back h0\n finished");
        assert_eq!(r.outcome(), Some(Outcome::RollbackFailed));
    }

    #[test]
    fn a_retry_deploys_what_failed_and_asks_the_gate_again_about_what_is_deployed() {
        let mut r = rollout(&[3, 1], Settings::default());
        play(&mut r, "started h0\n started h1\n started h2\n deployed h0\n deployed h1\n deployed h2");
        play(&mut r, "healthy h0\n unhealthy h1\n aborted\n finished\n resumed\n retried");
        assert_eq!(states(&r), "healthy deployed deployed pending");
        assert_eq!(r.next(), Step::Gate { batch: 1, hosts: vec![1, 2] });
        play(&mut r, "healthy h1\n healthy h2\n started h3\n unreachable h3\n aborted\n finished\n retried");
        assert_eq!((r.next(), r.failures()), (Step::Deploy { host: 3 }, 0));
    }

    #[test]
    fn a_failed_rollback_is_tried_again_before_anything_else() {
        let mut r = rollout(&[1], Settings::default().with_rollback(true));
        play(&mut r, "started h0\n failed h0\n aborted\n rolling-back h0\n rollback-failed h0\n finished\n retried");
        assert_eq!(r.next(), Step::RollBack { host: 0 });
    }

    #[test]
    fn a_pause_is_between_batches_and_never_after_the_last() {
        let mut r = rollout(&[1, 1, 1], Settings::default().with_pause_after(Some(1)));
        play(&mut r, "started h0\n deployed h0\n healthy h0");
        assert_eq!(r.next(), Step::Pause);
        play(&mut r, "resumed\n started h1\n deployed h1\n healthy h1");
        assert_eq!(r.next(), Step::Pause);
        play(&mut r, "resumed\n started h2\n deployed h2\n healthy h2");
        assert_eq!(r.next(), Step::Done(Outcome::Healthy));
    }

    #[test]
    fn what_cannot_happen_is_refused_and_changes_nothing() {
        let mut r = rollout(&[1, 1], Settings::default());
        for event in [
            Event::Deployed { host: "h0".to_owned(), seconds: 1.0 },
            Event::started("stranger"),
            Event::RollingBack { host: "h0".to_owned() },
            Event::Waited { batch: 0 },
            Event::Waited { batch: 3 },
            Event::Finished { outcome: Outcome::Healthy },
            Event::Retried,
        ] {
            let error = r.record(&event).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Impossible, "{error}");
        }
        assert_eq!(states(&r), "pending pending");
    }
}
