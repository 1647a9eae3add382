//! An executor that runs the arguments here, as a host would.

use std::path::PathBuf;
use std::process::Stdio;

use sre_alerts::HostName;
use sre_alerts::remediation::{ExecuteFuture, Executor, Output, Step};
use tokio::process::Command;

/// Runs programs in `dir`, which comes first in the PATH.
#[derive(Debug)]
pub(super) struct Local {
    pub(super) dir: PathBuf,
}

impl Executor for Local {
    fn execute<'a>(&'a self, _host: &'a HostName, step: &'a Step) -> ExecuteFuture<'a> {
        Box::pin(async move {
            let Step::Command { argv, .. } = step else { return Err("only commands here".to_owned()) };
            let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.dir.display());
            let output = Command::new("env")
                .arg("--")
                .args(argv)
                .current_dir(&self.dir)
                .env("PATH", path)
                .stdin(Stdio::null())
                .kill_on_drop(true)
                .output()
                .await
                .map_err(|error| error.to_string())?;
            let text = [output.stdout, output.stderr].concat();
            Ok(Output::new(output.status.success(), String::from_utf8_lossy(&text)))
        })
    }
}
