//! The two example rules, executed for real: `find`, `df`, `sh` and a `systemctl` that writes down what it is asked.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sre_alerts::Alert;
use sre_alerts::remediation::{Config, Driver, EXAMPLES, Engine, Rule};
use sre_core::config::Layers;
use sre_core::{Severity, SystemClock};

use super::books::Books;
use super::local::Local;

/// Runs the example rule on an alert of its own type, in this folder, without waiting before the check.
async fn run(name: &str, dir: &Path, change: impl FnOnce(&mut Rule)) -> Arc<Books> {
    let mut config: Config = Layers::new().text("examples.yaml", EXAMPLES).unwrap().load().unwrap().value;
    config.fleet = vec!["web-0".to_owned()];
    let rule = config.rules.iter_mut().find(|rule| rule.name == name).unwrap();
    rule.dry_run = false;
    if let Some(verify) = &mut rule.verify {
        (verify.after, verify.every, verify.tries) = (Duration::ZERO, Duration::ZERO, 1);
    }
    change(rule);
    let books = Arc::new(Books::default());
    let engine = Engine::new(config).unwrap();
    let local = Arc::new(Local { dir: dir.to_owned() });
    let (remediator, driver) =
        Driver::new(engine, local, books.clone(), books.clone(), SystemClock::shared(), 1).unwrap();
    let alert = Alert::builder(Severity::Critical, name).label("type", name).label("host", "web-0");
    remediator.offer(alert.starts_at(jiff::Timestamp::UNIX_EPOCH).build().unwrap());
    drop(remediator);
    driver.run().await;
    books
}

#[expect(clippy::disallowed_methods, reason = "files are as old as the wall clock says")]
fn old(file: &Path, minutes: u64) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let at = SystemTime::now() - Duration::from_secs(minutes * 60);
    File::create(file).unwrap().set_modified(at).unwrap();
}

#[tokio::test]
async fn disk_full_removes_rotated_logs_of_more_than_a_week() {
    const WEEK: u64 = 7 * 24 * 60;
    let dir = tempfile::tempdir().unwrap();
    let logs = dir.path().join("logs with a space; touch canary");
    let gone =
        ["syslog.1", "syslog.2.gz", "app/x.log-20260101", "app/y.log.10", "app/z.xz", "a.bz2", "b.zst", "-rf.gz"];
    let kept = ["syslog", "app/x.log", "notes.txt", "app/keep.conf", "1"];
    for name in gone.iter().chain(&kept) {
        old(&logs.join(name), WEEK + 2);
    }
    old(&logs.join("young.gz"), WEEK - 2);
    old(&dir.path().join("outside.gz"), WEEK * 2);
    std::os::unix::fs::symlink(dir.path(), logs.join("link.gz")).unwrap();
    let books = run("disk_full", dir.path(), |rule| {
        rule.vars.insert("logs".into(), logs.display().to_string());
        rule.vars.insert("most_used".into(), "101".into());
    })
    .await;
    let runs = books.runs.lock().unwrap();
    assert_eq!(runs[1]["result"], "fixed", "{runs:?}");
    assert!(runs[1]["check_output"].as_str().unwrap().contains("% used"));
    let printed = runs[1]["output"].as_str().unwrap();
    for name in gone {
        assert!(!logs.join(name).exists() && printed.contains(name), "{name}: {printed}");
    }
    for name in kept.iter().chain(&["young.gz", "link.gz"]) {
        assert!(logs.join(name).symlink_metadata().is_ok(), "{name}");
    }
    assert!(dir.path().join("outside.gz").exists() && !dir.path().join("canary").exists());
}

#[tokio::test]
async fn disk_full_escalates_when_there_is_no_more_room_than_before() {
    let dir = tempfile::tempdir().unwrap();
    let books = run("disk_full", dir.path(), |rule| {
        rule.vars.insert("logs".into(), dir.path().display().to_string());
        rule.vars.insert("most_used".into(), "0".into());
    })
    .await;
    let alerts = books.alerts.lock().unwrap();
    assert_eq!(
        (alerts[0].severity, alerts[0].title.as_str()),
        (Severity::Error, "remediation disk_full did not help on web-0")
    );
}

fn systemctl(dir: &Path, active: bool) {
    let file = dir.join("systemctl");
    let exit = i32::from(!active);
    let script =
        format!("#!/bin/sh\nprintf '[%s]' \"$@\" >> asked\necho >> asked\n[ \"$1\" = restart ] || exit {exit}\n");
    fs::write(&file, script).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn high_cpu_restarts_one_service_and_looks_at_the_load() {
    for (active, load, result) in
        [(true, "1000000", "fixed"), (false, "1000000", "not_fixed"), (true, "0", "not_fixed")]
    {
        let dir = tempfile::tempdir().unwrap();
        systemctl(dir.path(), active);
        let books = run("high_cpu", dir.path(), |rule| {
            rule.vars.insert("service".into(), "my app; touch canary".into());
            rule.vars.insert("load_per_cpu".into(), load.into());
        })
        .await;
        let runs = books.runs.lock().unwrap();
        assert_eq!(runs[1]["result"], result, "{runs:?}");
        let asked = fs::read_to_string(dir.path().join("asked")).unwrap();
        let lines = "[restart][--][my app; touch canary]\n[is-active][--quiet][--][my app; touch canary]\n";
        assert_eq!(asked, lines);
        assert!(!dir.path().join("canary").exists());
    }
}
