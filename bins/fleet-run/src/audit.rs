//! The audit log: who ran what, where, when, and what came of it. One JSON object a line: one when a run begins, one when
//! it ends, so that a run that was killed has left its mark, too.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sre_core::SharedClock;
use sre_core::lock::FileLock;
use sre_remote::Host;
use sre_remote::inventory::fold;

use crate::environment::Environment;
use crate::report::Report;
use crate::state;
use crate::work::Work;

/// From this size on, the log is moved to `audit.jsonl.1`.
const LARGE: u64 = 32 * 1024 * 1024;
/// Other runs hold the lock for one write.
const PATIENCE: Duration = Duration::from_secs(5);

/// The log, for one run.
#[derive(Debug)]
pub(crate) struct Audit {
    folder: Option<PathBuf>,
    clock: SharedClock,
    about: Map<String, Value>,
}

// === impl Audit ===

impl Audit {
    pub(crate) fn new(env: &Environment, clock: &SharedClock, wanted: bool) -> Self {
        let folder = if wanted { env.state_folder() } else { None };
        Self { folder, clock: clock.clone(), about: Map::new() }
    }

    pub(crate) async fn begin(&mut self, env: &Environment, work: &Work, sudo: bool, hosts: &[Host], at: Timestamp) {
        let user = nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten().map(|user| user.name);
        let machine = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
        let about = json!({
            "run": format!("{at}-{}", std::process::id()),
            "user": user,
            "sudo_user": env.var("SUDO_USER"),
            "machine": machine,
            "what": work.title,
            "sudo": sudo,
            "hosts": hosts.len(),
            "where": fold(hosts.iter().map(Host::name)),
        });
        if let Value::Object(about) = about {
            self.about = about;
        }
        self.write("begin", json!({})).await;
    }

    pub(crate) async fn end(&self, report: &Report) {
        let facts = json!({
            "counts": report.counts(),
            "exit_code": report.exit_code().get(),
            "stopped": report.stop_word(),
            "seconds": report.elapsed.as_secs_f64(),
        });
        self.write("end", facts).await;
    }

    async fn write(&self, event: &str, facts: Value) {
        let Some(folder) = &self.folder else { return };
        let mut entry = json!({ "at": self.clock.now().to_string(), "event": event });
        for part in [Value::Object(self.about.clone()), facts] {
            if let (Value::Object(entry), Value::Object(part)) = (&mut entry, part) {
                entry.extend(part);
            }
        }
        if let Err(e) = self.append(folder, &state::line(&entry)).await {
            tracing::warn!("the audit log is not written: {e}; --no-audit says that this is wanted");
        }
    }

    async fn append(&self, folder: &PathBuf, line: &str) -> Result<(), Box<dyn std::error::Error>> {
        std::fs::create_dir_all(folder)?;
        let _lock = FileLock::lock_wait(folder.join("audit.lock"), PATIENCE, &*self.clock).await?;
        let path = folder.join("audit.jsonl");
        if std::fs::metadata(&path).is_ok_and(|meta| meta.len() > LARGE) {
            std::fs::rename(&path, folder.join("audit.jsonl.1"))?;
        }
        // Commands tell how a system is run, which is not for everybody.
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        Ok(file.write_all(line.as_bytes())?)
    }
}
