//! The local survey: on this very host, and on hosts made of files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sre_core::clock::FixedClock;
use sre_core::{Severity, SharedClock, SystemClock};
use sre_health::local::{Piece, ZombieParent};
use sre_health::{CODES, LocalHost, LocalOptions, LocalSurvey};
use tempfile::TempDir;

fn clock() -> SharedClock {
    Arc::new(FixedClock::at("2026-03-23T07:00:00Z".parse().unwrap()))
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// A host in trouble: little memory, much swap, high load, a young boot, a failed unit, 25 zombies.
fn sick_host() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let put = |path: &str, text: &str| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put("proc/sys/kernel/hostname", "web-01\n");
    put("proc/meminfo", "MemTotal: 16000000 kB\nMemAvailable: 640000 kB\nSwapTotal: 1000000 kB\nSwapFree: 100000 kB\n");
    put("proc/loadavg", "9.00 8.50 4.00 9/400 4242\n");
    put("proc/stat", "cpu  100 0 50 1000 10 0 5 0 0 0\ncpu0 50 0 25 500 5 0 2 0 0 0\ncpu1 50 0 25 500 5 0 3 0 0 0\n");
    put("proc/uptime", "240.00 400.00\n");
    put("proc/self/mountinfo", "");
    put("proc/1/stat", "1 (init) S 0 1");
    for pid in 100..125 {
        put(&format!("proc/{pid}/stat"), &format!("{pid} (job) Z 1 1"));
    }
    fs::create_dir_all(dir.path().join("run/systemd/system")).unwrap();
    dir
}

async fn survey(options: LocalOptions) -> LocalSurvey {
    LocalHost::new(options.cpu_interval(Duration::from_millis(20)), clock()).survey().await
}

#[tokio::test]
async fn this_host_is_seen_as_df_and_free_see_it() {
    let options = LocalOptions::new().cpu_interval(Duration::from_millis(200));
    let survey = LocalHost::new(options, SystemClock::shared()).survey().await;
    assert!(survey.uptime_seconds.unwrap() > 0.0);
    assert!(survey.memory.unwrap().available_bytes > 0);
    assert!(survey.swap.is_some() && survey.load.unwrap().cores > 0 && survey.zombies.is_some());
    assert!((0.0..=100.0).contains(&survey.cpu.unwrap().busy_percent));
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_eq!(survey.host.as_str(), name.trim());

    let root = survey.disks.as_ref().unwrap().iter().find(|d| d.mount == "/").unwrap();
    let df = std::process::Command::new("df").args(["-B1", "--output=size,avail,pcent", "/"]).output().unwrap();
    let df = String::from_utf8(df.stdout).unwrap();
    let mut numbers = df.lines().nth(1).unwrap().split_ascii_whitespace().map(|w| w.trim_end_matches('%'));
    assert_eq!(numbers.next().unwrap().parse(), Ok(root.total_bytes));
    let avail: u64 = numbers.next().unwrap().parse().unwrap();
    assert!(avail.abs_diff(root.available_bytes) < root.total_bytes / 20, "other builds write meanwhile");
    let percent: f64 = numbers.next().unwrap().parse().unwrap();
    assert!((percent - root.used_percent).abs() <= 2.0, "{percent} {}", root.used_percent);
}

#[tokio::test]
async fn a_sick_host_has_a_finding_for_each_illness() {
    let host = sick_host();
    let options = LocalOptions::new().root(host.path()).systemctl(fixture("systemctl-json"));
    let survey = survey(options).await;
    let found: Vec<String> = survey
        .findings()
        .iter()
        .map(|f| format!("{} {} {} | {} | {}", f.code, f.severity, f.subject, f.title, f.detail))
        .collect();
    insta::assert_snapshot!(found.join("\n"), @r"
    HOST-MEMORY critical memory | memory 4% available | 625 MiB of 15.3 GiB
    HOST-SWAP warning swap | swap 90% used | 879 MiB of 977 MiB
    HOST-LOAD critical load | load 4.25 a core | 9.00 8.50 4.00 on 2 cores
    HOST-UNITS warning nginx.service | unit failed | A web server
    HOST-ZOMBIES warning zombies | 25 zombie processes | 25 of init (pid 1)
    HOST-REBOOTED info uptime | booted 4m ago |
    ");
    assert!(survey.findings().iter().all(|f| CODES.iter().any(|d| d.code == f.code) && f.target.as_str() == "web-01"));
    assert_eq!(survey.findings().last().unwrap().since, Some("2026-03-23T06:56:00Z".parse().unwrap()));
    // The counters of a folder stand still: that is a missing piece and no 0 %.
    assert_eq!(survey.cpu, None);
    assert!(!survey.is_complete());
    assert_eq!(survey.notes.iter().map(|n| n.piece).collect::<Vec<_>>(), [Piece::Cpu]);
}

#[tokio::test]
async fn the_json_form_has_null_and_a_note_for_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let survey = survey(LocalOptions::new().root(dir.path())).await;
    assert!(survey.findings().is_empty() && !survey.is_complete());
    let mut json = serde_json::to_string_pretty(&survey).unwrap();
    json = json.replace("No such file or directory (os error 2)", "ENOENT");
    insta::assert_snapshot!(json);
}

#[tokio::test]
async fn systemctl_that_fails_or_hangs_is_a_note_and_no_delay() {
    let host = sick_host();
    for (program, said) in [
        ("systemctl-fail", "systemctl failed (exit status: 1): Failed to connect to bus: No such file or directory"),
        ("systemctl-hang", "systemctl did not answer in time"),
        ("no-such-program", "cannot run"),
    ] {
        let options = LocalOptions::new().root(host.path()).deadline(Duration::from_millis(500));
        let survey = survey(options.systemctl(fixture(program))).await;
        let note = survey.notes.iter().find(|n| n.piece == Piece::Units).unwrap();
        assert!(note.reason.contains(said) && !note.expected, "{note}");
        assert_eq!(survey.failed_units, None);
        assert!(survey.memory.is_some(), "the rest stands");
    }
}

#[tokio::test]
async fn a_host_without_systemd_is_complete() {
    let host = sick_host();
    fs::remove_dir_all(host.path().join("run")).unwrap();
    let survey = survey(LocalOptions::new().root(host.path())).await;
    let note = survey.notes.iter().find(|n| n.piece == Piece::Units).unwrap();
    assert_eq!((note.to_string().as_str(), note.expected), ("units: systemd does not run here", true));
}

#[tokio::test]
async fn full_disks_are_findings_and_read_only_ones_are_not() {
    let host = sick_host();
    for name in ["data disk", "frozen", "protected"] {
        fs::create_dir(host.path().join(name)).unwrap();
    }
    let mounts = "1 0 8:1 / /data\\040disk rw - ext4 /dev/sdb1 rw\n2 0 8:2 / /frozen ro - ext4 /dev/sdc1 ro\n\
                  3 0 8:3 / /vanished rw - ext4 /dev/sdd1 rw\n4 0 8:4 / /protected ro - ext4 /dev/sde1 rw\n";
    fs::write(host.path().join("proc/self/mountinfo"), mounts).unwrap();
    let thresholds = serde_json::from_str(
        r#"{"disk_used_percent": {"warning": 0, "critical": null}, "inodes_used_percent": {"warning": 0, "critical": 0}}"#,
    );
    let survey = survey(LocalOptions::new().root(host.path()).thresholds(thresholds.unwrap())).await;
    assert_eq!(survey.disks.as_ref().unwrap().len(), 3, "{survey:?}");
    let disks: Vec<_> = survey.findings().into_iter().filter(|f| f.subject.starts_with('/')).collect();
    let subjects: Vec<&str> =
        disks.iter().filter(|f| f.code.as_str() == "HOST-DISK").map(|f| f.subject.as_str()).collect();
    assert_eq!(subjects, ["/data disk", "/protected"]);
    assert!(disks.iter().all(|f| f.subject != "/frozen"), "{disks:?}");
    assert_eq!((disks[0].code.as_str(), disks[0].severity), ("HOST-DISK", Severity::Warning));
    let evidence = serde_json::to_string(&disks[0].evidence[0]).unwrap();
    assert_eq!(evidence, r#"{"command":"df -h '/data disk'"}"#);
}

/// A real zombie: a child that has ended and was not waited for.
#[tokio::test]
async fn a_real_zombie_is_counted_with_its_parent() {
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let me = std::process::id();
    let mine = |survey: &LocalSurvey| {
        survey.zombies.as_ref().unwrap().parents.iter().find(|p| p.pid == me).map(|p: &ZombieParent| p.zombies)
    };
    let mut seen = None;
    for _ in 0..200 {
        seen = mine(&survey(LocalOptions::new()).await);
        if seen.is_some() {
            break;
        }
    }
    child.wait().unwrap();
    assert!(seen.is_some_and(|n| n >= 1));
}
