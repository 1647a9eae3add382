//! Which hosts.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;

use super::error::Error;
use crate::host::Host;
use crate::inventory::{Inventory, Selection};

/// Which hosts: those of the files, chosen by expressions, so that a misspelt name is a mistake and no new host. Without a
/// file, expressions name hosts as they are.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Hosts")]
#[non_exhaustive]
pub struct HostArgs {
    /// These hosts: web-[01-20,30], @group, db*, sre@host:2222; may be repeated
    #[arg(short = 'w', long, value_name = "EXPR")]
    pub hosts: Vec<String>,
    /// Not these; may be repeated
    #[arg(short = 'x', long, value_name = "EXPR")]
    pub exclude: Vec<String>,
    /// Only those that are also in this; may be repeated
    #[arg(short = 'i', long, value_name = "EXPR")]
    pub intersect: Vec<String>,
    /// This group of the inventory; may be repeated
    #[arg(short = 'g', long, value_name = "NAME")]
    pub group: Vec<String>,
    /// Servers file, one user@host:port a line; - reads stdin; may be repeated
    #[arg(long, value_name = "FILE")]
    pub servers: Vec<PathBuf>,
    /// YAML inventory with groups, tags and variables; may be repeated
    #[arg(long, value_name = "FILE")]
    pub inventory: Vec<PathBuf>,
}

// === impl HostArgs ===

impl HostArgs {
    /// Whether any of them was given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty() && self.group.is_empty() && self.servers.is_empty() && self.inventory.is_empty()
    }

    /// Whether a servers file comes from standard input.
    #[must_use]
    pub fn reads_stdin(&self) -> bool {
        self.servers.iter().any(|path| path.as_os_str() == "-")
    }

    /// The hosts, in the order of the inventory or of the expressions, none twice. `stdin` is read for `--servers -`.
    ///
    /// # Errors
    /// A file that cannot be read, a mistake in it or in an expression, with its place; no host at all.
    pub fn select(&self, stdin: impl Read) -> Result<Vec<Host>, Error> {
        if self.is_empty() {
            return Err(Error::new("no hosts are named\n   = give --servers FILE, --inventory FILE or -w HOSTS"));
        }
        let inventory = self.read(stdin)?;
        let mut selection = Selection::all().only_known(!self.servers.is_empty() || !self.inventory.is_empty());
        for expression in &self.hosts {
            selection = selection.hosts(expression);
        }
        for group in &self.group {
            selection = selection.group(group);
        }
        for expression in &self.intersect {
            selection = selection.intersect(expression);
        }
        for expression in &self.exclude {
            selection = selection.exclude(expression);
        }
        let hosts = inventory.select(&selection).map_err(|e| Error::new(e.to_string()))?;
        if hosts.is_empty() {
            return Err(Error::new("no host is left\n   = look at -x and -i, and at whether the file has any"));
        }
        Ok(hosts)
    }

    /// The files together.
    fn read(&self, stdin: impl Read) -> Result<Inventory, Error> {
        let wrong = |e: crate::inventory::InventoryError| Error::new(e.to_string());
        let mut stdin = Some(stdin);
        let mut all = Inventory::new();
        for path in &self.inventory {
            let file = open("--inventory", path)?;
            let one = Inventory::read_yaml(file, &path.display().to_string()).map_err(wrong)?;
            all = all.merge(&one).map_err(wrong)?;
        }
        for path in &self.servers {
            let one = if path.as_os_str() == "-" {
                let stdin = stdin.take().ok_or_else(|| Error::new("stdin can be read only once (--servers -)"))?;
                Inventory::read_servers(stdin, "-")
            } else {
                Inventory::read_servers(open("--servers", path)?, &path.display().to_string())
            };
            all = all.merge(&one.map_err(wrong)?).map_err(wrong)?;
        }
        Ok(all)
    }
}

fn open(flag: &str, path: &Path) -> Result<File, Error> {
    File::open(path).map_err(|e| Error::file(flag, path, &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_merged_and_mistakes_name_the_flag() {
        let dir = tempfile::tempdir().unwrap();
        let (servers, inventory) = (dir.path().join("servers.txt"), dir.path().join("fleet.yaml"));
        std::fs::write(&servers, "web-01 user=sre\nweb-02\n").unwrap();
        std::fs::write(&inventory, "groups:\n  db:\n    hosts: [db-1]\n").unwrap();
        let args = HostArgs { servers: vec![servers], inventory: vec![inventory], ..HostArgs::default() };
        let names = |args: &HostArgs| -> Vec<String> {
            args.select(&b"from-stdin\n"[..]).unwrap().iter().map(ToString::to_string).collect()
        };
        assert_eq!(names(&args), ["db-1", "web-01", "web-02"]);
        let chosen = HostArgs { hosts: vec!["web*".to_owned()], exclude: vec!["web-02".to_owned()], ..args };
        assert_eq!(names(&chosen), ["web-01"]);
        let misspelt = HostArgs { hosts: vec!["wbe-01".to_owned()], ..chosen };
        let said = misspelt.select(std::io::empty()).unwrap_err().to_string();
        assert!(said.contains("not in the inventory") && said.contains("did you mean `web-01`?"), "{said}");
        assert_eq!(names(&HostArgs { servers: vec!["-".into()], ..HostArgs::default() }), ["from-stdin"]);
        let missing = HostArgs { servers: vec![dir.path().join("server.txt")], ..HostArgs::default() };
        let said = missing.select(std::io::empty()).unwrap_err().to_string();
        assert!(said.contains("(--servers)") && said.ends_with("did you mean `servers.txt`?"), "{said}");
        let none = HostArgs::default().select(std::io::empty()).unwrap_err().to_string();
        assert!(none.starts_with("no hosts are named"), "{none}");
    }
}
