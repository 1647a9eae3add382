//! `morning-check`: parse, run, map to an exit code.

use std::time::Duration;

use morning_check::{Environment, cli, run};
use sre_core::SystemClock;
use sre_core::exit::ExitCode;

/// At most as many threads that run tasks.
const WORKERS: usize = 4;

fn main() -> std::process::ExitCode {
    let args = match cli::parse(std::env::args_os()) {
        Ok(args) => args,
        Err(code) => return code.into(),
    };
    let Ok(runtime) = runtime() else { return ExitCode::SOFTWARE.into() };
    let code = runtime.block_on(run(args, &Environment::of_process(), SystemClock::shared()));
    // What still runs is dropped, and a credential plugin killed with it; but a thread that hangs in the kernel, on a dead
    // network disk for instance, must not hold the exit.
    runtime.shutdown_timeout(Duration::from_millis(100));
    code.into()
}

/// Mostly it waits: more threads would only take more memory.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread().worker_threads(processors.min(WORKERS)).enable_all().build()
}
