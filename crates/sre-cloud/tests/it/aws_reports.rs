//! What an account in trouble looks like: facts as JSON, findings with their evidence.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::json;
use sre_cloud::aws::{CODES, GrowthVerdict, RegionSurvey, SurveyOptions};
use sre_core::{CodeDoc, Finding, Severity};
use sre_testkit::scripted::{Reply, Request};

use crate::aws_endpoint::{Call, clock_at, instances, session_at, settings, start, within, xml};

const NOW: &str = "2026-03-23T07:00:00Z";

fn status(id: &str, instance: &str, system: &str, ebs: &str, events: &str) -> String {
    format!(
        "<item><instanceId>{id}</instanceId><availabilityZone>us-east-1a</availabilityZone><eventsSet>{events}</eventsSet>\
         <instanceState><code>16</code><name>running</name></instanceState>\
         <systemStatus><status>{system}</status><details><item><name>reachability</name><status>failed</status>\
         <impairedSince>2026-03-23T06:38:00.000Z</impairedSince></item></details></systemStatus>\
         <instanceStatus><status>{instance}</status></instanceStatus>\
         <attachedEbsStatus><status>{ebs}</status></attachedEbsStatus></item>"
    )
}

fn event(code: &str, words: &str, not_before: &str) -> String {
    format!(
        "<item><instanceEventId>instance-event-1</instanceEventId><code>{code}</code>\
         <description>{words}</description><notBefore>{not_before}</notBefore></item>"
    )
}

fn trouble(call: &Call, request: &Request) -> Option<Reply> {
    match call.action.as_str() {
        "DescribeInstances" => Some(instances(&[
            ("i-1", "web-1", "2026-01-01T00:00:00.000Z"),
            ("i-2", "web-2", "2026-01-01T00:00:00.000Z"),
            ("i-3", "db-1", "2026-01-01T00:00:00.000Z"),
            ("i-4", "new-1", "2026-03-23T06:58:00.000Z"),
            ("i-5", "new-2", "2026-03-23T06:58:00.000Z"),
            ("i-6", "web-3", "2026-01-01T00:00:00.000Z"),
        ])),
        "DescribeInstanceStatus" => Some(xml(&format!(
            "<DescribeInstanceStatusResponse><instanceStatusSet>{}{}{}{}{}{}</instanceStatusSet></DescribeInstanceStatusResponse>",
            status("i-1", "impaired", "impaired", "ok", ""),
            status(
                "i-2",
                "ok",
                "ok",
                "impaired",
                &event("instance-retirement", "Degraded hardware", "2026-03-24T07:00:00.000Z")
            ),
            status("i-3", "insufficient-data", "ok", "not-applicable", ""),
            status("i-4", "initializing", "initializing", "ok", ""),
            status("i-5", "insufficient-data", "ok", "ok", ""),
            status(
                "i-6",
                "ok",
                "ok",
                "ok",
                &[
                    event("system-reboot", "Scheduled reboot", "2026-04-02T00:00:00.000Z"),
                    event("instance-stop", "[Completed] Degraded hardware", "2026-03-20T00:00:00.000Z"),
                ]
                .concat()
            ),
        ))),
        "ListMetrics" => {
            let metric = |bucket: &str, storage: &str| {
                json!({"Namespace": "AWS/S3", "MetricName": "BucketSizeBytes", "Dimensions": [
                    {"Name": "BucketName", "Value": bucket}, {"Name": "StorageType", "Value": storage}]})
            };
            // Two pages.
            let next = request.text().contains("more");
            Some(Reply::json(
                200,
                &match next {
                    false => {
                        json!({"Metrics": [metric("logs", "StandardStorage"), metric("young", "StandardStorage")], "NextToken": "more"})
                    }
                    true => json!({"Metrics": [metric("logs", "GlacierStorage"), metric("backup", "StandardStorage")]}),
                },
            ))
        }
        "GetMetricData" => Some(Reply::json(200, &metric_data(request))),
        _ => None,
    }
}

/// Sizes in GiB up to yesterday, 2026-03-22; `logs` jumps in its second storage type, `backup` is emptied.
fn metric_data(request: &Request) -> serde_json::Value {
    let ask: serde_json::Value = request.json().unwrap();
    let results: Vec<_> = ask["MetricDataQueries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|query| {
            let dimensions = query["MetricStat"]["Metric"]["Dimensions"].to_string();
            let sizes: Vec<f64> = match () {
                () if dimensions.contains("young") => vec![1.0; 3],
                () if dimensions.contains("Glacier") => [vec![50.0; 14], vec![120.0]].concat(),
                () if dimensions.contains("logs") => (0..15).map(|n| 100.0 + f64::from(n)).collect(),
                () => [vec![800.0; 14], vec![20.0]].concat(),
            };
            let last = 1_774_137_600.0; // 2026-03-22T00:00:00Z
            let first = last - 86_400.0 * (f64::from(u32::try_from(sizes.len()).unwrap()) - 1.0);
            let times: Vec<f64> = (0_u32..).take(sizes.len()).map(|n| first + 86_400.0 * f64::from(n)).collect();
            let bytes: Vec<f64> = sizes.iter().map(|gib| gib * 1024.0 * 1024.0 * 1024.0).collect();
            json!({"Id": query["Id"], "Timestamps": times, "Values": bytes, "StatusCode": "Complete"})
        })
        .collect();
    json!({"MetricDataResults": results})
}

async fn survey() -> RegionSurvey {
    let server = start(trouble).await;
    let settings = settings(&server.url()).profile("prod-readonly");
    let session = session_at(settings, clock_at(NOW)).await;
    session.survey_region("us-east-1", &SurveyOptions::default(), within(30)).await.unwrap()
}

fn line(f: &Finding) -> String {
    format!("{:8} {:16} {:28} {} | {} | x{}", f.severity, f.code, f.subject, f.title, f.detail, f.count)
}

#[tokio::test]
async fn findings_of_an_account_in_trouble() {
    let survey = survey().await;
    assert!(survey.incomplete.is_empty(), "{survey:?}");
    let findings = survey.findings();
    insta::assert_snapshot!(findings.iter().map(line).collect::<Vec<_>>().join("\n"));
    let undocumented: Vec<_> = findings.iter().filter(|f| CodeDoc::find(CODES, f.code.as_str()).is_none()).collect();
    assert!(undocumented.is_empty(), "{undocumented:?}");
    let critical: Vec<_> =
        findings.iter().filter(|f| f.severity == Severity::Critical).map(|f| f.subject.as_str()).collect();
    assert_eq!(critical, ["i-1", "i-2", "i-2 instance-retirement"]);
}

#[tokio::test]
async fn evidence_can_be_pasted() {
    let commands: Vec<String> = survey()
        .await
        .findings()
        .iter()
        .flat_map(|f| &f.evidence)
        .filter_map(|e| match e {
            sre_core::Evidence::Command(c) => Some(c.clone()),
            _ => None,
        })
        .map(|c| {
            c.split(" --endpoint-url ")
                .map(|p| p.split_once(' ').map_or(p, |(port, rest)| if port.starts_with("http") { rest } else { p }))
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    insta::assert_snapshot!(commands.join("\n"));
}

#[tokio::test]
async fn the_facts_as_json() {
    let mut survey = survey().await;
    for bucket in &survey.buckets {
        assert!(bucket.growth.points == 3 || bucket.growth.points == 15, "{bucket:?}");
    }
    let verdicts: Vec<_> = survey.buckets.iter().map(|b| (b.bucket.as_str(), b.growth.verdict)).collect();
    let expected =
        [("backup", GrowthVerdict::Shrinking), ("logs", GrowthVerdict::Growing), ("young", GrowthVerdict::Unknown)];
    assert_eq!(verdicts, expected);
    survey.buckets.truncate(1);
    insta::assert_json_snapshot!(survey);
}

#[tokio::test]
async fn the_same_trouble_has_the_same_ids() {
    let ids = |s: RegionSurvey| s.findings().into_iter().map(|f| f.id).collect::<Vec<_>>();
    assert_eq!(ids(survey().await), ids(survey().await));
}

#[tokio::test]
async fn a_denied_part_hides_nothing_else_and_is_listed() {
    let server = start(|call, request| match call.action.as_str() {
        "ListMetrics" => {
            Some(crate::aws_endpoint::refusal("ListMetrics", 403, "AccessDeniedException", "User is not authorized"))
        }
        _ => trouble(call, request),
    })
    .await;
    let session = session_at(settings(&server.url()), clock_at(NOW)).await;
    let survey = session.survey_region("us-east-1", &SurveyOptions::default(), within(30)).await.unwrap();
    assert_eq!((survey.summary.unwrap().running, survey.problems.len(), survey.buckets.len()), (6, 5, 0));
    let mut incomplete = serde_json::to_value(&survey.incomplete).unwrap();
    incomplete[0]["elapsed_seconds"].take();
    incomplete[0]["message"] = incomplete[0]["message"].as_str().unwrap().rsplit_once(" (").unwrap().0.into();
    insta::assert_json_snapshot!(incomplete);
}
