//! What each finding means.

use sre_core::{Code, CodeDoc};

pub(crate) const ALERT: Code = Code::new("PROM-ALERT");
pub(crate) const HOTNODE: Code = Code::new("PROM-HOTNODE");
pub(crate) const DISKFILL: Code = Code::new("PROM-DISKFILL");
pub(crate) const ERRORS: Code = Code::new("PROM-5XX");
pub(crate) const ERRORRATIO: Code = Code::new("PROM-ERRORRATIO");
pub(crate) const TARGETDOWN: Code = Code::new("PROM-TARGETDOWN");
pub(crate) const CUSTOM: Code = Code::new("PROM-CUSTOM");
pub(crate) const WATCHDOG: Code = Code::new("PROM-WATCHDOG");
pub(crate) const PARTIAL: Code = Code::new("PROM-PARTIAL");
pub(crate) const NODATA: Code = Code::new("PROM-NODATA");

/// The codes of a survey's findings.
pub const CODES: &[CodeDoc] = &[
    CodeDoc::new(
        ALERT,
        "Alert firing",
        "An alerting rule fires and is neither silenced nor inhibited (the latter is known only with an Alertmanager \
         URL). Severity: the alert's `severity` label (critical, error, warning, info; a missing or unknown one is a \
         warning; `none` is no finding). Alerts below `alert_severity_threshold` (default warning) are listed but are no \
         findings.",
        "Follow the runbook link if there is one; else open the alert's page. Silence it in Alertmanager while you work on it.",
    ),
    CodeDoc::new(
        HOTNODE,
        "Node short of CPU",
        "All cores of a node together were busier than 80 % over 5 minutes (`node_cpu_seconds_total`). Severity: warning.",
        "See what runs there (`top`, `kubectl top pod`); move or limit it, or add capacity.",
    ),
    CodeDoc::new(
        DISKFILL,
        "Disk full soon",
        "Going by the last 6 hours a filesystem will be full within 24 hours; less than 40 % is left and it is not \
         read-only (`node_filesystem_avail_bytes`). Severity: warning.",
        "Find what grows (`du -x -h --max-depth=2`), rotate or delete it, or grow the filesystem.",
    ),
    CodeDoc::new(
        ERRORS,
        "Server errors",
        "A service answered more than 0.1 requests a second with 5xx over 5 minutes (`http_requests_total`). Severity: warning.",
        "Look at the service's logs and its last deployment.",
    ),
    CodeDoc::new(
        ERRORRATIO,
        "High share of server errors",
        "More than 5 % of a service's requests were answered with 5xx over 5 minutes, at more than 0.1 requests a second. \
         Severity: warning.",
        "Look at the service's logs and its last deployment; roll back if it began there.",
    ),
    CodeDoc::new(
        TARGETDOWN,
        "Scrape targets down",
        "Prometheus cannot scrape some targets of a job (`up == 0`): the thing is down, or is no longer watched. \
         Severity: error.",
        "Open Prometheus' targets page for the scrape error; remove targets that are gone for good from its configuration.",
    ),
    CodeDoc::new(
        CUSTOM,
        "Own check",
        "A query of the configuration's own gave a value beyond its threshold, or gave a series at all where it has no \
         threshold. Severity: as configured, default warning.",
        "What the check's summary says.",
    ),
    CodeDoc::new(
        WATCHDOG,
        "Watchdog silent",
        "The alert that is configured to fire always does not fire, or does not reach Alertmanager: other alerts may not \
         either. Severity: error.",
        "Check that Prometheus evaluates its rules and that its `alerting` section names the right Alertmanager.",
    ),
    CodeDoc::new(
        PARTIAL,
        "Incomplete answer",
        "A query failed, or was answered with warnings (a store behind the server did not answer): there may be more than \
         was found. Severity: warning.",
        "Read the warning; check the stores or remotes behind this Prometheus, and the query's own text if it was refused.",
    ),
    CodeDoc::new(
        NODATA,
        "Nothing to judge by",
        "A check found nothing, but the metric it needs does not exist either, so this is no sign of health. \
         Severity: info; a warning, and an incomplete answer, for an own check and for one whose settings were changed.",
        "Install the exporter, correct the metric or label names in the configuration, or disable the check.",
    ),
];
