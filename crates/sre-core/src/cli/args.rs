//! The flags that every tool has.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args};

use crate::color::{ColorChoice, ColorHints};
use crate::config::{Error, Layers};
use crate::duration;
use crate::logging::{LogFormat, Logging};

/// The flags that every tool has; flatten it into the tool's own arguments.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Common options")]
#[non_exhaustive]
pub struct CommonArgs {
    /// Read the settings from this file instead of the usual place
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,

    /// Say what would be done, and do none of it
    #[arg(short = 'n', long, global = true)]
    pub dry_run: bool,

    /// Say more on stderr; -vv for details, -vvv for the libraries' too
    #[arg(short, long, action = ArgAction::Count, global = true)]
    pub verbose: u8,

    /// Log to this file as well
    #[arg(long, value_name = "FILE", global = true)]
    pub log_file: Option<PathBuf>,

    /// How a line of the log is written
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, global = true)]
    pub log_format: LogFormat,

    /// When to use colour
    #[arg(long, value_name = "WHEN", value_enum, default_value_t, global = true)]
    pub color: ColorChoice,

    /// How long one request or check may take: 30s, 2m, 1h30m, or a number of seconds
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, global = true)]
    pub timeout: Option<Duration>,
}

// === impl CommonArgs ===

impl CommonArgs {
    /// The logging that these flags ask for. `lookup` gives an environment variable (`RUST_LOG`, `NO_COLOR`, …),
    /// usually `std::env::var_os`; `stderr_is_terminal` comes from `std::io::IsTerminal`.
    pub fn logging(&self, lookup: impl Fn(&str) -> Option<OsString>, stderr_is_terminal: bool) -> Logging {
        let filter = lookup("RUST_LOG").and_then(|value| value.into_string().ok());
        Logging::new()
            .verbosity(self.verbose)
            .filter(filter)
            .format(self.log_format)
            .color(self.color.resolve(&ColorHints::new(&lookup, stderr_is_terminal)))
            .file(self.log_file.clone())
    }

    /// The layers that every tool has: the file named by `--config`, else by `PREFIX_CONFIG`, else
    /// `$XDG_CONFIG_HOME/TOOL/config.yaml` (usually `~/.config/TOOL/config.yaml`) if it is there; then the environment
    /// with the tool's name in capitals as prefix; then `--timeout` as the key `timeout`.
    ///
    /// The tool adds its own flags and variables to what comes back:
    ///
    /// ```
    /// # use sre_core::cli::CommonArgs;
    /// # #[derive(serde::Deserialize, Default)] #[serde(default)] struct Config { prometheus: Prometheus }
    /// # #[derive(serde::Deserialize, Default)] #[serde(default)] struct Prometheus { url: String }
    /// # let url_flag = None::<String>;
    /// let variables = [("PROMETHEUS_URL", "http://prom:9090")]; // std::env::vars_os()
    /// let config = CommonArgs::default()
    ///     .layers("morning-check", variables)?
    ///     .env_alias("PROMETHEUS_URL", "prometheus.url")
    ///     .flag("--prometheus-url", "prometheus.url", url_flag)
    ///     .load::<Config>()?;
    /// assert_eq!(config.value.prometheus.url, "http://prom:9090");
    /// # Ok::<(), sre_core::config::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Layers::file`].
    pub fn layers<K: Into<OsString>, V: Into<OsString>>(
        &self,
        tool: &str,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Layers, Error> {
        let variables: Vec<(OsString, OsString)> =
            variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let lookup = |name: &str| {
            variables.iter().find(|(n, value)| n == name && !value.is_empty()).map(|(_, value)| PathBuf::from(value))
        };
        let prefix = tool.replace('-', "_").to_ascii_uppercase();
        let own = format!("{prefix}_CONFIG");
        let layers = match self.config.clone().or_else(|| lookup(&own)) {
            Some(path) => Layers::new().file(path)?,
            None => match usual_place(tool, lookup) {
                Some(path) => Layers::new().file_if_exists(path)?,
                None => Layers::new(),
            },
        };
        let timeout = self.timeout.map(|timeout| timeout.as_secs_f64().to_string());
        Ok(layers.env(&prefix, variables).env_known(&own).flag("--timeout", "timeout", timeout))
    }
}

/// By the XDG Base Directory Specification a path that is not absolute is to be ignored.
fn usual_place(tool: &str, lookup: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let folder = lookup("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
    let folder = folder.or_else(|| Some(lookup("HOME").filter(|path| path.is_absolute())?.join(".config")))?;
    Some(folder.join(tool).join("config.yaml"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ErrorKind;

    #[derive(Debug, serde::Deserialize)]
    struct Config {
        name: String,
        #[serde(default, with = "crate::duration::serde")]
        timeout: Duration,
    }

    fn load(args: &CommonArgs, variables: &[(&str, &std::path::Path)]) -> Result<Config, Error> {
        args.layers("my-tool", variables.iter().copied())?.load().map(|loaded| loaded.value)
    }

    #[test]
    fn the_file_is_the_flags_else_the_variables_else_the_users() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, format!("name: {name:?}\n")).unwrap();
            path
        };
        let (flag, variable) = (at("flag.yaml"), at("variable.yaml"));
        let (xdg, home) = (at("xdg/my-tool/config.yaml"), at(".config/my-tool/config.yaml"));
        let home_dir = ("HOME", dir.path());
        let xdg_dir = dir.path().join("xdg");
        let args =
            CommonArgs { config: Some(flag), timeout: Some(Duration::from_millis(1500)), ..CommonArgs::default() };
        let loaded = load(&args, &[("MY_TOOL_CONFIG", &variable), home_dir]).unwrap();
        assert_eq!((loaded.name.as_str(), loaded.timeout), ("flag.yaml", Duration::from_millis(1500)));
        let args = CommonArgs::default();
        let name = |variables: &[(&str, &std::path::Path)]| load(&args, variables).map(|config| config.name);
        assert_eq!(name(&[("MY_TOOL_CONFIG", &variable), home_dir]).unwrap(), "variable.yaml");
        assert_eq!(name(&[("XDG_CONFIG_HOME", &xdg_dir), home_dir]).unwrap(), "xdg/my-tool/config.yaml");
        assert_eq!(name(&[("XDG_CONFIG_HOME", "xdg".as_ref()), home_dir]).unwrap(), ".config/my-tool/config.yaml");
        std::fs::remove_file(home).unwrap();
        assert_eq!(name(&[home_dir]).unwrap_err().kind(), ErrorKind::MissingKey);
        assert_eq!(name(&[]).unwrap_err().kind(), ErrorKind::MissingKey);
        std::fs::remove_file(xdg).unwrap();
        let gone = CommonArgs { config: Some(dir.path().join("gone.yaml")), ..CommonArgs::default() };
        assert_eq!(load(&gone, &[home_dir]).unwrap_err().kind(), ErrorKind::NotFound);
    }
}
