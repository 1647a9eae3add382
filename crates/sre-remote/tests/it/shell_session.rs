//! A session whose host is this machine: commands run as children, files are copied. For what has to be provoked and
//! no real server does on demand.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use sre_core::Target;
use sre_remote::command::Program;
use sre_remote::transport::BoxFuture;
use sre_remote::{Command, Error, ErrorKind, ExecContext, Exit, OutputSink, OutputStream, Peer, Phase, Session, Stdin};
use tokio::io::{AsyncRead, AsyncReadExt};

/// This machine as a host.
#[derive(Debug, Default)]
pub(crate) struct ShellSession {
    pub(crate) peer: Peer,
    /// The only folder in which programs are found.
    pub(crate) path: Option<OsString>,
    /// Commands are refused.
    pub(crate) no_exec: bool,
    /// File transfer is there.
    pub(crate) sftp: bool,
    /// Said on both outputs before each command's own.
    pub(crate) noise: &'static str,
    /// Answers every command with this instead of running it.
    pub(crate) forced: Option<&'static str>,
    /// Commands that were asked for.
    pub(crate) commands: usize,
    /// Standard input ends after so many bytes, as when a connection breaks.
    pub(crate) stdin_cap: Option<u64>,
}

// === impl ShellSession ===

impl ShellSession {
    /// One with the programs of a folder alone.
    pub(crate) fn with_path(path: &Path) -> Self {
        Self { path: Some(path.into()), ..Self::default() }
    }

    async fn run(
        &mut self,
        command: &Command,
        context: &ExecContext,
        sink: &mut dyn OutputSink,
    ) -> Result<Exit, Error> {
        self.commands += 1;
        if self.no_exec {
            return Err(error(ErrorKind::ExecRefused, Phase::Exec));
        }
        if let Some(forced) = self.forced {
            sink.output(OutputStream::Stderr, forced.as_bytes());
            return Ok(Exit::Code(1));
        }
        let words = words_of(command.program());
        let program = match &self.path {
            Some(folder) => Path::new(folder).join(&words[0]),
            None => PathBuf::from(&words[0]),
        };
        let mut child = tokio::process::Command::new(program);
        child.args(&words[1..]).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
        child.stdin(self.stdin(command.stdin()).await);
        if let Some(path) = &self.path {
            child.env("PATH", path);
        }
        child.envs(command.env().iter().map(|(name, value)| (name, value.expose())));
        if let Some(folder) = command.cwd() {
            child.current_dir(folder);
        }
        let mut child = child.spawn().unwrap();
        let group = Pid::from_raw(child.id().unwrap().try_into().unwrap());
        if !self.noise.is_empty() {
            sink.output(OutputStream::Stdout, self.noise.as_bytes());
            sink.output(OutputStream::Stderr, self.noise.as_bytes());
        }
        let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let (mut out_open, mut err_open) = (true, true);
        let stopped = loop {
            if !out_open && !err_open {
                break None;
            }
            tokio::select! {
                chunk = chunk(&mut stdout, &mut out), if out_open => {
                    out_open = chunk;
                    if chunk { sink.output(OutputStream::Stdout, &out) }
                }
                chunk = chunk(&mut stderr, &mut err), if err_open => {
                    err_open = chunk;
                    if chunk { sink.output(OutputStream::Stderr, &err) }
                }
                () = context.interrupt.triggered() => break Some(ErrorKind::Interrupted),
                () = tokio::time::sleep_until(context.deadline.instant()) => break Some(ErrorKind::Timeout),
            }
        };
        if let Some(kind) = stopped {
            let _ = killpg(group, Signal::SIGKILL);
            child.wait().await.unwrap();
            return Err(error(kind, Phase::Read));
        }
        let status = child.wait().await.unwrap();
        Ok(status.code().map_or_else(|| Exit::Signal("KILL".to_owned()), |code| Exit::Code(code.try_into().unwrap())))
    }

    async fn stdin(&self, stdin: &Stdin) -> Stdio {
        match stdin {
            Stdin::File(path) => match self.stdin_cap {
                Some(cap) => {
                    let mut head = tokio::process::Command::new("head");
                    head.arg("-c").arg(cap.to_string()).arg(path).stdout(Stdio::piped());
                    let mut head = head.spawn().unwrap();
                    head.stdout.take().unwrap().try_into().unwrap()
                }
                None => fs::File::open(path).unwrap().into(),
            },
            _ => Stdio::null(),
        }
    }

    fn files(&self) -> Result<(), Error> {
        if self.sftp { Ok(()) } else { Err(error(ErrorKind::Unsupported, Phase::Transfer)) }
    }
}

impl Session for ShellSession {
    fn peer(&self) -> &Peer {
        &self.peer
    }

    fn exec<'a>(
        &'a mut self,
        command: &'a Command,
        context: &'a ExecContext,
        sink: &'a mut dyn OutputSink,
    ) -> BoxFuture<'a, Result<Exit, Error>> {
        Box::pin(self.run(command, context, sink))
    }

    fn write_file<'a>(
        &'a mut self,
        from: &'a Path,
        to: &'a str,
        mode: u32,
        _context: &'a ExecContext,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async move {
            self.files()?;
            let count = fs::copy(from, to).map_err(|error| broken(&error))?;
            fs::set_permissions(to, fs::Permissions::from_mode(mode)).map_err(|error| broken(&error))?;
            Ok(count)
        })
    }

    fn read_file<'a>(
        &'a mut self,
        from: &'a str,
        to: &'a Path,
        _context: &'a ExecContext,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async move {
            self.files()?;
            fs::copy(from, to).map_err(|error| broken(&error))
        })
    }

    fn rename_file<'a>(
        &'a mut self,
        from: &'a str,
        to: &'a str,
        _context: &'a ExecContext,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.files()?;
            fs::rename(from, to).map_err(|error| broken(&error))
        })
    }

    fn remove_file<'a>(&'a mut self, path: &'a str, _context: &'a ExecContext) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.files()?;
            fs::remove_file(path).map_err(|error| broken(&error))
        })
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }
}

fn words_of(program: &Program) -> Vec<String> {
    let text = |text: &str| ["sh", "-c", text].map(str::to_owned).to_vec();
    match program {
        Program::Argv(words) => words.clone(),
        Program::Shell(line) => text(line),
        Program::Script(script) => {
            let mut words = text(std::str::from_utf8(&script.body).unwrap());
            words.push("script".to_owned());
            words.extend(script.args.iter().cloned());
            words
        }
        other => panic!("{other:?}"),
    }
}

/// A folder with these programs and no others; `from` gives each its file.
pub(crate) fn programs(folder: &Path, names: &[&str], from: impl Fn(&str) -> PathBuf) -> PathBuf {
    let bin = folder.join("bin");
    fs::create_dir(&bin).unwrap();
    for name in names {
        symlink(from(name), bin.join(name)).unwrap();
    }
    bin
}

async fn chunk(from: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> bool {
    buffer.resize(16 * 1024, 0);
    let count = from.read(buffer).await.unwrap();
    buffer.truncate(count);
    count > 0
}

fn broken(from: &std::io::Error) -> Error {
    error(ErrorKind::Transfer, Phase::Transfer).with_detail(from.to_string())
}

fn error(kind: ErrorKind, phase: Phase) -> Error {
    Error::about(kind, phase, Target::new("this machine"))
}
