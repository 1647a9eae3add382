//! Email over SMTP: single notifications, and the daily digest.
//!
//! [`Email`] sends text and HTML of the same words (`multipart/alternative`), one connection a mail, over STARTTLS or
//! TLS with certificates checked as the system does. Whatever the words are, they make no header and no markup. Mails
//! about the same thing are one thread, and carry its key in `X-Dedup-Key`.
//!
//! What the server says of each recipient counts:
//! - all take it: delivered;
//! - some refuse it for good (5xx): delivered to the others, and logged;
//! - some refuse it for now (4xx): the others have it, and the notification fails with a reason to try again; a mail too
//!   many is better than one that nobody got;
//! - none takes it: failed, for good if all of them refused it for good.
//!
//! ```no_run
//! # async fn run() -> Result<(), sre_alerts::Error> {
//! use sre_alerts::{Notification, Notifier, email::Email};
//! use sre_core::{Secret, Severity};
//!
//! let email = Email::builder("smtp.example.org", "Alerts <alerts@example.org>")
//!     .to("oncall@example.org")
//!     .login("alerts@example.org", Secret::new("password"))
//!     .build()?;
//! email.notify(&Notification::new(Severity::Warning, "disk /data is 91 % full").field("Host", "db-1")).await?;
//! # Ok(()) }
//! ```

mod builder;
mod failure;
mod server;

pub use builder::{EmailBuilder, Security};
pub use server::Email;
