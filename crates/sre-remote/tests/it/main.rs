//! `sre-remote` as its users see it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod deploy;
mod facts;
mod fanout;
mod fault_network;
mod fault_stages;
mod fault_words;
mod inventory;
mod known_hosts;
mod leaks;
mod local;
mod nodeset;
mod openssh;
mod public_api;
mod real_command;
mod real_host_key;
mod real_jump;
mod real_login;
mod real_server;
mod rollout;
mod shell_session;
mod soak;
mod ssh_basic;
mod ssh_client;
mod ssh_config;
mod transfer;
mod transfer_ssh;
