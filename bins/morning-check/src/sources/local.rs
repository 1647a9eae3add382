//! This host.

use sre_core::output::bytes;
use sre_core::{SharedClock, duration};
use sre_health::{LocalHost, LocalOptions, LocalSurvey};

use crate::gather::{Board, Job};
use crate::settings::Settings;
use crate::source::{SourceKey, SourceKind, SourceReport};

/// What the source is called; the host's own name is in the facts, and is not known before it was asked.
const TARGET: &str = "this host";

pub(super) fn job(settings: &Settings, clock: &SharedClock, board: &Board) -> Job {
    let key = SourceKey::new(SourceKind::Local, TARGET);
    board.expect(key.clone());
    let options = LocalOptions::new().thresholds(settings.config.local.thresholds.clone()).deadline(board.timeout());
    let thresholds = settings.config.local.thresholds.clone();
    let host = LocalHost::new(options, clock.clone());
    let board = board.clone();
    Box::pin(async move {
        let work = async {
            let survey = host.survey().await;
            let missing = survey.notes.iter().filter(|note| !note.expected);
            let notes = missing.map(|note| format!("{}: {}", note.piece, note.reason)).collect();
            SourceReport::answered(key.clone(), &survey, survey.findings(), summary(&survey), notes).scoped(&thresholds)
        };
        board.run(key.clone(), work).await;
    })
}

/// `web-01, up 12d 3h, load 0.41 a core, CPU 12%, memory 61% available of 23.4 GiB, fullest disk / at 43%`.
fn summary(survey: &LocalSurvey) -> String {
    let mut parts = vec![survey.host.to_string()];
    if let Some(up) = survey.uptime_seconds.and_then(|s| std::time::Duration::try_from_secs_f64(s).ok()) {
        parts.push(format!("up {}", duration::format(up)));
    }
    if let Some(load) = &survey.load {
        parts.push(format!("load {:.2} a core", load.per_core));
    }
    if let Some(cpu) = &survey.cpu {
        parts.push(format!("CPU {:.0}%", cpu.busy_percent));
    }
    if let Some(memory) = &survey.memory {
        parts.push(format!(
            "memory {:.0}% available of {}",
            memory.available_percent,
            bytes::format(memory.total_bytes)
        ));
    }
    let disks = survey.disks.iter().flatten();
    if let Some(disk) = disks.max_by(|a, b| a.used_percent.total_cmp(&b.used_percent)) {
        parts.push(format!("fullest disk {} at {:.0}%", disk.mount, disk.used_percent));
    }
    if let Some(units) = &survey.failed_units {
        parts.push(format!("{} failed units", units.len()));
    }
    parts.join(", ")
}
