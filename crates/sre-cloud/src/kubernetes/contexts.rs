//! Which clusters there are and how to reach them: kubeconfig files and the in-cluster service account.
//!
//! Files are merged as `KUBECONFIG` says: the first file to name a context, cluster or user wins, and so does the
//! first `current-context`
//! (<https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/#merging-kubeconfig-files>).
//! Nothing here reads the environment: the caller splits `KUBECONFIG` and hands the paths in.
//!
//! ```
//! use sre_cloud::kubernetes::Contexts;
//!
//! let dir = tempfile::tempdir().unwrap();
//! let file = dir.path().join("config");
//! std::fs::write(&file, r#"
//! clusters: [{name: c, cluster: {server: "https://api.eu.example:6443"}}]
//! contexts: [{name: prod, context: {cluster: c, user: u}}]
//! current-context: prod
//! "#).unwrap();
//! let contexts = Contexts::read(&[file]).unwrap();
//! assert_eq!(contexts.names().collect::<Vec<_>>(), ["prod"]);
//! assert_eq!(contexts.select(None).unwrap().server(), "https://api.eu.example:6443");
//! let error = contexts.select(Some("prd")).unwrap_err().to_string();
//! assert!(error.contains("there is: prod"), "{error}");
//! ```

use std::fmt;
use std::path::{Path, PathBuf};

use kube::config::{AuthInfo, Cluster as ClusterEntry, Kubeconfig, KubeconfigError};
use sre_core::{Delivery, Target, redact};

use crate::{Error, ErrorKind};

/// A kubeconfig larger than this is refused; real ones are kilobytes, hundreds of contexts a few megabytes.
const MAX_KUBECONFIG_BYTES: u64 = 16 * 1024 * 1024;

/// How many names an error lists before it says "and N more".
const NAMES_IN_ERROR: usize = 20;

/// The name that [`InCluster::context`] gives its context.
pub const IN_CLUSTER: &str = "in-cluster";

/// The contexts of one or several kubeconfig files, merged.
#[derive(Clone)]
pub struct Contexts {
    merged: Kubeconfig,
    files: Vec<PathBuf>,
}

/// One cluster with the credentials to use there; make a connection with
/// [`Cluster::connect`](super::Cluster::connect).
#[derive(Clone)]
pub struct KubeContext {
    pub(crate) name: String,
    pub(crate) namespace: Option<String>,
    pub(crate) cluster: ClusterEntry,
    pub(crate) user: AuthInfo,
    pub(crate) reload_ca: bool,
}

/// What a pod knows of its own cluster: the values of `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`, and the
/// folder with `token`, `ca.crt` and `namespace`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct InCluster {
    /// Host name or address of the API server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Where the service account is mounted; by default [`InCluster::SERVICE_ACCOUNT`].
    pub service_account: PathBuf,
}

// === impl Contexts ===

impl Contexts {
    /// Reads and merges `files` in their order. Files that do not exist are left out, as kubectl does, as long as one
    /// is there.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when no file exists, one cannot be read, or one is not a kubeconfig.
    pub fn read(files: &[PathBuf]) -> Result<Self, Error> {
        let mut found = Vec::new();
        let mut merged = Kubeconfig::default();
        for file in files.iter().filter(|f| !f.as_os_str().is_empty()) {
            let Some(config) = read_file(file)? else { continue };
            merged = merged.merge(config).map_err(|e| config_error(&shown(file), reason(&e)))?;
            found.push(file.clone());
        }
        if found.is_empty() {
            let names: Vec<String> = files.iter().map(|f| shown(f)).collect();
            let tried = if names.is_empty() { "no path was given".to_owned() } else { names.join(", ") };
            return Err(config_error("kubeconfig", format!("there is no file to read: {tried}")));
        }
        Ok(Self { merged, files: found })
    }

    /// The names of all contexts, in the order of the files.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.merged.contexts.iter().map(|c| c.name.as_str())
    }

    /// The `current-context`, where one is set.
    pub fn current(&self) -> Option<&str> {
        self.merged.current_context.as_deref().filter(|name| !name.is_empty())
    }

    /// The files that were read.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// The context named `name`, or the current one.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when there is no such context (the error lists those there are), no current one, or its
    /// cluster is not defined or has no server.
    pub fn select(&self, name: Option<&str>) -> Result<KubeContext, Error> {
        let Some(name) = name.or(self.current()) else {
            return Err(config_error(&self.place(), format!("no current-context is set; {}", self.choices())));
        };
        let fail = |why: String| config_error(name, format!("{why} in {}", self.place()));
        let context =
            self.merged.contexts.iter().find(|c| c.name == name).and_then(|c| c.context.clone()).ok_or_else(|| {
                config_error(name, format!("no such context in {}; {}", self.place(), self.choices()))
            })?;
        let cluster = self
            .merged
            .clusters
            .iter()
            .find(|c| c.name == context.cluster)
            .and_then(|c| c.cluster.clone())
            .ok_or_else(|| fail(format!("its cluster `{}` is not defined", context.cluster)))?;
        if cluster.server.as_deref().is_none_or(str::is_empty) {
            return Err(fail(format!("its cluster `{}` has no server", context.cluster)));
        }
        // A missing user means an anonymous client, as in kubectl; the server says what it thinks of that.
        let user = context.user.as_deref().and_then(|user| self.merged.auth_infos.iter().find(|u| u.name == user));
        Ok(KubeContext {
            name: name.to_owned(),
            namespace: context.namespace.filter(|ns| !ns.is_empty()),
            cluster,
            user: user.and_then(|u| u.auth_info.clone()).unwrap_or_default(),
            reload_ca: false,
        })
    }

    fn place(&self) -> String {
        self.files.iter().map(|f| shown(f)).collect::<Vec<_>>().join(", ")
    }

    fn choices(&self) -> String {
        let names: Vec<&str> = self.names().collect();
        match names.len() {
            0 => "there are no contexts".to_owned(),
            n if n > NAMES_IN_ERROR => {
                format!("there are: {}, and {} more", names[..NAMES_IN_ERROR].join(", "), n - NAMES_IN_ERROR)
            }
            1 => format!("there is: {}", names[0]),
            _ => format!("there are: {}", names.join(", ")),
        }
    }
}

impl fmt::Debug for Contexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.names().collect();
        f.debug_struct("Contexts")
            .field("files", &self.files)
            .field("names", &names)
            .field("current", &self.current())
            .finish()
    }
}

// === impl KubeContext ===

impl KubeContext {
    /// The context's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The namespace that kubectl would use by default, where the context names one.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// The API server's URL, without any secret in it.
    pub fn server(&self) -> String {
        redact::url(self.cluster.server.as_deref().unwrap_or_default())
    }
}

impl fmt::Debug for KubeContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KubeContext")
            .field("name", &self.name)
            .field("server", &self.server())
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

// === impl InCluster ===

impl InCluster {
    /// Where Kubernetes mounts the service account
    /// (<https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/>).
    pub const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// From the values of `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`.
    #[must_use]
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port, service_account: PathBuf::from(Self::SERVICE_ACCOUNT) }
    }

    /// Another folder with the service account.
    #[must_use]
    pub fn service_account(mut self, dir: impl Into<PathBuf>) -> Self {
        self.service_account = dir.into();
        self
    }

    /// The context of the cluster that this process runs in, named [`IN_CLUSTER`].
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when the service account has no `token` or `ca.crt`.
    pub fn context(&self) -> Result<KubeContext, Error> {
        let file = |name: &str| -> Result<String, Error> {
            let path = self.service_account.join(name);
            match path.metadata() {
                Ok(_) => Ok(path.to_string_lossy().into_owned()),
                Err(e) => Err(config_error(IN_CLUSTER, format!("{}: {e}", shown(&path)))),
            }
        };
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let namespace = std::fs::read_to_string(self.service_account.join("namespace"));
        Ok(KubeContext {
            name: IN_CLUSTER.to_owned(),
            namespace: namespace.ok().map(|ns| ns.trim().to_owned()).filter(|ns| !ns.is_empty()),
            cluster: ClusterEntry {
                server: Some(format!("https://{host}:{}", self.port)),
                certificate_authority: Some(file("ca.crt")?),
                ..ClusterEntry::default()
            },
            user: AuthInfo { token_file: Some(file("token")?), ..AuthInfo::default() },
            reload_ca: true,
        })
    }
}

fn read_file(file: &Path) -> Result<Option<Kubeconfig>, Error> {
    let fail = |why: String| config_error(&shown(file), why);
    let size = match file.metadata() {
        Ok(meta) if meta.is_dir() => return Err(fail("it is a folder, not a kubeconfig".to_owned())),
        Ok(meta) => meta.len(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(fail(e.to_string())),
    };
    if size > MAX_KUBECONFIG_BYTES {
        return Err(fail(format!("{size} bytes are too many for a kubeconfig")));
    }
    Kubeconfig::read_from(file).map(Some).map_err(|e| fail(reason(&e)))
}

fn reason(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::ReadConfig(io, _) => io.to_string(),
        // The parser shows a snippet of the file under its message, and kubeconfigs hold tokens: the first line is
        // the message, and it may quote a value.
        KubeconfigError::Parse(e) => {
            let text = e.to_string();
            format!("it is not a kubeconfig: {}", unquoted(text.lines().next().unwrap_or_default()))
        }
        other => other.to_string(),
    }
}

/// Masks what stands between double quotes: serde quotes values so, and names with backticks.
fn unquoted(message: &str) -> String {
    let parts = message.split('"').enumerate();
    parts.map(|(i, part)| if i % 2 == 1 { "\"***\"" } else { part }).collect()
}

pub(crate) fn config_error(target: &str, detail: impl AsRef<str>) -> Error {
    Error::new(ErrorKind::Config, Target::new(target)).with_detail(detail).with_delivery(Delivery::NotSent)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(texts: &[&str]) -> (tempfile::TempDir, Vec<PathBuf>) {
        let dir = tempfile::tempdir().unwrap();
        let paths = texts.iter().enumerate().map(|(i, text)| {
            let path = dir.path().join(format!("config-{i}"));
            std::fs::write(&path, text).unwrap();
            path
        });
        let paths = paths.collect();
        (dir, paths)
    }

    const ONE: &str = "
clusters: [{name: a, cluster: {server: 'https://a.example', certificate-authority: ca.pem}}]
contexts: [{name: a, context: {cluster: a, user: a, namespace: shop}}, {name: lost, context: {cluster: nowhere}}]
users: [{name: a, user: {token: first-secret}}]
current-context: a
";
    const TWO: &str = "
clusters: [{name: a, cluster: {server: 'https://other.example'}}, {name: b, cluster: {server: 'https://b.example'}}]
contexts: [{name: b, context: {cluster: b, user: nobody}}, {name: a, context: {cluster: b}}]
current-context: b
";

    #[test]
    fn the_first_file_wins() {
        let (dir, mut paths) = files(&[ONE, TWO]);
        paths.insert(0, dir.path().join("absent"));
        let contexts = Contexts::read(&paths).unwrap();
        assert_eq!(contexts.names().collect::<Vec<_>>(), ["a", "lost", "b"]);
        let a = contexts.select(None).unwrap();
        assert_eq!((a.name(), a.server().as_str(), a.namespace()), ("a", "https://a.example", Some("shop")));
        assert_eq!(a.cluster.certificate_authority.as_deref(), dir.path().join("ca.pem").to_str());
        assert_eq!(contexts.select(Some("b")).unwrap().server(), "https://b.example");
        assert!(!format!("{contexts:?} {a:?}").contains("first-secret"));
    }

    #[test]
    fn errors_say_where_and_what_there_is() {
        let (dir, paths) = files(&[ONE, "clusters: 5\n"]);
        let contexts = Contexts::read(&paths[..1]).unwrap();
        let text = contexts.select(Some("x")).unwrap_err().to_string();
        assert!(text.contains("from x: no such context in") && text.ends_with("there are: a, lost"), "{text}");
        let text = contexts.select(Some("lost")).unwrap_err().to_string();
        assert!(text.contains("its cluster `nowhere` is not defined"), "{text}");
        let error = Contexts::read(&paths).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("config-1: it is not a kubeconfig"), "{error}");
        let text = Contexts::read(&[dir.path().join("absent")]).unwrap_err().to_string();
        assert!(text.contains("there is no file to read") && text.contains("absent"), "{text}");
        assert!(Contexts::read(&[dir.path().to_owned()]).is_err());
    }

    #[test]
    fn a_broken_file_does_not_show_its_secrets() {
        for broken in [
            "users: [{name: a, user: {token: [very-secret-token]}}]\n",
            "users: [{name: a, user: very-secret-token}]\n",
        ] {
            let (_dir, paths) = files(&[broken]);
            let text = Contexts::read(&paths).unwrap_err().to_string();
            assert!(!text.contains("very-secret-token"), "{text}");
        }
    }

    #[test]
    fn a_pod_knows_its_cluster() {
        let dir = tempfile::tempdir().unwrap();
        let pod = InCluster::new("fd00::1", 443).service_account(dir.path());
        assert!(pod.context().unwrap_err().to_string().contains("ca.crt"));
        for (name, text) in [("token", "t"), ("ca.crt", "c"), ("namespace", "ops\n")] {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let context = pod.context().unwrap();
        assert_eq!((context.name(), context.server().as_str()), (IN_CLUSTER, "https://[fd00::1]:443"));
        assert_eq!(context.namespace(), Some("ops"));
    }
}
