//! The goals of `fleet-run`, held or not.

use super::super::sample::{Sample, Spread};
use super::contenders::{CONNECT_TIMEOUT, Role};
use super::document::mib;
use super::rounds::{Row, Table};
use super::scenarios::Kind;

/// Client CPU a host, with the host-key check.
const CPU_PER_HOST: f64 = 0.001;
/// Peak memory with 500 hosts, in MiB.
const MEMORY: f64 = 24.0;
/// What far more hosts may add, in MiB: each result is a little memory.
const GROWTH: f64 = 4.0;
const OF_SSH: f64 = 1.1;
const OVER_TIMEOUT: f64 = 0.5;

/// One goal.
#[derive(Debug)]
pub(super) struct Goal {
    pub(super) text: String,
    pub(super) found: String,
    pub(super) held: bool,
}

/// All goals that the tables say something about.
pub(super) fn judge(tables: &[Table], many: Option<&(usize, Sample)>) -> Vec<Goal> {
    let mut goals: Vec<Goal> = tables.iter().filter_map(fastest).collect();
    goals.extend(tables.iter().filter(|table| table.kind == Kind::True).filter_map(cpu));
    let largest = tables.iter().filter(|table| table.kind == Kind::True).max_by_key(|table| table.hosts);
    goals.extend(largest.and_then(|table| memory(table, many)));
    goals.extend(tables.iter().filter(|table| table.kind == Kind::Output).filter_map(output));
    goals.extend(tables.iter().filter(|table| table.kind == Kind::BlackHoles).filter_map(black_holes));
    goals
}

fn fastest(table: &Table) -> Option<Goal> {
    let ours = wall(ours(table)?)?;
    let (name, best) = table
        .rows
        .iter()
        .filter(|row| row.role == Role::Peer)
        .filter_map(|row| Some((row.name, wall(row)?)))
        .min_by(|a, b| a.1.total_cmp(&b.1))?;
    Some(Goal {
        text: format!("{}: wall time below every peer's", table.title),
        found: format!("{ours:.2} s, best peer {best:.2} s ({name})"),
        held: ours < best,
    })
}

fn cpu(table: &Table) -> Option<Goal> {
    let cpu = Spread::of(&ours(table)?.samples, |sample| sample.cpu)?.median;
    let each = cpu / count(table.hosts);
    Some(Goal {
        text: format!("{}: client CPU at most 1.0 ms a host", table.title),
        found: format!("{:.2} ms", each * 1000.0),
        held: each <= CPU_PER_HOST,
    })
}

fn memory(table: &Table, many: Option<&(usize, Sample)>) -> Option<Goal> {
    let peak = Spread::of(&ours(table)?.samples, |sample| mib(sample.rss))?.median;
    let grown = many.map(|(hosts, sample)| (*hosts, mib(sample.rss)));
    let found = match grown {
        Some((hosts, then)) => format!("{peak:.1} MiB; {then:.1} MiB with {hosts} hosts"),
        None => format!("{peak:.1} MiB"),
    };
    Some(Goal {
        text: format!("peak memory at most {MEMORY:.0} MiB with {} hosts, and flat beyond", table.hosts),
        found,
        held: peak <= MEMORY && grown.is_none_or(|(_, then)| then <= peak + GROWTH),
    })
}

fn output(table: &Table) -> Option<Goal> {
    let ours = wall(ours(table)?)?;
    let ssh = wall(table.rows.iter().find(|row| row.name.starts_with("xargs") && row.name.ends_with("curve25519"))?)?;
    Some(Goal {
        text: format!("{}: within {OF_SSH} × of `ssh`", table.title),
        found: format!("{:.2} × ({ours:.2} s, ssh with curve25519 {ssh:.2} s)", ours / ssh),
        held: ours <= ssh * OF_SSH,
    })
}

fn black_holes(table: &Table) -> Option<Goal> {
    let ours = wall(ours(table)?)?;
    let limit = f64::from(CONNECT_TIMEOUT) + OVER_TIMEOUT;
    Some(Goal {
        text: "hosts that never answer cost no more than the connect timeout + 0.5 s".to_owned(),
        found: format!("{ours:.2} s in all"),
        held: ours <= limit,
    })
}

fn ours(table: &Table) -> Option<&Row> {
    table.rows.iter().find(|row| row.role == Role::Ours)
}

fn wall(row: &Row) -> Option<f64> {
    Spread::of(&row.samples, |sample| sample.wall).map(|spread| spread.median)
}

#[expect(clippy::cast_precision_loss, reason = "numbers of hosts are small")]
pub(super) fn count(hosts: usize) -> f64 {
    hosts as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &'static str, role: Role, wall: f64) -> Row {
        let samples = vec![Sample { wall, cpu: wall / 10.0, rss: 20 << 20, tree: None, code: 0 }];
        Row { name, role, samples, ok: 100 }
    }

    #[test]
    fn goals_are_held_or_not() {
        let table = |kind, ours, ssh| Table {
            kind,
            title: "t".to_owned(),
            hosts: 100,
            good: 100,
            rows: vec![row("fleet-run", Role::Ours, ours), row("xargs -P ssh, curve25519", Role::Peer, ssh)],
        };
        let held = |table, many| judge(&[table], many).iter().map(|goal| goal.held).collect::<Vec<_>>();
        let grown = (2000, Sample { wall: 1.0, cpu: 1.0, rss: 30 << 20, tree: None, code: 0 });
        assert_eq!(held(table(Kind::True, 0.9, 1.0), None), [true, true, true]);
        assert_eq!(held(table(Kind::True, 1.1, 1.0), Some(&grown)), [false, false, false]);
        assert_eq!(held(table(Kind::Output, 1.05, 1.0), None), [false, true]);
        assert_eq!(held(table(Kind::BlackHoles, 5.6, 6.0), None), [true, false]);
    }
}
