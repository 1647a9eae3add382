//! The real program, killed with SIGKILL at random moments of a simulation and resumed until it is over.

use std::collections::BTreeMap;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::program::Program;

/// Real time, so that there is something to kill in the middle of.
const ARGS: [&str; 14] = [
    "v9",
    "-w",
    "web-[01-12]",
    "--simulate",
    "--simulate-duration",
    "20ms..90ms",
    "--batch-size",
    "3",
    "--delay",
    "50ms",
    "--workers",
    "2",
    "--seed",
    "3",
];

fn events(program: &Program) -> Vec<Value> {
    let text = std::fs::read_to_string(program.journal("simulations")).unwrap();
    text.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn of_host<'e>(events: &'e [Value], name: &str) -> BTreeMap<&'e str, usize> {
    let mut count = BTreeMap::new();
    for event in events.iter().filter(|event| event["event"] == name) {
        *count.entry(event["host"].as_str().unwrap()).or_default() += 1;
    }
    count
}

/// Lives of 10 to 200 ms until the program ends by itself; returns its code and how often it was killed.
fn until_over(program: &Program, args: &[&str], seed: u64) -> (Option<i32>, usize) {
    let mut dice = seed;
    let mut kills = 0;
    for life in 0..200 {
        let resume: &[&str] =
            if program.path(".local/state/fleet-deploy/simulations").is_dir() { &["--resume"] } else { &[] };
        let mut child = program.command(&[args, resume].concat()).spawn().unwrap();
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Later lives are longer, so that it ends on a busy machine, too.
        let patience = Duration::from_millis(10 + (dice >> 33) % 190 + 20 * life);
        let deadline = tokio::time::Instant::now() + patience;
        let ended = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            if tokio::time::Instant::now() > deadline {
                break None;
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        match ended {
            // Killed so early that there was no whole journal yet: the folder is there, and nothing to resume.
            Some(status) if status.code() == Some(64) => {
                std::fs::remove_dir_all(program.path(".local")).unwrap();
            }
            Some(status) => return (status.code(), kills),
            None => {
                kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGKILL).unwrap();
                child.wait().unwrap();
                kills += 1;
            }
        }
    }
    panic!("it never ends");
}

#[test]
fn no_host_is_deployed_twice_and_none_forgotten() {
    let mut kills = 0;
    for seed in [1, 2] {
        let program = Program::new();
        let (code, killed) = until_over(&program, &ARGS, seed);
        assert_eq!(code, Some(0));
        kills += killed;
        let events = events(&program);
        let deployed = of_host(&events, "deployed");
        assert_eq!(deployed.len(), 12, "{events:#?}");
        assert!(deployed.values().all(|count| *count == 1), "{deployed:?}");
        assert_eq!(of_host(&events, "healthy").len(), 12);
        assert_eq!(events.last().unwrap()["outcome"], "healthy");
    }
    assert!(kills > 0, "nothing was tested");
}

#[test]
fn a_rollback_that_is_killed_is_finished() {
    let args = [&ARGS[..], &["--simulate-failure", "20%", "--rollback", "--plan", "deploy.yaml"]].concat();
    let plan = "steps:\n  - shell: 'true'\ngate:\n  within: 60ms\n  every: 20ms\n  checks:\n    - http: http://{host}/\nrollback:\n  - shell: 'true'\n";
    let program = Program::new().file("deploy.yaml", plan);
    let (code, _) = until_over(&program, &args, 5);
    let events = events(&program);
    assert_eq!(code, Some(3), "{events:#?}");
    let begun = of_host(&events, "started");
    for host in of_host(&events, "deployed").keys() {
        assert!(of_host(&events, "rolled-back").contains_key(host), "{host} is left changed");
    }
    assert!(of_host(&events, "rolled-back").keys().all(|host| begun.contains_key(host)));
}

#[test]
fn ctrl_c_stops_cleanly_and_says_how_to_go_on() {
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let program = Program::new();
        let args = [&ARGS[..], &["--simulate-duration", "150ms..300ms"]].concat();
        // clap takes the last one of a flag only when it may be repeated.
        let args: Vec<&str> =
            args.into_iter().enumerate().filter(|(i, _)| !matches!(i, 4 | 5)).map(|(_, arg)| arg).collect();
        let child = program.command(&args).spawn().unwrap();
        let pid = Pid::from_raw(child.id().try_into().unwrap());
        let begun = tokio::time::Instant::now();
        while begun.elapsed() < Duration::from_secs(10)
            && !program.path(".local/state/fleet-deploy/simulations").is_dir()
        {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(50));
        kill(pid, signal).unwrap();
        let run = program.transcript(&args, &child.wait_with_output().unwrap());
        assert_eq!(run.code, Some(code), "{run}");
        assert!(run.stdout.contains("to go on: fleet-deploy v9 ") && run.stdout.contains(" --resume\n"), "{run}");
        assert!(run.stderr.contains("stopping: what runs on hosts comes to its end"), "{run}");
        let events = events(&program);
        assert_eq!(events.last().unwrap()["event"], "interrupted");
        assert_eq!(of_host(&events, "started").len(), of_host(&events, "deployed").len(), "what ran came to its end");
        let rest = program.run(&[&args[..], &["--resume"]].concat());
        assert_eq!(rest.code, Some(0), "{rest}");
    }
}

#[test]
fn a_second_ctrl_c_does_not_wait_and_what_ran_is_done_again() {
    let program = Program::new();
    let args = ["v9", "-w", "a,b", "--batch-size", "2", "--simulate", "--simulate-duration", "600s"];
    let child = program.command(&args).spawn().unwrap();
    let pid = Pid::from_raw(child.id().try_into().unwrap());
    let begun = tokio::time::Instant::now();
    let started = || {
        let journals = std::fs::read_dir(program.path(".local/state/fleet-deploy/simulations")).into_iter().flatten();
        let texts = journals.filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok());
        texts.map(|text| text.matches("\"started\"").count()).sum::<usize>()
    };
    while started() < 2 {
        assert!(begun.elapsed() < Duration::from_secs(15), "not begun");
        std::thread::sleep(Duration::from_millis(10));
    }
    kill(pid, Signal::SIGINT).unwrap();
    // Two signals that come at once are one.
    std::thread::sleep(Duration::from_millis(300));
    kill(pid, Signal::SIGINT).unwrap();
    let run = program.transcript(&args, &child.wait_with_output().unwrap());
    assert_eq!(run.code, Some(130), "{run}");
    assert!(begun.elapsed() < Duration::from_secs(30), "{run}");
    let events = events(&program);
    assert!(events.iter().all(|event| event["event"] == "started"), "nothing failed: {events:?}");
    let rest = program.run(&[&args[..], &["--resume", "--fast"]].concat());
    assert_eq!(rest.code, Some(0), "{rest}");
}

#[test]
fn two_runs_do_not_share_a_rollout() {
    let program = Program::new();
    let args = ["v9", "-w", "a,b", "--simulate", "--simulate-duration", "2s", "--resume"];
    let mut first = program.command(&args[..args.len() - 1]).spawn().unwrap();
    let begun = tokio::time::Instant::now();
    let second = loop {
        let run = program.run(&args);
        // Before the first has its journal there is nothing to resume.
        if run.code != Some(64) || begun.elapsed() > Duration::from_secs(10) {
            break run;
        }
    };
    assert_eq!(second.code, Some(75), "{second}");
    assert!(second.stderr.contains("another run is working on this rollout"), "{second}");
    first.kill().unwrap();
    first.wait().unwrap();
}
