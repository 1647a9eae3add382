//! A notification in Slack's words.

use super::attachment::{Attachment, Color};
use super::escape;
use super::message::Message;
use crate::notify::Notification;

impl From<&Notification> for Message {
    /// One attachment in the severity's colour; the title is also the text, for readers who see only that.
    fn from(n: &Notification) -> Self {
        let mut attachment = Attachment::new(Color::from(n.severity)).title(&n.title).footer(n.severity.as_str());
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
        Message::new(format!("{}: {}", n.severity, n.title)).attachment(attachment)
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
}
