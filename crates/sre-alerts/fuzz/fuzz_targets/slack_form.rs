//! Slash commands: no form and no text panics, and what is understood is harmless data.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sre_alerts::chatops::{Action, Invocation, Registry};

fuzz_target!(|data: &[u8]| {
    let Ok(form) = Invocation::from_form(data) else { return };
    let registry = Registry::new(["restart-web".to_owned()]);
    for command in registry.names() {
        match registry.parse(command, &form.text) {
            Some(Ok(Action::Check { hosts })) => {
                assert!(hosts.iter().all(|host| !host.as_str().starts_with('-')));
            }
            Some(Ok(Action::Fleet { name })) => assert_eq!(name, "restart-web"),
            Some(Ok(Action::Deploy { app, version, .. })) => {
                assert!([app, version].iter().all(|word| !word.starts_with('-') && !word.contains([' ', ';', '$', '`'])));
            }
            _ => {}
        }
    }
});
