//! The endpoint: finds out what is asked, pages, and fails where the test says so.

use std::collections::BTreeMap;
use std::fmt;

use super::instance::Instance;
use super::xml::{self, aws_error};
use crate::scripted::{Reply, Request, Server};

/// A running endpoint; it stops when dropped.
#[derive(Debug)]
pub struct AwsApi {
    server: Server,
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// `ec2`, `sts`, `monitoring`, …
    pub service: String,
    /// The region that the request was signed for.
    pub region: String,
    /// `DescribeInstances`, …; empty if the protocol is not the query protocol.
    pub action: String,
}

type Fault = dyn Fn(&Request, &Call) -> Option<Reply> + Send + Sync;

/// See [`AwsApi::builder`].
#[must_use]
pub struct AwsApiBuilder {
    account: String,
    regions: BTreeMap<String, Vec<Instance>>,
    faults: Vec<Box<Fault>>,
}

// === impl AwsApi ===

impl AwsApi {
    /// The account 123456789012 with no region yet.
    pub fn builder() -> AwsApiBuilder {
        AwsApiBuilder { account: "123456789012".to_owned(), regions: BTreeMap::new(), faults: Vec::new() }
    }

    /// For `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The server below.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// What has been asked so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.server.requests().iter().map(Call::of).collect()
    }
}

// === impl AwsApiBuilder ===

impl AwsApiBuilder {
    /// Adds an enabled region without instances.
    pub fn region(mut self, name: &str) -> Self {
        self.regions.entry(name.to_owned()).or_default();
        self
    }

    /// Adds an instance to a region.
    pub fn instance(self, region: &str, instance: Instance) -> Self {
        self.instances(region, [instance])
    }

    /// Adds instances to a region.
    pub fn instances(mut self, region: &str, instances: impl IntoIterator<Item = Instance>) -> Self {
        self.regions.entry(region.to_owned()).or_default().extend(instances);
        self
    }

    /// Asks `fault` before anything else; the first hook with an answer wins. See [`aws_error`] and [`super::sts_error`].
    pub fn fault(mut self, fault: impl Fn(&Request, &Call) -> Option<Reply> + Send + Sync + 'static) -> Self {
        self.faults.push(Box::new(fault));
        self
    }

    /// Starts it over plain HTTP.
    ///
    /// # Panics
    /// When no port can be bound.
    pub async fn start(self) -> AwsApi {
        AwsApi { server: Server::start(move |request| self.answer(request)).await }
    }

    fn answer(&self, request: &Request) -> Reply {
        let call = Call::of(request);
        if let Some(reply) = self.faults.iter().find_map(|fault| fault(request, &call)) {
            return reply;
        }
        if call.region.is_empty() {
            return aws_error(401, "AuthFailure", "AWS was not able to validate the provided access credentials");
        }
        let names: Vec<&str> = self.regions.keys().map(String::as_str).collect();
        match call.action.as_str() {
            "GetCallerIdentity" => xml::caller_identity(&self.account),
            "DescribeRegions" => xml::regions(&names),
            "DescribeInstances" => {
                let all = self.of(&call).iter().filter(|instance| wanted(instance, request)).collect::<Vec<_>>();
                let (page, next) = page(request, &all);
                xml::instances(&call.region, &page, next)
            }
            "DescribeInstanceStatus" => {
                let every = request.form_value("IncludeAllInstances").as_deref() == Some("true");
                let found = self.of(&call).iter().filter(|instance| every || instance.state == "running");
                let (page, next) =
                    page(request, &found.filter(|instance| wanted(instance, request)).collect::<Vec<_>>());
                xml::statuses(&call.region, &page, next)
            }
            other => aws_error(400, "InvalidAction", &format!("The action {other} is not valid for this web service.")),
        }
    }

    fn of(&self, call: &Call) -> &[Instance] {
        self.regions.get(&call.region).map_or(&[], Vec::as_slice)
    }
}

impl fmt::Debug for AwsApiBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsApiBuilder").field("regions", &self.regions.keys()).finish_non_exhaustive()
    }
}

// === impl Call ===

impl Call {
    fn of(request: &Request) -> Self {
        // AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …
        let header = request.header("authorization").unwrap_or_default();
        let scope = header.split_once("Credential=").map_or("", |(_, rest)| rest.split(',').next().unwrap_or_default());
        let parts: Vec<&str> = scope.split('/').collect();
        let part = |at: usize| parts.get(at).copied().unwrap_or_default().to_owned();
        let action = request.form_value("Action").or_else(|| request.query_value("Action")).unwrap_or_default();
        Self { service: part(3), region: part(2), action }
    }
}

/// Whether the request names no instances, or this one.
fn wanted(instance: &Instance, request: &Request) -> bool {
    let form = request.form();
    let mut ids = form.iter().filter(|(key, _)| key.starts_with("InstanceId.")).peekable();
    ids.peek().is_none() || ids.any(|(_, id)| *id == instance.id)
}

/// `MaxResults` from `NextToken` on, and where the next page begins.
fn page<'a>(request: &Request, all: &[&'a Instance]) -> (Vec<&'a Instance>, Option<usize>) {
    let start =
        request.form_value("NextToken").and_then(|token| token.strip_prefix("after-")?.parse().ok()).unwrap_or(0_usize);
    let limit = request.form_value("MaxResults").and_then(|limit| limit.parse().ok()).unwrap_or(1_000_usize);
    let end = start.saturating_add(limit).min(all.len());
    let page = all.get(start..end).unwrap_or_default().to_vec();
    (page, (end < all.len()).then_some(end))
}
