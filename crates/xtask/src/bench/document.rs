//! The tables, on the terminal and in `docs/benchmarks.md`.

use std::{fmt::Write as _, fs, process::Command};

use anyhow::{Context, Result};

use super::{
    contender::{BENCH, kubectl_program},
    memory::Memory,
    morning_check::Scenario,
    sample::{Sample, Spread},
};
use crate::{place, step};

const END: &str = "<!-- end -->";
const MIB: f64 = 1024.0 * 1024.0;

/// Where, with what and when it was measured, and a table a scenario, in Markdown.
pub(crate) fn tables(scenarios: &[Scenario], memory: Option<&Memory>) -> String {
    let mut text = circumstances();
    for scenario in scenarios {
        let _ = write!(text, "\n### {}\n\n", scenario.title);
        text.push_str("| | wall, s | CPU, s | peak memory, MiB | CPU × | memory × | runs |\n");
        text.push_str("| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
        let ours = scenario.rows.first().map(|(_, samples)| samples.as_slice()).unwrap_or_default();
        for (name, samples) in &scenario.rows {
            row(&mut text, name, samples, ours);
        }
    }
    if let Some(memory) = memory {
        text.push_str("\n### Peak memory of `morning-check --only kubernetes` by size of one cluster\n\n");
        text.push_str("| pods | bytes a pod | peak, MiB (least – most) |\n| ---: | ---: | ---: |\n");
        for (pods, bytes, spread) in &memory.sizes {
            let (median, min, max) = (spread.median / MIB, spread.min / MIB, spread.max / MIB);
            let (pods, bytes) = (thousands(*pods), thousands(*bytes));
            let _ = writeln!(text, "| {pods} | {bytes} | {median:.1} ({min:.1} – {max:.1}) |");
        }
        let verdict = memory.check().map_or_else(
            |error| format!("**{error}**"),
            |()| "Held: at most 64 MiB, and no growth with the cluster.".to_owned(),
        );
        let _ = write!(text, "\n{verdict}\n");
    }
    text
}

/// Replaces what stands between the marks of a benchmark in `docs/benchmarks.md`.
///
/// # Errors
/// When the file or its marks are missing.
pub(crate) fn write(bench: &str, tables: &str) -> Result<()> {
    let begin = begin(bench);
    let path = place::root().join("docs/benchmarks.md");
    let old = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let new = between_marks(&old, &begin, tables)
        .with_context(|| format!("{} lacks the line {begin} or {END}", path.display()))?;
    fs::write(&path, new).with_context(|| format!("cannot write {}", path.display()))?;
    println!("wrote docs/benchmarks.md");
    Ok(())
}

/// A number with a comma every three digits.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn row(text: &mut String, name: &str, samples: &[Sample], ours: &[Sample]) {
    let cpu = |sample: &Sample| sample.cpu;
    let (Some(wall), Some(time), Some(rss)) =
        (Spread::of(samples, |sample| sample.wall), Spread::of(samples, cpu), Spread::of(samples, mebibytes))
    else {
        return;
    };
    let times = |value: f64, ours: Option<Spread>| ours.map_or(1.0, |ours| value / ours.median.max(0.001));
    let (cpu_times, rss_times) =
        (times(time.median, Spread::of(ours, cpu)), times(rss.median, Spread::of(ours, mebibytes)));
    let _ = writeln!(
        text,
        "| {name} | {:.2} ({:.2} – {:.2}) | {:.2} ({:.2} – {:.2}) | {:.0} | {cpu_times:.1} | {rss_times:.1} | {} |",
        wall.median,
        wall.min,
        wall.max,
        time.median,
        time.min,
        time.max,
        rss.median,
        samples.len()
    );
}

#[expect(clippy::cast_precision_loss, reason = "sizes of processes are far below 2^52 bytes")]
fn mebibytes(sample: &Sample) -> f64 {
    sample.rss as f64 / MIB
}

fn begin(bench: &str) -> String {
    format!("<!-- written by `cargo xtask bench {bench}` -->")
}

fn between_marks(old: &str, begin: &str, tables: &str) -> Option<String> {
    let (before, rest) = old.split_once(begin)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{begin}\n\n{tables}\n{END}{after}"))
}

fn circumstances() -> String {
    let kubectl = kubectl_program()
        .and_then(|kubectl| version(Command::new(kubectl).args(["version", "--client"])))
        .map_or_else(|| "no kubectl here".to_owned(), |text| text.replace("Client Version:", "kubectl"));
    let curl = version(Command::new("curl").arg("--version")).unwrap_or_default();
    let curl: Vec<&str> = curl.split(' ').take(2).collect();
    format!("{} with {}; {kubectl}; {}.\n", machine(), BENCH.describe(), curl.join(" "))
}

/// The first line that a program prints.
pub(crate) fn version(command: &mut Command) -> Option<String> {
    step::output(command).and_then(|text| text.lines().next().map(str::to_owned))
}

/// When, at which revision, on what machine, with which compiler and Python.
pub(crate) fn machine() -> String {
    let lines = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let cpu = lines("/proc/cpuinfo");
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or("unknown")
        .trim_start_matches(['\t', ' ', ':']);
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let memory = lines("/proc/meminfo");
    let kib =
        memory.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    let gib = kib.unwrap_or(0).div_ceil(1024 * 1024);
    let load = lines("/proc/loadavg");
    let load: Vec<&str> = load.split(' ').take(3).collect();
    let kernel = lines("/proc/sys/kernel/osrelease");
    let rustc = version(Command::new("rustc").arg("--version")).unwrap_or_default();
    let revision = version(Command::new("git").args(["rev-parse", "--short", "HEAD"]).current_dir(place::root()))
        .unwrap_or_default();
    let python = version(Command::new("python3").arg("--version")).unwrap_or_default();
    format!(
        "Measured on {} at revision {revision}: {cores} cores ({model}), {gib} GiB, Linux {}, load {} afterwards; {rustc}; {python}",
        today(),
        kernel.trim(),
        load.join(" "),
    )
}

#[expect(
    clippy::disallowed_methods,
    reason = "the day of the measurement; xtask stays free of sre-core's dependencies"
)]
fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([1, 999, 1000, 6817, 1_000_000].map(thousands), ["1", "999", "1,000", "6,817", "1,000,000"]);
    }

    #[test]
    fn only_the_part_between_the_marks_changes() {
        let (a, b) = (begin("a"), begin("b"));
        let old = format!("1\n{a}\nold\n{END}\n2\n{b}\nold\n{END}\n3\n");
        let new = format!("1\n{a}\nold\n{END}\n2\n{b}\n\nnew\n{END}\n3\n");
        assert_eq!(between_marks(&old, &b, "new").unwrap(), new);
        assert!(between_marks("no marks", &a, "new").is_none());
    }
}
