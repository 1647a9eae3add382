//! Runs a kubeconfig's credential plugin so that it can neither hang us nor stay behind.
//!
//! The protocol is `client.authentication.k8s.io`
//! (<https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins>): the plugin
//! gets `KUBERNETES_EXEC_INFO` and prints an `ExecCredential`. Ours differs from the client library's in this: the
//! plugin has no stdin unless a person is there, leads its own process group, and at the time limit the whole group is
//! killed. What it says on stderr goes into the error; what it says on stdout never does, for that is the credential.
//!
//! A child of the plugin that starts a session of its own escapes the group; an interactive plugin stays in ours,
//! because a background group may not read from the terminal, so there only the plugin itself is killed.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use http::HeaderValue;
use jiff::Timestamp;
use kube::config::{ExecAuthCluster, ExecConfig, ExecInteractiveMode};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};
use sre_core::{Delivery, Secret, Target, duration};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::{Error, ErrorKind};

/// An `ExecCredential` is a few kilobytes; certificates make it a few more.
const MAX_STDOUT: u64 = 1024 * 1024;
/// What is read of stderr, and how much of its end an error shows.
const MAX_STDERR: u64 = 64 * 1024;
const SHOWN_STDERR: usize = 400;
/// How long the pipes are read on after the plugin has gone: a child that it left running may hold them open.
const PIPE_GRACE: Duration = Duration::from_millis(500);

/// What a plugin handed out.
#[derive(Debug)]
pub(crate) struct Credential {
    /// `Bearer …`, marked as sensitive.
    pub(crate) authorization: Option<HeaderValue>,
    /// Client certificate and key, both PEM.
    pub(crate) identity: Option<(String, Secret)>,
    /// When it ends, where the plugin says.
    pub(crate) expires: Option<Timestamp>,
}

/// One plugin with its limits.
pub(crate) struct Plugin<'a> {
    pub(crate) config: &'a ExecConfig,
    pub(crate) cluster: Option<ExecAuthCluster>,
    pub(crate) interactive: bool,
    pub(crate) limit: Duration,
    pub(crate) target: &'a Target,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExecInfo<'a> {
    kind: &'static str,
    api_version: &'a str,
    spec: ExecSpec,
}

#[derive(Serialize)]
struct ExecSpec {
    interactive: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<ExecAuthCluster>,
}

#[derive(Deserialize)]
struct ExecCredential {
    status: Option<ExecStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecStatus {
    expiration_timestamp: Option<String>,
    token: Option<Secret>,
    client_certificate_data: Option<String>,
    client_key_data: Option<Secret>,
}

struct Output {
    status: ExitStatus,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// Kills a process group when dropped.
struct Group(Option<Pid>);

// === impl Plugin ===

impl Plugin<'_> {
    /// Runs the plugin once.
    ///
    /// # Cancel safety
    /// Dropping the future kills the plugin and its group.
    pub(crate) async fn run(&self) -> Result<Credential, Error> {
        let command = self.command()?;
        let output = self.output(command).await?;
        if !output.status.success() {
            return Err(self.error(format!("{}{}", exit_text(output.status), said(&output.stderr))));
        }
        self.credential(&output)
    }

    fn name(&self) -> &str {
        self.config.command.as_deref().unwrap_or_default()
    }

    fn error(&self, why: impl AsRef<str>) -> Error {
        Error::new(ErrorKind::CredentialPlugin, self.target.clone())
            .with_detail(format!("credential plugin `{}` {}", self.name(), why.as_ref()))
            .with_delivery(Delivery::NotSent)
    }

    fn command(&self) -> Result<Command, Error> {
        let interactive = match self.config.interactive_mode {
            Some(ExecInteractiveMode::Never) => false,
            Some(ExecInteractiveMode::Always) if !self.interactive => {
                return Err(self.error("wants a person at the terminal (interactiveMode: Always)"));
            }
            _ => self.interactive,
        };
        if self.name().is_empty() {
            return Err(self.error("has no command in the kubeconfig"));
        }
        let info = ExecInfo {
            kind: "ExecCredential",
            api_version: self.config.api_version.as_deref().unwrap_or("client.authentication.k8s.io/v1"),
            spec: ExecSpec { interactive, cluster: self.cluster.clone() },
        };
        let info = serde_json::to_string(&info).map_err(|e| self.error(format!("cannot be told the cluster: {e}")))?;
        let mut command = Command::new(self.name());
        command.args(self.config.args.iter().flatten()).stdout(Stdio::piped()).kill_on_drop(true);
        for pair in self.config.env.iter().flatten() {
            if let (Some(name), Some(value)) = (pair.get("name"), pair.get("value")) {
                command.env(name, value);
            }
        }
        command.env("KUBERNETES_EXEC_INFO", info);
        if interactive {
            command.stdin(Stdio::inherit()).stderr(Stdio::inherit());
        } else {
            command.stdin(Stdio::null()).stderr(Stdio::piped()).process_group(0);
        }
        Ok(command)
    }

    async fn output(&self, mut command: Command) -> Result<Output, Error> {
        let own_group = self.config.interactive_mode == Some(ExecInteractiveMode::Never) || !self.interactive;
        let mut child = command.spawn().map_err(|e| {
            let hint = self.config.install_hint.as_deref().filter(|_| e.kind() == std::io::ErrorKind::NotFound);
            self.error(format!("did not start: {e}{}", hint.map(|h| format!("; {}", one_line(h))).unwrap_or_default()))
        })?;
        let mut group = Group(child.id().filter(|_| own_group).and_then(pid));
        let mut stderr = Vec::new();
        let waited = timeout(self.limit, wait(&mut child, &mut stderr)).await;
        match waited {
            Ok(Ok((status, stdout))) => {
                // A plugin that failed leaves nothing of use behind; one that did its work may keep a helper running.
                if status.success() {
                    group.0 = None;
                }
                Ok(Output { status, stdout, stderr })
            }
            Ok(Err(e)) => Err(self.error(format!("could not be read: {e}"))),
            Err(_) => {
                drop(group);
                let _ = child.start_kill();
                // The kill is certain, only its collection may lag behind; then the runtime collects it.
                let _ = timeout(PIPE_GRACE, child.wait()).await;
                let limit = duration::format(self.limit);
                Err(self.error(format!("was killed: no credential within {limit}{}", said(&stderr))))
            }
        }
    }

    fn credential(&self, output: &Output) -> Result<Credential, Error> {
        // Messages of the parsers may quote what they read, and that may be the token: only the place is told.
        let parsed: ExecCredential = match serde_json::from_slice(&output.stdout) {
            Ok(parsed) => parsed,
            Err(e) => serde_yaml::from_slice(&output.stdout).map_err(|_| {
                let place = format!("line {} column {}", e.line(), e.column());
                self.error(format!("printed no ExecCredential (see {place} of its output){}", said(&output.stderr)))
            })?,
        };
        let status = parsed
            .status
            .ok_or_else(|| self.error(format!("printed an ExecCredential without a status{}", said(&output.stderr))))?;
        let expires = match status.expiration_timestamp.as_deref() {
            None | Some("") => None,
            Some(text) => {
                Some(text.parse().map_err(|e| self.error(format!("gave an unreadable expirationTimestamp: {e}")))?)
            }
        };
        let authorization = status.token.filter(|t| !t.expose().trim().is_empty()).map(|token| self.bearer(&token));
        let identity = match (status.client_certificate_data, status.client_key_data) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err(self.error("gave a client certificate without its key, or a key without certificate")),
        };
        if authorization.is_none() && identity.is_none() {
            return Err(self.error("gave neither token nor client certificate"));
        }
        Ok(Credential { authorization: authorization.transpose()?, identity, expires })
    }

    fn bearer(&self, token: &Secret) -> Result<HeaderValue, Error> {
        let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose().trim()))
            .map_err(|_| self.error("gave a token that does not fit in a header"))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

// === impl Group ===

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // It fails when the group is empty by now, which is what we want.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

fn pid(id: u32) -> Option<Pid> {
    i32::try_from(id).ok().and_then(Pid::from_raw)
}

async fn wait(child: &mut Child, stderr: &mut Vec<u8>) -> std::io::Result<(ExitStatus, Vec<u8>)> {
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let mut stdout = Vec::new();
    let status = {
        let mut pipes = std::pin::pin!(async {
            tokio::join!(drain(out, &mut stdout, MAX_STDOUT), drain(err, stderr, MAX_STDERR));
        });
        tokio::select! {
            () = &mut pipes => child.wait().await?,
            status = child.wait() => {
                let _ = timeout(PIPE_GRACE, pipes).await;
                status?
            }
        }
    };
    Ok((status, stdout))
}

/// Keeps the first `limit` bytes; closing the pipe then stops a plugin that babbles.
async fn drain(pipe: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>, limit: u64) {
    if let Some(pipe) = pipe {
        // A pipe that breaks counts as one that ended: what was read decides.
        let _ = pipe.take(limit).read_to_end(into).await;
    }
}

fn exit_text(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with status {code}"),
        (None, Some(signal)) => format!("died of signal {signal}"),
        _ => "ended strangely".to_owned(),
    }
}

fn said(stderr: &[u8]) -> String {
    let text = one_line(&String::from_utf8_lossy(stderr));
    if text.is_empty() {
        return String::new();
    }
    let skip = text.chars().count().saturating_sub(SHOWN_STDERR);
    let end: String = text.chars().skip(skip).collect();
    format!(": {}{end}", if skip > 0 { "…" } else { "" })
}

fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use tokio::time::Instant;

    use super::*;

    fn shell(script: &str) -> ExecConfig {
        ExecConfig {
            command: Some("sh".to_owned()),
            args: Some(vec!["-c".to_owned(), script.to_owned()]),
            env: Some(vec![[("name", "REGION"), ("value", "eu")].map(|(k, v)| (k.to_owned(), v.to_owned())).into()]),
            ..ExecConfig::default()
        }
    }

    async fn run(config: &ExecConfig, limit: Duration) -> Result<Credential, Error> {
        let target = Target::new("prod");
        Plugin { config, cluster: None, interactive: false, limit, target: &target }.run().await
    }

    async fn fails(script: &str) -> String {
        let error = run(&shell(script), Duration::from_secs(10)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialPlugin);
        error.to_string()
    }

    #[tokio::test]
    async fn hands_out_a_token_and_its_end() {
        let script = r#"test "$REGION" = eu || exit 9
            case "$KUBERNETES_EXEC_INFO" in *'"interactive":false'*) ;; *) exit 8;; esac
            if read line; then exit 7; fi
            echo noise >&2
            echo '{"status": {"token": "abc", "expirationTimestamp": "2026-03-23T07:00:00Z"}}'"#;
        let credential = run(&shell(script), Duration::from_secs(10)).await.unwrap();
        assert_eq!(credential.authorization.as_ref().unwrap(), "Bearer abc");
        assert_eq!(credential.expires.unwrap().to_string(), "2026-03-23T07:00:00Z");
        assert!(!format!("{credential:?}").contains("abc"));
    }

    #[tokio::test]
    async fn hands_out_a_certificate_in_yaml() {
        let script = "printf 'status:\\n  clientCertificateData: CERT\\n  clientKeyData: KEY\\n'";
        let (certificate, key) = run(&shell(script), Duration::from_secs(10)).await.unwrap().identity.unwrap();
        assert_eq!((certificate.as_str(), key.expose()), ("CERT", "KEY"));
    }

    #[tokio::test]
    async fn failures_say_what_the_plugin_said_but_no_secret() {
        let text = fails("echo 'SSO session\nexpired' >&2; exit 254").await;
        assert_eq!(
            text,
            "no credentials from prod: credential plugin `sh` exited with status 254: SSO session expired"
        );
        let text = fails(r#"echo '{"status": {"token": ["5551234"]}}'"#).await;
        assert!(text.contains("printed no ExecCredential") && !text.contains("5551234"), "{text}");
        assert!(fails("echo '{}'").await.contains("without a status"));
        assert!(fails(r#"echo '{"status":{}}'"#).await.contains("neither token nor"));
        assert!(fails(r#"echo '{"status":{"clientKeyData":"k"}}'"#).await.contains("key without"));
        assert!(fails("kill -9 $$").await.contains("died of signal 9"));
    }

    #[tokio::test]
    async fn a_missing_plugin_brings_its_hint() {
        let config = ExecConfig {
            command: Some("no-such-plugin-here".to_owned()),
            install_hint: Some("install it\nfrom there".to_owned()),
            ..ExecConfig::default()
        };
        let text = run(&config, Duration::from_secs(1)).await.unwrap_err().to_string();
        assert!(text.contains("did not start") && text.ends_with("install it from there"), "{text}");
        let wants = ExecConfig { interactive_mode: Some(ExecInteractiveMode::Always), ..shell("true") };
        let text = run(&wants, Duration::from_secs(1)).await.unwrap_err().to_string();
        assert!(text.contains("interactiveMode: Always"), "{text}");
    }

    fn alive(pid: &str) -> bool {
        // A zombie has been killed already; only its collection is pending.
        std::fs::read_to_string(Path::new("/proc").join(pid.trim()).join("stat"))
            .is_ok_and(|stat| !stat.contains(") Z "))
    }

    async fn gone(pid: &str) {
        let start = Instant::now();
        while alive(pid) {
            assert!(start.elapsed() < Duration::from_secs(5), "{pid} is still there");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn a_hanging_plugin_is_killed_with_its_children() {
        let dir = tempfile::tempdir().unwrap();
        let (own, child) = (dir.path().join("own"), dir.path().join("child"));
        let script = format!(
            "sleep 600 & echo $! > {}; echo $$ > {}; echo waiting for login >&2; wait",
            child.display(),
            own.display()
        );
        let start = Instant::now();
        let error = run(&shell(&script), Duration::from_secs(1)).await.unwrap_err();
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        assert!(error.to_string().ends_with("no credential within 1s: waiting for login"), "{error}");
        for file in [own, child] {
            gone(&std::fs::read_to_string(file).unwrap()).await;
        }
    }

    #[tokio::test]
    async fn dropping_it_kills_it_too() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        let config = shell(&format!("sleep 600 & echo $! > {}.new; mv {0}.new {0}; wait", file.display()));
        let target = Target::new("prod");
        let plugin = Plugin {
            config: &config,
            cluster: None,
            interactive: false,
            limit: Duration::from_secs(60),
            target: &target,
        };
        let seen = async {
            while !file.exists() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            _ = plugin.run() => panic!("it cannot have ended"),
            () = seen => {}
        }
        gone(&std::fs::read_to_string(file).unwrap()).await;
    }

    #[tokio::test]
    async fn a_child_that_keeps_the_pipe_open_does_not_hold_us() {
        let script = r#"sleep 20 & echo $! >&2; echo '{"status": {"token": "abc"}}'"#;
        let start = Instant::now();
        run(&shell(script), Duration::from_secs(10)).await.unwrap();
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    }
}
