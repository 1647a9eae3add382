//! `sre-remote` as its users see it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod known_hosts;
mod public_api;
<<<<<<< HEAD
mod rollout;
=======
mod ssh_config;
>>>>>>> 59056ee (sre-remote: ssh_config with jump routes, compared with ssh -G)
