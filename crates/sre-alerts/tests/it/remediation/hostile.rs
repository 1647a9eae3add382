//! Hostile alerts over HTTP, to a rule that runs a real shell on the label it is given: no word of them is executed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use sre_alerts::inbound::Credential;
use sre_alerts::remediation::{Action, Argv, Driver, Engine, PastRun, Remediating, RunLog, RunRecord};
use sre_core::{Secret, SystemClock};

use super::local::Local;
use super::{argv, config, rule};
use crate::inbound::door::{Door, Kept, SIGNING};

#[derive(Debug, Default)]
struct Runs(Mutex<Vec<Value>>);

impl RunLog for Runs {
    fn record(&self, record: &RunRecord) -> std::io::Result<()> {
        self.0.lock().unwrap().push(serde_json::to_value(record).unwrap());
        Ok(())
    }

    fn past(&self, _: &mut dyn FnMut(PastRun)) -> std::io::Result<()> {
        Ok(())
    }
}

/// Whatever a shell may do with one of these, it touches the canary.
fn attacks(canary: &Path) -> Vec<String> {
    let touch = format!("touch {}", canary.display());
    [
        "; {}",
        "&& {}",
        "| {}",
        "|| {}",
        "& {}",
        "$({})",
        "`{}`",
        "\n{}\n",
        "\r\n{}",
        "'; {}; '",
        "\"; {}; \"",
        "x'$({})'",
        "x\"$({})\"",
        "${IFS};{}",
        "\\; {}",
        "a b; {}",
        "%0a{}",
        "\u{0}; {}",
        "\u{2028}{}",
        ")\n{}\n(",
        "};{};{",
        "<({})",
        ">/dev/null; {}",
        "{}",
        "-c {}",
        "--eval={}",
        "../../../bin/{}",
        "/bin/sh -c '{}'",
        "~root; {}",
        "*; {}",
        "#\n{}",
        "ünï; {}",
        "$'\\n{}'",
        "eval {}",
        "exec {}",
    ]
    .iter()
    .map(|attack| attack.replace("{}", &touch))
    .collect()
}

#[tokio::test]
async fn no_word_of_an_alert_is_executed() {
    let dir = tempfile::tempdir().unwrap();
    let canary = dir.path().join("canary");
    let mut shell = rule();
    let mut command = Argv::default();
    command.argv = argv(&["sh", "-c", "printf '%s\\n' \"$1\" \"$2\" >> said", "sh", "{label.service}", "{host}"]);
    shell.action = Some(Action::Command(command));
    shell.verify = None;
    (shell.hourly_budget, shell.fleet_share, shell.cooldown) = (1000, 1.0, std::time::Duration::ZERO);
    let runs = Arc::new(Runs::default());
    let kept = Arc::new(Kept::default());
    let local = Arc::new(Local { dir: dir.path().to_owned() });
    let engine = Engine::new(config(shell, 3)).unwrap();
    let (remediator, driver) =
        Driver::new(engine, local, runs.clone(), kept.clone(), SystemClock::shared(), 4).unwrap();
    let driver = tokio::spawn(driver.run());
    let intake = Arc::new(Remediating::new(kept.clone(), remediator));
    let door = Door::open_to(intake, kept.clone(), |builder| {
        builder.alerts(Credential::hmac(Secret::new(SIGNING)).unwrap(), [])
    });
    let mut bodies =
        vec![json!({ "type": "high_cpu", "title": "fine", "hostname": "web-0", "labels": { "service": "api" } })];
    for attack in attacks(&canary) {
        let with = |host: &str, service: &str, title: &str| json!({ "type": "high_cpu", "title": title, "hostname": host, "labels": { "service": service } });
        bodies.push(with("web-1", &attack, &attack));
        bodies.push(with(&attack, "api", &attack));
        bodies.push(with(&format!("web-1{attack}"), &format!("api{attack}"), "x"));
        bodies.push(json!({ "type": attack, "title": "x", "hostname": "web-1", "fields": { &attack: attack } }));
        bodies.push(json!({ "type": "high_cpu", "title": "x", "hostname": "web-1", "labels": { &attack: "x" } }));
    }
    let mut statuses = BTreeMap::new();
    for body in bodies {
        let answer = door.alert(body.to_string().as_bytes()).await;
        *statuses.entry(answer.status).or_insert(0) += 1;
    }
    assert!(statuses.keys().all(|status| [200, 400].contains(status)), "{statuses:?}");
    for raw in [
        format!("{{\"title\":\"{}\"}}", "x".repeat(10_000_000)).into_bytes(),
        format!("{{\"title\":\"x\",\"fields\":{}", "[".repeat(30_000)).into_bytes(),
        format!("{{\"title\":\"x\",\"fields\":{}1{}}}", "{\"a\":".repeat(5000), "}".repeat(5000)).into_bytes(),
        b"{\"title\":\"\xc3\x28\xff\xfe\"}".to_vec(),
        b"{\"title\":\"\\ud800\"}".to_vec(),
        b"{\"title\":\"x\",\"starts_at\":\"9999999999-01-01T00:00:00Z\"}".to_vec(),
        b"{\"title\":\"x\",\"fields\":{\"n\":1e999}}".to_vec(),
    ] {
        let status = door.alert(&raw).await.status;
        assert!([400, 413].contains(&status), "{status}: {}", String::from_utf8_lossy(&raw[..raw.len().min(60)]));
    }
    door.close().await;
    driver.await.unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("said")).unwrap(), "api\nweb-0\n", "only the harmless one ran");
    assert!(!canary.exists());
    assert_eq!(runs.0.lock().unwrap().len(), 2);
}

/// The canary is worth something: spliced into a shell line, most of these words do execute.
#[test]
fn the_attacks_are_real() {
    let mut sang = 0;
    for attack in attacks(Path::new("canary")) {
        let dir = tempfile::tempdir().unwrap();
        if attack.contains('\0') {
            continue;
        }
        let line = format!("echo {attack}");
        let mut sh = std::process::Command::new("sh");
        let _ = sh.args(["-c", &line]).current_dir(dir.path()).output().unwrap();
        sang += usize::from(dir.path().join("canary").exists());
    }
    assert!(sang >= 15, "{sang}");
}
