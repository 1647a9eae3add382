//! A digest in words.

use std::fmt::Write;

use jiff::Timestamp;
use sre_core::Severity;
use sre_core::output::width;

use super::gather::{Digest, Outcome, Problem, Section};
use crate::mail::{Mail, escape};
use crate::notify::Notification;

/// Lines of a section; whoever needs more asks the history.
const LINES: usize = 200;

/// One line: severity, how often and when, what, and what else there is to say.
struct Line<'a> {
    severity: &'a str,
    when: String,
    what: String,
    note: String,
}

impl Digest {
    /// The day (or days) and the four counts.
    #[must_use]
    pub fn title(&self) -> String {
        let counts: Vec<String> = Outcome::ALL.iter().map(|o| format!("{} {}", self.count(*o), o.as_str())).collect();
        format!("Digest of {}: {}", self.days(), counts.join(", "))
    }

    /// As text and HTML.
    #[must_use]
    pub fn mail(&self) -> Mail {
        Mail::new(&self.title(), format!("{}\n\n{}", self.title(), self.text()), &self.html()).key(self.key())
    }

    /// As text; a warning when something could not be sent, else an info.
    #[must_use]
    pub fn notification(&self) -> Notification {
        let severity = if self.count(Outcome::Failed) > 0 { Severity::Warning } else { Severity::Info };
        Notification::new(severity, self.title()).key(self.key()).source("sre-alerts").text(self.text()).at(self.to)
    }

    fn key(&self) -> String {
        format!("digest:{}", self.to)
    }

    fn days(&self) -> String {
        let day = |at: Timestamp| at.to_zoned(self.zone.clone()).date().to_string();
        // The end is not included: midnight is of the day before.
        let last = self.to.checked_sub(jiff::SignedDuration::from_nanos(1)).unwrap_or(self.to);
        let hours = self.to.duration_since(self.from).as_hours();
        match (day(self.from), day(last)) {
            (from, _) if hours <= 25 => from,
            (from, to) => format!("{from} to {to}"),
        }
    }

    fn filled(&self) -> impl Iterator<Item = (Outcome, &Section)> {
        self.sections.iter().map(|(outcome, section)| (*outcome, section))
    }

    // Writing to a String cannot fail: the results below are not looked at.

    fn text(&self) -> String {
        if self.is_quiet() {
            return "Nothing happened.\n".to_owned();
        }
        let mut text = String::new();
        for (outcome, section) in self.filled() {
            let _ = writeln!(text, "{} ({})", outcome.as_str().to_uppercase(), section.count);
            let (lines, left) = self.lines(section);
            for Line { severity, when, what, note } in lines {
                let note = if note.is_empty() { note } else { format!("  [{note}]") };
                let _ = writeln!(text, "  {severity:<8}  {when}  {what}{note}");
            }
            if left > 0 {
                let _ = writeln!(text, "  … and {left} more");
            }
            text.push('\n');
        }
        text
    }

    fn html(&self) -> String {
        let mut html = format!("<h2>{}</h2>\n", escape(&self.title()));
        if self.is_quiet() {
            html.push_str("<p>Nothing happened.</p>\n");
        }
        for (outcome, section) in self.filled() {
            let _ = writeln!(html, "<h3>{} ({})</h3>\n<table cellpadding=\"4\">", outcome.as_str(), section.count);
            let (lines, left) = self.lines(section);
            for line in lines {
                let cells = [line.severity, &line.when, &line.what, &line.note].map(escape).join("</td><td>");
                let _ = writeln!(html, "<tr><td>{cells}</td></tr>");
            }
            html.push_str("</table>\n");
            if left > 0 {
                let _ = writeln!(html, "<p>… and {left} more</p>");
            }
        }
        html
    }

    /// The first of a section, and how many records the others have.
    fn lines<'a>(&self, section: &'a Section) -> (Vec<Line<'a>>, usize) {
        let sorted = section.sorted();
        let (shown, hidden) = sorted.split_at(sorted.len().min(LINES));
        let left = hidden.iter().map(|problem| problem.count).sum::<usize>() + section.others;
        (shown.iter().map(|problem| self.line(problem)).collect(), left)
    }

    fn line<'a>(&self, problem: &'a Problem) -> Line<'a> {
        let last = &problem.last;
        let title = width::clean(&last.title);
        let what = if last.source.is_empty() {
            title.into_owned()
        } else {
            format!("{title} ({})", width::clean(&last.source))
        };
        let still = (last.outcome == Outcome::Fired && self.still_fires(&last.key)).then(|| "still firing".to_owned());
        let detail = (!last.detail.is_empty()).then(|| width::clean(&last.detail).into_owned());
        let note = still.into_iter().chain(detail).collect::<Vec<_>>().join("; ");
        Line { severity: problem.severity.as_str(), when: self.when(problem), what, note }
    }

    /// `07:00`, or `3× 07:00–08:10`.
    fn when(&self, problem: &Problem) -> String {
        let time = |at: Timestamp| at.to_zoned(self.zone.clone()).strftime("%H:%M").to_string();
        let (first, last) = (time(problem.first), time(problem.last.at));
        match problem.count {
            1 => first,
            count => format!("{count}× {first}–{last}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::super::gather::{Record, day_before};
    use super::*;

    fn at(time: &str) -> Timestamp {
        format!("2026-03-23T{time}:00Z").parse().unwrap()
    }

    fn empty() -> Digest {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let (from, to) = day_before(&"2026-03-24T00:00:00+01:00[Europe/Berlin]".parse().unwrap());
        Digest::new(from, to, zone)
    }

    #[test]
    fn a_day_in_one_mail() {
        let mut digest = empty();
        let record = |time, outcome, key: &str, severity| {
            Record::new(at(time), outcome, key, severity, format!("{key} is <bad>")).source("prober-1")
        };
        digest.extend([
            record("09:00", Outcome::Fired, "api", Severity::Error),
            record("08:00", Outcome::Fired, "api", Severity::Critical),
            record("08:30", Outcome::Resolved, "api", Severity::Critical),
            record("10:00", Outcome::Fired, "disk", Severity::Warning),
            record("11:00", Outcome::Resolved, "disk", Severity::Warning),
            record("08:01", Outcome::Suppressed, "api", Severity::Critical).detail("sent 1 min ago"),
            record("08:02", Outcome::Failed, "api", Severity::Critical).detail("404 no_service"),
            record("23:00", Outcome::Fired, "tomorrow", Severity::Critical),
        ]);
        let mail = digest.mail();
        assert_eq!(mail.subject, "Digest of 2026-03-23: 3 fired, 2 resolved, 1 suppressed, 1 not sent");
        insta::assert_snapshot!(mail.text);
        insta::assert_snapshot!(mail.html);
        let n = digest.notification();
        assert_eq!((n.severity, mail.text.ends_with(&n.text)), (Severity::Warning, true));
        assert!(empty().mail().text.contains("Nothing happened") && empty().notification().severity == Severity::Info);
    }

    #[test]
    fn a_day_has_as_many_hours_as_it_has() {
        for (end, hours) in
            [("2026-03-30T07:00:00+02:00", 24), ("2026-03-29T07:00:00+02:00", 23), ("2026-10-25T07:00:00+01:00", 25)]
        {
            let (from, to) = day_before(&format!("{end}[Europe/Berlin]").parse().unwrap());
            assert_eq!(to.duration_since(from).as_hours(), hours, "{end}");
        }
    }

    #[test]
    fn many_problems_are_counted_and_the_worst_are_shown() {
        let mut digest = empty();
        let record =
            |i: usize, severity| Record::new(at("08:00"), Outcome::Fired, format!("{i}"), severity, format!("p{i}"));
        digest.extend((0..11_000).map(|i| record(i, Severity::Info)));
        digest.extend((0..9).map(|i| record(i, Severity::Critical)));
        let mail = digest.mail();
        assert!(mail.subject.contains("11009 fired") && mail.text.contains("… and 10800 more"), "{}", mail.subject);
        assert!(mail.text.lines().nth(3).unwrap().contains("critical  2× 09:00–09:00  p0"), "{}", mail.text);
        assert!(mail.text.len() < 50_000 && mail.html.len() < 100_000);
    }

    proptest! {
        #[test]
        fn the_order_of_records_does_not_matter(times in proptest::collection::vec((0_i64..86_400, 0_usize..4, 0_usize..3), 0..40)) {
            let (from, to) = (empty().from, empty().to);
            let records = times.iter().enumerate().map(|(i, (second, outcome, key))| {
                // No two at the same time: the last of them has the words.
                let at = from + jiff::SignedDuration::from_millis(second * 1000 + i64::try_from(i).unwrap());
                Record::new(at, Outcome::ALL[*outcome], format!("{key}"), Severity::ALL[i % 4], format!("t{i}"))
            });
            let (mut one, mut other) = (empty(), Digest::new(from, to, empty().zone));
            one.extend(records.clone());
            other.extend(records.rev());
            prop_assert_eq!(one.mail(), other.mail());
            prop_assert_eq!(Outcome::ALL.iter().map(|o| one.count(*o)).sum::<usize>(), times.len());
        }
    }
}
