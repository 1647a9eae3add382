//! `fleet-run`: parse, run, map to an exit code.

use std::time::Duration;

use fleet_run::{Environment, cli, run};
use sre_core::SystemClock;
use sre_core::exit::ExitCode;

const WORKERS: usize = 4;

fn main() -> std::process::ExitCode {
    let args = match cli::parse(std::env::args_os()) {
        Ok(args) => args,
        Err(code) => return code.into(),
    };
    let Ok(runtime) = runtime() else { return ExitCode::SOFTWARE.into() };
    let code = runtime.block_on(run(args, &Environment::of_process(), SystemClock::shared()));
    runtime.shutdown_timeout(Duration::from_millis(100));
    code.into()
}

/// A host takes a millisecond of a processor, so a few threads serve thousands. The main thread is not one of them: it may
/// wait for whoever reads stdout.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread().worker_threads(processors.min(WORKERS)).enable_all().build()
}
