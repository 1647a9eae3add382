//! scratch
#![allow(clippy::all, clippy::unwrap_used, clippy::print_stdout)]
use futures_util::StreamExt as _;
use sre_remote::ssh::*;
use sre_remote::*;
use std::time::Duration;
#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let a: Vec<String> = std::env::args().collect();
    let (n, port, key, kh) = (a[1].parse::<usize>().unwrap(), a[2].parse().unwrap(), &a[3], &a[4]);
    let ssh = SshTransport::new(
        SshOptions::new().with_user("root").with_port(port).with_key(KeyFile::new(key)).with_known_hosts([kh]),
    )
    .unwrap();
    let cmd = Command::shell(a.get(5).cloned().unwrap_or("true".into()));
    let ok = futures_util::stream::iter(0..n)
        .map(|i| {
            let (ssh, cmd) = (&ssh, &cmd);
            async move {
                let host = Host::new(format!("127.0.{}.{}", 1 + i / 250, 1 + i % 250));
                let d = Deadline::after(Duration::from_secs(30));
                let mut sink = Captured::with_cap(1 << 20);
                let r = async {
                    let mut s = ssh.connect(&host, d).await?;
                    let e = s.exec(cmd, &ExecContext::until(d), &mut sink).await;
                    s.close().await;
                    e
                }
                .await;
                if let Err(e) = &r {
                    println!("{e}");
                }
                matches!(r, Ok(Exit::Code(0))) as usize
            }
        })
        .buffer_unordered(64)
        .fold(0, |a, b| async move { a + b })
        .await;
    println!("ok {ok}/{n}");
}
