//! Against a real `moto_server`: two regions, 1,200 instances in pages, buckets with CloudWatch data.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use sre_cloud::aws::{AwsSession, GrowthVerdict, SurveyOptions};
use sre_core::SystemClock;
use sre_testkit::peers::Moto;
use std::time::Duration;

use crate::aws_endpoint::{session, settings, within};

const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

/// Moto takes its time: seconds for a page of a thousand instances.
async fn moto_session(moto: &Moto) -> AwsSession {
    let patient = settings(&moto.url()).read_timeout(Duration::from_secs(50)).attempt_timeout(Duration::from_secs(60));
    session(patient.operation_timeout(Duration::from_secs(120))).await
}

#[tokio::test]
async fn identity_and_regions() {
    let moto = Moto::start().await;
    let session = moto_session(&moto).await;
    let who = session.identity(within(60)).await.unwrap();
    assert_eq!(who.account, "123456789012");
    assert!(who.arn.starts_with("arn:aws:"), "{who:?}");
    let regions = session.regions(within(60)).await.unwrap();
    assert!(regions.iter().any(|r| r == "eu-west-1") && regions.is_sorted(), "{regions:?}");
}

#[tokio::test]
async fn twelve_hundred_instances_in_two_regions() {
    let moto = Moto::start().await;
    let ids = moto.fill_ec2("us-east-1", 1200).await;
    moto.fill_ec2("eu-west-1", 3).await;
    moto.stop_instances("us-east-1", &ids[..40]).await;
    moto.terminate_instances("us-east-1", &ids[40..50]).await;
    let session = moto_session(&moto).await;
    let deadline = within(180);
    let options = SurveyOptions::default().buckets(false);
    let (east, west) = tokio::join!(
        session.survey_region("us-east-1", &options, deadline),
        session.survey_region("eu-west-1", &options, deadline),
    );
    let (east, west) = (east.unwrap(), west.unwrap());
    assert!(east.incomplete.is_empty() && west.incomplete.is_empty(), "{east:?} {west:?}");
    let states = east.summary.unwrap();
    assert_eq!((states.total(), states.running, states.stopped, states.terminated), (1200, 1150, 40, 10));
    assert_eq!(west.summary.unwrap().running, 3);
    assert!(east.findings().is_empty(), "{:?}", east.findings());
}

#[tokio::test]
async fn small_pages_add_up() {
    let moto = Moto::start().await;
    moto.fill_ec2("us-east-1", 23).await;
    let session = moto_session(&moto).await;
    let options = SurveyOptions::default().buckets(false).page_size(5);
    let survey = session.survey_region("us-east-1", &options, within(60)).await.unwrap();
    assert!(survey.incomplete.is_empty(), "{survey:?}");
    assert_eq!(survey.summary.unwrap().running, 23);
}

/// One point a day up to yesterday. Moto itself adds today's, the true size of its empty bucket, as AWS would not.
async fn put_sizes(moto: &Moto, bucket: &str, storage: &str, gib: &[f64]) {
    let now = SystemClock::shared().now().to_zoned(TimeZone::UTC).date().to_zoned(TimeZone::UTC).unwrap();
    let days = i64::try_from(gib.len()).unwrap();
    let times: Vec<Timestamp> = (0..days).map(|n| (&now - (days - n).days()).timestamp()).collect();
    let times: Vec<String> = times.iter().map(ToString::to_string).collect();
    let points: Vec<_> = times.iter().zip(gib).map(|(at, g)| (at.as_str(), g * GIB)).collect();
    moto.put_bucket_size("us-east-1", bucket, storage, &points).await;
}

#[tokio::test]
async fn buckets_with_cloudwatch_data() {
    let moto = Moto::start().await;
    put_sizes(&moto, "logs", "StandardStorage", &[vec![100.0; 14], vec![180.0]].concat()).await;
    put_sizes(&moto, "logs", "GlacierStorage", &[50.0; 15]).await;
    put_sizes(&moto, "steady", "StandardStorage", &[500.0; 15]).await;
    put_sizes(&moto, "emptied", "StandardStorage", &[vec![500.0; 14], vec![1.0]].concat()).await;
    put_sizes(&moto, "young", "StandardStorage", &[1.0; 3]).await;
    let session = moto_session(&moto).await;
    let survey = session.survey_region("us-east-1", &SurveyOptions::default(), within(60)).await.unwrap();
    assert!(survey.incomplete.is_empty(), "{survey:?}");
    let seen: Vec<_> =
        survey.buckets.iter().map(|b| (b.bucket.as_str(), b.growth.verdict, (b.growth.bytes / GIB).round())).collect();
    let expected = [
        ("emptied", GrowthVerdict::Shrinking, 1.0),
        ("logs", GrowthVerdict::Growing, 230.0),
        ("steady", GrowthVerdict::Steady, 500.0),
        ("young", GrowthVerdict::Unknown, 1.0),
    ];
    assert_eq!(seen, expected);
    let codes: Vec<_> = survey.findings().iter().map(|f| f.code.as_str()).collect();
    assert_eq!(codes, ["S3-SHRINK", "S3-GROWTH"]);
}

#[tokio::test]
async fn more_buckets_than_one_question_takes() {
    let moto = Moto::start().await;
    for n in 0..30 {
        moto.create_bucket("us-east-1", &format!("bucket-{n}")).await;
    }
    let session = moto_session(&moto).await;
    let survey = session.survey_region("us-east-1", &SurveyOptions::default(), within(60)).await.unwrap();
    assert_eq!((survey.buckets.len(), survey.incomplete.len()), (30, 0), "{:?}", survey.incomplete);
    assert!(survey.buckets.iter().all(|b| b.growth.verdict == GrowthVerdict::Unknown));
}
