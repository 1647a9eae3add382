//! Paths on the host, as text that no program there can take for an option.

use std::path::Path;

use super::trouble::usage;
use crate::error::Error;

/// The path as programs of the host are given it: absolute, or beginning with `./`.
///
/// # Errors
/// When it is empty or holds a zero byte.
pub(super) fn plain(path: &str) -> Result<String, Error> {
    if path.is_empty() {
        return Err(usage("remote path", "it is empty"));
    }
    if path.contains('\0') {
        return Err(usage(path, "a path cannot hold a zero byte"));
    }
    Ok(if path.starts_with('/') { path.to_owned() } else { format!("./{path}") })
}

/// The same for something that is sent there: a trailing slash stands for the local name below it.
///
/// # Errors
/// As [`plain`], and when the local name cannot be told or is not UTF-8.
pub(super) fn target(path: &str, local: &Path) -> Result<String, Error> {
    let path = plain(path)?;
    let Some(folder) = path.strip_suffix('/') else { return Ok(path) };
    let name = local.file_name().ok_or_else(|| usage(&path, "the local path has no name to put below it"))?;
    let name = name.to_str().ok_or_else(|| usage(&path, "the local name is not UTF-8"))?;
    Ok(format!("{}/{name}", folder.trim_end_matches('/')))
}

/// Something below a folder of the host.
pub(super) fn below(folder: &str, relative: &str) -> String {
    format!("{}/{relative}", folder.trim_end_matches('/'))
}

/// The last part, where there is one that can name a file.
pub(super) fn name(path: &str) -> Option<&str> {
    let name = path.trim_end_matches('/').rsplit('/').next()?;
    (!matches!(name, "" | "." | "..")).then_some(name)
}

/// The folder it is in.
pub(super) fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/",
        Some((folder, _)) => folder,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_an_option() {
        assert_eq!(plain("-rf").unwrap(), "./-rf");
        assert_eq!(plain("/etc/x").unwrap(), "/etc/x");
        assert_eq!(plain("a b\n'").unwrap(), "./a b\n'");
        assert!(plain("").is_err());
        assert!(plain("a\0b").is_err());
    }

    #[test]
    fn a_trailing_slash_takes_the_local_name() {
        let local = Path::new("conf/nginx.conf");
        assert_eq!(target("/etc/nginx/", local).unwrap(), "/etc/nginx/nginx.conf");
        assert_eq!(target("/", local).unwrap(), "/nginx.conf");
        assert_eq!(target("/etc/other", local).unwrap(), "/etc/other");
        assert!(target("/etc/", Path::new("..")).is_err());
    }

    #[test]
    fn parts() {
        assert_eq!(name("/var/log/syslog"), Some("syslog"));
        assert_eq!(name("/var/log/"), Some("log"));
        assert_eq!(name("/"), None);
        assert_eq!(name("a/.."), None);
        assert_eq!(parent("/x"), "/");
        assert_eq!(parent("./x"), ".");
    }
}
