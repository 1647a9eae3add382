//! Servers for the tests of the workspace: scripted ones that fail on demand, and real ones started and stopped.
//!
//! | need | module |
//! | --- | --- |
//! | a Kubernetes API server with pages, watches and their failures | [`kubernetes`] |
//! | an EC2 endpoint that says what moto cannot | [`aws`] |
//! | a Slack webhook that enforces Slack's limits | [`slack`] |
//! | a PagerDuty that enforces PagerDuty's limits | [`pagerduty`] |
//! | a Teams workflow, a Discord webhook that enforce theirs | [`teams`], [`discord`] |
//! | a real Prometheus, Alertmanager, node exporter, SMTP server or moto | [`peers`] |
//! | a real OpenSSH server, or agent | [`sshd`], [`ssh_agent`] |
//! | an SSH server or network that misbehaves | [`ssh_faults`] |
//! | a child process that never outlives its test | [`process`] |
//! | what real servers said | [`fixtures`] |
//! | an HTTP or HTTPS server that answers, hangs, resets or lies as a test says | [`scripted`] |
//!
//! A dev-dependency of the other crates, never part of a program. A double that cannot do its work panics: that is
//! a failed test. Nothing here uses a fixed port, and everything stops when its handle is dropped.
#![expect(clippy::expect_used, clippy::panic, reason = "a test double fails by panicking")]

pub mod aws;
pub mod discord;
pub mod double;
pub mod fixtures;
pub mod kubernetes;
pub mod pagerduty;
pub mod peers;
pub mod process;
pub mod scripted;
pub mod slack;
pub mod ssh_agent;
pub mod ssh_faults;
pub mod sshd;
pub mod teams;

pub use scripted::refused_url;
