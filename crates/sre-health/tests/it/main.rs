//! Integration tests of sre-health.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod local;
