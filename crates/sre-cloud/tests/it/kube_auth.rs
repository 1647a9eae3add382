//! Credentials: certificates, token files, and exec plugins that hang, expire and come back.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use sre_cloud::ErrorKind;
use sre_cloud::kubernetes::{Cluster, InCluster, ProxySettings};
use sre_core::SystemClock;
use sre_testkit::scripted::{Reply, Server};
use tokio::time::Instant;

use crate::kube_cluster::{Kubeconfig, paged, pod_names, quick, status};

pub(crate) fn exec(script: &str) -> Value {
    json!({"exec": {
        "apiVersion": "client.authentication.k8s.io/v1",
        "interactiveMode": "IfAvailable",
        "command": "sh",
        "args": ["-c", script],
        "provideClusterInfo": true,
    }})
}

/// Hands out `token-1`, `token-2`, … and counts its runs in a file.
pub(crate) fn counting_plugin(dir: &Path) -> String {
    let runs = dir.join("runs");
    format!(
        r#"echo run >> {0}; n=$(wc -l < {0} | tr -d ' '); echo "{{\"status\":{{\"token\":\"token-$n\"}}}}""#,
        runs.display()
    )
}

#[tokio::test]
async fn a_refused_token_runs_the_plugin_once_more() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(|request| match request.header("authorization") {
        Some("Bearer token-2") => Reply::json(200, &paged(request, 2)),
        _ => status(401, "Unauthorized", "Unauthorized"),
    })
    .await;
    let config = Kubeconfig::new(&json!({"server": server.url()}), &exec(&counting_plugin(dir.path())));
    let cluster = config.connect(quick()).await.unwrap();
    let (one, two) = tokio::join!(pod_names(&cluster), pod_names(&cluster));
    assert_eq!(one.unwrap().1.attempts, 2);
    assert_eq!(two.unwrap().0.len(), 2);
    let runs = std::fs::read_to_string(dir.path().join("runs")).unwrap();
    assert_eq!(runs.lines().count(), 2, "both requests share one run");
}

#[tokio::test]
async fn a_token_that_stays_refused_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(|_| status(401, "Unauthorized", "token is expired")).await;
    let config = Kubeconfig::new(&json!({"server": server.url()}), &exec(&counting_plugin(dir.path())));
    let error = pod_names(&config.connect(quick()).await.unwrap()).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Unauthorized, 2));
    assert!(error.to_string().contains("token is expired"), "{error}");
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn a_token_near_its_end_is_renewed_before_it_is_used() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(|request| Reply::json(200, &paged(request, 1))).await;
    let expiring = format!(
        r#"echo run >> {0}; n=$(wc -l < {0} | tr -d ' '); at=$(date -u -d "+61 seconds" +%FT%TZ)
           echo "{{\"status\":{{\"token\":\"token-$n\",\"expirationTimestamp\":\"$at\"}}}}""#,
        dir.path().join("runs").display()
    );
    let config = Kubeconfig::new(&json!({"server": server.url()}), &exec(&expiring));
    let cluster = config.connect(quick()).await.unwrap();
    // It is due 60 s before its end, that is in a second at most.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    pod_names(&cluster).await.unwrap();
    assert_eq!(server.requests()[0].header("authorization"), Some("Bearer token-2"));
}

#[tokio::test]
async fn a_hanging_plugin_is_killed_and_reported() {
    let dir = tempfile::tempdir().unwrap();
    let pid = dir.path().join("pid");
    let script = format!("sleep 600 & echo $! > {}; echo 'open https://login.example/x' >&2; wait", pid.display());
    let config = Kubeconfig::new(&json!({"server": "https://127.0.0.1:1"}), &exec(&script));
    let start = Instant::now();
    let error = config.connect(quick().plugin_timeout(Duration::from_secs(1))).await.unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(error.kind(), ErrorKind::CredentialPlugin);
    assert!(error.to_string().contains("killed") && error.to_string().contains("login.example"), "{error}");
    let pid = std::fs::read_to_string(pid).unwrap();
    let stat = Path::new("/proc").join(pid.trim()).join("stat");
    let alive = || std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
    while alive() {
        assert!(start.elapsed() < Duration::from_secs(10), "the plugin's child is still there");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn the_plugin_is_told_the_cluster() {
    let dir = tempfile::tempdir().unwrap();
    let info = dir.path().join("info");
    let script =
        format!(r#"printf %s "$KUBERNETES_EXEC_INFO" > {}; echo '{{"status":{{"token":"t"}}}}'"#, info.display());
    let config =
        Kubeconfig::new(&json!({"server": "https://api.example:6443", "tls-server-name": "n"}), &exec(&script));
    config.connect(quick()).await.unwrap();
    let info: Value = serde_json::from_str(&std::fs::read_to_string(info).unwrap()).unwrap();
    assert_eq!(
        info,
        json!({
            "kind": "ExecCredential",
            "apiVersion": "client.authentication.k8s.io/v1",
            "spec": {"interactive": false, "cluster": {"server": "https://api.example:6443", "tls-server-name": "n"}},
        })
    );
}

#[tokio::test]
async fn client_certificates_from_files_and_plugins() {
    let server = Server::start_mtls(|request| Reply::json(200, &paged(request, 4))).await;
    let dir = tempfile::tempdir().unwrap();
    let identity = dir.path().join("identity.pem");
    std::fs::write(&identity, server.client_identity_pem()).unwrap();
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, server.ca_pem()).unwrap();
    let at = json!({"server": server.url(), "certificate-authority": ca});
    let files = json!({"client-certificate": identity, "client-key": identity});
    let (names, _) = pod_names(&Kubeconfig::new(&at, &files).connect(quick()).await.unwrap()).await.unwrap();
    assert_eq!(names.len(), 4);

    let pem = serde_json::to_string(server.client_identity_pem()).unwrap();
    let credential = dir.path().join("credential");
    let text = format!(r#"{{"status": {{"clientCertificateData": {pem}, "clientKeyData": {pem}}}}}"#);
    std::fs::write(&credential, text).unwrap();
    let plugin = exec(&format!("cat {}", credential.display()));
    let (names, _) = pod_names(&Kubeconfig::new(&at, &plugin).connect(quick()).await.unwrap()).await.unwrap();
    assert_eq!(names.len(), 4);

    let error = pod_names(&Kubeconfig::new(&at, &json!({})).connect(quick()).await.unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls, "{error}");
}

#[tokio::test]
async fn a_service_account_reaches_its_own_cluster() {
    let server = Server::start_tls(|request| Reply::json(200, &paged(request, 4))).await;
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [("token", "sa-token"), ("ca.crt", server.ca_pem())] {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    let pod = InCluster::new("127.0.0.1", server.addr().port()).service_account(dir.path());
    let cluster = Cluster::connect(&pod.context().unwrap(), quick(), SystemClock::shared()).await.unwrap();
    assert_eq!(pod_names(&cluster).await.unwrap().0.len(), 4);
    assert_eq!(server.requests()[0].header("authorization"), Some("Bearer sa-token"));
}

#[tokio::test]
async fn proxies_are_used_where_they_should_be() {
    let proxy = Server::start(|request| {
        assert_eq!(request.method, "CONNECT");
        Reply::text(403, "no way through")
    })
    .await;
    let server = Server::start(|request| Reply::json(200, &paged(request, 1))).await;
    let environment = quick().proxy(ProxySettings::new(proxy.url(), ""));
    let config = Kubeconfig::new(&json!({"server": server.url()}), &json!({}));
    pod_names(&config.connect(environment.clone()).await.unwrap()).await.unwrap();
    assert_eq!(proxy.count(), 0, "this machine is never asked through a proxy");

    let config = Kubeconfig::new(&json!({"server": "https://api.example"}), &json!({}));
    let error = pod_names(&config.connect(environment).await.unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect, "{error}");
    let asked = proxy.count();
    assert!(asked > 0);

    let own = Kubeconfig::new(&json!({"server": server.url(), "proxy-url": proxy.url()}), &json!({}));
    pod_names(&own.connect(quick()).await.unwrap()).await.unwrap_err();
    assert!(proxy.count() > asked, "the kubeconfig's own proxy always counts");
}
