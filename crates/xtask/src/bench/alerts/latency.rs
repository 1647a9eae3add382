//! From posting an alert to the notification about it, while many others are active.

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::contender::Contender;
use super::http::{Connection, now};

/// New alerts a second.
const RATE: u32 = 100;
/// So long does a notification take at most.
const PATIENCE: Duration = Duration::from_secs(60);

/// What one server did.
#[derive(Clone, Copy, Debug)]
pub(super) struct Latency {
    pub(super) active: usize,
    /// Seconds from sending the request to the arrival of the notification.
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) worst: f64,
}

/// Fills a new server with `active` alerts, then posts a new one every 10 ms for so many seconds.
pub(super) fn latency(contender: Contender, active: usize, seconds: u32) -> Result<Latency> {
    let (url, arrivals) = receive()?;
    let server = contender.start(Some(&url))?;
    server.fill(active)?;
    let begin = now();
    let mut told = HashMap::new();
    while told.len() < active {
        let left = (PATIENCE * 5).saturating_sub(begin.elapsed());
        let (number, at) = arrivals.recv_timeout(left).context("not all alerts were notified")?;
        told.insert(number, at);
    }
    let mut connection = Connection::open(&server.address)?;
    let count = usize::try_from(seconds * RATE)?;
    let begin = now();
    let mut sent = HashMap::with_capacity(count);
    for n in 0..count {
        sleep((Duration::from_secs(1) / RATE * u32::try_from(n)?).saturating_sub(begin.elapsed()));
        sent.insert(active + n, now());
        connection.ask(&contender.head(), &format!("[{}]", contender.alert(active + n)))?;
    }
    let mut times = Vec::with_capacity(count);
    while times.len() < count {
        let (number, at) = arrivals.recv_timeout(PATIENCE).context("not all alerts were notified")?;
        if let Some(sent) = sent.remove(&number) {
            times.push(at.duration_since(sent).as_secs_f64());
        }
    }
    ensure!(!times.is_empty(), "nothing was measured");
    times.sort_by(f64::total_cmp);
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    Ok(Latency { active, p50: at(50), p99: at(99), worst: at(100) })
}

/// A receiver of webhooks: its URL, and the number of each alert that it is told of, with the time.
fn receive() -> Result<(String, Receiver<(usize, Instant)>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/", listener.local_addr()?);
    let (tell, told) = channel();
    spawn(move || {
        for stream in listener.incoming().flatten() {
            let tell = tell.clone();
            spawn(move || Connection::new(stream).and_then(|connection| serve(connection, &tell)));
        }
    });
    Ok((url, told))
}

fn serve(mut connection: Connection, tell: &Sender<(usize, Instant)>) -> Result<()> {
    while let Some((_, body)) = connection.message()? {
        let at = now();
        connection.answer_ok()?;
        for number in numbers(&String::from_utf8_lossy(&body)) {
            if tell.send((number, at)).is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The numbers in a notification, whoever wrote it.
fn numbers(body: &str) -> impl Iterator<Item = usize> {
    body.split("\"number-").skip(1).filter_map(|rest| rest.split('"').next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_both_bodies() {
        let ours = r#"{"key":"number-7","alerts":[{"dedup_key":"number-7"}]}"#;
        assert_eq!(numbers(ours).collect::<Vec<_>>(), [7, 7]);
        assert_eq!(numbers(r#"{"labels":{"number":"number-12"}}"#).collect::<Vec<_>>(), [12]);
    }
}
