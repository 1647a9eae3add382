//! Puts the [pruner](super::prune) between the connection and the SDK.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextMut;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use bytes::Bytes;
use http_body::{Body, Frame};

use super::prune::{Document, Pruner};

/// For one operation: its successful answers lose what is not in the document.
#[derive(Debug)]
pub(super) struct Prune(pub(super) &'static Document);

/// A body that grows smaller as it is read.
#[derive(Debug)]
struct Pruned {
    inner: SdkBody,
    pruner: Pruner,
    ended: bool,
}

// === impl Prune ===

#[dyn_dispatch_hint]
impl Intercept for Prune {
    fn name(&self) -> &'static str {
        "Prune"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response_mut();
        if response.status().as_u16() == 200 {
            let body = response.take_body();
            // The HTTP client sees to it that the body is as long as announced; the SDK would count what is left.
            response.headers_mut().remove("content-length");
            *response.body_mut() = pruned(body, self.0);
        }
        Ok(())
    }
}

fn pruned(inner: SdkBody, document: &'static Document) -> SdkBody {
    SdkBody::from_body_1_x(Pruned { inner, pruner: Pruner::new(document), ended: false })
}

// === impl Pruned ===

impl Body for Pruned {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        while !self.ended {
            let mut left = Vec::new();
            match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => self.pruner.push(&bytes, &mut left),
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    self.ended = true;
                    if let Err(cut) = self.pruner.finish(&mut left) {
                        let error = std::io::Error::new(std::io::ErrorKind::UnexpectedEof, cut);
                        return Poll::Ready(Some(Err(error.into())));
                    }
                }
            }
            if !left.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(left.into()))));
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::config::{Credentials, Region};
    use aws_sdk_ec2::{Client, Config};
    use aws_smithy_runtime_api::client::http::{
        HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
    };
    use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
    use futures_util::stream;
    use http_body_util::StreamBody;
    use proptest::prelude::*;

    use super::super::instances::{self, Instances};
    use super::super::status::{self, Statuses};
    use super::*;

    /// Answers everything with one document, in pieces of the given sizes.
    #[derive(Debug, Clone)]
    struct Canned {
        xml: String,
        sizes: Vec<usize>,
    }

    impl HttpConnector for Canned {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            let (mut rest, mut pieces) = (Bytes::from(self.xml.clone()), Vec::new());
            for size in self.sizes.iter().cycle() {
                pieces.push(Ok::<_, BoxError>(Frame::data(rest.split_to((*size).min(rest.len())))));
                if rest.is_empty() {
                    break;
                }
            }
            let body = SdkBody::from_body_1_x(StreamBody::new(stream::iter(pieces)));
            HttpConnectorFuture::ready(Ok(HttpResponse::new(200.try_into().unwrap(), body)))
        }
    }

    fn client(xml: &str, sizes: &[usize]) -> Client {
        let canned = SharedHttpConnector::new(Canned { xml: xml.to_owned(), sizes: sizes.to_vec() });
        let config = Config::builder()
            .behavior_version_latest()
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("AKIATEST", "secret", None, None, "test"))
            .http_client(http_client_fn(move |_, _| canned.clone()));
        Client::from_conf(config.build())
    }

    fn run<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
    }

    async fn instances(client: &Client, prune: bool) -> Result<(Instances, Option<String>), String> {
        let ask = client.describe_instances().customize();
        let ask = if prune { ask.interceptor(Prune(&instances::READ)) } else { ask };
        let page = ask.send().await.map_err(|e| format!("{e:?}"))?;
        let mut found = Instances::default();
        found.take(page.reservations, "Name");
        Ok((found, page.next_token))
    }

    async fn statuses(client: &Client, prune: bool) -> Result<(Statuses, Option<String>), String> {
        let ask = client.describe_instance_status().customize();
        let ask = if prune { ask.interceptor(Prune(&status::READ)) } else { ask };
        let page = ask.send().await.map_err(|e| format!("{e:?}"))?;
        let mut found = Statuses::default();
        page.instance_statuses.unwrap_or_default().iter().for_each(|s| found.add(s));
        Ok((found, page.next_token))
    }

    /// What stands between the elements that are read.
    fn noise() -> impl Strategy<Value = String> {
        prop::sample::select(vec![
            "",
            "\n  ",
            "<vpcId>vpc-1</vpcId>",
            "<clientToken/>",
            "<placement><availabilityZone>eu-west-1a</availabilityZone><tenancy>default</tenancy></placement>",
            "<blockDeviceMapping><item><deviceName>/dev/sda1</deviceName><ebs><status>attached</status></ebs></item></blockDeviceMapping>",
            "<networkInterfaceSet><item><tagSet><item><key>Name</key><value>no</value></item></tagSet></item></networkInterfaceSet>",
            "<operator><managed a=\"x > y\">false</managed></operator>",
            "<reason>a &gt; b &lt;item&gt; <!-- </reason> --></reason>",
        ])
        .prop_map(str::to_owned)
    }

    fn instance() -> impl Strategy<Value = String> {
        let state = prop::sample::select(vec!["running", "stopped", "terminated", "pending", "odd"]);
        let tag =
            prop::sample::select(vec![("Name", "web &amp; co"), ("kubernetes.io/cluster/prod", "owned"), ("a", "")]);
        let launch = prop::sample::select(vec![
            "<launchTime>2026-03-23T06:49:00.000Z</launchTime>",
            "",
            "<launchTime>soon</launchTime>",
        ]);
        (0..9_u8, state, launch, prop::collection::vec(tag, 0..3), prop::collection::vec(noise(), 5)).prop_map(
            |(id, state, launch, tags, noise)| {
                let tags: String =
                    tags.iter().map(|(k, v)| format!("<item><key>{k}</key><value>{v}</value></item>")).collect();
                let parts = [
                    format!("<instanceId>i-{id}</instanceId>"),
                    format!("<instanceState><code>16</code><name>{state}</name></instanceState>"),
                    launch.to_owned(),
                    format!("<tagSet>{tags}</tagSet>"),
                    String::new(),
                ];
                let inside: String = parts.iter().zip(noise).map(|(part, noise)| format!("{part}{noise}")).collect();
                format!("<item>{inside}</item>")
            },
        )
    }

    fn one_status() -> impl Strategy<Value = String> {
        let state = || prop::sample::select(vec!["ok", "impaired", "insufficient-data", "not-applicable"]);
        (0..9_u8, state(), state(), prop::collection::vec(noise(), 3), any::<bool>()).prop_map(|(id, a, b, noise, event)| {
            let since = "<details><item><impairedSince>2026-03-23T06:49:00.000Z</impairedSince><name>reachability</name><status>failed</status></item></details>";
            let event = if event { "<eventsSet><item><code>instance-stop</code><description>[x]</description><notBefore>2026-03-24T00:00:00.000Z</notBefore></item></eventsSet>" } else { "" };
            format!(
                "<item><instanceId>i-{id}</instanceId>{}<availabilityZone>eu-west-1a</availabilityZone>{event}{}<systemStatus><status>{a}</status>{since}</systemStatus><instanceStatus><status>{b}</status>{since}</instanceStatus><attachedEbsStatus><status>{a}</status></attachedEbsStatus>{}</item>",
                noise[0], noise[1], noise[2]
            )
        })
    }

    fn document(root: &str, set: &str, items: &[String]) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId><{set}>{}</{set}><nextToken>n</nextToken></{root}>",
            items.concat()
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn instances_are_the_same(all in prop::collection::vec(prop::collection::vec(instance(), 0..4), 0..4), more in noise(), sizes in prop::collection::vec(1_usize..300, 1..5)) {
            let reservations: Vec<String> =
                all.iter().map(|i| format!("<item>{more}<instancesSet>{}</instancesSet></item>", i.concat())).collect();
            let client = client(&document("DescribeInstancesResponse", "reservationSet", &reservations), &sizes);
            let (with, without) = run(async { (instances(&client, true).await, instances(&client, false).await) });
            prop_assert_eq!(with.map_err(|_| ()), without.map_err(|_| ()));
        }

        #[test]
        fn statuses_are_the_same(all in prop::collection::vec(one_status(), 0..9), sizes in prop::collection::vec(1_usize..300, 1..5)) {
            let client = client(&document("DescribeInstanceStatusResponse", "instanceStatusSet", &all), &sizes);
            let (with, without) = run(async { (statuses(&client, true).await, statuses(&client, false).await) });
            prop_assert!(with.is_ok());
            prop_assert_eq!(with, without);
        }
    }

    #[test]
    fn half_an_answer_is_no_answer() {
        let whole = document("DescribeInstancesResponse", "reservationSet", &[]);
        let half = client(&whole[..whole.len() - 30], &[50]);
        let error = run(instances(&half, true)).unwrap_err();
        assert!(error.contains("CutShort"), "{error}");
    }
}
