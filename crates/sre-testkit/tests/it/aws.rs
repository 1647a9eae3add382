//! The scripted EC2 and STS endpoint, asked as the SDKs ask.

use sre_testkit::aws::{AwsApi, Instance, aws_error};
use sre_testkit::peers::{Answer, request};

async fn ask(aws: &AwsApi, region: &str, service: &str, form: &str) -> Answer {
    let scope = format!("AWS4-HMAC-SHA256 Credential=K/20260301/{region}/{service}/aws4_request, SignedHeaders=host");
    let headers = [("authorization", scope.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    request(&aws.server().addr().to_string(), "POST", "/", &headers, form).await.unwrap()
}

#[tokio::test]
async fn says_what_moto_cannot() {
    let impaired = Instance::running("i-1").system("impaired").impaired_since("2026-03-01T00:00:00Z");
    let aws = AwsApi::builder()
        .instance("us-east-1", impaired.event("instance-stop", "[Completed] a & b", "2026-03-02T00:00:00Z"))
        .instance("us-east-1", Instance::in_state("i-2", "stopped"))
        .instances("eu-west-1", (0..1_200).map(|i| Instance::running(&format!("i-{i:05}"))))
        .fault(|_, call| (call.region == "ap-south-2").then(|| aws_error(403, "UnauthorizedOperation", "no")))
        .start()
        .await;
    let status = ask(&aws, "us-east-1", "ec2", "Action=DescribeInstanceStatus&MaxResults=1000").await.body;
    assert!(status.contains("<systemStatus><status>impaired</status>"), "{status}");
    assert!(status.contains("<impairedSince>2026-03-01T00:00:00Z") && status.contains("[Completed] a &amp; b"));
    assert!(!status.contains("i-2"));
    let first = ask(&aws, "eu-west-1", "ec2", "Action=DescribeInstances&MaxResults=1000").await.body;
    let rest =
        ask(&aws, "eu-west-1", "ec2", "Action=DescribeInstances&MaxResults=1000&NextToken=after-1000").await.body;
    assert!(first.contains("<nextToken>after-1000</nextToken>") && !rest.contains("nextToken"));
    assert_eq!((first + &rest).matches("<instanceId>").count(), 1_200);
    assert_eq!(ask(&aws, "ap-south-2", "ec2", "Action=DescribeInstances").await.status, 403);
    assert!(ask(&aws, "us-east-1", "sts", "Action=GetCallerIdentity").await.body.contains("<Account>123456789012<"));
    assert_eq!(aws.calls().last().unwrap().service, "sts");
}
