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
    let Ok(runtime) = runtime(args.moves_files()) else { return ExitCode::SOFTWARE.into() };
    let code = runtime.block_on(run(args, &Environment::of_process(), SystemClock::shared()));
    runtime.shutdown_timeout(Duration::from_millis(100));
    code.into()
}

/// A host takes a millisecond of a processor, so one thread serves a thousand a second, and nothing is handed over between
/// threads. Files are another matter: they keep several busy.
fn runtime(moves_files: bool) -> std::io::Result<tokio::runtime::Runtime> {
    if !moves_files {
        return tokio::runtime::Builder::new_current_thread().enable_all().build();
    }
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread().worker_threads(processors.min(WORKERS)).enable_all().build()
}
