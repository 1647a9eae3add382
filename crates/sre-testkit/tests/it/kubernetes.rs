//! The scripted API server, as a client of the Kubernetes API sees it.

use std::time::Duration;

use serde_json::{Value, json};
use sre_testkit::kubernetes::{KubeApi, KubeApiBuilder, objects};

struct Client<'a>(reqwest::Client, &'a KubeApi);

impl<'a> Client<'a> {
    fn new(api: &'a KubeApi) -> Self {
        let ca = reqwest::Certificate::from_pem(api.ca_pem().as_bytes()).unwrap();
        Self(reqwest::Client::builder().no_proxy().tls_certs_only([ca]).build().unwrap(), api)
    }

    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().unwrap();
        self.0.request(method, self.1.url() + path).bearer_auth(self.1.token())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let answer = self.request("GET", path).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Every name of a list, and how many 410 came on the way.
    async fn list(&self, path: &str, limit: usize) -> (Vec<String>, usize) {
        let (mut names, mut token, mut expired) = (Vec::new(), String::new(), 0);
        loop {
            let (status, page) = self.get(&format!("{path}?limit={limit}&continue={token}")).await;
            token = page["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
            if status == 410 {
                assert_eq!(page["reason"], "Expired");
                expired += 1;
                continue;
            }
            assert_eq!(status, 200, "{page}");
            let items = page["items"].as_array().unwrap();
            names.extend(items.iter().map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()));
            if token.is_empty() {
                return (names, expired);
            }
            assert_eq!(items.len(), limit);
        }
    }
}

fn cluster() -> KubeApiBuilder {
    KubeApi::builder()
        .pods(vec![objects::pod("shop", "web-1"), objects::crash_looping_pod("pay", "api-1")])
        .deployments(vec![objects::deployment("shop", "web", 3)])
}

#[tokio::test]
async fn pages_hold_every_pod_once_even_when_the_list_expires() {
    let api = cluster().generated_pods(1_234, 6_800, 100).expire_lists_after("pods", 900).start().await;
    let client = Client::new(&api);
    let (mut names, expired) = client.list("/api/v1/pods", 500).await;
    assert_eq!((names.len(), expired), (1_236, 1));
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 1_236);

    let (_, first) = client.get("/api/v1/pods?limit=500").await;
    assert_eq!((first["kind"].as_str(), &first["metadata"]["remainingItemCount"]), (Some("PodList"), &json!(736)));
    assert_eq!(client.list("/api/v1/namespaces/pay/pods", 500).await.0, ["api-1"]);
    assert_eq!(client.list("/api/v1/namespaces/bench/pods", 500).await.0.len(), 1_234);
    let all = client.get("/api/v1/pods?limit=500&resourceVersion=0").await.1;
    assert_eq!(all["items"].as_array().unwrap().len(), 1_236);
    assert_eq!(api.server().connections(), 1);
}

#[tokio::test]
async fn large_pages_are_compressed_and_the_same() {
    let api = KubeApi::builder().generated_pods(500, 6_800, 100).start().await;
    let client = Client::new(&api);
    for _ in 0..2 {
        let plain = client.request("GET", "/api/v1/pods?limit=500").header("accept-encoding", "identity");
        let plain = plain.send().await.unwrap();
        assert_eq!(plain.headers().get("content-encoding"), None);
        let zipped = client.request("GET", "/api/v1/pods?limit=500").send().await.unwrap();
        assert_eq!(zipped.content_length(), None, "a decoded body has no length");
        let zipped = zipped.bytes().await.unwrap();
        assert_eq!(plain.bytes().await.unwrap(), zipped);
        assert!(zipped.len() > 3_300_000, "{}", zipped.len());
    }
}

#[tokio::test]
async fn selectors_narrow_lists() {
    let now = "2026-03-01T09:00:00Z".parse().unwrap();
    let mut normal = objects::warning("shop", "web-2", "Pulled", "image pulled", 1, now);
    normal["type"] = json!("Normal");
    let events = vec![objects::warning("shop", "web-1", "BackOff", "back-off", 5, now), normal];
    let api = cluster().events(events).start().await;
    let client = Client::new(&api);
    assert_eq!(client.list("/api/v1/events", 10).await.0.len(), 2);
    for selector in ["type=Warning", "type!=Normal", "involvedObject.name=web-1,involvedObject.kind=Pod"] {
        let (_, list) = client.get(&format!("/api/v1/events?fieldSelector={selector}")).await;
        assert_eq!(list["items"].as_array().unwrap().len(), 1, "{selector}");
        assert_eq!(list["items"][0]["lastTimestamp"], "2026-03-01T09:00:00Z");
    }
    let (_, list) = client.get("/api/v1/pods?labelSelector=app%3Dweb-1").await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn refuses_as_a_real_server() {
    let api = cluster()
        .forbid("nodes")
        .forbid_in("pods", "pay")
        .fail_first("deployments", 2, 500)
        .rate_limit_first("jobs", 1, Duration::from_secs(7))
        .start()
        .await;
    let client = Client::new(&api);
    let stranger = client.0.get(api.url() + "/api/v1/pods").bearer_auth("old").send().await.unwrap();
    assert_eq!(stranger.status(), 401);
    let (status, body) = client.get("/api/v1/nodes?limit=5").await;
    assert_eq!(
        (status, body["message"].as_str().unwrap()),
        (403, r#"nodes is forbidden: User "viewer" cannot list resource "nodes" in API group "" at the cluster scope"#)
    );
    assert_eq!(client.get("/api/v1/namespaces/pay/pods").await.0, 403);
    assert_eq!(client.get("/api/v1/namespaces/shop/pods").await.0, 200);
    assert_eq!(client.get("/api/v1/namespaces/shop/pods/none").await.1["message"], "pods \"none\" not found");
    assert_eq!(client.get("/apis/apps/v1/cronjobs").await.0, 404);
    let path = "/apis/apps/v1/deployments";
    let statuses = [client.get(path).await.0, client.get(path).await.0, client.get(path).await.0];
    assert_eq!(statuses, [500, 500, 200]);
    let limited = client.request("GET", "/apis/batch/v1/jobs").send().await.unwrap();
    assert_eq!((limited.status().as_u16(), &limited.headers()["retry-after"]), (429, &"7".parse().unwrap()));
}

#[tokio::test]
async fn scales_unless_it_is_a_dry_run() {
    let api = cluster().start().await;
    let client = Client::new(&api);
    let path = "/apis/apps/v1/namespaces/shop/deployments/web/scale";
    let (_, mut scale) = client.get(path).await;
    assert_eq!((&scale["spec"]["replicas"], &scale["status"]["selector"]), (&json!(3), &json!("app=web")));
    let replicas = || api.get("deployments", Some("shop"), "web").unwrap()["spec"]["replicas"].clone();

    scale["spec"]["replicas"] = json!(5);
    let dry = client.request("PUT", &format!("{path}?dryRun=All")).json(&scale).send().await.unwrap();
    assert_eq!(dry.json::<Value>().await.unwrap()["spec"]["replicas"], 5);
    assert_eq!(replicas(), 3);
    assert_eq!(client.request("PUT", path).json(&scale).send().await.unwrap().status(), 200);
    assert_eq!(replicas(), 5);
    assert_eq!(client.request("PUT", path).json(&scale).send().await.unwrap().status(), 409);
    let patch = client.request("PATCH", path).header("content-type", "application/merge-patch+json");
    assert_eq!(patch.body(r#"{"spec":{"replicas":0}}"#).send().await.unwrap().status(), 200);
    assert_eq!(replicas(), 0);
    let bad = client.request("PATCH", path).body(r#"{"spec":{"replicas":-1}}"#).send().await.unwrap();
    assert_eq!(bad.status(), 422);
}

/// The types of the next `n` events.
async fn types(watch: &mut reqwest::Response, n: usize) -> Vec<String> {
    let mut seen = Vec::new();
    while seen.len() < n {
        let chunk = watch.chunk().await.unwrap().unwrap();
        for line in chunk.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let event: Value = serde_json::from_slice(line).unwrap();
            let name = event["object"]["metadata"]["name"].as_str().unwrap_or_default();
            seen.push(format!("{} {name}", event["type"].as_str().unwrap()).trim().to_owned());
        }
    }
    seen
}

#[tokio::test]
async fn watches_replay_follow_and_expire() {
    let api = cluster().start().await;
    let client = Client::new(&api);
    let version = client.get("/api/v1/pods").await.1["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/pods?watch=true&allowWatchBookmarks=true&resourceVersion={version}");
    api.apply("pods", objects::pod("shop", "web-2"));
    let mut watch = client.request("GET", &path).send().await.unwrap();
    assert_eq!(types(&mut watch, 1).await, ["ADDED web-2"]);
    api.apply("pods", objects::crash_looping_pod("shop", "web-1"));
    api.apply("deployments", objects::deployment("shop", "other", 1));
    assert!(api.delete("pods", Some("shop"), "web-2"));
    api.bookmark("pods");
    assert_eq!(types(&mut watch, 3).await, ["MODIFIED web-1", "DELETED web-2", "BOOKMARK"]);
    assert_eq!(api.watching("pods"), 1);
    api.expire_watches("pods");
    assert_eq!(types(&mut watch, 1).await, ["ERROR"]);
    assert!(watch.chunk().await.unwrap().is_none());

    let mut stale = client.request("GET", &path).send().await.unwrap();
    assert_eq!(types(&mut stale, 1).await, ["ERROR"]);
    let mut fresh = client.request("GET", "/api/v1/namespaces/shop/pods?watch=1").send().await.unwrap();
    assert_eq!(types(&mut fresh, 1).await, ["ADDED web-1"]);
    api.reset_watches("pods");
    assert!(fresh.chunk().await.is_err());
}
