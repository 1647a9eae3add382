//! Moto: an AWS that keeps its state in memory.

use std::process::Command;

use super::launch::{Running, launch, program};
use super::plain_http::{Answer, request};

/// A running `moto_server`; any credentials open it.
#[derive(Debug)]
pub struct Moto {
    running: Running,
}

// === impl Moto ===

impl Moto {
    /// Starts an empty AWS.
    ///
    /// # Panics
    /// When it is not installed or does not start.
    pub async fn start() -> Self {
        let path = program("moto_server");
        let command = |port: u16| {
            let mut command = Command::new(&path);
            command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
            command
        };
        Self { running: launch("moto_server", "/moto-api/", &[], command).await }
    }

    /// `http://127.0.0.1:PORT`, for `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.running.addr)
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.running.process.pid()
    }

    /// Runs `n` instances (t3.micro) in a region, and gives their ids.
    ///
    /// # Panics
    /// When moto refuses.
    pub async fn fill_ec2(&self, region: &str, n: usize) -> Vec<String> {
        let mut ids = Vec::new();
        while ids.len() < n {
            let count = (n - ids.len()).min(200).to_string();
            let fields = [
                ("ImageId", "ami-12c6146b"),
                ("InstanceType", "t3.micro"),
                ("MinCount", &count),
                ("MaxCount", &count),
                ("TagSpecification.1.ResourceType", "instance"),
                ("TagSpecification.1.Tag.1.Key", "Name"),
                ("TagSpecification.1.Tag.1.Value", "web"),
            ];
            let xml = self.ec2(region, "RunInstances", &fields).await;
            ids.extend(xml.split("<instanceId>").skip(1).filter_map(|rest| Some(rest.split_once('<')?.0.to_owned())));
        }
        ids
    }

    /// Stops instances.
    ///
    /// # Panics
    /// When moto refuses.
    pub async fn stop_instances(&self, region: &str, ids: &[String]) {
        self.each_instance(region, "StopInstances", ids).await;
    }

    /// Terminates instances.
    ///
    /// # Panics
    /// When moto refuses.
    pub async fn terminate_instances(&self, region: &str, ids: &[String]) {
        self.each_instance(region, "TerminateInstances", ids).await;
    }

    /// Makes an S3 bucket.
    ///
    /// # Panics
    /// When moto refuses.
    pub async fn create_bucket(&self, region: &str, bucket: &str) {
        let body = match region {
            "us-east-1" => String::new(),
            _ => format!(
                "<CreateBucketConfiguration><LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
            ),
        };
        self.send(region, "s3", "PUT", &format!("/{bucket}"), "application/xml", &body).await.expect_success(bucket);
    }

    /// Puts what S3 would tell CloudWatch of a bucket: `BucketSizeBytes` at these times (RFC 3339), in bytes.
    ///
    /// # Panics
    /// When moto refuses.
    pub async fn put_bucket_size(&self, region: &str, bucket: &str, storage_type: &str, points: &[(&str, f64)]) {
        for (index, chunk) in points.chunks(20).enumerate() {
            let mut fields = vec![("Namespace".to_owned(), "AWS/S3".to_owned())];
            for (i, (time, bytes)) in chunk.iter().enumerate() {
                let mut member = |key: &str, value: &str| {
                    fields.push((format!("MetricData.member.{}.{key}", i + 1), value.to_owned()));
                };
                member("MetricName", "BucketSizeBytes");
                member("Unit", "Bytes");
                member("Timestamp", time);
                member("Value", &bytes.to_string());
                member("Dimensions.member.1.Name", "BucketName");
                member("Dimensions.member.1.Value", bucket);
                member("Dimensions.member.2.Name", "StorageType");
                member("Dimensions.member.2.Value", storage_type);
            }
            let fields: Vec<_> = fields.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            let what = format!("sizes of {bucket}, part {index}");
            self.query(region, "monitoring", "PutMetricData", "2010-08-01", &fields).await.expect_success(&what);
        }
    }

    /// Any action of EC2, and the XML that it answers.
    ///
    /// # Panics
    /// When moto refuses.
    pub async fn ec2(&self, region: &str, action: &str, fields: &[(&str, &str)]) -> String {
        self.query(region, "ec2", action, "2016-11-15", fields).await.expect_success(action).body
    }

    /// Any action of a service with the AWS query protocol (`ec2`, `sts`, `monitoring`).
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn query(
        &self,
        region: &str,
        service: &str,
        action: &str,
        version: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.append_pair("Action", action).append_pair("Version", version).extend_pairs(fields);
        self.send(region, service, "POST", "/", "application/x-www-form-urlencoded; charset=utf-8", &body.finish())
            .await
    }

    async fn each_instance(&self, region: &str, action: &str, ids: &[String]) {
        let keys: Vec<String> = (1..=ids.len()).map(|i| format!("InstanceId.{i}")).collect();
        let fields: Vec<_> = keys.iter().zip(ids).map(|(key, id)| (key.as_str(), id.as_str())).collect();
        self.ec2(region, action, &fields).await;
    }

    async fn send(&self, region: &str, service: &str, method: &str, path: &str, content: &str, body: &str) -> Answer {
        // Moto reads region and service out of the scope and never checks the signature.
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=test/20260101/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0"
        );
        let headers = [("authorization", authorization.as_str()), ("content-type", content)];
        request(&self.running.addr, method, path, &headers, body).await.expect("an answer of moto")
    }
}
