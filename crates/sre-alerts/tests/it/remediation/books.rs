//! A log of runs and an intake that keep what they are told.

use std::sync::Mutex;

use serde_json::Value;
use sre_alerts::remediation::{PastRun, RunLog, RunRecord};
use sre_alerts::{AcceptFuture, Accepted, Alert, Intake};

#[derive(Debug, Default)]
pub(super) struct Books {
    /// As JSON.
    pub(super) runs: Mutex<Vec<Value>>,
    /// Nothing can be written.
    pub(super) broken: Mutex<bool>,
    pub(super) alerts: Mutex<Vec<Alert>>,
}

impl RunLog for Books {
    fn record(&self, record: &RunRecord) -> std::io::Result<()> {
        if *self.broken.lock().unwrap() {
            return Err(std::io::Error::other("disk full"));
        }
        self.runs.lock().unwrap().push(serde_json::to_value(record).unwrap());
        Ok(())
    }

    fn past(&self, _: &mut dyn FnMut(PastRun)) -> std::io::Result<()> {
        Ok(())
    }
}

impl Intake for Books {
    fn accept(&self, alerts: Vec<Alert>) -> AcceptFuture<'_> {
        Box::pin(async move {
            let accepted = Accepted::new(alerts.len());
            self.alerts.lock().unwrap().extend(alerts);
            Ok(accepted)
        })
    }
}
