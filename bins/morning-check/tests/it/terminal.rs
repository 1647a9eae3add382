//! On a real terminal: the progress line comes and goes, Ctrl-C leaves nothing behind, colour and width fit.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{Termios, tcgetattr};
use nix::unistd::Pid;
use sre_testkit::scripted::{Reply, Server};
use tokio::time::Instant;

use crate::program::Program;

const PATIENCE: Duration = Duration::from_secs(20);

/// The program at a terminal of its own, killed when dropped.
struct Session {
    child: Child,
    keyboard: File,
    terminal: Option<OwnedFd>,
    before: Termios,
    shown: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

/// What a session left.
struct Ended {
    code: Option<i32>,
    /// What went through stdout where that was a pipe.
    piped: String,
    raw: String,
    took: Duration,
}

// === impl Session ===

impl Session {
    /// Stdin and stderr are the terminal, and stdout too unless it is piped.
    fn start(program: &Program, columns: u16, piped: bool, args: &[&str]) -> Self {
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(&size, None).unwrap();
        let before = tcgetattr(&pty.slave).unwrap();
        let end = || Stdio::from(pty.slave.try_clone().unwrap());
        // `setsid --ctty` makes stdin the controlling terminal, so that Ctrl-C becomes a signal; it then becomes the program.
        let mut command = Command::new("setsid");
        let command = program.equip(&mut command).arg("--ctty").arg(env!("CARGO_BIN_EXE_morning-check")).args(args);
        let command = command.stdin(end()).stdout(if piped { Stdio::piped() } else { end() }).stderr(end());
        let child = command.spawn().expect("setsid, of the package util-linux");
        let keyboard = File::from(pty.master);
        let shown = Arc::new(Mutex::new(Vec::new()));
        let reader = std::thread::spawn({
            let (mut screen, shown) = (keyboard.try_clone().unwrap(), shown.clone());
            move || {
                let mut buffer = [0; 4096];
                // At the end of a terminal there is an error (EIO), not an end of file.
                while let Ok(n @ 1..) = screen.read(&mut buffer) {
                    shown.lock().unwrap().extend_from_slice(&buffer[..n]);
                }
            }
        });
        Self { child, keyboard, terminal: Some(pty.slave), before, shown, reader: Some(reader) }
    }

    fn raw(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    fn wait_for(&self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.raw().contains(text) {
            assert!(Instant::now() < deadline, "no {text:?} in {:?}", self.raw());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn ctrl_c(&mut self) {
        self.keyboard.write_all(b"\x03").unwrap();
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// Waits for its end, and that the terminal is as it was.
    fn end(mut self) -> Ended {
        let started = Instant::now();
        let code = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status.code();
            }
            assert!(started.elapsed() < PATIENCE, "it does not end; {:?}", self.raw());
            std::thread::sleep(Duration::from_millis(5));
        };
        let took = started.elapsed();
        let mut piped = String::new();
        if let Some(mut stdout) = self.child.stdout.take() {
            stdout.read_to_string(&mut piped).unwrap();
        }
        let terminal = self.terminal.take().unwrap();
        assert!(tcgetattr(&terminal).unwrap() == self.before, "the terminal's settings were changed");
        drop(terminal);
        self.reader.take().unwrap().join().unwrap();
        Ended { code, piped, raw: self.raw(), took }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

// === impl Ended ===

impl Ended {
    /// What is to be seen in the end, without colour.
    fn screen(&self) -> Vec<String> {
        let mut lines = vec![Vec::new()];
        let mut column = 0;
        let mut chars = self.raw.chars();
        while let Some(c) = chars.next() {
            let line = lines.last_mut().unwrap();
            match c {
                '\r' => column = 0,
                '\n' => lines.push(Vec::new()),
                '\x1b' => match chars.by_ref().skip(1).find(char::is_ascii_alphabetic) {
                    Some('K') => line.truncate(column),
                    Some('m') => {}
                    other => panic!("an unexpected escape {other:?} in {:?}", self.raw),
                },
                c => {
                    line.resize(line.len().max(column + 1), ' ');
                    line[column] = c;
                    column += 1;
                }
            }
        }
        lines.into_iter().map(|line| line.into_iter().collect::<String>().trim_end().to_owned()).collect()
    }
}

fn hanging() -> (tokio::runtime::Runtime, Server) {
    serving(Reply::hang)
}

/// A server in a runtime of its own, because the test waits for a process.
fn serving(reply: fn() -> Reply) -> (tokio::runtime::Runtime, Server) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start(move |_| reply()));
    (runtime, server)
}

fn refusing() -> Reply {
    Reply::text(401, "who are you?").delay(Duration::from_millis(300))
}

#[test]
fn progress_is_shown_and_erased() {
    let (_runtime, server) = serving(refusing);
    let program = Program::new();
    let session = Session::start(&program, 200, false, &["--prometheus-url", &server.url(), "--no-state"]);
    session.wait_for("0/1 sources");
    let ended = session.end();
    assert_eq!(ended.code, Some(3));
    assert!(ended.raw.contains("waiting for http://127.0.0.1:"), "{:?}", ended.raw);
    let screen = ended.screen();
    assert!(screen[0].starts_with("UNKNOWN  no findings   0 of 1 sources answered in "), "{screen:#?}");
    assert!(!screen.iter().any(|line| line.contains("waiting for")), "{screen:#?}");
}

#[test]
fn ctrl_c_ends_at_once_and_leaves_nothing() {
    let (runtime, server) = hanging();
    let program = Program::new();
    let args = ["--prometheus-url", &server.url(), "--region", "us-east-1", "--only", "prometheus"];
    let mut session = Session::start(&program, 80, true, &args);
    session.wait_for("0/1 sources");
    runtime.block_on(server.wait_for_requests(1));
    session.ctrl_c();
    let ended = session.end();
    assert_eq!((ended.code, ended.piped.as_str()), (Some(130), ""));
    assert!(ended.took < Duration::from_secs(1), "{:?}", ended.took);
    assert_eq!(ended.screen(), [""], "{:?}", ended.raw);
    assert!(!program.path(".local").exists(), "an interrupted run is not remembered");
}

#[test]
fn sigterm_ends_at_once_and_leaves_nothing() {
    let (runtime, server) = hanging();
    let program = Program::new();
    let session = Session::start(&program, 80, false, &["--prometheus-url", &server.url()]);
    session.wait_for("0/1 sources");
    runtime.block_on(server.wait_for_requests(1));
    session.signal(Signal::SIGTERM);
    let ended = session.end();
    assert_eq!(ended.code, Some(143));
    assert!(ended.took < Duration::from_secs(1), "{:?}", ended.took);
    assert_eq!(ended.screen(), [""], "{:?}", ended.raw);
}

#[test]
fn progress_and_report_fit_the_width() {
    let (_runtime, server) = serving(refusing);
    let url = format!("{}/a/sub/path/that/is/rather/long", server.url());
    let session = Session::start(&Program::new(), 60, false, &["--prometheus-url", &url, "--no-state"]);
    session.wait_for("0/1 sources");
    let ended = session.end();
    for drawn in ended.raw.split("\r\u{1b}[K").filter(|text| text.contains("waiting for")) {
        assert!(drawn.trim_end().chars().count() < 60, "{drawn:?}");
    }
    let screen = ended.screen();
    assert!(screen.iter().any(|line| line == "     check the token or password and what it may read"), "{screen:#?}");
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    let (_runtime, server) = serving(|| Reply::text(401, "who are you?"));
    let url = server.url();
    let args = ["--prometheus-url", url.as_str(), "--no-state"];
    let raw = |program: &Program| Session::start(program, 80, false, &args).end().raw;
    let bold = "\u{1b}[1m";
    assert!(raw(&Program::new()).contains(bold));
    assert!(!raw(&Program::new().env("NO_COLOR", "1")).contains(bold));
    let dumb = raw(&Program::new().env("TERM", "dumb"));
    assert!(!dumb.contains('\u{1b}'), "a dumb terminal can neither colour nor erase: {dumb:?}");
}

#[test]
fn the_log_and_the_progress_line_do_not_mix() {
    let (_runtime, server) = serving(refusing);
    let args = ["--prometheus-url", &server.url(), "--no-state", "-vv"];
    let screen = Session::start(&Program::new().env("NO_COLOR", "1"), 200, true, &args).end().screen();
    let garbled = |line: &String| !line.is_empty() && !line.starts_with("20");
    assert!(!screen.iter().any(garbled), "{screen:#?}");
}
