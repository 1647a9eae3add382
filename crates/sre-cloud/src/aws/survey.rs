//! One region at a time: EC2 states, status checks, scheduled events and bucket growth, asked side by side.

use std::time::Duration;

use jiff::Timestamp;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use sre_core::Classify;
use tokio::time::Instant;

use super::bucket_sizes::{self, BucketGrowth};
use super::cli::Cli;
use super::instances::{self, InstanceStates};
use super::s3_growth::GrowthThresholds;
use super::session::AwsSession;
use super::settings::check_region;
use super::status::{self, InstanceProblem, ScheduledEvent};
use crate::Error;

/// What to look at and when to worry. Defaults: pages of 1,000 (EC2's maximum), the tag `Name`, 10 min without data,
/// 48 h before a retirement, buckets with [`GrowthThresholds::default`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SurveyOptions {
    /// How many instances a page has: 5 to 1,000.
    pub page_size: i32,
    /// The tag that names an instance.
    pub name_tag: String,
    /// How long after its launch an instance may have no status data.
    pub no_data_grace: Duration,
    /// A retirement or stop that begins within this time is critical.
    pub event_urgency: Duration,
    /// Whether to ask CloudWatch for bucket sizes.
    pub buckets: bool,
    /// When a bucket's change is suspicious.
    pub growth: GrowthThresholds,
}

/// What one region looks like. Serializes as `region`, `summary`, `problems`, `scheduled_events`, `buckets` and
/// `incomplete`.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct RegionSurvey {
    /// `us-east-1`.
    pub region: String,
    /// How many instances are in each state; absent when they could not be listed.
    pub summary: Option<InstanceStates>,
    /// Instances that do not pass their status checks, worst first.
    pub problems: Vec<InstanceProblem>,
    /// What AWS is going to do to instances, soonest first.
    pub scheduled_events: Vec<ScheduledEvent>,
    /// Every bucket that CloudWatch knows, by name.
    pub buckets: Vec<BucketGrowth>,
    /// Which parts did not answer; empty when the survey is whole.
    pub incomplete: Vec<Incomplete>,
    #[serde(skip)]
    pub(super) context: Context,
}

/// A part of the survey that did not answer. Serializes as `part`, `class`, `message`, `target`, `attempts` and
/// `elapsed_seconds`.
#[derive(Debug)]
#[non_exhaustive]
pub struct Incomplete {
    /// Which part.
    pub part: SurveyPart,
    /// Why.
    pub error: Error,
}

/// A part of a survey; each is asked by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SurveyPart {
    /// `summary`, and names for the others.
    Instances,
    /// `problems` and `scheduled_events`.
    InstanceStatus,
    /// `buckets`.
    BucketSizes,
}

/// What findings need besides the facts.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) cli: Cli,
    pub(super) at: Timestamp,
    pub(super) event_urgency: Duration,
}

// === impl SurveyOptions ===

impl Default for SurveyOptions {
    fn default() -> Self {
        Self {
            page_size: 1000,
            name_tag: "Name".to_owned(),
            no_data_grace: Duration::from_secs(600),
            event_urgency: Duration::from_secs(48 * 3600),
            buckets: true,
            growth: GrowthThresholds::default(),
        }
    }
}

impl SurveyOptions {
    /// How many instances a page has; brought into EC2's range of 5 to 1,000.
    #[must_use]
    pub fn page_size(mut self, size: i32) -> Self {
        self.page_size = size.clamp(5, 1000);
        self
    }

    /// The tag that names an instance.
    #[must_use]
    pub fn name_tag(mut self, tag: impl Into<String>) -> Self {
        self.name_tag = tag.into();
        self
    }

    /// How long after its launch an instance may have no status data.
    #[must_use]
    pub fn no_data_grace(mut self, grace: Duration) -> Self {
        self.no_data_grace = grace;
        self
    }

    /// A retirement or stop that begins within this time is critical.
    #[must_use]
    pub fn event_urgency(mut self, urgency: Duration) -> Self {
        self.event_urgency = urgency;
        self
    }

    /// Whether to ask CloudWatch for bucket sizes.
    #[must_use]
    pub fn buckets(mut self, buckets: bool) -> Self {
        self.buckets = buckets;
        self
    }

    /// When a bucket's change is suspicious.
    #[must_use]
    pub fn growth(mut self, growth: GrowthThresholds) -> Self {
        self.growth = growth;
        self
    }
}

// === impl AwsSession ===

impl AwsSession {
    /// Looks at one region: three questions side by side, each by itself. What one of them lacks (a permission, an
    /// answer in time) is listed in [`RegionSurvey::incomplete`] and hides nothing else.
    ///
    /// Permissions: `ec2:DescribeInstances`, `ec2:DescribeInstanceStatus`, `cloudwatch:ListMetrics`,
    /// `cloudwatch:GetMetricData`.
    ///
    /// # Errors
    /// When no part answered by `deadline`: the error of the instance list. [`ErrorKind::Config`](crate::ErrorKind::Config)
    /// when `region` cannot be the name of a region.
    ///
    /// # Cancel safety
    /// It only reads; dropping the future is harmless.
    pub async fn survey_region(
        &self,
        region: &str,
        options: &SurveyOptions,
        deadline: Instant,
    ) -> Result<RegionSurvey, Error> {
        check_region(region)?;
        let buckets = async {
            match options.buckets {
                true => Some(bucket_sizes::judge_all(self, region, options, deadline).await),
                false => None,
            }
        };
        let (instances, statuses, buckets) = futures_util::join!(
            instances::list(self, region, options, deadline),
            status::list(self, region, options, deadline),
            buckets,
        );
        let mut incomplete = Vec::new();
        let instances = keep(instances, SurveyPart::Instances, &mut incomplete);
        let statuses = keep(statuses, SurveyPart::InstanceStatus, &mut incomplete);
        let buckets = buckets.map(|b| keep(b, SurveyPart::BucketSizes, &mut incomplete));
        if instances.is_none() && statuses.is_none() && buckets.as_ref().is_none_or(Option::is_none) {
            return Err(incomplete.swap_remove(0).error);
        }
        let at = self.clock().now();
        let mut statuses = statuses.unwrap_or_default();
        let summary = instances.as_ref().map(|i| i.states);
        statuses.complete(&instances.unwrap_or_default(), options, at);
        Ok(RegionSurvey {
            region: region.to_owned(),
            summary,
            problems: statuses.problems,
            scheduled_events: statuses.events,
            buckets: buckets.flatten().unwrap_or_default(),
            incomplete,
            context: Context { cli: Cli::new(self.settings(), region), at, event_urgency: options.event_urgency },
        })
    }
}

fn keep<T>(result: Result<T, Error>, part: SurveyPart, incomplete: &mut Vec<Incomplete>) -> Option<T> {
    result.map_err(|error| incomplete.push(Incomplete { part, error })).ok()
}

// === impl SurveyPart ===

impl SurveyPart {
    /// The word used in reports and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Instances => "instances",
            Self::InstanceStatus => "instance_status",
            Self::BucketSizes => "bucket_sizes",
        }
    }
}

// === impl Incomplete ===

impl Serialize for Incomplete {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Incomplete", 6)?;
        out.serialize_field("part", &self.part)?;
        out.serialize_field("class", &self.error.class())?;
        out.serialize_field("message", &self.error.to_string())?;
        out.serialize_field("target", self.error.target())?;
        out.serialize_field("attempts", &self.error.attempts())?;
        out.serialize_field("elapsed_seconds", &self.error.elapsed().map(|d| d.as_secs_f64()))?;
        out.end()
    }
}
