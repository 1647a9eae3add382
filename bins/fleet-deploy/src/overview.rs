//! The first line: what goes where, and by which rules.

use sre_core::duration;
use sre_core::output::Glyphs;

use crate::settings::Settings;

/// More batches than this are not listed one by one.
const LISTED: usize = 8;

/// `v2.3.1 → 10 hosts, batches 1, 3, 6 (canary 1), delay 30s, gate: http 200, max-fail 0`
pub(crate) fn line(settings: &Settings, allowed: usize, glyphs: Glyphs) -> String {
    let plan = &settings.plan;
    let hosts = match settings.hosts.len() {
        1 => "1 host".to_owned(),
        n => format!("{n} hosts"),
    };
    let canary = match plan.canary {
        0 => String::new(),
        n => format!(" (canary {n})"),
    };
    let delay = match plan.delay {
        delay if delay.is_zero() => String::new(),
        delay => format!(", delay {}", duration::format(delay)),
    };
    let checks: Vec<String> = plan.gate.checks.iter().map(|check| check.title()).collect();
    let gate = if checks.is_empty() { "none".to_owned() } else { checks.join(" + ") };
    let seed = settings.header.seed.map(|seed| format!(", SIMULATED with seed {seed}")).unwrap_or_default();
    format!(
        "{} {} {hosts}, {}{canary}{delay}, gate: {gate}, max-fail {allowed}{seed}",
        settings.version,
        glyphs.arrow,
        batches(&settings.sizes)
    )
}

fn batches(sizes: &[usize]) -> String {
    let list = |sizes: &[usize]| sizes.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    match sizes {
        [one] => format!("1 batch of {one}"),
        few if few.len() <= LISTED => format!("batches {}", list(few)),
        [first, rest @ ..] if rest[..rest.len() - 1].iter().all(|size| size == first) => {
            format!("{} batches of {first}", sizes.len())
        }
        many => format!("{} batches: {}, …", many.len(), list(&many[..LISTED])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_batches_are_counted() {
        assert_eq!(batches(&[1, 3, 6]), "batches 1, 3, 6");
        assert_eq!(batches(&[10]), "1 batch of 10");
        assert_eq!(batches(&[[2; 20].as_slice(), &[1]].concat()), "21 batches of 2");
        assert_eq!(batches(&[[1].as_slice(), &[2; 20]].concat()), "21 batches: 1, 2, 2, 2, 2, 2, 2, 2, …");
    }
}
