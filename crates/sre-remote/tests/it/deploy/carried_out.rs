//! Plans carried out: what reaches the shell is data, what fails is told, gates wait, rollbacks undo.

use std::fs;
use std::path::Path;

use sre_core::SystemClock;
use sre_remote::Host;
use sre_remote::rollout::{Driver, End, Error, Event, Executor as _, HostState, Log, Outcome, Rollout, Settings};

use super::rig::{Answers, executor, plan};

/// Keeps the events.
#[derive(Debug, Default)]
struct Memory(Vec<Event>);

impl Log for Memory {
    fn append(&mut self, event: &Event) -> Result<(), Error> {
        self.0.push(event.clone());
        Ok(())
    }
}

#[tokio::test]
async fn hostile_names_reach_the_shell_as_data() {
    let dir = tempfile::tempdir().unwrap();
    let canary = dir.path().join("canary");
    let here = dir.path().display();
    let yaml = format!(
        "steps:\n  - shell: printf '%s\\n' \"$DEPLOY_VERSION\" \"$DEPLOY_HOST\" \"$DEPLOY_ADDRESS\" \"$EXTRA\" > out\n    cwd: {here}\n    env: {{EXTRA: \"$(touch {canary}); `touch {canary}`\"}}\n  - command: [sh, -c, 'printf \"%s\\n\" \"$@\" >> out', sh, \"; touch {canary}\", \"$(touch {canary})\", \"it's {{version}}\", \"\", \"-n\"]\n    cwd: {here}\n",
        canary = canary.display()
    );
    let name = format!("web'; touch {c}; $(touch {c})\n`touch {c}`", c = canary.display());
    let host = Host::new(name.as_str()).with_address("10.0.0.1 & touch canary");
    executor(plan(&yaml), Answers::default()).deploy(&host).await.unwrap();
    let c = canary.display();
    let expected = format!(
        "v2\n{name}\n10.0.0.1 & touch canary\n$(touch {c}); `touch {c}`\n; touch {c}\n$(touch {c})\nit's v2\n\n-n\n"
    );
    assert_eq!(fs::read_to_string(dir.path().join("out")).unwrap(), expected);
    assert!(!canary.exists());
    // Where the name would be filled into a path or a URL, it is refused before anything happens.
    let filled = plan("steps:\n  - command: [touch, \"/tmp/{host}\"]\n");
    let refused = filled.check_hosts(&[Host::new("web-01"), host]).unwrap_err().to_string();
    assert!(refused.contains("cannot be filled into paths or URLs") && refused.lines().count() == 1, "{refused}");
    filled.check_hosts(&[Host::new("web-01").with_address("fe80::1%eth0")]).unwrap();
}

#[tokio::test]
async fn a_step_that_fails_says_which_and_why() {
    let yaml = "steps:\n  - name: prepare\n    shell: true\n  - shell: echo one >&2; echo two >&2; exit 3\n";
    let failed = executor(plan(yaml), Answers::default()).deploy(&Host::new("h")).await.unwrap_err();
    assert_eq!(failed.reason, "step 2 of 2 (shell: echo one >&2; echo two >&2; exit 3): exit 3: two");
    assert!(failed.touched);
    let yaml = "timeout: 200ms\nsteps:\n  - shell: sleep 20\n";
    let failed = executor(plan(yaml), Answers::default()).deploy(&Host::new("h")).await.unwrap_err();
    assert!(failed.reason.ends_with("timed out (read)") && failed.touched, "{}", failed.reason);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_cannot_be_reached_is_tried_three_times_and_is_untouched() {
    let executor = executor(plan("steps:\n  - shell: true\n"), Answers::default());
    let failed = executor.deploy(&Host::new("down-1")).await.unwrap_err();
    assert_eq!((failed.reason.as_str(), failed.touched), ("no connection (connect) (3 attempts)", false));
}

#[tokio::test]
async fn the_gate_waits_until_a_host_is_well() {
    let yaml = "steps:\n  - shell: true\ngate:\n  every: 10ms\n  within: 5s\n  checks:\n    - http: http://{address}:80/{version}\n    - command: ['true']\n    - name: errors\n      query: rate(errors[1m])\n      prometheus: http://prom:9090\n      below: 0.1\n";
    let answers = Answers::default();
    answers
        .http
        .lock()
        .unwrap()
        .extend([("http://a:80/v2".to_owned(), vec![503, 502, 200]), ("http://[fe80::1]:80/v2".to_owned(), vec![200])]);
    answers.queries.lock().unwrap().insert("rate(errors[1m])".to_owned(), vec![f64::NAN, 3.0, 0.05]);
    let hosts = [Host::new("a"), Host::new("b").with_address("fe80::1")];
    let report = executor(plan(yaml), answers).gate(1, &hosts).await;
    assert_eq!(report.refused, None);
    assert_eq!(report.hosts[0].as_deref().unwrap(), "http 200 in 40ms, true ok");
    assert_eq!(report.hosts[1].as_deref().unwrap(), "http 200 in 40ms, true ok, errors 0.05 (wanted below 0.1)");
}

#[tokio::test(start_paused = true)]
async fn the_gate_gives_up_when_its_time_is_over() {
    let yaml = "steps:\n  - shell: true\ngate:\n  checks:\n    - http: http://{host}/\n    - query: up\n      prometheus: http://prom:9090\n      above: 0\n";
    let answers = Answers::default();
    answers.http.lock().unwrap().extend([("http://a/".to_owned(), vec![503]), ("http://b/".to_owned(), vec![200])]);
    let executor = executor(plan(yaml), answers);
    let report = executor.gate(1, &[Host::new("a"), Host::new("b")]).await;
    assert_eq!(report.hosts[0], Err("http 503 for 30s".to_owned()));
    assert_eq!((report.hosts[1].is_ok(), report.refused), (true, None));
    // A Prometheus that does not answer is no proof that all is well.
    let report = executor.gate(1, &[Host::new("b")]).await;
    assert_eq!(report.refused.as_deref(), Some("prometheus: no answer from up for 30s"));
}

#[tokio::test]
async fn the_health_of_a_host_is_looked_at() {
    let generous = "disk_used_percent: {warning: 101, critical: 101}, inodes_used_percent: {warning: 101, critical: 101}, memory_available_percent: {warning: 0, critical: 0}, load_per_core: {warning: 9999, critical: 9999}, swap_used_percent: {warning: 101}, cpu_busy_percent: {warning: 101}";
    let look = async |limits: &str, more: &str| {
        let yaml = format!(
            "steps:\n  - shell: 'true'\ngate:\n  within: 10ms\n  every: 20ms\n  checks:\n    - health: {{{limits}}}\n{more}"
        );
        executor(plan(&yaml), Answers::default()).gate(1, &[Host::new("h")]).await.hosts.remove(0)
    };
    let well = look(generous, "").await.unwrap();
    assert!(well.contains("cpu ") && well.contains("memory ") && well.contains("disk "), "{well}");
    let busy = generous.replace("load_per_core: {warning: 9999", "load_per_core: {warning: 0");
    let warned = look(&busy, "").await;
    assert!(warned.is_ok(), "a warning is no failure: {warned:?}");
    let said = look(&busy, "      fail_on: warning\n").await.unwrap_err();
    assert!(said.starts_with("health: load "), "{said}");
}

fn content(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

#[tokio::test]
async fn a_whole_rollout_with_a_failing_host_is_undone_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("app-v2"), "new").unwrap();
    for host in ["a", "b", "c"] {
        fs::create_dir_all(dir.path().join(host).join("v1")).unwrap();
        std::os::unix::fs::symlink("v1", dir.path().join(host).join("current")).unwrap();
    }
    let here = dir.path().display();
    let yaml = format!(
        "steps:\n  - upload: {here}/app-{{version}}\n    to: {here}/{{host}}/{{version}}/app\n    mode: \"0640\"\n  - link: {here}/{{host}}/current\n    to: \"{{version}}\"\n  - shell: test \"$DEPLOY_HOST\" != c\nrollback:\n  - restore: {here}/{{host}}/current\n  - shell: rm -r \"{here}/$DEPLOY_HOST/$DEPLOY_VERSION\"\n"
    );
    let executor = executor(plan(&yaml), Answers::default());
    let hosts = ["a", "b", "c", "down-1"].map(Host::new).to_vec();
    let mut rollout = Rollout::new(hosts, &[1, 2, 1], Settings::default().with_rollback(true)).unwrap();
    let mut log = Memory::default();
    let end = Driver::new(&executor, &mut log, SystemClock::shared()).run(&mut rollout).await.unwrap();
    assert_eq!(end, End::Done(Outcome::RolledBack), "{:#?}", log.0);
    let uploaded = log.0.iter().filter(|event| matches!(event, Event::Deployed { .. })).count();
    assert_eq!((uploaded, rollout.count(HostState::RolledBack)), (2, 3));
    for host in ["a", "b", "c"] {
        let host = dir.path().join(host);
        assert_eq!(fs::read_link(host.join("current")).unwrap(), Path::new("v1"));
        assert!(!host.join("v2").exists());
    }
    assert_eq!(content(&dir.path().join("app-v2")), "new");
}
