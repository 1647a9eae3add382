//! Over real SSH servers: an upload, a link, a restart and an HTTP gate that looks at what is really there.

use std::fs;
use std::path::{Path, PathBuf};

use sre_testkit::scripted::{Reply, Request, Server};
use sre_testkit::sshd::{KeySpec, Sshd};

use crate::program::{Program, Run};

/// Three hosts, each with a folder of its own on this machine.
struct Fleet {
    program: Program,
    sshd: Sshd,
    key: PathBuf,
    root: PathBuf,
    _health: Server,
}

const NAMES: [&str; 3] = ["web-01", "web-02", "web-03"];

impl Fleet {
    async fn new() -> Self {
        let sshd = Sshd::builder().any_loopback_address().start().await;
        let key = sshd.client_key(&KeySpec::ed25519()).path().to_owned();
        let program = Program::new();
        let root = program.path("hosts");
        for name in NAMES {
            fs::create_dir_all(root.join(name).join("releases/v1")).unwrap();
            fs::write(root.join(name).join("releases/v1/app"), "one").unwrap();
            std::os::unix::fs::symlink("releases/v1", root.join(name).join("current")).unwrap();
        }
        let served = root.clone();
        // Well is who runs what its link leads to; the third host does not like v3.
        let health = Server::start(move |request: &Request| {
            let host = request.path.trim_start_matches('/').split('/').next().unwrap_or_default().to_owned();
            let app = fs::read_to_string(served.join(&host).join("current/app")).unwrap_or_default();
            let running = fs::read_to_string(served.join(&host).join("running")).unwrap_or_default();
            let well = !app.is_empty() && app == running && !(host == "web-03" && app == "three");
            Reply::text(if well { 200 } else { 503 }, &app)
        })
        .await;
        let known = sshd.known_hosts_file(&["127.0.1.1", "127.0.1.2", "127.0.1.3"]);
        fs::create_dir(program.path(".ssh")).unwrap();
        fs::copy(known, program.path(".ssh/known_hosts")).unwrap();
        let servers: Vec<String> =
            NAMES.iter().enumerate().map(|(i, name)| format!("{name} address=127.0.1.{}\n", i + 1)).collect();
        let plan = format!(
            "batches: 1,2
timeout: 20s
steps:
  - upload: dist/app-{{version}}
    to: {root}/{{host}}/releases/{{version}}/app
    mode: \"0640\"
  - link: {root}/{{host}}/current
    to: releases/{{version}}
  - name: restart
    shell: cp \"{root}/$DEPLOY_HOST/current/app\" \"{root}/$DEPLOY_HOST/running\"
gate:
  within: 400ms
  every: 100ms
  checks:
    - http: {url}/{{host}}/healthz
    - command: [test, -L, \"{root}/{{host}}/current\"]
rollback:
  - restore: {root}/{{host}}/current
  - shell: cp \"{root}/$DEPLOY_HOST/current/app\" \"{root}/$DEPLOY_HOST/running\"
",
            root = root.display(),
            url = health.url()
        );
        fs::create_dir(program.path("dist")).unwrap();
        let program = program
            .file("servers.txt", &servers.concat())
            .file("deploy.yaml", &plan)
            .file("dist/app-v2", "two")
            .file("dist/app-v3", "three");
        Self { program, sshd, key, root, _health: health }
    }

    /// In a thread of its own, because the servers answer from this one.
    async fn deploy(&self, version: &str, more: &[&str]) -> Run {
        let (port, key) = (self.sshd.port().to_string(), self.key.display().to_string());
        let user = self.sshd.user();
        let args = [
            &[version, "--plan", "deploy.yaml", "--servers", "servers.txt", "--ssh-config", "none"][..],
            &["--port", &port, "--username", &user, "--key", &key],
            more,
        ]
        .concat();
        let mut command = self.program.command(&args);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        self.program.transcript(&args, &output)
    }

    fn runs(&self) -> Vec<(String, String)> {
        let link = |name: &str| fs::read_link(self.root.join(name).join("current")).unwrap().display().to_string();
        let running = |name: &str| fs::read_to_string(self.root.join(name).join("running")).unwrap_or_default();
        NAMES.map(|name| (link(name), running(name))).to_vec()
    }
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_goes_out_and_a_bad_one_comes_back() {
    let fleet = Fleet::new().await;
    let good = fleet.deploy("v2", &["--rollback"]).await;
    assert_eq!(good.code, Some(0), "{good}");
    assert_eq!(fleet.runs(), vec![("releases/v2".to_owned(), "two".to_owned()); 3]);
    assert_eq!(mode(&fleet.root.join("web-01/releases/v2/app")), 0o640);
    assert!(good.stdout.contains("3/3 healthy"), "{good}");

    let bad = fleet.deploy("v3", &["--rollback"]).await;
    assert_eq!(bad.code, Some(3), "{bad}");
    assert!(bad.stdout.contains("gate FAILED web-03: http 503 for 400ms"), "{bad}");
    assert!(bad.stdout.contains("rolling back web-03, web-02, web-01"), "{bad}");
    assert_eq!(fleet.runs(), vec![("releases/v2".to_owned(), "two".to_owned()); 3]);

    let kept = fleet.deploy("v3", &["--max-fail", "1"]).await;
    assert_eq!(kept.code, Some(1), "{kept}");
    assert_eq!(fleet.runs()[2], ("releases/v3".to_owned(), "three".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_down_fails_untouched() {
    let fleet = Fleet::new().await;
    let servers = "web-01 address=127.0.1.1\nweb-02 address=127.0.1.2 port=1\nweb-03 address=127.0.1.3\n";
    fs::write(fleet.program.path("servers.txt"), servers).unwrap();
    let run = fleet.deploy("v2", &["--rollback", "-o", "json"]).await;
    assert_eq!(run.code, Some(3), "{run}");
    let report = run.json();
    let host =
        |i: usize| (report["hosts"][i]["state"].as_str().unwrap(), report["hosts"][i]["changed"].as_bool().unwrap());
    assert_eq!(
        (host(0), host(1), host(2)),
        (("rolled-back", false), ("failed", false), ("rolled-back", false)),
        "{run}"
    );
    assert!(report["hosts"][1]["note"].as_str().unwrap().contains("no connection (connect)"), "{run}");
    assert_eq!(fleet.runs()[0].0, "releases/v1");
}

/// The second Ctrl-C ends what runs on the hosts.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_ctrl_c_kills_what_runs_on_the_hosts() {
    use nix::sys::signal::{Signal, kill};
    let fleet = Fleet::new().await;
    fs::write(fleet.program.path("deploy.yaml"), "steps:\n  - shell: sleep 612\n").unwrap();
    let (port, key, user) = (fleet.sshd.port().to_string(), fleet.key.display().to_string(), fleet.sshd.user());
    let args = ["v2", "--plan", "deploy.yaml", "--servers", "servers.txt", "--ssh-config", "none", "--batch-size", "3"];
    let more = ["--port", &port, "--username", &user, "--key", &key];
    let child = fleet.program.command(&[&args[..], &more[..]].concat()).spawn().unwrap();
    let pid = nix::unistd::Pid::from_raw(child.id().try_into().unwrap());
    let sleeping = || {
        let named =
            |pid: &i32| fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default().starts_with(b"sleep\x00612");
        fleet.sshd.remote_processes().into_iter().map(|pid| i32::try_from(pid).unwrap()).filter(named).count()
    };
    until("three hosts sleep", || sleeping() == 3).await;
    kill(pid, Signal::SIGINT).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(sleeping(), 3, "the first one lets it run");
    kill(pid, Signal::SIGINT).unwrap();
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    assert_eq!(fleet.program.transcript(&args, &output).code, Some(130));
    until("nothing is left behind", || sleeping() == 0).await;
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = tokio::time::Instant::now();
    while !holds() {
        assert!(begun.elapsed() < std::time::Duration::from_secs(15), "not in time: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    }
}
