//! `sre-remote` as its users see it.

mod public_api;
