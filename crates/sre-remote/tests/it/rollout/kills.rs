//! Random failures, and a kill at every write of the journal, resumed until the rollout is over.

use std::time::Duration;

use proptest::prelude::*;
use sre_core::SystemClock;
use sre_remote::Interrupt;
use sre_remote::rollout::{Driver, End, Event, HostState, Outcome, Rollout, Settings};

use super::world::{Content, Fate, MortalLog, World};

/// One run: killed at its n-th write (which may reach the disk or not), or not killed.
type Life = Option<(usize, bool)>;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

/// One life of the program; `None` when it was killed.
async fn live(
    world: &World,
    sizes: &[usize],
    settings: &Settings,
    life: Life,
    workers: usize,
) -> Option<(End, Rollout)> {
    let mut rollout = Rollout::new(world.hosts(), sizes, settings.clone()).unwrap();
    let killed = Interrupt::new();
    let mut log = MortalLog { truth: world.truth.clone(), kill: life, killed: killed.clone() };
    let past = world.truth.lock().unwrap().journal.clone();
    let mut driver = Driver::new(world, &mut log, SystemClock::shared()).workers(workers);
    if !past.is_empty() && driver.resume(&mut rollout, &past).is_err() {
        assert!(killed.is_triggered(), "the journal cannot be resumed: {past:#?}");
        return None;
    }
    tokio::select! {
        biased;
        () = killed.triggered() => None,
        end = driver.run(&mut rollout) => match end {
            Ok(end) => Some((end, rollout)),
            Err(_) if killed.is_triggered() => None,
            Err(error) => panic!("{error}"),
        },
    }
}

/// What must be so when it is over.
fn judge(world: &World, rollout: &Rollout, outcome: Outcome) {
    let truth = world.truth.lock().unwrap();
    assert_eq!(truth.violations, Vec::<String>::new(), "{:#?}", truth.journal);
    for host in rollout.hosts() {
        let content = truth.content(host.host.name());
        let name = &host.host;
        match (outcome, host.state) {
            (_, HostState::Healthy) => assert_eq!(content, Content::New, "{name}"),
            (_, HostState::RolledBack) => assert_eq!(content, Content::Old, "{name}"),
            (Outcome::Healthy, state) => panic!("{name} is {state}"),
            (_, HostState::Pending | HostState::Preparing) => panic!("{name} is forgotten: {host:?}"),
            (Outcome::Partial, state) => assert_eq!(state, HostState::Failed, "{name}"),
            (Outcome::RolledBack, _) => assert_eq!(content, Content::Old, "{name} is left changed: {host:?}"),
            _ => {}
        }
    }
    let failed = rollout.count(HostState::Failed);
    match outcome {
        Outcome::Partial => assert!(failed > 0 && failed <= rollout.settings().allowed_failures),
        Outcome::RolledBack | Outcome::RollbackFailed => assert!(rollout.settings().rollback),
        Outcome::Aborted => assert!(!rollout.settings().rollback),
        _ => assert_eq!(failed, 0),
    }
}

/// Lives until the rollout is over; returns how it ended.
fn until_over(world: &World, sizes: &[usize], settings: &Settings, lives: &[Life], workers: usize) -> Outcome {
    runtime().block_on(async {
        let mut lives = lives.iter().copied();
        for _ in 0..1000 {
            match live(world, sizes, settings, lives.next().flatten(), workers).await {
                Some((End::Done(outcome), rollout)) => {
                    judge(world, &rollout, outcome);
                    return outcome;
                }
                Some((End::Paused, rollout)) => assert!(rollout.count(HostState::Preparing) == 0),
                Some((End::Interrupted, _)) => panic!("nobody stopped it"),
                Some((other, _)) => panic!("{other:?}"),
                None => {}
            }
        }
        panic!("it never ends: {:#?}", world.truth.lock().unwrap().journal);
    })
}

fn fates() -> impl Strategy<Value = Vec<Vec<Fate>>> {
    let fate = prop_oneof![
        12 => Just(Fate::Fine),
        1 => Just(Fate::Unreachable),
        1 => Just(Fate::BreaksHalfway),
        1 => Just(Fate::FailsTheGate),
        1 => Just(Fate::BreaksAndCannotBeUndone),
    ];
    proptest::collection::vec(proptest::collection::vec(fate, 1..3), 1..12)
}

fn sizes(hosts: usize, cuts: &[usize]) -> Vec<usize> {
    let mut left = hosts;
    let mut sizes = Vec::new();
    for cut in cuts.iter().cycle() {
        if left == 0 {
            break;
        }
        sizes.push((*cut).min(left));
        left -= (*cut).min(left);
    }
    sizes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_host_is_deployed_twice_and_none_forgotten(
        fates in fates(),
        cuts in proptest::collection::vec(1_usize..5, 1..4),
        lives in proptest::collection::vec(proptest::option::weighted(0.9, (0_usize..12, any::<bool>())), 0..12),
        workers in 1_usize..5,
        (allowed, rollback, gated) in (0_usize..3, any::<bool>(), any::<bool>()),
        delay in 0_u64..3,
        pause in proptest::option::of(1_usize..3),
        retries in 0_usize..3,
    ) {
        let world = World::new(fates);
        let sizes = sizes(world.hosts().len(), &cuts);
        let settings = Settings::default()
            .with_delay(Duration::from_secs(delay))
            .with_allowed_failures(allowed)
            .with_rollback(rollback)
            .with_gate(gated)
            .with_pause_after(pause);
        for _ in 0..=retries {
            // After the end, a further run tries again what failed.
            if until_over(&world, &sizes, &settings, &lives, workers) == Outcome::Healthy {
                break;
            }
        }
    }
}

/// The same failures, killed once at each write in turn: before it reached the disk, and after.
#[test]
fn a_kill_at_every_write_ends_as_without_it() {
    use Fate::{BreaksHalfway, FailsTheGate, Fine, Unreachable};
    let cases: [(&[Fate], usize, bool, Outcome); 4] = [
        (&[Fine, Fine, Fine, Fine], 0, true, Outcome::Healthy),
        (&[Fine, Fine, Unreachable, Fine, Fine, Fine], 1, true, Outcome::Partial),
        (&[Fine, Fine, Fine, BreaksHalfway, Fine, Fine], 0, false, Outcome::Aborted),
        (&[Fine, Fine, Fine, FailsTheGate, Fine, Fine], 0, true, Outcome::RolledBack),
    ];
    for (fates, allowed, rollback, expected) in cases {
        let sizes = sizes(fates.len(), &[1, 2, 3]);
        let settings = Settings::default()
            .with_delay(Duration::from_secs(30))
            .with_allowed_failures(allowed)
            .with_rollback(rollback)
            .with_gate(true);
        let run = |lives: &[Life]| {
            let world = World::new(fates.iter().map(|fate| vec![*fate]).collect());
            assert_eq!(until_over(&world, &sizes, &settings, lives, 2), expected, "{lives:?}");
            let truth = world.truth.lock().unwrap();
            (truth.journal.clone(), truth.content.clone())
        };
        let (journal, content) = run(&[]);
        for write in 0..journal.len() {
            for reaches_the_disk in [false, true] {
                let (longer, same) = run(&[Some((write, reaches_the_disk))]);
                // Without a rollback, what was half done at a kill after the abort stays half done, and failed.
                if expected != Outcome::Aborted {
                    assert_eq!(same, content, "{write} {reaches_the_disk}");
                }
                let resumed = longer.iter().filter(|event| **event == Event::Resumed).count();
                // A kill before the first write left nothing, one after the last had nothing left to do.
                assert!(resumed <= 1 && (resumed == 1 || write == 0 || write + 1 == journal.len()), "{longer:#?}");
            }
        }
    }
}

#[test]
fn a_refused_batch_is_undone_with_all_before_it() {
    let world = World::new(vec![vec![Fate::Fine]; 3]).refusing();
    let settings = Settings::default().with_allowed_failures(3).with_rollback(true).with_gate(true);
    assert_eq!(until_over(&world, &[2, 1], &settings, &[], 4), Outcome::RolledBack);
    let truth = world.truth.lock().unwrap();
    let undone: Vec<&str> =
        truth.journal.iter().filter(|e| matches!(e, Event::RollingBack { .. })).filter_map(Event::host).collect();
    assert_eq!(undone, ["h1", "h0"]);
}

/// Ctrl-C lets what runs come to its end, and the next run goes on.
#[test]
fn a_stop_is_clean_and_resumable() {
    let world = World::new(vec![vec![Fate::Fine]; 6]);
    let settings = Settings::default().with_delay(Duration::from_secs(30));
    runtime().block_on(async {
        for stop_after in [15_u64, 40, 10_000, 29_000] {
            let mut rollout = Rollout::new(world.hosts(), &[2, 2, 2], settings.clone()).unwrap();
            let stop = Interrupt::new();
            let mut log = MortalLog { truth: world.truth.clone(), kill: None, killed: Interrupt::new() };
            let past = world.truth.lock().unwrap().journal.clone();
            let mut driver = Driver::new(&world, &mut log, SystemClock::shared()).workers(2).stop(stop.clone());
            if !past.is_empty() {
                driver.resume(&mut rollout, &past).unwrap();
            }
            let (end, ()) = tokio::join!(driver.run(&mut rollout), async {
                tokio::time::sleep(Duration::from_millis(stop_after)).await;
                stop.trigger();
            });
            assert_eq!((end.unwrap(), rollout.count(HostState::Preparing)), (End::Interrupted, 0));
        }
    });
    assert_eq!(until_over(&world, &[2, 2, 2], &settings, &[], 2), Outcome::Healthy);
    let journal = world.truth.lock().unwrap().journal.clone();
    assert_eq!(journal.iter().filter(|e| matches!(e, Event::Started { .. })).count(), 6);
}
