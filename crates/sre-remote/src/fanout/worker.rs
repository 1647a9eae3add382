//! One host from its first attempt to its result.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinError;
use tokio::time::Instant;

use super::capture::Capture;
use super::clock::HostClock;
use super::connect::NotConnected;
use super::fleet::Fleet;
use super::gate::{Gate, Permit};
use super::job::{Finish, Job};
use super::result::HostResult;
use super::running::Message;
use super::status::Status;
use crate::error::{Error, ErrorKind};
use crate::exec::ExecContext;
use crate::host::Host;
use crate::phase::Phase;
use crate::timings::Timings;

/// A transport that keeps its deadline says itself in which phase it was: it gets this long to do so.
pub(super) const SLACK: Duration = Duration::from_millis(250);

/// All that the task of a host needs.
pub(super) struct Work<J: Job> {
    pub(super) index: usize,
    pub(super) hosts: Arc<[Host]>,
    pub(super) job: Arc<J>,
    pub(super) fleet: Fleet,
    pub(super) gate: Arc<Gate>,
    pub(super) capture: Capture<J::Output>,
    pub(super) sender: UnboundedSender<Message<J::Output>>,
}

/// How far it came, as the supervisor sees it.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) attempts: AtomicU32,
    connected: AtomicU32,
}

/// Aborts the task when the supervisor is dropped.
struct AbortOnDrop(tokio::task::AbortHandle);

/// Runs the work in a task of its own and answers for it, whatever that task does: a result comes at the latest a grace
/// after the deadline or the kill.
pub(super) async fn supervise<J: Job>(work: Work<J>, permit: Permit) {
    let (index, hosts, fleet) = (work.index, work.hosts.clone(), work.fleet.clone());
    let (capture, sender) = (work.capture.clone(), work.sender.clone());
    let progress = Arc::new(Progress::default());
    let (started, clock) = (fleet.clock.now(), Arc::new(HostClock::start(fleet.timeout)));
    let mut task = tokio::spawn(work.run(permit, clock.clone(), progress.clone()));
    let _guard = AbortOnDrop(task.abort_handle());
    let host = &hosts[index];
    let ended = tokio::select! {
        biased;
        ended = &mut task => ended,
        error = overdue(&fleet, &clock, host, &progress) => {
            task.abort();
            // What can be aborted is gone before its slot is given away.
            let _ = tokio::time::timeout(SLACK, &mut task).await;
            let mut result = HostResult::without_answer(index, host.name(), Status::Interrupted);
            result.fail(&error);
            Ok(result)
        }
    };
    let mut result = ended.unwrap_or_else(|e| crashed(index, host, &e));
    result.started = Some(started);
    result.elapsed = clock.elapsed();
    result.attempts = result.attempts.max(progress.attempts.load(Ordering::Relaxed));
    let kept = capture.take();
    (result.output, result.lines_dropped, result.spill_error) = (kept.captured, kept.dropped, kept.spill_error);
    let _ = sender.send(Message::Finished(Box::new(result)));
}

/// Ends when the task should have ended by itself, with the reason.
async fn overdue(fleet: &Fleet, clock: &HostClock, host: &Host, progress: &Progress) -> Error {
    let killed = async {
        fleet.stop.killing().triggered().await;
        tokio::time::sleep(fleet.grace).await;
    };
    let kind = tokio::select! {
        () = clock.late_by(fleet.grace) => ErrorKind::Timeout,
        () = killed => ErrorKind::Interrupted,
    };
    let phase = if progress.connected.load(Ordering::Relaxed) > 0 { Phase::Exec } else { Phase::Connect };
    Error::new(kind, phase, host).with_detail("it did not stop by itself, and was cut off")
}

fn crashed<T>(index: usize, host: &Host, e: &JoinError) -> HostResult<T> {
    let (reason, phase) = (ErrorKind::Unsupported, Phase::Exec);
    let mut result = HostResult::without_answer(index, host.name(), Status::Failed { reason, phase });
    result.detail = format!("a defect of this program: {e}");
    result
}

// === impl Work ===

impl<J: Job> Work<J> {
    async fn run(self, permit: Permit, clock: Arc<HostClock>, progress: Arc<Progress>) -> HostResult<J::Output> {
        let mut result = HostResult::without_answer(self.index, self.host().name(), Status::Interrupted);
        let mut session = match self.connect(permit, &clock, &progress).await {
            Ok(session) => session,
            Err(NotConnected::Failed(error)) => {
                result.fail(&error);
                return result;
            }
            Err(NotConnected::Skipped) => {
                result.status = Status::Skipped;
                return result;
            }
        };
        let deadline = clock.deadline();
        progress.connected.store(1, Ordering::Relaxed);
        let _ = self.sender.send(Message::Connected { index: self.index });
        let context = ExecContext::until(deadline).with_interrupt(self.fleet.stop.killing().clone());
        let mut sink = self.capture.clone();
        let begun = Instant::now();
        let done = self.job.run(&mut *session, self.host(), &context, &mut sink).await;
        result.timings = with_exec(session.peer().timings, begun.elapsed());
        result.address = session.peer().address;
        result.user.clone_from(&session.peer().user);
        match done {
            Ok(Finish { exit, value }) => {
                result.status = exit.into();
                result.value = Some(value);
                session.close().await;
            }
            Err(error) => result.fail(&error),
        }
        result
    }

    pub(super) fn host(&self) -> &Host {
        &self.hosts[self.index]
    }
}

/// Some transports measure what comes after the login, too.
fn with_exec(mut timings: Timings, spent: Duration) -> Timings {
    if [Phase::Exec, Phase::Read, Phase::Transfer].into_iter().all(|phase| timings.get(phase).is_none()) {
        timings.add(Phase::Exec, spent);
    }
    timings
}

// === impl AbortOnDrop ===

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
