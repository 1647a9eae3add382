//! The settings, as the configuration file spells them: what a team or a person always wants.
//!
//! Every key has a default, every flag wins over its key, and `FLEET_RUN_<KEY>` stands between them.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sre_core::duration;

/// All settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// Hosts worked on at once. Default 50.
    pub workers: u32,
    /// Logins at once through one jump host. Default 10.
    pub startups: u32,
    /// Time for one host. Default 5m.
    #[serde(with = "duration::serde")]
    pub timeout: Duration,
    /// Time for the TCP connection, and then for the key exchange. Default 5s and 10s.
    #[serde(with = "duration::serde")]
    pub connect_timeout: Duration,
    /// How often a failed connection is tried again. Default 2.
    pub retries: u32,
    /// Login name.
    pub username: Option<String>,
    /// Port of the SSH server.
    pub port: Option<u16>,
    /// Private keys, tried before all others.
    pub keys: Vec<PathBuf>,
    /// Hosts to go through.
    pub jump: Option<String>,
    /// `strict`, `accept-new` or `off`.
    pub host_key: Option<String>,
    /// Servers files, when neither `--servers` nor `--inventory` is given.
    pub servers: Vec<PathBuf>,
    /// YAML inventories, likewise.
    pub inventory: Vec<PathBuf>,
    /// A number of hosts, or a share of the fleet such as `10%`. Without it, failures stop nothing.
    pub max_fail: Option<String>,
    /// Ask before a destructive-looking command on more hosts than this. Default 10.
    pub confirm_above: usize,
    /// Bytes of each stream of a host that are kept for the report. Default 1 MiB.
    #[serde(with = "sre_core::output::bytes::serde")]
    pub output_cap: u64,
    /// Whether runs are written to the audit log. Default true.
    pub audit: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            workers: 50,
            startups: 10,
            timeout: Duration::from_secs(300),
            connect_timeout: Duration::from_secs(5),
            retries: 2,
            username: None,
            port: None,
            keys: Vec::new(),
            jump: None,
            host_key: None,
            servers: Vec::new(),
            inventory: Vec::new(),
            max_fail: None,
            confirm_above: 10,
            output_cap: 1024 * 1024,
            audit: true,
        }
    }
}
