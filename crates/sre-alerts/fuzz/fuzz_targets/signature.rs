//! Headers of signatures: nothing is accepted that was not signed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sre_alerts::signature::{sign_sha256, sign_v0, verify_sha256, verify_v0};
use sre_core::Secret;

const NOW: i64 = 1_800_000_000;

fuzz_target!(|parts: (Vec<u8>, Vec<u8>, Vec<u8>)| {
    let (timestamp, signature, body) = parts;
    let secret = Secret::new("8f742231b10e8888abcd99yyyzzz85a5");
    if verify_v0(&secret, &timestamp, &signature, &body, NOW).is_ok() {
        let at: i64 = std::str::from_utf8(&timestamp).unwrap().parse().unwrap();
        assert!((NOW - at).abs() <= 300);
        assert_eq!(signature, sign_v0(&secret, at, &body).as_bytes());
    }
    if verify_sha256(&secret, &signature, &body).is_ok() {
        assert_eq!(signature, sign_sha256(&secret, &body).as_bytes());
    }
});
