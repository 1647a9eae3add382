//! This machine as a fleet: every host has a real shell.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sre_core::SystemClock;
use sre_core::config::Layers;
use sre_remote::deploy::{HttpAnswer, Plan, PlanExecutor, Probe};
use sre_remote::transport::BoxFuture;
use sre_remote::{Deadline, Error, ErrorKind, Host, Phase, Session, Transport};

use crate::shell_session::ShellSession;

/// Hosts named `down…` cannot be reached.
#[derive(Debug, Default)]
pub(crate) struct ThisMachine {
    pub(crate) connections: Mutex<Vec<String>>,
}

impl Transport for ThisMachine {
    fn connect<'a>(&'a self, host: &'a Host, _: Deadline) -> BoxFuture<'a, Result<Box<dyn Session>, Error>> {
        Box::pin(async move {
            self.connections.lock().unwrap().push(host.name().to_owned());
            if host.name().starts_with("down") {
                return Err(
                    Error::new(ErrorKind::Unreachable, Phase::Connect, host).with_hint(sre_core::RetryHint::Backoff)
                );
            }
            Ok(Box::new(ShellSession::default()) as Box<dyn Session>)
        })
    }
}

/// Answers by URL or query; the last answer of a list is repeated.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    pub(crate) http: Mutex<BTreeMap<String, Vec<u16>>>,
    pub(crate) queries: Mutex<BTreeMap<String, Vec<f64>>>,
}

fn next<T: Copy>(answers: &Mutex<BTreeMap<String, Vec<T>>>, asked: &str) -> Result<T, String> {
    let mut answers = answers.lock().unwrap();
    let list = answers.get_mut(asked).ok_or_else(|| format!("no answer from {asked}"))?;
    Ok(if list.len() > 1 { list.remove(0) } else { list[0] })
}

impl Probe for Answers {
    fn http<'a>(&'a self, url: &'a str, _: Duration) -> BoxFuture<'a, Result<HttpAnswer, String>> {
        Box::pin(async move { Ok(HttpAnswer::new(next(&self.http, url)?, "hello", Duration::from_millis(40))) })
    }

    fn query<'a>(&'a self, _: &'a str, promql: &'a str, _: Duration) -> BoxFuture<'a, Result<f64, String>> {
        Box::pin(async move { next(&self.queries, promql) })
    }
}

pub(crate) fn plan(yaml: &str) -> Plan {
    Layers::new().text("deploy.yaml", yaml).unwrap().load::<Plan>().unwrap().value.prepared().unwrap()
}

pub(crate) fn executor(plan: Plan, answers: Answers) -> PlanExecutor {
    let transport = Arc::new(ThisMachine::default());
    PlanExecutor::new(Arc::new(plan), "v2".parse().unwrap(), transport, Arc::new(answers), SystemClock::shared())
}
