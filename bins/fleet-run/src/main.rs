//! `fleet-run`: parse, run, map to an exit code.

use std::time::Duration;

use fleet_run::{Environment, cli, run};
use sre_core::SystemClock;
use sre_core::exit::ExitCode;

fn main() -> std::process::ExitCode {
    let args = match cli::parse(std::env::args_os()) {
        Ok(args) => args,
        Err(code) => return code.into(),
    };
    // One thread carries thousands of connections, and nothing has to be handed over between threads.
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return ExitCode::SOFTWARE.into();
    };
    let code = runtime.block_on(run(args, &Environment::of_process(), SystemClock::shared()));
    runtime.shutdown_timeout(Duration::from_millis(100));
    code.into()
}
