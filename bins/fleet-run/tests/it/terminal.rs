//! On a real terminal: the progress line comes and goes, Ctrl-C works, questions are asked.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::pty::{Winsize, openpty};
use tokio::time::Instant;

use crate::rig::Rig;

/// The program at a terminal of its own, killed when dropped.
struct Session {
    child: Child,
    keyboard: File,
    shown: Arc<Mutex<Vec<u8>>>,
}

// === impl Session ===

impl Session {
    fn start(rig: &Rig, args: &[String]) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(&size, None).unwrap();
        let end = || Stdio::from(pty.slave.try_clone().unwrap());
        // `setsid --ctty` makes stdin the controlling terminal, so that Ctrl-C becomes a signal; it then becomes the program.
        let mut command = Command::new("setsid");
        command.env_clear().env("HOME", rig.home()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("TERM", "xterm").env("USER", "tester").current_dir(rig.home());
        command.arg("--ctty").arg(env!("CARGO_BIN_EXE_fleet-run")).args(args);
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn();
        let child = child.expect("setsid, of the package util-linux");
        let keyboard = File::from(pty.master);
        let shown: Arc<Mutex<Vec<u8>>> = Arc::default();
        let (mut screen, seen) = (keyboard.try_clone().unwrap(), shown.clone());
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // At the end of a terminal there is an error (EIO), not an end of file.
            while let Ok(n @ 1..) = screen.read(&mut buffer) {
                seen.lock().unwrap().extend_from_slice(&buffer[..n]);
            }
        });
        Self { child, keyboard, shown }
    }

    fn raw(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    fn wait_for(&self, text: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !self.raw().contains(text) {
            assert!(Instant::now() < deadline, "no {text:?} in {:?}", self.raw());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn type_in(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
    }

    fn code(&mut self) -> Option<i32> {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < deadline, "it does not end; {:?}", self.raw());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_drawn_and_ctrl_c_has_two_levels() {
    let (rig, fleet) = Rig::with_fleet().await;
    let args = fleet.args(&["echo hi; sleep 600", "-w", "127.0.9.[1-3]", "--workers", "2"]);
    let mut session = Session::start(&rig, &args);
    session.wait_for("0/3  ok 0  running 2");
    session.type_in("\x03");
    session.wait_for("2 still running: 127.0.9.[1-2]");
    session.type_in("\x03");
    session.wait_for("killing what runs on 2 hosts");
    assert_eq!(session.code(), Some(130), "{:?}", session.raw());
    session.wait_for("0/3 ok");
    session.wait_for("2 interrupted, 1 skipped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destructive_command_on_many_hosts_is_asked_about() {
    let (rig, fleet) = Rig::with_fleet().await;
    let args = fleet.args(&["rm -rf /no/such/folder", "-w", "127.0.9.[1-2]", "--confirm-above", "1"]);
    let mut no = Session::start(&rig, &args);
    no.wait_for("`rm -rf` on 2 hosts: go on? [y/N]");
    no.type_in("\n");
    assert_eq!(no.code(), Some(64), "{:?}", no.raw());
    assert_eq!(fleet.sshd.connections(), 0);
    let mut yes = Session::start(&rig, &args);
    yes.wait_for("[y/N]");
    yes.type_in("y\n");
    assert_eq!(yes.code(), Some(0), "{:?}", yes.raw());
    yes.wait_for("2/2 ok");
}
