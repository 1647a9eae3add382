//! Results as JUnit XML, which every CI server shows as test results.
//!
//! A report has suites, a suite has cases, and a case passed, failed, broke (error) or was skipped. Text may hold
//! anything: what XML 1.0 cannot carry is left out (escape sequences, control characters, noncharacters).
//!
//! ```
//! use std::time::Duration;
//! use sre_core::output::junit::{Case, Report, Suite};
//!
//! let xml = Report::new("morning-check")
//!     .suite(Suite::new("kubernetes")
//!         .case(Case::passed("nodes ready").time(Duration::from_millis(1500)))
//!         .case(Case::failed("workloads", "K8S-CRASHLOOP", "payments/api: CrashLoopBackOff").text("14 restarts")))
//!     .to_xml();
//! assert!(xml.contains(r#"<testsuite name="kubernetes" tests="2" skipped="0" errors="0" failures="1""#), "{xml}");
//! ```

use std::time::Duration;

use jiff::Timestamp;
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

/// All suites of one run.
#[derive(Debug, Clone)]
#[must_use]
pub struct Report {
    report: quick_junit::Report,
}

/// Cases that belong together: those of one source.
#[derive(Debug, Clone)]
#[must_use]
pub struct Suite {
    suite: TestSuite,
}

/// One thing that was checked.
#[derive(Debug, Clone)]
#[must_use]
pub struct Case {
    case: TestCase,
}

// === impl Report ===

impl Report {
    /// A report without suites.
    pub fn new(name: &str) -> Self {
        Self { report: quick_junit::Report::new(xml_text(name)) }
    }

    /// When the run began.
    pub fn timestamp(mut self, at: Timestamp) -> Self {
        self.report.timestamp = at.to_string().parse().ok();
        self
    }

    /// How long the run took.
    pub fn time(mut self, elapsed: Duration) -> Self {
        self.report.set_time(elapsed);
        self
    }

    /// Adds a suite.
    pub fn suite(mut self, suite: Suite) -> Self {
        self.report.add_test_suite(suite.suite);
        self
    }

    /// The document.
    #[must_use]
    pub fn to_xml(&self) -> String {
        // Writing to memory cannot fail, and every string was cleaned when it came in.
        self.report.to_string().unwrap_or_default()
    }
}

// === impl Suite ===

impl Suite {
    /// A suite without cases.
    pub fn new(name: &str) -> Self {
        Self { suite: TestSuite::new(xml_text(name)) }
    }

    /// When it began.
    pub fn timestamp(mut self, at: Timestamp) -> Self {
        self.suite.timestamp = at.to_string().parse().ok();
        self
    }

    /// How long it took.
    pub fn time(mut self, elapsed: Duration) -> Self {
        self.suite.set_time(elapsed);
        self
    }

    /// A fact about the suite.
    pub fn property(mut self, name: &str, value: &str) -> Self {
        self.suite.add_property((xml_text(name), xml_text(value)));
        self
    }

    /// Adds a case.
    pub fn case(mut self, case: Case) -> Self {
        self.suite.add_test_case(case.case);
        self
    }
}

// === impl Case ===

impl Case {
    /// It is as it should be.
    pub fn passed(name: &str) -> Self {
        Self::with(name, TestCaseStatus::success())
    }

    /// It is not as it should be; `kind` is a code such as `K8S-CRASHLOOP`.
    pub fn failed(name: &str, kind: &str, message: &str) -> Self {
        Self::bad(name, NonSuccessKind::Failure, kind, message)
    }

    /// It could not be found out.
    pub fn error(name: &str, kind: &str, message: &str) -> Self {
        Self::bad(name, NonSuccessKind::Error, kind, message)
    }

    /// It was not tried, and why.
    pub fn skipped(name: &str, message: &str) -> Self {
        let mut status = TestCaseStatus::skipped();
        status.set_message(xml_text(message));
        Self::with(name, status)
    }

    /// The group that viewers sort the case into: a cluster, a region, a host.
    pub fn class(mut self, class: &str) -> Self {
        self.case.set_classname(xml_text(class));
        self
    }

    /// How long it took.
    pub fn time(mut self, elapsed: Duration) -> Self {
        self.case.set_time(elapsed);
        self
    }

    /// The long text of a failure, error or skip; a passed case has none.
    pub fn text(mut self, text: &str) -> Self {
        if !matches!(self.case.status, TestCaseStatus::Success { .. }) {
            self.case.status.set_description(xml_text(text));
        }
        self
    }

    /// What the check printed.
    pub fn output(mut self, text: &str) -> Self {
        self.case.set_system_out(xml_text(text));
        self
    }

    fn bad(name: &str, how: NonSuccessKind, kind: &str, message: &str) -> Self {
        let mut status = TestCaseStatus::non_success(how);
        status.set_type(xml_text(kind)).set_message(xml_text(message));
        Self::with(name, status)
    }

    fn with(name: &str, status: TestCaseStatus) -> Self {
        Self { case: TestCase::new(xml_text(name), status) }
    }
}

/// quick-junit drops escape sequences and C0 controls itself; XML 1.0 has no U+FFFE and U+FFFF either, and the C1
/// controls are legal but upset viewers (<https://www.w3.org/TR/xml/#charsets>).
fn xml_text(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_with_each_kind_of_case() {
        let xml = Report::new("r")
            .timestamp("2026-03-23T07:00:00Z".parse().unwrap())
            .time(Duration::from_millis(2100))
            .suite(
                Suite::new("aws")
                    .property("region", "us-east-1")
                    .time(Duration::from_secs(2))
                    .case(Case::passed("instances").class("us-east-1").text("not shown"))
                    .case(Case::failed("status", "EC2-IMPAIRED", "i-0abc <impaired> & \"bad\"").text("since 06:41"))
                    .case(Case::error("s3", "connection", "no answer\u{0}\u{1b}[31m in 5s\u{ffff}"))
                    .case(Case::skipped("costs", "not configured").output("line 1\nline 2")),
            )
            .to_xml();
        insta::assert_snapshot!(xml);
    }

    proptest::proptest! {
        #[test]
        fn any_text_makes_a_document_that_reads_back(s in ".*") {
            let case = Case::failed(&s, &s, &s).class(&s).text(&s).output(&s);
            let xml = Report::new(&s).suite(Suite::new(&s).property(&s, &s).case(case)).to_xml();
            proptest::prop_assert!(quick_junit::Report::deserialize_from_str(&xml).is_ok(), "{xml:?}");
        }
    }
}
