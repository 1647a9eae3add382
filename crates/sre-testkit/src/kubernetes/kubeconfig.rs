//! Kubeconfig files for scripted API servers, and for clusters that are not there.
//!
//! ```
//! use sre_testkit::kubernetes::Kubeconfig;
//!
//! let config = Kubeconfig::new().unreachable("dead", "https://127.0.0.1:9").namespace("dead", "shop");
//! assert!(config.to_yaml().contains("current-context: \"dead\""));
//! ```

use std::fmt::Write;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::api::KubeApi;

/// A kubeconfig under construction; the first context is the current one.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Kubeconfig {
    contexts: Vec<Context>,
    current: Option<String>,
}

#[derive(Clone, Debug)]
struct Context {
    name: String,
    cluster: Value,
    user: Value,
    namespace: Option<String>,
}

// === impl KubeApi ===

impl KubeApi {
    /// A kubeconfig with this server as its only, current context: CA and token are inside.
    #[must_use]
    pub fn kubeconfig(&self, context: &str) -> String {
        Kubeconfig::new().api(context, self).to_yaml()
    }

    /// The same with an `exec` credential plugin instead of the token.
    #[must_use]
    pub fn kubeconfig_exec(&self, context: &str, command: &str, args: &[&str]) -> String {
        Kubeconfig::new().exec(context, self, command, args).to_yaml()
    }

    /// What an `exec` plugin has to print for this server: an ExecCredential with its token.
    #[must_use]
    pub fn exec_credential(&self) -> String {
        json!({
            "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
            "status": { "token": self.token() },
        })
        .to_string()
    }
}

// === impl Kubeconfig ===

impl Kubeconfig {
    /// No contexts yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A context for a server, with its CA and token.
    pub fn api(self, context: &str, api: &KubeApi) -> Self {
        self.with(context, trusted(api), json!({ "token": api.token() }))
    }

    /// A context for a server with any other token.
    pub fn api_with_token(self, context: &str, api: &KubeApi, token: &str) -> Self {
        self.with(context, trusted(api), json!({ "token": token }))
    }

    /// A context for a server whose certificate the client is not told to trust.
    pub fn api_untrusted(self, context: &str, api: &KubeApi) -> Self {
        self.with(context, json!({ "server": api.url() }), json!({ "token": api.token() }))
    }

    /// A context whose credentials come from an `exec` plugin.
    pub fn exec(self, context: &str, api: &KubeApi, command: &str, args: &[&str]) -> Self {
        let exec = json!({
            "apiVersion": "client.authentication.k8s.io/v1", "command": command, "args": args, "interactiveMode": "Never",
        });
        self.with(context, trusted(api), json!({ "exec": exec }))
    }

    /// A context for an address where no API server is, with a token that nobody checks.
    pub fn unreachable(self, context: &str, url: &str) -> Self {
        self.with(context, json!({ "server": url }), json!({ "token": "none" }))
    }

    /// Sets the default namespace of a context.
    pub fn namespace(mut self, context: &str, namespace: &str) -> Self {
        for found in self.contexts.iter_mut().filter(|found| found.name == context) {
            found.namespace = Some(namespace.to_owned());
        }
        self
    }

    /// Makes another context than the first the current one.
    pub fn current(mut self, context: &str) -> Self {
        self.current = Some(context.to_owned());
        self
    }

    /// The file's text.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let mut yaml = "apiVersion: v1\nkind: Config\npreferences: {}\n".to_owned();
        let current = self.current.as_deref().or(self.contexts.first().map(|first| first.name.as_str()));
        writeln!(yaml, "current-context: {}", json!(current.unwrap_or_default())).expect("write into memory");
        let mut list = |key: &str, entry: &dyn Fn(&Context) -> Value| {
            writeln!(yaml, "{key}:").expect("write into memory");
            for context in &self.contexts {
                block(&mut yaml, &entry(context));
            }
        };
        list("clusters", &|context| json!({ "name": context.name, "cluster": context.cluster }));
        list("users", &|context| json!({ "name": format!("{}-user", context.name), "user": context.user }));
        list("contexts", &|context| {
            let mut inner = json!({ "cluster": context.name, "user": format!("{}-user", context.name) });
            if let Some(namespace) = &context.namespace {
                inner["namespace"] = json!(namespace);
            }
            json!({ "name": context.name, "context": inner })
        });
        yaml
    }

    /// Writes `kubeconfig.yaml` into a folder.
    ///
    /// # Panics
    /// When the file cannot be written.
    #[must_use]
    pub fn write(&self, dir: &Path) -> PathBuf {
        let path = dir.join("kubeconfig.yaml");
        std::fs::write(&path, self.to_yaml()).expect("write the kubeconfig");
        path
    }

    fn with(mut self, context: &str, cluster: Value, user: Value) -> Self {
        self.contexts.push(Context { name: context.to_owned(), cluster, user, namespace: None });
        self
    }
}

/// Writes one `kubeconfig.yaml` with a context for each server; the first is the current one.
///
/// # Panics
/// When the file cannot be written.
#[must_use]
pub fn write_kubeconfig(dir: &Path, apis: &[(&str, &KubeApi)]) -> PathBuf {
    apis.iter().fold(Kubeconfig::new(), |config, (context, api)| config.api(context, api)).write(dir)
}

fn trusted(api: &KubeApi) -> Value {
    json!({ "server": api.url(), "certificate-authority-data": STANDARD.encode(api.ca_pem()) })
}

/// A list entry of two keys: the first in block style, the nested ones as JSON scalars and lists, which are YAML too.
fn block(yaml: &mut String, entry: &Value) {
    let mut lead = "- ";
    for (key, value) in entry.as_object().into_iter().flatten() {
        match value.as_object() {
            Some(fields) => {
                writeln!(yaml, "{lead}{key}:").expect("write into memory");
                for (key, value) in fields {
                    writeln!(yaml, "    {key}: {value}").expect("write into memory");
                }
            }
            None => writeln!(yaml, "{lead}{key}: {value}").expect("write into memory"),
        }
        lead = "  ";
    }
}
