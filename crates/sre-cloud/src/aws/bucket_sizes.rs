//! The daily sizes of a region's buckets, from CloudWatch.
//!
//! `BucketSizeBytes` is daily, best-effort and has a series for each storage type: the series are discovered with
//! ListMetrics and added up. A type that lacks a day counts with its value of up to two days before, so that a late
//! point does not look like a shrinking bucket
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html>).

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::call::next_page;
use super::cloudwatch::{GET_METRIC_DATA, LIST_METRICS};
use super::error::Asked;
use super::s3_growth::{DailySize, Growth};
use super::session::AwsSession;
use super::survey::SurveyOptions;
use crate::Error;

/// `GetMetricData` takes at most 500 queries
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html>).
const QUERIES: usize = 500;

const DAY_SECONDS: i64 = 86_400;

/// How many days a storage type's value stands in for a missing one.
const CARRIED_DAYS: i32 = 2;

/// A bucket and what its sizes say.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BucketGrowth {
    /// The bucket's name.
    pub bucket: String,
    /// The judgement with its numbers.
    #[serde(flatten)]
    pub growth: Growth,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListMetrics<'a> {
    namespace: &'a str,
    metric_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MetricsPage {
    #[serde(default)]
    metrics: Vec<Metric>,
    next_token: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    namespace: String,
    metric_name: String,
    #[serde(default)]
    dimensions: Vec<Dimension>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Dimension {
    name: String,
    value: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct GetMetricData<'a> {
    metric_data_queries: &'a [Query<'a>],
    start_time: i64,
    end_time: i64,
    scan_by: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Query<'a> {
    id: String,
    metric_stat: MetricStat<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct MetricStat<'a> {
    metric: &'a Metric,
    period: i64,
    stat: &'a str,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DataPage {
    #[serde(default)]
    metric_data_results: Vec<Series>,
    next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Series {
    id: String,
    #[serde(default)]
    timestamps: Vec<f64>,
    #[serde(default)]
    values: Vec<f64>,
}

/// A storage type's size by day.
type Days = BTreeMap<Date, f64>;

/// A bucket with its storage types' metrics.
type Bucket<'a> = (&'a String, &'a Vec<Metric>);

/// Judges every bucket that CloudWatch knows in the region; by name. A batch of series is judged and dropped.
pub(super) async fn judge_all(
    session: &AwsSession,
    region: &str,
    options: &SurveyOptions,
    deadline: Instant,
) -> Result<Vec<BucketGrowth>, Error> {
    let buckets = discover(session, region, deadline).await?;
    let today = utc_day(session.clock().now());
    let mut judged = Vec::with_capacity(buckets.len());
    for batch in batches(&buckets) {
        let series = fetch(session, region, &batch, today, options.growth.window_days, deadline).await?;
        for ((bucket, _), types) in batch.iter().zip(series) {
            let growth = options.growth.judge(&add_up(&types), today);
            judged.push(BucketGrowth { bucket: (*bucket).clone(), growth });
        }
    }
    Ok(judged)
}

async fn discover(
    session: &AwsSession,
    region: &str,
    deadline: Instant,
) -> Result<BTreeMap<String, Vec<Metric>>, Error> {
    let asked = Asked { region, action: LIST_METRICS.action };
    let mut buckets: BTreeMap<String, Vec<Metric>> = BTreeMap::new();
    let mut token: Option<String> = None;
    loop {
        let ask = ListMetrics { namespace: "AWS/S3", metric_name: "BucketSizeBytes", next_token: token.as_deref() };
        let page: MetricsPage = session.cloudwatch(region, LIST_METRICS, &ask, deadline).await?;
        for mut metric in page.metrics {
            metric.dimensions.sort();
            let bucket = metric.dimensions.iter().find(|d| d.name == "BucketName").map(|d| d.value.clone());
            let Some(metrics) = bucket.map(|name| buckets.entry(name).or_default()) else { continue };
            // Added up twice, a series listed twice would double the bucket.
            if !metrics.contains(&metric) {
                metrics.push(metric);
            }
        }
        token = next_page(&asked, token.as_ref(), page.next_token)?;
        if token.is_none() {
            return Ok(buckets);
        }
    }
}

/// Whole buckets, as many as fit into one question.
fn batches(buckets: &BTreeMap<String, Vec<Metric>>) -> Vec<Vec<Bucket<'_>>> {
    let mut batches: Vec<Vec<Bucket<'_>>> = Vec::new();
    let mut queries = QUERIES;
    for bucket in buckets {
        if queries + bucket.1.len() > QUERIES {
            batches.push(Vec::new());
            queries = 0;
        }
        queries += bucket.1.len();
        if let Some(batch) = batches.last_mut() {
            batch.push(bucket);
        }
    }
    batches
}

/// For each bucket of the batch its storage types' days.
async fn fetch(
    session: &AwsSession,
    region: &str,
    batch: &[Bucket<'_>],
    today: Date,
    window_days: i32,
    deadline: Instant,
) -> Result<Vec<Vec<Days>>, Error> {
    let asked = Asked { region, action: GET_METRIC_DATA.action };
    let mut series: Vec<Vec<Days>> = batch.iter().map(|(_, metrics)| vec![Days::new(); metrics.len()]).collect();
    let queries: Vec<Query<'_>> = batch
        .iter()
        .enumerate()
        .flat_map(|(b, (_, metrics))| metrics.iter().enumerate().map(move |(m, metric)| (b, m, metric)))
        .map(|(b, m, metric)| Query {
            id: format!("b{b}_{m}"),
            metric_stat: MetricStat { metric, period: DAY_SECONDS, stat: "Average" },
        })
        .collect();
    let (start_time, end_time) = window(today, window_days);
    let mut token: Option<String> = None;
    loop {
        let next_token = token.as_deref();
        let ask = GetMetricData {
            metric_data_queries: &queries,
            start_time,
            end_time,
            scan_by: "TimestampAscending",
            next_token,
        };
        let page: DataPage = session.cloudwatch(region, GET_METRIC_DATA, &ask, deadline).await?;
        for found in page.metric_data_results {
            let days = position(&found.id).and_then(|(b, m)| series.get_mut(b)?.get_mut(m));
            if let Some(days) = days {
                let points = found.timestamps.iter().zip(&found.values).filter(|(_, v)| v.is_finite());
                days.extend(points.filter_map(|(at, value)| Some((day_of(*at)?, *value))));
            }
        }
        token = next_page(&asked, token.as_ref(), page.next_token)?;
        if token.is_none() {
            return Ok(series);
        }
    }
}

/// From midnight before the window (and its carried days, and the metric's own lateness) to the end of today.
fn window(today: Date, window_days: i32) -> (i64, i64) {
    let midnight = |day: Date| day.to_zoned(TimeZone::UTC).map(|z| z.timestamp().as_second()).unwrap_or_default();
    let end = midnight(today) + DAY_SECONDS;
    (end - i64::from(window_days.clamp(1, 400) + CARRIED_DAYS + 3) * DAY_SECONDS, end)
}

fn position(id: &str) -> Option<(usize, usize)> {
    let (bucket, metric) = id.strip_prefix('b')?.split_once('_')?;
    Some((bucket.parse().ok()?, metric.parse().ok()?))
}

fn day_of(seconds: f64) -> Option<Date> {
    #[expect(clippy::cast_possible_truncation, reason = "whole seconds; out of range saturates and is refused")]
    let seconds = seconds as i64;
    Timestamp::from_second(seconds).ok().map(utc_day)
}

fn utc_day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// The bucket's size on each day that any storage type has a point for.
fn add_up(types: &[Days]) -> Vec<DailySize> {
    let days: BTreeSet<Date> = types.iter().flat_map(|t| t.keys().copied()).collect();
    let on = |day: Date| {
        let since = day.checked_sub(CARRIED_DAYS.days()).unwrap_or(day);
        types.iter().filter_map(|t| t.range(since..=day).next_back()).map(|(_, bytes)| bytes).sum()
    };
    days.into_iter().map(|day| DailySize { day, bytes: on(day) }).collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn metric(bucket: &str, storage: &str) -> Metric {
        let dimension = |name: &str, value: &str| Dimension { name: name.to_owned(), value: value.to_owned() };
        Metric {
            namespace: "AWS/S3".to_owned(),
            metric_name: "BucketSizeBytes".to_owned(),
            dimensions: vec![dimension("BucketName", bucket), dimension("StorageType", storage)],
        }
    }

    #[test]
    fn storage_types_are_added_up_and_late_points_carried() {
        let days = |points: &[(i8, f64)]| points.iter().map(|(d, v)| (date(2026, 3, *d), *v)).collect::<Days>();
        let standard = days(&[(1, 10.0), (2, 10.0), (3, 10.0), (4, 10.0), (5, 10.0)]);
        let glacier = days(&[(1, 5.0), (2, 5.0)]);
        let sizes: Vec<f64> = add_up(&[standard, glacier]).iter().map(|d| d.bytes).collect();
        assert_eq!(sizes, [15.0, 15.0, 15.0, 15.0, 10.0]);
    }

    #[test]
    fn a_batch_has_whole_buckets_and_at_most_500_queries() {
        let buckets: BTreeMap<String, Vec<Metric>> = (0..400)
            .map(|n| (format!("b{n:03}"), vec![metric("b", "StandardStorage"), metric("b", "GlacierStorage")]))
            .chain([("z".to_owned(), vec![metric("z", "StandardStorage")])])
            .collect();
        let batches = batches(&buckets);
        let sizes: Vec<usize> = batches.iter().map(|b| b.iter().map(|(_, m)| m.len()).sum()).collect();
        assert_eq!(sizes, [500, 301]);
        assert_eq!(batches.iter().map(Vec::len).sum::<usize>(), 401);
    }

    #[test]
    fn the_window_ends_with_today() {
        let (start, end) = window(date(2026, 3, 23), 14);
        assert_eq!(Timestamp::from_second(end).unwrap().to_string(), "2026-03-24T00:00:00Z");
        assert_eq!(Timestamp::from_second(start).unwrap().to_string(), "2026-03-05T00:00:00Z");
    }

    proptest::proptest! {
        #[test]
        fn odd_answers_do_not_panic(id in ".*", at in proptest::num::f64::ANY) {
            let _ = (position(&id), day_of(at));
        }
    }
}
