//! CloudWatch over its JSON protocol: one signed POST for each question.
//!
//! Not through `aws-sdk-cloudwatch`: that one speaks only the new `rpc-v2-cbor` protocol, which moto, LocalStack and
//! most proxies in front of AWS do not understand, and it is a large crate for two calls. CloudWatch's service model
//! lists `smithy-rpc-v2-cbor`, `json` (1.0) and `query`; its JSON target is `GraniteServiceVersion20100801`.

use std::time::SystemTime;

use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use aws_types::service_config::ServiceConfigKey;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sre_core::Delivery;
use sre_core::http::{self, Response};
use tokio::time::Instant;

use super::error::{Asked, Refusal};
use super::session::AwsSession;
use crate::{Error, ErrorKind};

/// One operation: its IAM action and the header that selects it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operation {
    pub(super) action: &'static str,
    target: &'static str,
}

/// Which metrics exist.
pub(super) const LIST_METRICS: Operation =
    Operation { action: "cloudwatch:ListMetrics", target: "GraniteServiceVersion20100801.ListMetrics" };

/// Their values.
pub(super) const GET_METRIC_DATA: Operation =
    Operation { action: "cloudwatch:GetMetricData", target: "GraniteServiceVersion20100801.GetMetricData" };

const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

// === impl AwsSession ===

impl AwsSession {
    /// Asks CloudWatch in a region.
    pub(super) async fn cloudwatch<O: DeserializeOwned>(
        &self,
        region: &str,
        operation: Operation,
        input: &impl Serialize,
        deadline: Instant,
    ) -> Result<O, Error> {
        let asked = Asked { region, action: operation.action };
        let body = serde_json::to_vec(input).map_err(|e| asked.failed(ErrorKind::Config).with_detail(e.to_string()))?;
        let url = self.cloudwatch_url(region);
        let (asked, body, url) = (&asked, &body, url.as_str());
        self.attempts(asked, deadline, || self.post(asked, operation, url, body)).await
    }

    async fn post<O: DeserializeOwned>(
        &self,
        asked: &Asked<'_>,
        operation: Operation,
        url: &str,
        body: &[u8],
    ) -> Result<O, Error> {
        let headers = [("content-type", CONTENT_TYPE), ("x-amz-target", operation.target)];
        let mut request = self.http().post(url).target(asked.failed(ErrorKind::Config).target().clone());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        for (name, value) in self.signature(asked, url, &headers, body).await? {
            request = request.header(&name, &value);
        }
        let answer = request.body(body.to_vec()).send().await.map_err(|e| e.map_kind(kind))?;
        match answer.is_success() {
            true => answer.json().map_err(|e| e.map_kind(kind).with_delivery(Delivery::Answered)),
            false => Err(refused(asked, &answer)),
        }
    }

    /// The headers that sign a request.
    async fn signature(
        &self,
        asked: &Asked<'_>,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Vec<(String, String)>, Error> {
        let unsigned = |why: String| asked.failed(ErrorKind::Config).with_detail(why).with_delivery(Delivery::NotSent);
        let Some(provider) = self.config().credentials_provider() else {
            return Err(unsigned("there is no credentials provider".to_owned()));
        };
        let credentials = provider.provide_credentials().await.map_err(|e| asked.no_credentials(&e))?;
        let identity = Identity::from(credentials);
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(asked.region)
            .name("monitoring")
            .time(SystemTime::from(self.clock().now()))
            .settings(SigningSettings::default())
            .build()
            .map_err(|e| unsigned(e.to_string()))?
            .into();
        let request = SignableRequest::new("POST", url, headers.iter().copied(), SignableBody::Bytes(body))
            .map_err(|e| unsigned(e.to_string()))?;
        let (signed, _) = sign(request, &parameters).map_err(|e| unsigned(e.to_string()))?.into_parts();
        Ok(signed.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// The order of the SDK: what the settings say, then `AWS_ENDPOINT_URL_CLOUDWATCH` or the profile's own, then
    /// `AWS_ENDPOINT_URL`, then the service's address.
    fn cloudwatch_url(&self, region: &str) -> String {
        let config = self.config();
        let key = ServiceConfigKey::builder().service_id("CloudWatch").env("AWS_ENDPOINT_URL").profile("endpoint_url");
        let own = || config.service_config()?.load_config(key.build().ok()?);
        let all = || config.endpoint_url().map(str::to_owned);
        let found = self.settings().endpoint_url.clone().or_else(own).or_else(all);
        let mut url = found.unwrap_or_else(|| service_url(region, config.use_fips() == Some(true)));
        if !url.ends_with('/') {
            url.push('/');
        }
        url
    }
}

/// `monitoring.REGION.SUFFIX`, where the suffix is the partition's
/// (<https://docs.aws.amazon.com/general/latest/gr/cw_region.html>; partitions as in the SDK's `partitions.json`).
fn service_url(region: &str, fips: bool) -> String {
    let suffix = match region {
        r if r.starts_with("cn-") => "amazonaws.com.cn",
        r if r.starts_with("eusc-") => "amazonaws.eu",
        r if r.starts_with("us-iso-") => "c2s.ic.gov",
        r if r.starts_with("us-isob-") => "sc2s.sgov.gov",
        r if r.starts_with("us-isof-") => "csp.hci.ic.gov",
        r if r.starts_with("eu-isoe-") => "cloud.adc-e.uk",
        _ => "amazonaws.com",
    };
    // In GovCloud the plain name is the FIPS one.
    let fips = if fips && !region.starts_with("us-gov-") { "-fips" } else { "" };
    format!("https://monitoring{fips}.{region}.{suffix}")
}

/// The code is in the `x-amzn-query-error` header (`Throttling;Sender`) or in the body's `__type`.
fn refused(asked: &Asked<'_>, answer: &Response) -> Error {
    let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let in_header = answer.header("x-amzn-query-error").and_then(|v| v.split(';').next());
    let in_body = body.get("__type").and_then(|v| v.as_str()).and_then(|v| v.rsplit('#').next());
    let message = ["message", "Message"].iter().find_map(|key| body.get(key)?.as_str());
    asked.refused(&Refusal {
        code: in_header.or(in_body),
        message,
        status: answer.status(),
        retry_after: answer.retry_after(),
    })
}

fn kind(kind: http::ErrorKind) -> ErrorKind {
    match kind {
        http::ErrorKind::Dns => ErrorKind::Dns,
        http::ErrorKind::Connect => ErrorKind::Connect,
        http::ErrorKind::Tls => ErrorKind::Tls,
        http::ErrorKind::Timeout => ErrorKind::Timeout,
        http::ErrorKind::Broken => ErrorKind::Broken,
        http::ErrorKind::TooLarge => ErrorKind::TooLarge,
        http::ErrorKind::Decode => ErrorKind::Decode,
        http::ErrorKind::InvalidRequest => ErrorKind::Config,
        _ => ErrorKind::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_has_its_suffix() {
        for (region, fips, url) in [
            ("eu-west-1", false, "https://monitoring.eu-west-1.amazonaws.com"),
            ("us-east-1", true, "https://monitoring-fips.us-east-1.amazonaws.com"),
            ("us-gov-west-1", true, "https://monitoring.us-gov-west-1.amazonaws.com"),
            ("cn-north-1", false, "https://monitoring.cn-north-1.amazonaws.com.cn"),
            ("us-isob-east-1", false, "https://monitoring.us-isob-east-1.sc2s.sgov.gov"),
        ] {
            assert_eq!(service_url(region, fips), url);
        }
    }
}
