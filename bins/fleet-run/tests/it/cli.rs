//! The command line: what is printed without touching a host, and what is wrong.

use insta::assert_snapshot;

use crate::rig::Rig;

#[tokio::test]
async fn help_fits_and_says_the_exit_codes() {
    let run = Rig::new().run(["--help"]).await;
    assert_eq!(run.code, Some(0));
    assert_snapshot!(run.stdout);
}

#[tokio::test]
async fn hosts_are_listed_and_folded_without_reaching_any() {
    let rig = Rig::new();
    rig.file("servers.txt", "web-01\nweb-02 # new\nsre@db-1:2222\nweb-03\n");
    let list = rig.run(["--servers", "servers.txt", "-x", "web-02", "--list"]).await;
    assert_eq!((list.code, list.stdout.as_str()), (Some(0), "web-01\ndb-1\nweb-03\n"));
    let fold = rig.run(["-w", "web-[01-20],db-[1-3]", "-x", "web-07", "--list", "--fold"]).await;
    assert_eq!((fold.code, fold.stdout.as_str()), (Some(0), "db-[1-3],web-[01-06,08-20]\n"));
}

#[tokio::test]
async fn mistakes_end_with_64_and_say_what_to_do() {
    let rig = Rig::new();
    rig.file("servers.txt", "web-01\n");
    rig.file("bad.yaml", "wokers: 3\n");
    let cases: [&[&str]; 13] = [
        &["uptime", "-w", "a", "--wokers", "3"],
        &["uptime", "-w", "web-[01-"],
        &["uptime"],
        &["-w", "a"],
        &["uptime", "-w", "a", "-x", "a"],
        &["uptime", "--servers", "server.txt"],
        &["uptime", "-w", "a", "--max-fail", "many"],
        &["uptime", "-w", "a", "--gather", "--stream"],
        &["uptime", "-w", "a", "--health"],
        &["--upload", "nginx.conf", "-w", "a"],
        &["uptime", "-w", "a", "--config", "bad.yaml"],
        &["reboot", "-w", "a[1-11]"],
        &["--retry-failed", "last"],
    ];
    let mut said = String::new();
    for args in cases {
        let run = rig.run(args).await;
        assert_eq!((run.code, run.stdout.as_str()), (Some(64), ""), "{args:?}: {run:?}");
        said += &format!("$ fleet-run {}\n{}\n", args.join(" "), run.stderr);
    }
    assert_snapshot!(said);
}

#[tokio::test]
async fn a_dry_run_says_what_would_run_where() {
    let rig = Rig::new();
    let args = ["systemctl restart nginx", "-w", "web-[01-20]", "--max-fail", "10%", "--workers", "5", "--dry-run"];
    let run = rig.run(args).await;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_snapshot!(run.stdout);
    assert!(!rig.home().join(".local/state/fleet-run").exists(), "and nothing is remembered");
}

#[tokio::test]
async fn settings_come_from_file_environment_and_flags() {
    let rig = Rig::new();
    rig.file(".config/fleet-run/config.yaml", "workers: 7\nusername: sre\nretries: 1\n");
    let mut command = rig.command(["--show-config", "--workers", "9"]);
    command.env("FLEET_RUN_RETRIES", "4");
    let output = command.output().await.unwrap();
    assert_snapshot!(String::from_utf8(output.stdout).unwrap().replace(rig.home().to_str().unwrap(), "~"));
}
