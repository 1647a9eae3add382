//! What a plan file may say, and what is said of its mistakes.

use sre_core::config::Layers;
use sre_remote::deploy::Plan;

fn mistake(yaml: &str) -> String {
    match Layers::new().text("deploy.yaml", yaml).and_then(Layers::load::<Plan>) {
        Err(error) => format!("error: {error}"),
        Ok(loaded) => match loaded.value.prepared() {
            Err(error) => format!("error: {error}"),
            Ok(plan) => panic!("{plan:?}"),
        },
    }
}

#[test]
fn each_mistake_is_named_with_its_place() {
    let mistakes = [
        "steps: []",
        "step:\n  - shell: true",
        "delay: 30s",
        "steps:\n  - {}",
        "steps:\n  - name: twice\n    shell: x\n    command: [y]",
        "steps:\n  - shel: x",
        "steps:\n  - shell: x\n  - command: systemctl restart app",
        "steps:\n  - shell: systemctl restart app@{version}",
        "steps:\n  - command: []",
        "steps:\n  - command: [echo, \"{verison}\"]",
        "steps:\n  - upload: app.tgz",
        "steps:\n  - upload: app.tgz\n    to: /opt/\n    mode: 0999",
        "steps:\n  - link: current\n    to: /opt/{version}",
        "steps:\n  - link: /opt/current\n    to: {version}",
        "steps:\n  - shell: x\n    to: /opt",
        "steps:\n  - shell: x\n    env: {DEPLOY_VERSION: v1}",
        "steps:\n  - shell: x\n    timeout: soon",
        "steps:\n  - shell: x\nbatches: 1,0",
        "steps:\n  - shell: x\nbatches: [1, 200%]",
        "steps:\n  - shell: x\nmax_fail: few",
        "steps:\n  - restore: /opt/current",
        "steps:\n  - shell: x\nrollback:\n  - restore: /opt/current",
        "steps:\n  - shell: x\ngate:\n  checks:\n    - http: localhost",
        "steps:\n  - shell: x\ngate:\n  checks:\n    - query: up\n      prometheus: http://prom:9090",
        "steps:\n  - shell: x\ngate:\n  checks:\n    - http: http://x\n      below: 3",
    ];
    let said: Vec<String> = mistakes.map(|yaml| format!("{yaml}\n\n{}\n----", mistake(yaml))).to_vec();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn everything_has_a_default_but_the_steps() {
    let plan = super::rig::plan("steps:\n  - shell: x\nbatches: 20%\ncanary: 1\n");
    assert_eq!(plan.all_batches().of(10), [1, 2, 2, 2, 2, 1]);
    assert_eq!((plan.delay.as_secs(), plan.timeout.as_secs(), plan.max_fail.of(10)), (0, 300, 0));
    assert!(plan.gate.checks.is_empty());
    assert_eq!(super::rig::plan("steps:\n  - shell: x\n").all_batches().of(3), [1, 1, 1]);
}

#[test]
fn the_fingerprint_is_of_what_hosts_get() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("app-v1");
    std::fs::write(&file, "one").unwrap();
    let version = "v1".parse().unwrap();
    let yaml = |extra: &str| {
        let upload = dir.path().join("app-{version}").display().to_string();
        super::rig::plan(&format!("steps:\n  - upload: {upload}\n    to: /opt/app\n{extra}"))
    };
    let first = yaml("").fingerprint(&version).unwrap();
    assert_eq!(first.len(), 32);
    assert_eq!(yaml("delay: 3s\ngate: {within: 5s}\n").fingerprint(&version).unwrap(), first);
    assert_ne!(yaml("  - shell: x\n").fingerprint(&version).unwrap(), first);
    assert_ne!(yaml("rollback:\n  - shell: x\n").fingerprint(&version).unwrap(), first);
    std::fs::write(&file, "two").unwrap();
    assert_ne!(yaml("").fingerprint(&version).unwrap(), first);
    let missing = yaml("").fingerprint(&"v2".parse().unwrap()).unwrap_err().to_string();
    assert!(missing.contains("app-v2") && missing.contains("No such file"), "{missing}");
}
