//! A notification in Slack's words.

use super::attachment::{Attachment, Color};
use super::escape;
use super::message::Message;
use crate::notify::{Event, Notification};

impl From<&Notification> for Message {
    /// One attachment in the severity's colour, green once it is over; the title is also the text, for readers who see only that.
    fn from(n: &Notification) -> Self {
        let (color, word, text) = match n.event {
            Event::Firing => (Color::from(n.severity), n.severity.as_str(), format!("{}: {}", n.severity, n.title)),
            Event::Acknowledged => (Color::Neutral, n.event.as_str(), n.subject()),
            Event::Resolved => (Color::Good, n.event.as_str(), n.subject()),
        };
        let footer = if n.source.is_empty() { word.to_owned() } else { format!("{word} · {}", n.source) };
        let mut attachment = Attachment::new(color).title(&n.title).footer(footer);
        if let Some(link) = &n.link {
            attachment = attachment.title_link(link);
        }
        if !n.text.is_empty() {
            attachment = attachment.text(escape::text(&n.text));
        }
        for (name, value) in &n.fields {
            attachment = attachment.field(name, value);
        }
        if let Some(at) = n.at {
            attachment = attachment.at(at);
        }
        Message::new(text).attachment(attachment)
    }
}

#[cfg(test)]
mod tests {
    use sre_core::Severity;

    use super::*;

    #[test]
    fn a_notification_becomes_one_coloured_attachment() {
        let n = Notification::new(Severity::Critical, "api is down <!channel>")
            .text("3 of 3 probes & more")
            .field("Host", "web-03")
            .link("https://status.example/api")
            .at("2026-03-23T07:00:00Z".parse().unwrap());
        insta::assert_json_snapshot!(Message::from(&n).parts());
    }
    #[test]
    fn what_is_over_is_green() {
        let n = Notification::new(Severity::Critical, "api is up again").event(Event::Resolved);
        let sent = serde_json::to_string(&Message::from(&n).parts()).unwrap();
        assert!(sent.contains("#36a64f") && sent.contains("RESOLVED: api is up again"), "{sent}");
    }
}
