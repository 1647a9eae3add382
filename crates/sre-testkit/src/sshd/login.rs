//! What happens between a login and the command: a slow profile, a shell that prints, a message of the day.

use std::fmt::Write as _;
use std::time::Duration;

/// Peculiarities of a login, done by a wrapper that `ForceCommand` puts around every command.
#[derive(Debug, Clone, Default)]
pub(super) struct Login {
    pub(super) delay: Option<Duration>,
    pub(super) noise: Option<String>,
    pub(super) motd: Option<String>,
    pub(super) force_command: Option<String>,
}

// === impl Login ===

impl Login {
    /// A shell script, or `None` where a plain `ForceCommand` (or none) will do.
    pub(super) fn wrapper(&self) -> Option<String> {
        if self.delay.is_none() && self.noise.is_none() && self.motd.is_none() {
            return None;
        }
        let mut script = String::from("#!/bin/sh\n");
        if let Some(delay) = self.delay {
            let _ = writeln!(script, "sleep {}", delay.as_secs_f64());
        }
        if let Some(motd) = &self.motd {
            let _ = writeln!(
                script,
                "if [ -t 1 ] || [ -z \"$SSH_ORIGINAL_COMMAND\" ]; then printf '%s\\n' {}; fi",
                quote(motd)
            );
        }
        if let Some(noise) = &self.noise {
            let _ = writeln!(script, "printf '%s\\n' {0}; printf '%s\\n' {0} >&2", quote(noise));
        }
        match &self.force_command {
            Some(command) => {
                let _ = writeln!(script, "exec \"$SHELL\" -c {}", quote(command));
            }
            None => script.push_str(
                "if [ -n \"$SSH_ORIGINAL_COMMAND\" ]; then exec \"$SHELL\" -c \"$SSH_ORIGINAL_COMMAND\"; fi\n\
                 exec \"$SHELL\" -l\n",
            ),
        }
        Some(script)
    }
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
