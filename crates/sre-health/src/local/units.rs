//! Failed systemd units, as `systemctl` lists them.
//!
//! `--output=json` came to `list-units` with systemd 246; older versions accept the option and print the plain table,
//! so both forms are read.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::time::{Instant, timeout_at};

use super::note::Missing;
use super::procfs::Procfs;

/// systemd makes this folder when it is the init of the running system (sd_booted(3)).
const BOOTED: &str = "run/systemd/system";

/// Some thousands of units fit.
const MAX_OUTPUT: u64 = 1024 * 1024;
const MAX_ERRORS: u64 = 4096;

/// A unit that systemd could not start or that died.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FailedUnit {
    /// `nginx.service`.
    pub name: String,
    /// What the unit says it is; may be empty.
    pub description: String,
}

/// Asks `systemctl`. `program` is given where it is not the host's own that must be asked.
pub(crate) async fn failed(
    procfs: &Procfs,
    program: Option<&Path>,
    deadline: Instant,
) -> Result<Vec<FailedUnit>, Missing> {
    if !procfs.path(BOOTED).is_dir() {
        return Err(Missing::expected("systemd does not run here"));
    }
    let program = match program {
        Some(program) => program.to_owned(),
        None if procfs.is_real_root() => PathBuf::from("systemctl"),
        None => return Err(Missing::expected("systemctl can only be asked on the host itself")),
    };
    match timeout_at(deadline, run(&program)).await {
        Ok(text) => parse(&text?),
        Err(_) => Err(Missing::new("systemctl did not answer in time")),
    }
}

async fn run(program: &Path) -> Result<String, Missing> {
    let fail = |e: std::io::Error| Missing::new(format!("cannot run {}: {e}", program.display()));
    let mut child = Command::new(program)
        .args(["list-units", "--failed", "--output=json", "--plain", "--full", "--no-legend", "--no-pager"])
        .env("LC_ALL", "C")
        .env("SYSTEMD_COLORS", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(fail)?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (out, err, status) = tokio::join!(read(out, MAX_OUTPUT), read(err, MAX_ERRORS), child.wait());
    let status = status.map_err(fail)?;
    if !status.success() {
        let why = err.lines().next().unwrap_or_default().trim();
        return Err(Missing::new(format!("systemctl failed ({status}): {why}")));
    }
    Ok(out)
}

/// Reads at most `max` bytes and throws the rest away, so that the child never blocks on a full pipe.
async fn read(pipe: Option<impl AsyncRead + Unpin>, max: u64) -> String {
    let Some(mut pipe) = pipe else { return String::new() };
    let mut bytes = Vec::new();
    let _ = (&mut pipe).take(max).read_to_end(&mut bytes).await;
    let _ = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

fn parse(text: &str) -> Result<Vec<FailedUnit>, Missing> {
    match text.trim_start().starts_with('[') {
        true => json(text),
        false => Ok(plain(text)),
    }
}

fn json(text: &str) -> Result<Vec<FailedUnit>, Missing> {
    #[derive(Deserialize)]
    struct Row {
        unit: String,
        #[serde(default)]
        description: Option<String>,
    }
    let rows: Vec<Row> = serde_json::from_str(text)
        .map_err(|e| Missing::new(format!("systemctl printed something that is not its JSON: {e}")))?;
    Ok(rows.into_iter().map(|r| FailedUnit { name: r.unit, description: r.description.unwrap_or_default() }).collect())
}

/// `● nginx.service loaded failed failed A web server`, with or without the mark, the header and the legend.
fn plain(text: &str) -> Vec<FailedUnit> {
    text.lines().filter_map(plain_line).collect()
}

fn plain_line(line: &str) -> Option<FailedUnit> {
    let mut rest = line.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '●' | '*' | '×' | '○'));
    let mut word = || {
        let trimmed = rest.trim_start();
        let end = trimmed.find(char::is_whitespace).unwrap_or(trimmed.len());
        let word = &trimmed[..end];
        rest = &trimmed[end..];
        word
    };
    let (name, _load, active, _sub) = (word(), word(), word(), word());
    // Every unit name has its type after a dot; the header and the legend have not "failed" in the third place.
    (name.contains('.') && active == "failed")
        .then(|| FailedUnit { name: name.to_owned(), description: rest.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_of_a_new_systemd() {
        let text = r#"[{"unit":"nginx.service","load":"loaded","active":"failed","sub":"failed","description":"A web server"},
                       {"unit":"mnt-nas.mount","load":"loaded","active":"failed","sub":"failed"}]"#;
        let units = parse(text).unwrap();
        assert_eq!(units[0], FailedUnit { name: "nginx.service".into(), description: "A web server".into() });
        assert_eq!((units.len(), units[1].name.as_str()), (2, "mnt-nas.mount"));
        assert!(parse("[]").unwrap().is_empty());
        assert!(parse("[{\"unit\":").is_err());
    }

    #[test]
    fn the_table_of_an_old_systemd() {
        let text = "  UNIT            LOAD   ACTIVE SUB    DESCRIPTION\n\
                    ● nginx.service   loaded failed failed A web server  \n\
                    * mnt-nas.mount   loaded failed failed\n\n\
                    LOAD   = Reflects whether the unit definition was properly loaded.\n\
                    2 loaded units listed. Pass --all to see loaded but inactive units, too.\n";
        let units = parse(text).unwrap();
        assert_eq!(units[0], FailedUnit { name: "nginx.service".into(), description: "A web server".into() });
        assert_eq!((units.len(), units[1].name.as_str(), units[1].description.as_str()), (2, "mnt-nas.mount", ""));
        assert!(parse("0 loaded units listed.\n").unwrap().is_empty());
        assert!(parse("").unwrap().is_empty());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(s in ".*|● ?\\PC{0,9}\\.service loaded failed failed \\PC{0,9}") {
            let _ = parse(&s);
        }
    }
}
