//! A run under way: starts hosts as slots get free, and tells what happens.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::capture::{Backlog, Capture, Live};
use super::event::Event;
use super::fleet::Fleet;
use super::job::Job;
use super::queue::{Queue, Turn};
use super::result::HostResult;
use super::slots::{Answer, Slots};
use super::spill::Folder;
use super::status::Status;
use super::stop::StopReason;
use super::worker;
use crate::exec::OutputStream;
use crate::host::Host;

/// A run. Its hosts are started by [`next`](Self::next), and one that is done keeps its slot until its result was taken: who
/// does not ask slows the run down, but never makes memory grow. Dropping it closes all connections at once.
pub struct Running<J: Job> {
    fleet: Fleet,
    job: Arc<J>,
    hosts: Arc<[Host]>,
    queue: Queue,
    tasks: JoinSet<()>,
    sender: UnboundedSender<Message<J::Output>>,
    messages: UnboundedReceiver<Message<J::Output>>,
    ready: VecDeque<Event<J::Output>>,
    backlog: Backlog,
    folder: Option<Folder>,
    slots: Slots,
    failed: usize,
    allowed: Option<usize>,
    drained: bool,
}

/// What the tasks say.
#[derive(Debug)]
pub(super) enum Message<T> {
    Connected {
        index: usize,
    },
    Retrying {
        index: usize,
        attempt: u32,
        delay: std::time::Duration,
        reason: String,
    },
    Output {
        index: usize,
        stream: OutputStream,
        lines: Vec<u8>,
    },
    /// The host lends its slot.
    Waits {
        index: usize,
    },
    /// It wants one again.
    GoesOn {
        index: usize,
        answer: oneshot::Sender<Answer>,
    },
    Finished(Box<HostResult<T>>),
}

// === impl Running ===

impl<J: Job> Running<J> {
    pub(super) fn new(fleet: Fleet, job: Arc<J>, hosts: Arc<[Host]>) -> Self {
        let (sender, messages) = mpsc::unbounded_channel();
        Self {
            queue: Queue::new(hosts.len(), Slots::most(fleet.workers), fleet.startups),
            allowed: fleet.max_fail.map(|max| max.of(hosts.len())),
            folder: fleet.output_folder.as_deref().map(Folder::new),
            tasks: JoinSet::new(),
            ready: VecDeque::new(),
            backlog: Backlog::default(),
            slots: Slots::new(fleet.workers),
            failed: 0,
            drained: false,
            fleet,
            job,
            hosts,
            sender,
            messages,
        }
    }

    /// The next thing that happened; `None` when every host has its result.
    ///
    /// # Cancel safety
    /// Safe: nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Event<J::Output>> {
        loop {
            self.start_hosts();
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.slots.active() == 0 {
                // Without a host at work, every way has room: only a run that was stopped has hosts left.
                let index = self.queue.drain()?;
                let skipped = HostResult::without_answer(index, self.hosts[index].name(), Status::Skipped);
                return Some(Event::Finished(Box::new(skipped)));
            }
            let stop = self.fleet.stop.clone();
            tokio::select! {
                biased;
                () = stop.draining(), if !self.drained => self.drained = true,
                message = self.messages.recv() => self.take(message?),
            }
        }
    }

    /// Runs it to its end; the results are in inventory order.
    pub async fn collect(mut self) -> Vec<HostResult<J::Output>> {
        let mut results = Vec::with_capacity(self.hosts.len());
        while let Some(event) = self.next().await {
            if let Event::Finished(result) = event {
                results.push(*result);
            }
        }
        results.sort_unstable_by_key(|result| result.index);
        results
    }

    /// Why no further hosts are started, if so.
    #[must_use]
    pub fn stopped(&self) -> Option<StopReason> {
        let too_many = self.allowed.is_some_and(|allowed| self.failed > allowed);
        self.fleet.stop.reason().or(too_many.then_some(StopReason::MaxFail))
    }

    /// How many hosts are under way.
    #[must_use]
    pub fn active(&self) -> usize {
        self.slots.active()
    }

    fn start_hosts(&mut self) {
        // Ended tasks; their results came by message.
        while self.tasks.try_join_next().is_some() {}
        match self.stopped() {
            None => self.slots.serve(),
            Some(_) => self.slots.dismiss(),
        }
        while self.slots.may_start() && self.stopped().is_none() {
            let (transport, hosts) = (&self.fleet.transport, &self.hosts);
            let turn = self.queue.next(|index| transport.gateway(&hosts[index]));
            let idle = self.slots.active() == 0;
            let Some(turn) = turn.or_else(|| idle.then(|| self.queue.force()).flatten()) else { return };
            self.slots.start();
            self.ready.push_back(Event::Started { index: turn.index });
            self.start(turn);
        }
    }

    fn start(&mut self, turn: Turn) {
        let Turn { index, gate, permit } = turn;
        let host = &self.hosts[index];
        let live = self.fleet.live_output.then(|| Live::new(index, self.sender.clone(), self.backlog.clone()));
        let spill = self.folder.as_ref().map(|folder| folder.host(index, host.name()));
        let task = worker::Work {
            index,
            hosts: self.hosts.clone(),
            job: self.job.clone(),
            fleet: self.fleet.clone(),
            gate,
            capture: Capture::new(self.fleet.output_cap, live, spill),
            sender: self.sender.clone(),
        };
        self.tasks.spawn(worker::supervise(task, permit));
    }

    fn take(&mut self, message: Message<J::Output>) {
        let event = match message {
            Message::Connected { index } => Event::Connected { index },
            Message::Retrying { index, attempt, delay, reason } => Event::Retrying { index, attempt, delay, reason },
            Message::Output { index, stream, lines } => {
                self.backlog.shown(lines.len());
                Event::Output { index, stream, lines }
            }
            Message::Waits { index } => return self.slots.lend(index),
            Message::GoesOn { index, answer } => return self.slots.ask_back(index, answer),
            Message::Finished(result) => {
                self.slots.end(result.index);
                self.failed += usize::from(result.status.is_failed());
                Event::Finished(result)
            }
        };
        self.ready.push_back(event);
    }
}

impl<J: Job> fmt::Debug for Running<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("hosts", &self.hosts.len())
            .field("active", &self.slots.active())
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}
