//! From alerts to one notification.

use sre_core::Severity;

use crate::alert::{Alert, DedupKey};
use crate::notify::{Event, Notification};
use crate::stage::group::SHOWN;

/// What a notification is about. `shown` has as many alerts as the receiver wants, those that fire first.
#[derive(Debug)]
pub(super) struct About<'a> {
    pub(super) key: &'a DedupKey,
    /// What the alerts have in common, or nothing.
    pub(super) title: &'a str,
    pub(super) event: Event,
    pub(super) severity: Severity,
    pub(super) firing: usize,
    pub(super) resolved: usize,
    pub(super) shown: Vec<Alert>,
}

/// Words for people, and the alerts themselves for receivers that know better.
pub(super) fn compose(about: About<'_>) -> Notification {
    let mut n = match about.shown.as_slice() {
        [alert] if about.firing + about.resolved == 1 => alone(alert),
        _ => together(&about),
    };
    n.key = about.key.as_str().to_owned();
    n.event = about.event;
    n.alerts = about.shown;
    n
}

fn alone(alert: &Alert) -> Notification {
    let mut n = Notification::new(alert.severity, alert.title.clone()).text(alert.message.clone());
    n.source.clone_from(&alert.source);
    n.fields.clone_from(&alert.fields);
    n.labels.clone_from(&alert.labels);
    n.link = alert.links.first().map(|link| link.url.clone());
    n.at(alert.resolved_at.unwrap_or(alert.starts_at))
}

fn together(about: &About<'_>) -> Notification {
    let numbers = match (about.firing, about.resolved) {
        (firing, 0) => format!("{firing} firing"),
        (0, resolved) => format!("{resolved} resolved"),
        (firing, resolved) => format!("{firing} firing, {resolved} resolved"),
    };
    let title = match (about.title, about.shown.first()) {
        ("", Some(first)) => format!("[{numbers}] {}", first.title),
        (common, _) => format!("[{numbers}] {common}"),
    };
    let mut lines = about.shown.iter().take(SHOWN).map(line).collect::<Vec<_>>();
    let hidden = (about.firing + about.resolved).saturating_sub(lines.len());
    if hidden > 0 {
        lines.push(format!("and {hidden} more"));
    }
    let mut n = Notification::new(about.severity, title).text(lines.join("\n"));
    let first = about.shown.first();
    n.source =
        first.map(|a| a.source.clone()).filter(|s| about.shown.iter().all(|a| a.source == *s)).unwrap_or_default();
    n.labels = first.map(|a| a.labels.clone()).unwrap_or_default();
    n.labels.retain(|name, value| about.shown.iter().all(|a| a.labels.get(name) == Some(value)));
    let starts = about.shown.iter().map(|a| a.resolved_at.unwrap_or(a.starts_at)).max();
    match starts {
        Some(at) => n.at(at),
        None => n,
    }
}

fn line(alert: &Alert) -> String {
    let state = if alert.is_resolved() { "resolved" } else { alert.severity.as_str() };
    match alert.source.as_str() {
        "" => format!("{state}: {}", alert.title),
        source => format!("{state}: {source}: {}", alert.title),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn alert(severity: Severity, source: &str, title: &str) -> Alert {
        let alert = Alert::builder(severity, title).source(source).label("dc", "eu").label("host", source);
        alert.starts_at(Timestamp::UNIX_EPOCH).build().unwrap()
    }

    #[test]
    fn one_alert_speaks_for_itself() {
        let alert = alert(Severity::Error, "web-01", "disk is full");
        let key = alert.key();
        let shown = vec![alert.clone()];
        let severity = Severity::Error;
        let n = compose(About { key: &key, title: "", event: Event::Firing, severity, firing: 1, resolved: 0, shown });
        assert_eq!((n.title.as_str(), n.source.as_str(), n.key.as_str()), ("disk is full", "web-01", key.as_str()));
        assert_eq!(n.alerts, [alert]);
    }

    #[test]
    fn many_have_a_list_and_what_they_share() {
        let shown = vec![
            alert(Severity::Critical, "web-01", "down"),
            alert(Severity::Warning, "web-02", "slow").resolved(Timestamp::UNIX_EPOCH),
        ];
        let key = DedupKey::new("g");
        let severity = Severity::Critical;
        let n =
            compose(About { key: &key, title: "dc=eu", event: Event::Firing, severity, firing: 4, resolved: 1, shown });
        assert_eq!(n.title, "[4 firing, 1 resolved] dc=eu");
        assert_eq!(n.text, "critical: web-01: down\nresolved: web-02: slow\nand 3 more");
        assert_eq!(n.labels.into_iter().collect::<Vec<_>>(), [("dc".to_owned(), "eu".to_owned())]);
        assert_eq!(n.source, "");
    }
}
