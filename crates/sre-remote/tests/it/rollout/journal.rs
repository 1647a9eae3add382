//! The journal as a file: torn, foreign, of another rollout, in use.

use std::path::Path;
use std::sync::Arc;

use sre_core::clock::{FixedClock, SharedClock};
use sre_remote::rollout::{Driver, End, ErrorKind, Event, Header, Journal, Log, Outcome, Rollout, Settings, latest};

use super::world::{Fate, World};

fn clock() -> SharedClock {
    Arc::new(FixedClock::at("2026-11-22T07:12:00Z".parse().unwrap()))
}

fn header(hosts: usize) -> Header {
    let hosts: Vec<String> = (0..hosts).map(|i| format!("h{i}")).collect();
    let batches = vec![1, hosts.len() - 1];
    Header::new("v2.3.1", "abc", hosts, batches)
}

/// Runs a rollout to its end in a folder of its own.
async fn complete(folder: &Path, world: &World) -> Journal {
    let hosts = world.hosts();
    let header = header(hosts.len());
    let mut journal = Journal::create(folder, &header, &clock()).unwrap();
    let mut rollout = Rollout::new(hosts, &header.batches, Settings::default().with_rollback(true)).unwrap();
    Driver::new(world, &mut journal, clock()).run(&mut rollout).await.unwrap();
    journal
}

#[tokio::test(start_paused = true)]
async fn it_says_what_happened_for_people_and_programs() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::new(vec![vec![Fate::Fine], vec![Fate::Fine], vec![Fate::BreaksHalfway]]);
    let journal = complete(&dir.path().join("deploys"), &world).await;
    assert_eq!(journal.path().file_name().unwrap(), "2026-11-22T07-12-00Z-v2.3.1.jsonl");
    insta::assert_snapshot!(std::fs::read_to_string(journal.path()).unwrap());
    assert_eq!(latest(&dir.path().join("deploys"), "v2.3.1").unwrap(), journal.path());
}

/// Cut at every byte: what is whole is read, what is torn is dropped, and what follows begins on a line of its own.
#[tokio::test(start_paused = true)]
async fn a_torn_line_is_cut_off_wherever_it_is_torn() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::new(vec![vec![Fate::Fine]; 3]);
    let journal = complete(dir.path(), &world).await;
    let whole = std::fs::read(journal.path()).unwrap();
    drop(journal);
    let first = whole.iter().position(|b| *b == b'\n').unwrap() + 1;
    let path = dir.path().join("cut.jsonl");
    for cut in 0..whole.len() {
        std::fs::write(&path, &whole[..cut]).unwrap();
        // Reading cuts nothing off, and so waits for no disk.
        let lines = whole[..cut].iter().filter(|b| **b == b'\n').count();
        let read = Journal::read(&path);
        assert_eq!(read.as_ref().ok().map(|past| past.events.len()), lines.checked_sub(1), "{cut}: {read:?}");
        if cut % 13 != 0 && cut != first {
            continue;
        }
        let resumed = Journal::resume(&path, &header(3), &clock());
        if cut < first {
            assert_eq!(resumed.unwrap_err().kind(), ErrorKind::NotAJournal);
            continue;
        }
        let (mut journal, past) = resumed.unwrap();
        assert_eq!((past.events.len(), past.torn), (lines - 1, whole[cut - 1] != b'\n'), "{cut}");
        journal.append(&Event::Resumed).unwrap();
        assert_eq!(Journal::read(&path).unwrap().events.len(), lines);
    }
    // Blocks that a crash left unwritten.
    std::fs::write(&path, [&whole[..first], &[0; 700]].concat()).unwrap();
    assert!(Journal::resume(&path, &header(3), &clock()).unwrap().1.torn);
}

#[tokio::test(start_paused = true)]
async fn a_real_journal_is_resumed_from_every_line() {
    let dir = tempfile::tempdir().unwrap();
    let fates = vec![vec![Fate::Fine], vec![Fate::Fine], vec![Fate::FailsTheGate], vec![Fate::Fine]];
    let whole = std::fs::read_to_string(complete(dir.path(), &World::new(fates.clone())).await.path()).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let path = dir.path().join("cut.jsonl");
    for kept in 1..=lines.len() {
        let half = lines.get(kept).map_or("", |line| &line[..line.len() / 2]);
        std::fs::write(&path, lines[..kept].concat() + half).unwrap();
        let world = World::new(fates.clone());
        let (mut journal, past) = Journal::resume(&path, &header(4), &clock()).unwrap();
        // What the lines say was done is done.
        for event in &past.events {
            world.truth.lock().unwrap().journal.push(event.clone());
        }
        let mut rollout = Rollout::new(world.hosts(), &[1, 3], Settings::default().with_rollback(true)).unwrap();
        let mut driver = Driver::new(&world, &mut journal, clock());
        driver.resume(&mut rollout, &past.events).unwrap();
        let end = driver.run(&mut rollout).await.unwrap();
        // The world of this run does not hold what an earlier one deployed, so its gate says no: rolled back either way.
        assert!(matches!(end, End::Done(Outcome::RolledBack)), "{kept}: {end:?}");
    }
}

#[test]
fn what_is_not_this_rollouts_journal_is_refused_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = Journal::create(dir.path(), &header(3), &clock()).unwrap();
    journal.append(&Event::started("h0")).unwrap();
    let path = journal.path().to_owned();
    let refused = |wanted: &Header| {
        let error = Journal::resume(&path, wanted, &clock()).unwrap_err();
        (error.kind(), error.to_string().replace(dir.path().to_str().unwrap(), "~"))
    };
    assert_eq!(refused(&header(3)).0, ErrorKind::Busy);
    drop(journal);
    let mut said = String::new();
    let mut plan = header(3);
    plan.plan = "abd".to_owned();
    let mut version = header(3);
    version.version = "v2.3.2".to_owned();
    let mut order = header(3);
    order.hosts.reverse();
    let mut batches = header(3);
    batches.batches = vec![3];
    for wanted in [plan, version, header(4), header(2), order, batches, header(3).with_seed(Some(7))] {
        let (kind, text) = refused(&wanted);
        assert_eq!(kind, ErrorKind::OtherRollout);
        said += &format!("{text}\n");
    }
    for (name, text) in [
        ("empty", String::new()),
        ("no JSON", "hello\n".to_owned()),
        ("other JSON", "{\"journal\":\"alerts\",\"format\":1}\n".to_owned()),
        ("later format", "{\"journal\":\"sre-rollout\",\"format\":2}\n".to_owned()),
        ("half a header", "{\"journal\":\"sre-rollout\",\"format\":1}\n".to_owned()),
        ("a bad line", std::fs::read_to_string(&path).unwrap() + "{\"at\":\"yesterday\"}\n"),
        ("a line of zeros", std::fs::read_to_string(&path).unwrap() + "\0\0\0\n"),
    ] {
        let file = dir.path().join("other.jsonl");
        std::fs::write(&file, text).unwrap();
        let error = Journal::resume(&file, &header(3), &clock()).unwrap_err();
        said += &format!("{name}: {:?} {error}\n", error.kind()).replace(dir.path().to_str().unwrap(), "~");
    }
    insta::assert_snapshot!(said);
}

#[test]
fn the_latest_of_a_version_is_found_among_others() {
    let dir = tempfile::tempdir().unwrap();
    let missing = latest(&dir.path().join("none"), "v1").unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NoJournal);
    let begin = |version: &str, at: &str| {
        let mut header = header(2);
        header.version = version.to_owned();
        let clock: SharedClock = Arc::new(FixedClock::at(at.parse().unwrap()));
        Journal::create(dir.path(), &header, &clock).unwrap().path().to_owned()
    };
    begin("v1", "2026-11-22T07:12:00Z");
    let second = begin("v1", "2026-11-22T07:12:00Z");
    begin("v1.2", "2026-11-22T09:12:00Z");
    begin("v1", "2026-11-21T07:12:00Z");
    std::fs::write(dir.path().join("2027-01-01T00-00-00Z-v1.jsonl"), "{").unwrap();
    assert_eq!(latest(dir.path(), "v1").unwrap(), second);
    assert!(second.ends_with("2026-11-22T07-12-00Z-v1.2.jsonl"));
    let error = latest(dir.path(), "v3").unwrap_err().to_string();
    assert!(error.ends_with("no rollout of v3 has been begun; there are some of v1, v1.2"), "{error}");
}
