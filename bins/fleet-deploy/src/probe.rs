//! What the gate asks from here, by real clients.

use std::time::Duration;

use sre_core::RetryPolicy;
use sre_core::chain::ErrorChain;
use sre_core::http::{Client, Proxy};
use sre_metrics::Prometheus;
use sre_metrics::value::QueryData;
use sre_remote::deploy::{HttpAnswer, Probe};
use sre_remote::transport::BoxFuture;

/// Asks over HTTP, once a look: the gate looks again by itself.
#[derive(Debug, Clone)]
pub(crate) struct Clients;

/// A health page is small.
const MAX_BODY: usize = 1 << 20;

fn client(timeout: Duration) -> Result<Client, String> {
    let once = RetryPolicy::builder().attempts(1).build().map_err(|e| e.to_string())?;
    Client::builder()
        .connect_timeout(timeout.min(Duration::from_secs(5)))
        .read_timeout(timeout)
        .deadline(timeout)
        .retry(once)
        .max_body(MAX_BODY)
        .redirects(0)
        .proxy(Proxy::Direct)
        .user_agent(concat!("fleet-deploy/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|e| ErrorChain(&e).to_string())
}

impl Probe for Clients {
    fn http<'a>(&'a self, url: &'a str, timeout: Duration) -> BoxFuture<'a, Result<HttpAnswer, String>> {
        Box::pin(async move {
            let answer = client(timeout)?.get(url).send().await.map_err(|e| ErrorChain(&e).to_string())?;
            Ok(HttpAnswer::new(answer.status(), answer.text(), answer.elapsed()))
        })
    }

    fn query<'a>(&'a self, base: &'a str, promql: &'a str, timeout: Duration) -> BoxFuture<'a, Result<f64, String>> {
        Box::pin(async move {
            let prometheus = Prometheus::new(client(timeout)?, base).map_err(|e| ErrorChain(&e).to_string())?;
            let answer = prometheus.instant(promql).await.map_err(|e| ErrorChain(&e).to_string())?;
            if answer.is_partial() {
                return Err(format!("a partial answer: {}", answer.warnings.join("; ")));
            }
            one_number(&answer.data)
        })
    }
}

/// Many series, or none, are no answer to whether a value is within a limit.
fn one_number(data: &QueryData) -> Result<f64, String> {
    match data {
        QueryData::Scalar(sample) => Ok(sample.value.0),
        QueryData::Vector(series) => match &series[..] {
            [one] => Ok(one.sample.value.0),
            [] => Err("no data".to_owned()),
            many => Err(format!("{} series instead of one: aggregate them, as with sum()", many.len())),
        },
        _ => Err("no number".to_owned()),
    }
}
