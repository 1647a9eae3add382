//! `morning-check`: parse, run, map to an exit code.

use std::time::Duration;

use morning_check::{Environment, cli, run};
use sre_core::SystemClock;
use sre_core::exit::ExitCode;

fn main() -> std::process::ExitCode {
    let args = match cli::parse(std::env::args_os()) {
        Ok(args) => args,
        Err(code) => return code.into(),
    };
    let Ok(runtime) = tokio::runtime::Runtime::new() else { return ExitCode::SOFTWARE.into() };
    let code = runtime.block_on(run(args, &Environment::of_process(), SystemClock::shared()));
    // What still runs is dropped, and a credential plugin killed with it; but a thread that hangs in the kernel, on a dead
    // network disk for instance, must not hold the exit.
    runtime.shutdown_timeout(Duration::from_millis(100));
    code.into()
}
