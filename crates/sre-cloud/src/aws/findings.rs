//! From a region's facts to what a person should know.

use sre_core::output::bytes;
use sre_core::{Code, Evidence, Finding, Severity, SourceId, Target, duration};

use super::bucket_sizes::BucketGrowth;
use super::codes;
use super::s3_growth::GrowthVerdict;
use super::status::{CheckState, InstanceProblem, ScheduledEvent, StatusCheck};
use super::survey::RegionSurvey;

/// How many instances a finding about many of them names.
const NAMED: usize = 5;

// === impl RegionSurvey ===

impl RegionSurvey {
    /// What of the survey a person should know. Instances that are starting up are one finding together.
    ///
    /// Subjects are ids, so that a finding stays the same one when a name tag changes; the name is in the detail.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let in_state = |state| self.problems.iter().filter(move |p| p.state == state);
        let mut findings: Vec<Finding> = in_state(CheckState::Impaired).map(|p| self.impaired(p)).collect();
        findings.extend(in_state(CheckState::InsufficientData).map(|p| self.without_data(p)));
        findings.extend(self.scheduled_events.iter().map(|e| self.event(e)));
        findings.extend(self.buckets.iter().filter_map(|b| self.bucket(b)));
        let starting: Vec<_> = in_state(CheckState::Initializing).collect();
        findings.extend(self.initializing(&starting));
        findings
    }

    fn finding(&self, code: Code, severity: Severity, subject: &str, title: String) -> Finding {
        Finding::new(code, severity, SourceId::new("aws"), Target::new(&self.region), subject, title)
    }

    fn status_command(&self, instance_id: &str) -> Evidence {
        let arguments = ["--instance-ids", instance_id];
        Evidence::Command(self.context.cli.command("ec2 describe-instance-status", &arguments))
    }

    fn impaired(&self, problem: &InstanceProblem) -> Finding {
        let title = format!("{} status check impaired", checks(&problem.checks));
        let lasted = problem.since.map(|since| self.context.at.duration_since(since).unsigned_abs());
        let lasted = lasted.map(|d| format!("for {}", duration::format(d)));
        self.finding(codes::IMPAIRED, Severity::Critical, &problem.instance_id, title)
            .detail(described(problem, lasted))
            .since(problem.since)
            .evidence(self.status_command(&problem.instance_id))
    }

    fn without_data(&self, problem: &InstanceProblem) -> Finding {
        let title = format!("no data from the {} status check", checks(&problem.checks));
        self.finding(codes::NO_DATA, Severity::Warning, &problem.instance_id, title)
            .detail(described(problem, None))
            .since(problem.since)
            .evidence(self.status_command(&problem.instance_id))
    }

    fn initializing(&self, starting: &[&InstanceProblem]) -> Option<Finding> {
        let (count, named) = (starting.len(), starting.iter().take(NAMED).map(|p| p.instance_id.as_str()));
        let named = named.collect::<Vec<_>>().join(", ");
        let detail = if count > NAMED { format!("{named} and {} more", count - NAMED) } else { named };
        let title = format!("{count} {} starting up", if count == 1 { "instance" } else { "instances" });
        let filter = ["--filters", "Name=instance-status.status,Values=initializing"];
        let finding = self
            .finding(codes::INITIALIZING, Severity::Info, "instances starting up", title)
            .detail(detail)
            .count(u32::try_from(count).unwrap_or(u32::MAX))
            .evidence(Evidence::Command(self.context.cli.command("ec2 describe-instance-status", &filter)));
        (count > 0).then_some(finding)
    }

    fn event(&self, event: &ScheduledEvent) -> Finding {
        let until = event.not_before.map(|begin| begin.duration_since(self.context.at));
        let urgent =
            until.is_none_or(|until| until.is_negative() || until.unsigned_abs() <= self.context.event_urgency);
        let severity = match event.ends_the_instance() && urgent {
            true => Severity::Critical,
            false => Severity::Warning,
        };
        let when = match until {
            Some(until) if until.is_positive() => format!("in {}", duration::format(until.unsigned_abs())),
            Some(_) => "due now".to_owned(),
            None => "at an unknown time".to_owned(),
        };
        let subject = format!("{} {}", event.instance_id, event.code);
        let parts = [event.name.as_deref().unwrap_or_default(), &event.description];
        let detail = parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(": ");
        self.finding(codes::EVENT, severity, &subject, format!("{} {when}", event.code))
            .detail(detail)
            .evidence(self.status_command(&event.instance_id))
    }

    fn bucket(&self, bucket: &BucketGrowth) -> Option<Finding> {
        let growth = &bucket.growth;
        let (code, verb) = match growth.verdict {
            GrowthVerdict::Growing => (codes::GROWTH, "grew"),
            GrowthVerdict::Shrinking => (codes::SHRINK, "shrank"),
            _ => return None,
        };
        let title = format!("{verb} by {} in a day", size(growth.change.abs()));
        let detail = format!(
            "now {}; usual daily change {} ± {}",
            size(growth.bytes),
            size(growth.usual_change),
            size(growth.deviation)
        );
        let value = |name: &str, value: f64| Evidence::Value { name: name.to_owned(), value, unit: "bytes".to_owned() };
        let finding = self
            .finding(code, Severity::Warning, &format!("bucket {}", bucket.bucket), title)
            .detail(detail)
            .evidence(value("change", growth.change))
            .evidence(Evidence::Command(self.growth_command(&bucket.bucket)));
        Some(finding)
    }

    /// The last two weeks of the largest series; `aws` takes one storage type at a time.
    fn growth_command(&self, bucket: &str) -> String {
        let day = |before: i64| {
            let at = self.context.at.as_second() - before * 86_400;
            jiff::Timestamp::from_second(at).map(|t| t.strftime("%Y-%m-%d").to_string()).unwrap_or_default()
        };
        let name = format!("Name=BucketName,Value={bucket}");
        let arguments = [
            "--namespace",
            "AWS/S3",
            "--metric-name",
            "BucketSizeBytes",
            "--dimensions",
            &name,
            "Name=StorageType,Value=StandardStorage",
            "--period",
            "86400",
            "--statistics",
            "Average",
            "--start-time",
            &day(15),
            "--end-time",
            &day(-1),
        ];
        self.context.cli.command("cloudwatch get-metric-statistics", &arguments)
    }
}

fn checks(checks: &[StatusCheck]) -> String {
    checks.iter().map(|c| c.as_str()).collect::<Vec<_>>().join(" and ")
}

/// `web-1, node of prod, us-east-1a, for 22m`, as far as it is known.
fn described(problem: &InstanceProblem, lasted: Option<String>) -> String {
    let node = problem.cluster.as_ref().map(|c| format!("node of {c}"));
    let parts = [problem.name.clone(), node, problem.availability_zone.clone(), lasted];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// A size, or a change of one, in IEC units.
fn size(n: f64) -> String {
    let sign = if n <= -1.0 { "-" } else { "" };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sizes; out of range saturates")]
    let whole = n.abs() as u64;
    format!("{sign}{}", bytes::format(whole))
}
