//! One step of a chore: announced, timed, and on failure named together with the command that repeats it.

use std::{
    fmt::Write as _,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

/// Steps that all run, whatever fails, and are summed up at the end.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    done: Vec<Done>,
}

#[derive(Debug)]
struct Done {
    name: String,
    took: Duration,
    failure: Option<String>,
}

// === impl Steps ===

impl Steps {
    /// Runs a command as a step and remembers how it went.
    pub(crate) fn command(&mut self, name: &str, command: &mut Command) {
        self.step(name, || run(name, command));
    }

    /// Runs a function as a step and remembers how it went.
    pub(crate) fn step(&mut self, name: &str, step: impl FnOnce() -> Result<()>) {
        let start = now();
        let failure = step().err().map(|error| format!("{error:#}"));
        if let Some(failure) = &failure {
            println!("✗ {failure}");
        }
        self.done.push(Done { name: name.to_owned(), took: start.elapsed(), failure });
    }

    /// Prints a line a step.
    pub(crate) fn print(&self) {
        for done in &self.done {
            let mark = if done.failure.is_none() { '✓' } else { '✗' };
            println!("{mark} {:<44} {:>7.1} s", done.name, done.took.as_secs_f64());
        }
    }

    /// # Errors
    /// Names every step that failed and how to repeat it.
    pub(crate) fn finish(self) -> Result<()> {
        let failures: Vec<&String> = self.done.iter().filter_map(|done| done.failure.as_ref()).collect();
        if failures.is_empty() {
            return Ok(());
        }
        let mut text = format!("{} of {} steps failed", failures.len(), self.done.len());
        for failure in failures {
            let _ = write!(text, "\n✗ {failure}");
        }
        bail!(text)
    }
}

/// Runs a command, its output going to ours.
///
/// # Errors
/// Says which step failed, how, and the command that repeats it alone.
pub(crate) fn run(name: &str, command: &mut Command) -> Result<()> {
    let line = line(command);
    println!("▸ {name}: {line}");
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("{name}: cannot run `{line}`"))?;
    if !status.success() {
        bail!("{name} failed ({status}); repeat it alone: {line}");
    }
    Ok(())
}

/// What a command prints, trimmed; `None` when it cannot be run or fails.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The monotonic clock.
#[expect(
    clippy::disallowed_methods,
    reason = "real commands are timed, and xtask stays free of sre-core's dependencies"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The command as one would type it, with the variables that matter.
fn line(command: &Command) -> String {
    let mut line = String::new();
    for (key, value) in command.get_envs() {
        if let Some(value) = value.filter(|_| key == "RUSTDOCFLAGS") {
            let _ = write!(line, "{}='{}' ", key.to_string_lossy(), value.to_string_lossy());
        }
    }
    line.push_str(&command.get_program().to_string_lossy());
    for arg in command.get_args() {
        let arg = arg.to_string_lossy();
        let quote = if arg.is_empty() || arg.contains([' ', '\n', '"', '$', '&', '|', '*', '(']) { "'" } else { "" };
        let _ = write!(line, " {quote}{arg}{quote}");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_names_the_step_and_the_command() {
        let mut steps = Steps::default();
        steps.command("works", &mut Command::new("true"));
        steps.command("breaks", Command::new("sh").args(["-c", "exit 3"]));
        let error = steps.finish().unwrap_err().to_string();
        assert!(error.contains("1 of 2 steps failed"), "{error}");
        assert!(error.contains("breaks failed (exit status: 3); repeat it alone: sh -c 'exit 3'"), "{error}");
    }

    #[test]
    fn missing_program_is_an_error_not_a_panic() {
        let error = run("look", &mut Command::new("no-such-program-here")).unwrap_err();
        assert!(format!("{error:#}").contains("cannot run `no-such-program-here`"));
    }
}
