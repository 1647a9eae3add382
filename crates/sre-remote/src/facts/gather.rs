//! Asking a host.

use sre_core::{Delivery, Target};

use super::model::Facts;
use super::parts::Parts;
use crate::command::Command;
use crate::error::{Error, ErrorKind};
use crate::exec::{Captured, ExecContext};
use crate::phase::Phase;
use crate::transport::Session;

const SCRIPT: &str = include_str!("gather.sh");

/// More than the script says on a machine with thousands of cores.
const CAP: usize = 1 << 20;

/// Asks the host of a session how it is: one command, about 0.6 s for the two looks at the CPUs, nothing written.
///
/// # Errors
/// Those of [`Session::exec`]; [`ErrorKind::ExecRefused`] when no shell ran the script (a forced command, an appliance).
/// When the time was over after the CPUs were looked at, a disk of the host does not answer: then there are facts
/// without [`disks`](Facts::disks).
///
/// # Cancel safety
/// Dropping the future leaves the command to the session's own rules.
pub async fn gather(session: &mut dyn Session, context: &ExecContext) -> Result<Facts, Error> {
    let command = Command::argv(["sh", "-c", SCRIPT]);
    let mut output = Captured::with_cap(CAP);
    let ended = session.exec(&command, context, &mut output).await;
    let facts = Facts::parse(&output.stdout);
    let exit = match ended {
        Ok(exit) => exit,
        Err(error) if error.kind() == ErrorKind::Timeout && facts.cpu.is_some() => return Ok(facts),
        Err(error) => return Err(error),
    };
    // The status says nothing: a missing file is no failure. The last mark does.
    if Parts::of(&String::from_utf8_lossy(&output.stdout)).is_whole() {
        return Ok(facts);
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let why = stderr.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no shell ran the script");
    let target = session.peer().address.map_or_else(|| "host".to_owned(), |address| address.ip().to_string());
    let error = Error::about(ErrorKind::ExecRefused, Phase::Exec, Target::new(target));
    Err(error.with_delivery(Delivery::MaybeSent).with_detail(format!("{exit}: {why}")))
}
