//! Bodies of webhooks: none of them panics, and what is read is a valid alert.
#![no_main]

use std::collections::BTreeSet;

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use sre_alerts::inbound::{alertmanager, generic, github};

const EVENTS: [&str; 6] = ["workflow_run", "check_run", "check_suite", "deployment", "deployment_status", "ping"];

fuzz_target!(|data: &[u8]| {
    let Some((&format, body)) = data.split_first() else { return };
    let now = Timestamp::UNIX_EPOCH;
    let read = match usize::from(format) % 8 {
        0 => generic::parse(body, &BTreeSet::new(), now),
        1 => alertmanager::parse(body, now),
        other => github::parse(EVENTS[other - 2], body, now),
    };
    match read {
        Ok(alerts) => alerts.iter().for_each(|alert| alert.validate().unwrap()),
        Err(rejection) => assert!(rejection.to_string().len() < 4000),
    }
});
