//! What must not change between a run and its resumption.

use std::fs::File;
use std::io::Read as _;

use sha2::{Digest as _, Sha256};

use super::plan::{InvalidPlan, Plan};
use super::step::Action;
use super::subject::Subject;
use super::version::Version;
use crate::host::Host;

impl Plan {
    /// A hash of the steps, the rollback, and the content of each single file that is uploaded (not of folders): hosts
    /// of one rollout must all get the same. Gate, delays and time limits are left out, so that they may be corrected
    /// before a rollout is resumed.
    ///
    /// # Errors
    /// When a file that is to be uploaded cannot be read.
    pub fn fingerprint(&self, version: &Version) -> Result<String, InvalidPlan> {
        let mut hash = Sha256::new();
        for step in self.steps.iter().chain(&self.rollback) {
            hash.update(step.describe(None));
            hash.update([0]);
            for (name, value) in &step.env {
                hash.update(format!("{name}={value}\0"));
            }
            hash.update([1]);
        }
        let nowhere = Host::new("");
        let subject = Subject { version, host: &nowhere };
        for step in &self.steps {
            let Action::Upload { from, .. } = &step.action else { continue };
            // A file that differs from host to host is found out about when it is sent.
            if !from.mentions_host() {
                add_file(&mut hash, &subject.fill(from))?;
            }
        }
        Ok(hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect())
    }
}

fn add_file(hash: &mut Sha256, path: &str) -> Result<(), InvalidPlan> {
    let fail = |e: std::io::Error| InvalidPlan::unreadable(path, &e);
    let mut file = File::open(path).map_err(fail)?;
    if file.metadata().map_err(fail)?.is_dir() {
        return Ok(());
    }
    let mut block = vec![0; 64 * 1024];
    loop {
        match file.read(&mut block).map_err(fail)? {
            0 => return Ok(()),
            n => hash.update(&block[..n]),
        }
    }
}
