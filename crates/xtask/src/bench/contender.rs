//! Who runs: a name, a command, and what its answer must hold.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{
    sample::scripts,
    servers::{Cloud, Kubernetes, REGIONS},
};
use crate::{peers::Venv, place, step};

/// The opponent's libraries. `kubernetes` 37 and `boto3` want different versions of python-dateutil.
pub(crate) const BENCH: Venv = Venv::new("bench-venv", &["kubernetes==33.1.0", "boto3==1.44.5", "requests==2.34.2"]);

/// One way to do the work.
#[derive(Debug)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) command: Vec<String>,
    pub(crate) answer: Answer,
}

/// What can be compared in the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// JSON with `kubernetes[].unhealthy` and `aws[].summary`.
    Report,
    /// Nothing: it only lists.
    Opaque,
}

/// The environment of every contender: nothing of the caller's but `PATH`.
pub(crate) fn environment(home: &Path, kubeconfig: &str, cloud: Option<&Cloud>) -> Vec<(String, String)> {
    let mut env = vec![
        ("PATH", std::env::var("PATH").unwrap_or_default()),
        ("HOME", home.display().to_string()),
        ("LC_ALL", "C.UTF-8".to_owned()),
        ("NO_PROXY", "127.0.0.1,localhost".to_owned()),
        ("KUBECONFIG", kubeconfig.to_owned()),
        ("AWS_ACCESS_KEY_ID", "bench".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "bench".to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ];
    if let Some(cloud) = cloud {
        env.push(("AWS_ENDPOINT_URL", cloud.aws_url.clone()));
    }
    env.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// `morning-check` on the contexts, and on the cloud if there is one.
pub(crate) fn morning_check(
    kubernetes: Option<&Kubernetes>,
    cloud: Option<&Cloud>,
    sources: &[&str],
) -> Result<Contender> {
    let mut command = vec![place::shipped("morning-check")?.display().to_string()];
    let fixed = ["-o", "json", "--no-state", "--exit-zero", "--timeout", "5m", "--deadline", "10m"];
    command.extend(fixed.map(String::from));
    for source in sources {
        command.extend(["--only".to_owned(), (*source).to_owned()]);
    }
    for context in contexts(kubernetes) {
        command.extend(["--cluster".to_owned(), context.clone()]);
    }
    if let Some(cloud) = cloud {
        command.extend(REGIONS.iter().flat_map(|region| ["--region".to_owned(), (*region).to_owned()]));
        command.extend(["--prometheus-url".to_owned(), cloud.prometheus_url.clone()]);
    }
    Ok(Contender { name: "morning-check", command, answer: Answer::Report })
}

/// The Python script on the same.
pub(crate) fn python(kubernetes: Option<&Kubernetes>, cloud: Option<&Cloud>, sources: &[&str]) -> Result<Contender> {
    let script = scripts().join("morning_check.py").display().to_string();
    let mut command = vec![BENCH.program("python")?.display().to_string(), script];
    for context in contexts(kubernetes) {
        command.extend(["--context".to_owned(), context.clone()]);
    }
    if let Some(cloud) = cloud {
        if sources.contains(&"aws") {
            command.extend(REGIONS.iter().flat_map(|region| ["--region".to_owned(), (*region).to_owned()]));
            command.extend(["--ec2-endpoint".to_owned(), cloud.aws_url.clone()]);
        }
        if sources.contains(&"prometheus") {
            command.extend(["--prometheus".to_owned(), cloud.prometheus_url.clone()]);
        }
    }
    Ok(Contender { name: "Python script", command, answer: Answer::Report })
}

/// `kubectl get pods -A` for one context after the other; `None` where there is no kubectl.
pub(crate) fn kubectl(kubernetes: &Kubernetes, json: bool) -> Option<Contender> {
    let kubectl = kubectl_program()?;
    let script = scripts().join("kubectl_each.sh").display().to_string();
    let cache = kubernetes.dir.join("kubectl-cache").display().to_string();
    let output = if json { "json" } else { "" };
    let mut command = vec!["sh".to_owned(), script, kubectl.display().to_string(), cache, output.to_owned()];
    command.extend(kubernetes.contexts.iter().cloned());
    let name = if json { "kubectl get pods -A -o json" } else { "kubectl get pods -A" };
    Some(Contender { name, command, answer: Answer::Opaque })
}

/// curl in pages of 500, all contexts side by side: what it costs to receive the bytes and do nothing with them.
pub(crate) fn curl(kubernetes: &Kubernetes, gzip: bool) -> Contender {
    let script = scripts().join("curl_floor.sh").display().to_string();
    let option = if gzip { "--compressed" } else { "--silent" };
    let mut command = vec!["sh".to_owned(), script, option.to_owned(), kubernetes.about.token.clone()];
    for (i, url) in kubernetes.about.urls.iter().enumerate() {
        command.push(kubernetes.dir.join(format!("ca-{}.pem", i + 1)).display().to_string());
        command.push(url.clone());
    }
    let name = if gzip { "curl, pages of 500, gzip" } else { "curl, pages of 500" };
    Contender { name, command, answer: Answer::Opaque }
}

/// Google's packages put a dispatcher in front, which would be measured too: then the newest of what it chooses from.
pub(crate) fn kubectl_program() -> Option<PathBuf> {
    let kubectl = place::program("kubectl")?;
    step::output(std::process::Command::new(&kubectl).args(["version", "--client"]))?;
    let real = std::fs::canonicalize(&kubectl).ok()?;
    let siblings = std::fs::read_dir(real.parent()?).ok()?.flatten().map(|entry| entry.path());
    let minor = |path: &PathBuf| path.file_name()?.to_str()?.strip_prefix("kubectl.1.")?.parse::<u32>().ok();
    let newest = siblings.filter_map(|path| minor(&path).map(|minor| (minor, path))).max();
    Some(newest.map_or(kubectl, |(_, path)| path))
}

fn contexts(kubernetes: Option<&Kubernetes>) -> &[String] {
    kubernetes.map_or(&[], |kubernetes| &kubernetes.contexts)
}
