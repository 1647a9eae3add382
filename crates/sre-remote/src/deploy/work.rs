//! Running the steps on one host.

use super::executor::PlanExecutor;
use super::reach::Trouble;
use super::step::{Action, Step};
use super::subject::Subject;
use crate::command::Command;
use crate::rollout::HostFailure;
use crate::transfer::{self, Upload};
use crate::transport::Session;

/// Lets a link point somewhere else.
const LINK: &str = include_str!("sh/link.sh");
/// Takes that back.
const RESTORE: &str = include_str!("sh/restore.sh");

impl PlanExecutor {
    /// Runs `steps`, one after the other, over one session; `phase` is what commands find in `DEPLOY_PHASE`.
    pub(super) async fn run_steps(&self, subject: Subject<'_>, steps: &[Step], phase: &str) -> Result<(), HostFailure> {
        let reached = self.reach.connect(subject.host).await;
        let mut session = reached.map_err(|error| {
            let trouble = Trouble::of(&error);
            HostFailure { reason: trouble.reason, touched: trouble.touched }
        })?;
        for (i, step) in steps.iter().enumerate() {
            self.tell(subject.host, i, steps.len(), step);
            let done = self.run_step(&mut *session, subject, step, phase).await;
            if let Err(trouble) = done {
                let reason = format!("step {} of {} ({}): {}", i + 1, steps.len(), step.title(), trouble.reason);
                return Err(HostFailure { reason, touched: trouble.touched || i > 0 });
            }
        }
        session.close().await;
        Ok(())
    }

    async fn run_step(
        &self,
        session: &mut dyn Session,
        subject: Subject<'_>,
        step: &Step,
        phase: &str,
    ) -> Result<(), Trouble> {
        let timeout = step.timeout.unwrap_or(self.plan.timeout);
        let script =
            |body: &'static str, link, to| Command::script(body.as_bytes(), [subject.fill(link), subject.fill(to)]);
        let command = match &step.action {
            Action::Upload { from, to, mode } => {
                let mut upload = self.upload(&subject.fill(from), subject.fill(to));
                if let Some(mode) = mode {
                    upload = upload.with_mode(*mode);
                }
                if step.sudo {
                    upload = upload.with_sudo(self.reach.sudo.clone());
                }
                let sent = transfer::upload(session, &upload, &self.reach.context(timeout)).await;
                return sent.map(|_| ()).map_err(|error| Trouble::of(&error));
            }
            Action::Command(words) => Command::argv(words.iter().map(|word| subject.fill(word))),
            Action::Shell(text) => Command::shell(text),
            Action::Link { link, to } => script(LINK, link, to),
            Action::Restore { link, to } => script(RESTORE, link, to),
        };
        let mut command = subject.equip(command, phase);
        for (name, value) in &step.env {
            command = command.with_env(name, value);
        }
        if let Some(cwd) = &step.cwd {
            command = command.with_cwd(subject.fill(cwd));
        }
        self.reach.run(session, &self.as_root(command, step.sudo), timeout).await
    }

    /// What is read of a file once serves all hosts.
    fn upload(&self, from: &str, to: String) -> Upload {
        let mut uploads = self.uploads.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let known = uploads.entry((from.to_owned(), to.clone()));
        known.or_insert_with(|| Upload::new(from, to).recursive(true).with_parents(true)).clone()
    }

    pub(super) fn as_root(&self, command: Command, sudo: bool) -> Command {
        if sudo { command.with_sudo(self.reach.sudo.clone()) } else { command }
    }
}
