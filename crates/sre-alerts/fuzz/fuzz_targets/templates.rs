//! Templates of any text on notifications of any text: refused when they are loaded, or what they make fits.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use sre_alerts::pipeline::TemplateConfig;
use sre_alerts::{Alert, Notification};
use sre_core::Severity;

fuzz_target!(|parts: (&str, &str, &str, &str)| {
    let (title, text, word, name) = parts;
    let template = TemplateConfig::new().title(title).text(text);
    let mut n = Notification::new(Severity::Error, word).text(name).source(word).field(name, word).label(name, word);
    let alert = Alert::builder(Severity::Error, "x").source(word).label("name", word);
    n = n.alerts(alert.starts_at(Timestamp::UNIX_EPOCH).build());
    if let Ok(made) = template.preview(&n) {
        assert!(template.check().is_ok());
        let unchanged = made.title == n.title;
        assert!(unchanged || (made.title.len() <= 1024 && !made.title.chars().any(char::is_control)), "{:?}", made.title);
        assert!(made.text == n.text || made.text.len() <= 32 * 1024);
        assert_eq!((made.key, made.alerts), (n.key, n.alerts));
    }
});
