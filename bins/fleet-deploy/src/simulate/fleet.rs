//! Hosts that take their time, and some of which fail.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sre_core::SharedClock;
use sre_remote::deploy::{Action, HttpAnswer, Plan, Probe, Question};
use sre_remote::transport::BoxFuture;
use sre_remote::{
    Command, Deadline, Error, ErrorKind, ExecContext, Exit, Host, OutputSink, OutputStream, Peer, Phase, Session,
    Transport,
};

use super::chance::{Chance, Span};

/// The pretended fleet: its transport and what the gate asks.
#[derive(Debug, Clone)]
pub(crate) struct Fleet {
    pub(crate) seed: u64,
    pub(crate) span: Span,
    pub(crate) failure: Chance,
    /// Steps among which a host's time is divided.
    pub(crate) steps: usize,
    pub(crate) hosts: Arc<[Host]>,
    pub(crate) clock: SharedClock,
}

/// How a host fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mishap {
    Unreachable,
    /// At this step, counted from 0.
    Step(usize),
    Gate,
}

#[derive(Debug)]
struct PretendedSession {
    fleet: Fleet,
    host: Host,
    peer: Peer,
    executed: usize,
}

/// The plan with each upload replaced by a step that only takes time, and each look at the health by one that is answered.
pub(crate) fn pretended(mut plan: Plan) -> Plan {
    for step in plan.steps.iter_mut().chain(&mut plan.rollback) {
        if matches!(step.action, Action::Upload { .. }) {
            step.name = Some(step.title());
            step.action = Action::Shell("true".to_owned());
        }
    }
    for check in &mut plan.gate.checks {
        if matches!(check.question, Question::Health { .. }) {
            check.name = Some(check.title());
            check.question = Question::Shell("true".to_owned());
        }
    }
    plan
}

// === impl Fleet ===

impl Fleet {
    /// A number from 0 up to 1 that follows from the seed, the host and what it is for, today and in years: FNV-1a
    /// (<http://www.isthe.com/chongo/tech/comp/fnv/>), mixed by the end of splitmix64, because names differ only at their ends.
    fn dice(&self, host: &str, what: &str) -> f64 {
        let bytes = self.seed.to_le_bytes().into_iter().chain(host.bytes()).chain([0]).chain(what.bytes());
        let fnv =
            bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
        let mixed = (fnv ^ (fnv >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        // 53 bits are what a double holds.
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn mishap(&self, host: &str) -> Option<Mishap> {
        if self.dice(host, "fails") >= self.failure.share() {
            return None;
        }
        let steps = self.steps.max(1);
        Some(match self.dice(host, "how") {
            share if share < 0.2 => Mishap::Unreachable,
            share if share < 0.6 => Mishap::Step((self.dice(host, "where") * steps as f64) as usize),
            _ => Mishap::Gate,
        })
    }

    fn step_time(&self, host: &str) -> Duration {
        self.span.at(self.dice(host, "takes")) / u32::try_from(self.steps.max(1)).unwrap_or(1)
    }

    fn at(&self, url: &str) -> Option<&Host> {
        // The longest name wins, so that web-1 is not found in web-10.
        let named = |host: &&Host| url.contains(host.address()) || url.contains(host.name());
        self.hosts.iter().filter(named).max_by_key(|host| host.address().len())
    }
}

impl Transport for Fleet {
    fn connect<'a>(&'a self, host: &'a Host, _: Deadline) -> BoxFuture<'a, Result<Box<dyn Session>, Error>> {
        Box::pin(async move {
            if self.mishap(host.name()) == Some(Mishap::Unreachable) {
                self.clock.sleep(self.span.at(1.0)).await;
                return Err(Error::new(ErrorKind::Timeout, Phase::Connect, host).with_detail("pretended"));
            }
            let session =
                PretendedSession { fleet: self.clone(), host: host.clone(), peer: Peer::default(), executed: 0 };
            Ok(Box::new(session) as Box<dyn Session>)
        })
    }
}

impl Probe for Fleet {
    fn http<'a>(&'a self, url: &'a str, _: Duration) -> BoxFuture<'a, Result<HttpAnswer, String>> {
        Box::pin(async move {
            let sick = self.at(url).is_some_and(|host| self.mishap(host.name()) == Some(Mishap::Gate));
            let elapsed = Duration::from_millis(5 + (self.dice(url, "answers") * 40.0) as u64);
            self.clock.sleep(elapsed).await;
            Ok(HttpAnswer::new(if sick { 503 } else { 200 }, "pretended", elapsed))
        })
    }

    fn query<'a>(&'a self, _: &'a str, _: &'a str, _: Duration) -> BoxFuture<'a, Result<f64, String>> {
        Box::pin(async { Ok(0.0) })
    }
}

// === impl PretendedSession ===

impl PretendedSession {
    async fn run(&mut self, command: &Command, sink: &mut dyn OutputSink) -> Exit {
        let phase =
            command.env().iter().find(|(name, _)| name == "DEPLOY_PHASE").map_or("", |(_, value)| value.expose());
        let mishap = self.fleet.mishap(self.host.name());
        self.fleet.clock.sleep(self.fleet.step_time(self.host.name())).await;
        let step = self.executed;
        self.executed += 1;
        let fails = match phase {
            "deploy" => mishap == Some(Mishap::Step(step)),
            "gate" => mishap == Some(Mishap::Gate),
            _ => false,
        };
        if fails {
            sink.output(OutputStream::Stderr, b"pretended failure\n");
        }
        Exit::Code(fails.into())
    }

    fn unsupported(&self) -> Error {
        Error::new(ErrorKind::Unsupported, Phase::Transfer, &self.host)
    }
}

impl Session for PretendedSession {
    fn peer(&self) -> &Peer {
        &self.peer
    }

    fn exec<'a>(
        &'a mut self,
        command: &'a Command,
        context: &'a ExecContext,
        sink: &'a mut dyn OutputSink,
    ) -> BoxFuture<'a, Result<Exit, Error>> {
        Box::pin(async move {
            let host = self.host.clone();
            tokio::select! {
                biased;
                () = context.interrupt.triggered() => Err(Error::new(ErrorKind::Interrupted, Phase::Exec, &host)),
                exit = self.run(command, sink) => Ok(exit),
            }
        })
    }

    fn write_file<'a>(
        &'a mut self,
        _: &'a Path,
        _: &'a str,
        _: u32,
        _: &'a ExecContext,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async { Err(self.unsupported()) })
    }

    fn read_file<'a>(&'a mut self, _: &'a str, _: &'a Path, _: &'a ExecContext) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async { Err(self.unsupported()) })
    }

    fn rename_file<'a>(&'a mut self, _: &'a str, _: &'a str, _: &'a ExecContext) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async { Err(self.unsupported()) })
    }

    fn remove_file<'a>(&'a mut self, _: &'a str, _: &'a ExecContext) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async { Err(self.unsupported()) })
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }
}
