//! How many may connect at once, over one way: additive increase, multiplicative decrease, as TCP does (RFC 5681).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The bound of one way: a jump host, or no jump host.
#[derive(Debug)]
pub(super) struct Gate {
    state: Mutex<State>,
    changed: Notify,
    /// Behind one bastion, a reset is the bastion's. Without one, each host speaks for itself.
    shared: bool,
    most: f64,
}

#[derive(Debug)]
struct State {
    limit: f64,
    connecting: usize,
    /// Retries that wait for room: they go before new hosts.
    waiting: usize,
    /// Counts decreases: a reset of an attempt that began before the last one says nothing new.
    epoch: u64,
    /// The first host that reset, and the last one.
    first_suspect: Option<usize>,
    suspect: Option<usize>,
}

/// Leave to connect, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    gate: Arc<Gate>,
    epoch: u64,
}

/// Counts a waiting retry for as long as it lives.
struct Waiting<'a>(&'a Gate);

// === impl Gate ===

impl Gate {
    pub(super) fn new(most: usize, shared: bool) -> Arc<Self> {
        let most = most.max(1) as f64;
        let state = State { limit: most, connecting: 0, waiting: 0, epoch: 0, first_suspect: None, suspect: None };
        Arc::new(Self { state: Mutex::new(state), changed: Notify::new(), shared, most })
    }

    /// Leave for a host that has not begun, if there is room and nobody waits.
    pub(super) fn try_enter(self: &Arc<Self>) -> Option<Permit> {
        let mut state = self.lock();
        if state.waiting > 0 { None } else { self.admit(&mut state) }
    }

    /// Leave, whatever the bound: for when nobody is at work, and what holds the room is a task that cannot be aborted.
    pub(super) fn force(self: &Arc<Self>) -> Permit {
        let mut state = self.lock();
        state.connecting += 1;
        Permit { gate: self.clone(), epoch: state.epoch }
    }

    /// Leave for a retry, when there is room.
    ///
    /// # Cancel safety
    /// Safe: nothing is held while it waits.
    pub(super) async fn enter(self: &Arc<Self>) -> Permit {
        self.lock().waiting += 1;
        let _waiting = Waiting(self);
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if let Some(permit) = self.admit(&mut self.lock()) {
                return permit;
            }
            changed.await;
        }
    }

    fn admit(self: &Arc<Self>, state: &mut State) -> Option<Permit> {
        (state.connecting < state.limit as usize).then(|| {
            state.connecting += 1;
            Permit { gate: self.clone(), epoch: state.epoch }
        })
    }

    #[cfg(test)]
    fn limit(&self) -> usize {
        self.lock().limit as usize
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Permit ===

impl Permit {
    /// The attempt came through.
    pub(super) fn succeeded(self) {
        let mut state = self.gate.lock();
        state.limit = (state.limit + 1.0 / state.limit).min(self.gate.most);
    }

    /// The attempt was reset. Whether that is put down to how many connect at once, and not to the host.
    pub(super) fn throttled(self, host: usize) -> bool {
        let mut state = self.gate.lock();
        let same_again = state.suspect.replace(host) == Some(host);
        if self.gate.shared || state.epoch > 0 {
            // Known to throttle. Still, without a jump host, one host alone shrinks nothing.
            if self.epoch == state.epoch && (self.gate.shared || !same_again) {
                state.halve();
            }
            return true;
        }
        let first = state.first_suspect.get_or_insert(host);
        let others_too = *first != host;
        if others_too {
            state.halve();
        }
        others_too
    }
}

// === impl State ===

impl State {
    fn halve(&mut self) {
        if self.limit < 2.0 {
            return;
        }
        self.limit = (self.limit / 2.0).floor();
        self.epoch += 1;
        tracing::debug!(limit = self.limit, "throttled: fewer connections at once");
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.gate.lock().connecting -= 1;
        self.gate.changed.notify_waiters();
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.lock().waiting -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resets_halve_once_a_round_and_successes_restore() {
        let gate = Gate::new(8, true);
        let permits: Vec<_> = (0..8).filter_map(|_| gate.try_enter()).collect();
        assert!(permits.len() == 8 && gate.try_enter().is_none());
        assert!(permits.into_iter().enumerate().all(|(host, permit)| permit.throttled(host)));
        assert_eq!(gate.limit(), 4, "one round of resets is one signal");
        for _ in 0..60 {
            gate.try_enter().unwrap().succeeded();
        }
        assert_eq!(gate.limit(), 8, "and never above what was set");
    }

    #[test]
    fn without_a_jump_host_one_bad_host_slows_nobody() {
        let gate = Gate::new(50, false);
        for _ in 0..10 {
            assert!(!gate.try_enter().unwrap().throttled(7));
        }
        assert_eq!(gate.limit(), 50);
        assert!(gate.try_enter().unwrap().throttled(8));
        assert_eq!(gate.limit(), 25);
    }

    #[tokio::test]
    async fn who_waits_goes_before_who_comes() {
        let gate = Gate::new(1, true);
        let permit = gate.try_enter().unwrap();
        let waiting = tokio::spawn({
            let gate = gate.clone();
            async move { gate.enter().await }
        });
        tokio::task::yield_now().await;
        permit.succeeded();
        assert!(gate.try_enter().is_none());
        drop(waiting.await.unwrap());
        assert!(gate.try_enter().is_some());
    }
}
