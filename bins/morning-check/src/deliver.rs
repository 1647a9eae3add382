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
use crate::report::{Report, SourceEntry};
use crate::settings::{Settings, Usage, Webhook};
use crate::source::SourceKey;
use crate::verdict::FailOn;

/// Findings of one severity in a text report without `-v`.
const MOST: usize = 50;

/// Another run holds the lock for milliseconds.
const LOCK_WAIT: Duration = Duration::from_secs(2);

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
        if let Some(path) = &check.output_file {
            writable(path)?;
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
        let posted = self.post(report, left, shown == ExitCode::OK).await;
        self.remember(next, &report.sources).await;
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
            None => print(&text)?,
            Some(path) => {
                let what = format!("write the report to {}", path.display());
                let done = self.effects.apply(what, || atomic::write(path, text.as_bytes()));
                let done = done.map_err(|e| {
                    // The report was work; it is not lost because a disk is full.
                    let _ = print(&text);
                    Usage::new(e.to_string(), "the report was printed instead").with_code(ExitCode::CANTCREAT)
                })?;
                if done == Applied::Would {
                    print(&text)?;
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
    async fn post(&self, report: &Report, left: Duration, shown: bool) -> bool {
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
                    Some(path) if shown => format!("the report is in {}", path.display()),
                    _ => "the report was printed above".to_owned(),
                };
                Usage::new(format!("the report was not posted: {why}"), &kept).print();
                false
            }
        }
    }

    async fn remember(&self, next: LastRun, sources: &[SourceEntry]) {
        let Some(path) = &self.state else { return };
        let what = format!("remember this run in {}", path.display());
        let keep = async || -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
            let dir = path.parent().unwrap_or(Path::new("/"));
            std::fs::create_dir_all(dir)?;
            let _lock = FileLock::lock_wait(dir.join("lock"), LOCK_WAIT, &*self.clock).await?;
            let asked: Vec<SourceKey> = sources.iter().map(|s| s.key.clone()).collect();
            let next = match LastRun::load(path)? {
                Some(other) => next.merged(other, &asked),
                None => next,
            };
            atomic::AtomicFile::new(path).mode(0o600).write(&next.to_json()?)?;
            Ok(())
        };
        if let Err(error) = self.effects.apply_async(what, keep).await {
            tracing::warn!(error = %ErrorChain(&*error), path = %path.display(), "this run is not remembered");
        }
    }

    fn message(&self, report: &Report) -> Message {
        render::slack(report, &self.style, self.channel.as_deref())
    }

    /// Words beside the report: with it for people, on stderr where stdout is for programs.
    fn aside(&self, text: &str) {
        if self.format == Format::Text && self.query.is_none() {
            let _ = print(&format!("{text}\n"));
        } else {
            let _ = writeln!(io::stderr().lock(), "{text}");
        }
    }
}

/// Said before anything is asked: a run may take minutes.
fn writable(path: &Path) -> Result<(), Usage> {
    let folder = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let what = match (path.is_dir(), folder.is_dir()) {
        (true, _) => format!("--output-file {}: it is a folder", path.display()),
        (false, false) => format!("--output-file {}: there is no folder {}", path.display(), folder.display()),
        (false, true) => return Ok(()),
    };
    Err(Usage::new(what, "name a file in a folder that exists"))
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
pub(crate) fn print(text: &str) -> Result<(), Usage> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let what = format!("stdout cannot be written: {error}");
            Err(Usage::new(what, "free space or send it elsewhere").with_code(ExitCode::CANTCREAT))
        }
        _ => Ok(()),
    }
}

fn state_file(env: &Environment) -> Option<PathBuf> {
    env.xdg("XDG_STATE_HOME", ".local/state").map(|dir| dir.join("morning-check/last-run.json"))
}
