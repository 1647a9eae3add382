//! What is done on each host.

use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sre_core::{Secret, redact};
use sre_remote::facts::{self, Facts};
use sre_remote::fanout::{Finish, Job};
use sre_remote::transfer::{self, Download, Receipt, Upload};
use sre_remote::transport::BoxFuture;
use sre_remote::{Command, Deadline, Error, ExecContext, Host, OutputSink, Session, Stdin, Sudo};

use crate::cli::Args;
use crate::environment::Environment;
use crate::settings::Settings;
use crate::usage::Usage;

/// The work of a run.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    kind: Kind,
    /// What people and the audit log are told; secrets masked.
    pub(crate) title: String,
    /// Shell text that is looked at for destructive commands.
    pub(crate) text: String,
}

#[derive(Debug, Clone)]
enum Kind {
    Command(Command),
    Health,
    Upload(Upload),
    Download { from: String, to: PathBuf, recursive: bool, sudo: Option<Sudo> },
}

/// What came back beside output.
#[derive(Debug, Clone)]
pub(crate) enum Brought {
    Nothing,
    Facts(Box<Facts>),
    Moved(Receipt),
}

/// A script or standard input is held in memory, once for all hosts.
const MOST: u64 = 64 * 1024 * 1024;

// === impl Work ===

impl Work {
    pub(crate) fn new(args: &Args, settings: &Settings, env: &Environment) -> Result<Self, Usage> {
        let work = &args.work;
        if work.script.is_none() && !args.words.is_empty() && args_name_other_work(args) {
            return Err(Usage::new("a command, and --health, --upload or --download: one of them", ""));
        }
        let sudo = sudo(args, settings)?;
        if work.health {
            return Ok(Self::of(Kind::Health, "health", ""));
        }
        if let Some(pair) = &work.upload {
            let (from, to) = pair_of("--upload", pair)?;
            let mut upload = Upload::new(from, to).recursive(work.recursive);
            upload = work.mode.into_iter().fold(upload, Upload::with_mode);
            upload = work.owner.iter().fold(upload, |upload, owner| upload.with_owner(owner));
            upload = sudo.into_iter().fold(upload, Upload::with_sudo);
            return Ok(Self::of(Kind::Upload(upload), &format!("upload {from} to {to}"), ""));
        }
        if let Some(pair) = &work.download {
            let (from, to) = pair_of("--download", pair)?;
            let kind = Kind::Download { from: from.to_owned(), to: to.into(), recursive: work.recursive, sudo };
            return Ok(Self::of(kind, &format!("download {from} into {to}"), ""));
        }
        command(args, sudo, env)
    }

    /// Does what needs no host while the first ones are being reached: sums up what is to be sent.
    pub(crate) async fn prepare(self) {
        if let Kind::Upload(upload) = &self.kind {
            // Who waits for it has a deadline of its own.
            upload.prepare(&ExecContext::until(Deadline::after(Duration::from_secs(3600)))).await;
        }
    }

    fn of(kind: Kind, title: &str, text: &str) -> Self {
        Self { kind, title: redact::text(title).into_owned(), text: text.to_owned() }
    }
}

fn args_name_other_work(args: &Args) -> bool {
    args.work.health || args.work.upload.is_some() || args.work.download.is_some()
}

fn command(args: &Args, sudo: Option<Sudo>, env: &Environment) -> Result<Work, Usage> {
    let (command, title, text) = match (&args.work.script, &args.words[..]) {
        (Some(path), words) => {
            let body = read("--script", path)?;
            let text = String::from_utf8_lossy(&body).into_owned();
            let title = format!("script {} {}", path.display(), words.join(" "));
            (Command::script(body, words), title.trim_end().to_owned(), text)
        }
        (None, []) => {
            let advice = "fleet-run \"uptime -p\" -w web-[01-20]; see --help";
            return Err(Usage::new("nothing to do: no command is given", advice));
        }
        (None, [text]) => (Command::shell(text), text.clone(), text.clone()),
        (None, words) => (Command::argv(words), words.join(" "), words.join(" ")),
    };
    let mut command = command.with_pty(args.work.pty);
    for pair in &args.work.env {
        let (name, value) = match pair.split_once('=') {
            Some((name, value)) => (name, value),
            None => (pair.as_str(), env.var(pair).unwrap_or_default()),
        };
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(Usage::new(format!("`{name}` is no name of a variable (--env)"), "write --env NAME=VALUE"));
        }
        command = command.with_env(name, value);
    }
    command = args.work.cwd.iter().fold(command, |command, folder| command.with_cwd(folder));
    command = sudo.into_iter().fold(command, Command::with_sudo);
    command = match &args.work.stdin {
        None => command,
        Some(path) if path.as_os_str() == "-" => command.with_stdin(own_stdin(args)?),
        Some(path) => {
            File::open(path).map_err(|e| unreadable("--stdin", path, &e))?;
            command.with_stdin(Stdin::File(path.clone()))
        }
    };
    Ok(Work::of(Kind::Command(command), &title, &text))
}

fn own_stdin(args: &Args) -> Result<Stdin, Usage> {
    if args.hosts.reads_stdin() {
        return Err(Usage::new("standard input cannot be both: --servers - and --stdin -", ""));
    }
    let mut content = Vec::new();
    let read = std::io::stdin().lock().take(MOST + 1).read_to_end(&mut content);
    read.map_err(|e| unreadable("--stdin", Path::new("-"), &e))?;
    if content.len() as u64 > MOST {
        return Err(Usage::new("standard input is larger than 64 MiB", "put it into a file: --stdin FILE"));
    }
    Ok(Stdin::Bytes(content.into()))
}

fn pair_of<'a>(flag: &str, pair: &'a str) -> Result<(&'a str, &'a str), Usage> {
    match pair.split_once(':') {
        Some((from, to)) if !from.is_empty() && !to.is_empty() => Ok((from, to)),
        _ => Err(Usage::new(format!("`{pair}` does not say from where to where ({flag})"), "write FROM:TO")),
    }
}

fn read(flag: &str, path: &Path) -> Result<Vec<u8>, Usage> {
    let mut content = Vec::new();
    let file = File::open(path).and_then(|file| file.take(MOST + 1).read_to_end(&mut content));
    file.map_err(|e| unreadable(flag, path, &e))?;
    match content.len() as u64 > MOST {
        true => Err(Usage::new(format!("{} is larger than 64 MiB ({flag})", path.display()), "")),
        false => Ok(content),
    }
}

fn unreadable(flag: &str, path: &Path, error: &std::io::Error) -> Usage {
    Usage::new(format!("cannot read {} ({flag}): {error}", path.display()), "")
}

fn sudo(args: &Args, settings: &Settings) -> Result<Option<Sudo>, Usage> {
    let work = &args.work;
    let wanted = work.sudo || work.sudo_user.is_some() || work.ask_sudo_pass;
    if !wanted && settings.connect.sudo_password_file.is_none() {
        return Ok(None);
    }
    if args.common.dry_run {
        return Ok(Some(Sudo::root()));
    }
    let mut sudo = settings.connect.sudo().map_err(|e| Usage::verbatim(&e))?;
    if let Some(user) = &work.sudo_user {
        sudo = sudo.with_user(user);
    }
    if work.ask_sudo_pass {
        sudo = sudo.with_password(asked("password for sudo: ")?);
    }
    Ok(Some(sudo))
}

/// Asks on the terminal, which does not show what is typed.
fn asked(prompt: &str) -> Result<Secret, Usage> {
    use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(Usage::new("there is no terminal to ask for a password", "use --sudo-password-file FILE"));
    }
    let wrong = |e: &dyn std::fmt::Display| Usage::new(format!("cannot ask for a password: {e}"), "");
    let before = tcgetattr(&stdin).map_err(|e| wrong(&e))?;
    let mut silent = before.clone();
    silent.local_flags.remove(LocalFlags::ECHO);
    tcsetattr(&stdin, SetArg::TCSAFLUSH, &silent).map_err(|e| wrong(&e))?;
    let mut err = std::io::stderr();
    let _ = write!(err, "{prompt}").and_then(|()| err.flush());
    let mut line = String::new();
    let read = stdin.read_line(&mut line);
    let _ = tcsetattr(&stdin, SetArg::TCSAFLUSH, &before);
    let _ = writeln!(err);
    read.map_err(|e| wrong(&e))?;
    Ok(Secret::new(line.trim_end_matches(['\r', '\n'])))
}

impl Job for Work {
    type Output = Brought;

    fn run<'a>(
        &'a self,
        session: &'a mut dyn Session,
        host: &'a Host,
        context: &'a ExecContext,
        sink: &'a mut dyn OutputSink,
    ) -> BoxFuture<'a, Result<Finish<Brought>, Error>> {
        Box::pin(async move {
            match &self.kind {
                Kind::Command(command) => {
                    let exit = session.exec(command, context, sink).await?;
                    Ok(Finish { exit, value: Brought::Nothing })
                }
                Kind::Health => {
                    facts::gather(session, context).await.map(|facts| Finish::ok(Brought::Facts(Box::new(facts))))
                }
                Kind::Upload(upload) => {
                    transfer::upload(session, upload, context).await.map(|receipt| Finish::ok(Brought::Moved(receipt)))
                }
                Kind::Download { from, to, recursive, sudo } => {
                    let folder = to.join(host.name().replace('/', "_")).join("");
                    let mut what = Download::new(from, folder).recursive(*recursive);
                    what = sudo.iter().cloned().fold(what, Download::with_sudo);
                    transfer::download(session, &what, context).await.map(|receipt| Finish::ok(Brought::Moved(receipt)))
                }
            }
        })
    }
}
