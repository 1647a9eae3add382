//! The access log has what is needed, and no secret.

use std::io::Write;
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;

use super::door::{Door, TOKEN, bearer};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_line_a_request_without_secrets() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(lines.clone())
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let door =
        Door::open_with(|builder| builder.alertmanager(bearer()).trusted_proxies(["127.0.0.0/8".parse().unwrap()]));
    let token = format!("Bearer {TOKEN}");
    let headers = [
        ("content-type", "application/json"),
        ("authorization", token.as_str()),
        ("x-forwarded-for", "6.6.6.6, 203.0.113.9"),
        ("x-request-id", "from-the-proxy"),
    ];
    let path = "/webhook/alertmanager?token=hunter2";
    let body = br#"{"version":"4","alerts":[],"groupKey":"s3cr3t-body"}"#;
    let answer = door.post(path, &headers, body).await;
    assert_eq!((answer.status, answer.header("x-request-id")), (200, Some("from-the-proxy")));
    door.post("/hunter2/in/the/path", &headers, b"").await;
    door.post("/webhook/alertmanager", &headers, b"{\"version\":\"s3cr3t\\nforged line\"}").await;
    door.close().await;
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let access: Vec<&str> = text.lines().filter(|line| line.contains("sre_alerts::access")).collect();
    assert_eq!(access.len(), 3, "{text}");
    for expected in
        ["request_id=\"from-the-proxy\"", "client=203.0.113.9", "path=\"/webhook/alertmanager\"", "status=200"]
    {
        assert!(access[0].contains(expected), "{expected}: {}", access[0]);
    }
    assert!(access[1].contains("path=\"-\"") && access[1].contains("status=404"), "{}", access[1]);
    assert!(access[2].contains("error=\"malformed\""), "{}", access[2]);
    for secret in [TOKEN, "hunter2", "s3cr3t-body", "6.6.6.6"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}
