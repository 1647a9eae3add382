//! Shows the report, posts it, remembers it: everything that happens after the verdict.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sre_alerts::slack::{Message, SlackWebhook};
use sre_core::chain::ErrorChain;
use sre_core::color::ColorHints;
use sre_core::effects::{Applied, Effects};
use sre_core::exit::ExitCode;
use sre_core::http::{Client, Proxy};
use sre_core::lock::FileLock;
use sre_core::output::Format;
use sre_core::{RetryPolicy, Secret, SharedClock, atomic, duration};

use crate::cli::Args;
use crate::environment::Environment;
use crate::history::LastRun;
use crate::plan::Plan;
use crate::render::{self, Style};
use crate::report::Report;
use crate::settings::{Settings, Usage, Webhook};
use crate::verdict::FailOn;

/// Findings of one severity in a text report without `-v`.
const MOST: usize = 50;

/// Posting takes a second or two; it gets at most this much of the run's deadline for itself.
const LONGEST_SHARE: Duration = Duration::from_secs(10);

/// How a report leaves the process; prepared before anything is asked, so that a mistake in it costs no time.
#[derive(Debug)]
pub(crate) struct Delivery {
    format: Format,
    query: Option<String>,
    output_file: Option<PathBuf>,
    receiver: Receiver,
    channel: Option<String>,
    state: Option<PathBuf>,
    effects: Effects,
    exit_zero: bool,
    annotate: bool,
    fail_on: FailOn,
    hints: Vec<String>,
    style: Style,
    clock: SharedClock,
}

/// Who gets the report.
#[derive(Debug)]
enum Receiver {
    None,
    Slack(Box<SlackWebhook>),
    Missing(String),
}

impl Delivery {
    pub(crate) fn prepare(
        args: &Args,
        env: &Environment,
        settings: &Settings,
        clock: &SharedClock,
    ) -> Result<Self, Usage> {
        let check = &args.check;
        let format = match (&check.query, check.output) {
            (None, format) => format.unwrap_or_default(),
            (Some(_), None | Some(Format::Json)) => Format::Json,
            (Some(_), Some(_)) => {
                return Err(Usage::new("--query works on JSON".to_owned(), "leave --output out, or say json"));
            }
        };
        if let Some(query) = &check.query {
            let advice = "see https://jmespath.org; text stands in 'single quotes'";
            render::check_query(query).map_err(|e| Usage::from_error(&e, advice))?;
        }
        let Plan { hints: could_check, .. } = &settings.plan;
        let receiver = match &settings.webhook {
            Webhook::None => Receiver::None,
            Webhook::Missing(why) => Receiver::Missing(why.clone()),
            Webhook::At(url) => Receiver::Slack(Box::new(webhook(url, settings.config.timeout, clock)?)),
        };
        let terminal = env.stdout_terminal && check.output_file.is_none();
        let hints = ColorHints::new(|name| env.var(name).map(Into::into), terminal);
        let style = Style {
            color: check.output_file.is_none() && args.common.color.resolve(&hints),
            glyphs: env.glyphs(),
            width: env.width.filter(|_| terminal),
            zone: env.zone.clone(),
            now: clock.now(),
            most: (args.common.verbose == 0).then_some(MOST),
        };
        Ok(Self {
            format,
            query: check.query.clone(),
            output_file: check.output_file.clone(),
            receiver,
            channel: settings.config.slack.channel.clone(),
            state: if check.no_state { None } else { state_file(env) },
            effects: Effects::new(args.common.dry_run),
            exit_zero: check.exit_zero,
            annotate: check.annotate && env.var("GITHUB_ACTIONS").is_some(),
            fail_on: settings.config.fail_on,
            hints: could_check.clone(),
            style,
            clock: clock.clone(),
        })
    }

    /// What the last run found; a file that cannot be read is logged and counts as none.
    pub(crate) fn last_run(&self) -> Option<LastRun> {
        LastRun::load(self.state.as_ref()?).unwrap_or_else(|error| {
            tracing::warn!(error = %ErrorChain(&error), "nothing to compare with");
            None
        })
    }

    /// The part of the run's deadline that is kept for posting the report.
    pub(crate) fn share_of(&self, deadline: Duration) -> Duration {
        match self.receiver {
            Receiver::Slack(_) => (deadline / 4).min(LONGEST_SHARE),
            Receiver::None | Receiver::Missing(_) => Duration::ZERO,
        }
    }

    /// Shows, posts (within `left`) and remembers the report.
    pub(crate) async fn deliver(&self, report: &Report, next: LastRun, left: Duration) -> ExitCode {
        let shown = self.show(report).unwrap_or_else(|usage| usage.print());
        let posted = self.post(report, left).await;
        self.remember(&next);
        let verdict = match report.verdict.exit_code {
            _ if self.exit_zero => ExitCode::OK,
            1 => ExitCode::FINDINGS,
            2 => ExitCode::INCOMPLETE,
            3 => ExitCode::AUTH,
            _ => ExitCode::OK,
        };
        match (shown, posted) {
            (ExitCode::OK, true) => verdict,
            (ExitCode::OK, false) if self.exit_zero => ExitCode::OK,
            (ExitCode::OK, false) => ExitCode::INCOMPLETE,
            (failed, _) => failed,
        }
    }

    fn render(&self, report: &Report) -> Result<String, Usage> {
        let defect = |e: &dyn std::error::Error| Usage::from_error(e, "").with_code(ExitCode::SOFTWARE);
        if let Some(query) = &self.query {
            return render::query(report, query).map_err(|e| Usage::from_error(&e, "try it on the output of -o json"));
        }
        match self.format {
            Format::Json => render::json(report).map_err(|e| defect(&e)),
            Format::Slack => payload(&self.message(report)).map_err(|e| defect(&e)),
            Format::Markdown => Ok(render::markdown(report, &self.style)),
            Format::Junit => Ok(render::junit(report, &self.style, self.fail_on)),
            Format::Html => render::html(report, &self.style).map_err(|e| defect(&e)),
            _ => Ok(render::text(report, &self.style) + &self.hints()),
        }
    }

    fn hints(&self) -> String {
        if self.hints.is_empty() {
            return String::new();
        }
        let rows: Vec<String> = self.hints.iter().map(|hint| format!("   {hint}\n")).collect();
        format!("\n Nothing is configured, so only this host was checked. It could check as well:\n{}", rows.concat())
    }

    fn show(&self, report: &Report) -> Result<ExitCode, Usage> {
        let text = self.render(report)?;
        match &self.output_file {
            None => print(&text),
            Some(path) => {
                let what = format!("write the report to {}", path.display());
                let done = self.effects.apply(what, || atomic::write(path, text.as_bytes()));
                let done = done.map_err(|e| Usage::verbatim(&e).with_code(ExitCode::CANTCREAT))?;
                if done == Applied::Would {
                    print(&text);
                    self.aside(&format!("would write the report to {}", path.display()));
                }
            }
        }
        if self.annotate {
            self.aside(render::annotations(report).trim_end());
        }
        Ok(ExitCode::OK)
    }

    /// Posts the report; false when that failed, which was said on stderr.
    async fn post(&self, report: &Report, left: Duration) -> bool {
        let (webhook, to) = match &self.receiver {
            Receiver::None => return true,
            Receiver::Slack(webhook) => (Ok(webhook), webhook.target().to_string()),
            Receiver::Missing(why) => (Err(why), "Slack".to_owned()),
        };
        let message = self.message(report);
        let what = format!("post the report to {to}");
        let posted = self.effects.apply_async(&what, async || match webhook {
            Ok(webhook) => send(webhook, &message, left).await,
            Err(why) => Err(why.clone()),
        });
        match posted.await {
            Ok(Applied::Done(())) => true,
            Ok(Applied::Would) => {
                let body = payload(&message).unwrap_or_else(|e| e.to_string());
                self.aside(&format!("would {what}:\n{}", body.trim_end()));
                true
            }
            Err(why) => {
                let kept = match &self.output_file {
                    Some(path) => format!("the report is in {}", path.display()),
                    None => "the report was printed above".to_owned(),
                };
                Usage::new(format!("the report was not posted: {why}"), &kept).print();
                false
            }
        }
    }

    fn remember(&self, next: &LastRun) {
        let Some(path) = &self.state else { return };
        let keep = || -> Result<(), Box<dyn std::error::Error>> {
            let dir = path.parent().unwrap_or(Path::new("/"));
            std::fs::create_dir_all(dir)?;
            // Two runs at once: the later one to finish is remembered, whole.
            let _lock = FileLock::try_lock(dir.join("lock"), &*self.clock)?;
            atomic::AtomicFile::new(path).mode(0o600).write(&next.to_json()?)?;
            Ok(())
        };
        if let Err(error) = self.effects.apply(format!("remember this run in {}", path.display()), keep) {
            tracing::warn!(error = %ErrorChain(&*error), path = %path.display(), "this run is not remembered");
        }
    }

    fn message(&self, report: &Report) -> Message {
        render::slack(report, &self.style, self.channel.as_deref())
    }

    /// Words beside the report: with it for people, on stderr where stdout is for programs.
    fn aside(&self, text: &str) {
        if self.format == Format::Text && self.query.is_none() {
            print(&format!("{text}\n"));
        } else {
            let _ = writeln!(io::stderr().lock(), "{text}");
        }
    }
}

async fn send(webhook: &SlackWebhook, message: &Message, left: Duration) -> Result<(), String> {
    match tokio::time::timeout(left, webhook.post(message)).await {
        Ok(Ok(receipt)) => {
            tracing::info!(parts = receipt.parts, attempts = receipt.attempts, "posted to {}", receipt.target);
            Ok(())
        }
        Ok(Err(error)) => Err(format!("{error}\n   = {}", error.kind().advice())),
        Err(_) => Err(format!("no answer from {} in {}", webhook.target(), duration::format(left))),
    }
}

fn webhook(url: &Secret, patience: Duration, clock: &SharedClock) -> Result<SlackWebhook, Usage> {
    let client = Client::builder()
        .user_agent(crate::settings::USER_AGENT)
        .proxy(Proxy::FromEnvironment)
        .clock(clock.clone())
        .deadline(patience)
        // Nobody else shall get the report.
        .redirects(0)
        .build()
        .map_err(|e| Usage::from_error(&e, ""))?;
    let retry = RetryPolicy::builder()
        .base(Duration::from_secs(1))
        .cap(patience.max(Duration::from_secs(1)))
        .deadline(patience);
    let retry = retry.build().map_err(|e| Usage::from_error(&e, ""))?;
    let webhook = SlackWebhook::new(client, url.clone())
        .map_err(|e| Usage::new(e.detail().to_owned(), "copy it again from the app's settings"))?;
    Ok(webhook.retry(retry).clock(clock.clone()))
}

/// What goes over the wire, one JSON document a message.
fn payload(message: &Message) -> Result<String, serde_json::Error> {
    message.parts().iter().map(|part| serde_json::to_string_pretty(part).map(|text| text + "\n")).collect()
}

/// A reader that has gone away (`| head`) has seen what it wanted.
fn print(text: &str) {
    let mut out = io::stdout().lock();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush())
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        tracing::error!(%error, "stdout cannot be written");
    }
}

fn state_file(env: &Environment) -> Option<PathBuf> {
    env.xdg("XDG_STATE_HOME", ".local/state").map(|dir| dir.join("morning-check/last-run.json"))
}
