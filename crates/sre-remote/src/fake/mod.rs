//! A scripted transport for tests: hosts that answer, fail, throttle, hang and get stuck as told, on tokio's clock (which
//! a test may pause), with a record of what was asked of whom.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), sre_remote::Error> {
//! use std::time::Duration;
//! use sre_remote::fake::{FakeHost, FakeTransport, Reply};
//! use sre_remote::{Captured, Command, Deadline, ExecContext, Exit, Host, Phase, ErrorKind, Transport};
//!
//! let fake = FakeTransport::new()
//!     .host("web-01", FakeHost::new().reply(|_, _| Reply::out("up 3 days\n")))
//!     .host("web-02", FakeHost::new().fail_connect(ErrorKind::Unreachable, Phase::Connect));
//! let deadline = Deadline::after(Duration::from_secs(5));
//! let mut session = fake.connect(&Host::new("web-01"), deadline).await?;
//! let mut output = Captured::with_cap(100);
//! let exit = session.exec(&Command::shell("uptime -p"), &ExecContext::until(deadline), &mut output).await?;
//! assert_eq!((exit, &output.stdout[..]), (Exit::Code(0), &b"up 3 days\n"[..]));
//! assert!(fake.connect(&Host::new("web-02"), deadline).await.is_err());
//! assert_eq!(fake.commands("web-01"), ["uptime -p"]);
//! # Ok(()) }
//! ```

mod record;
mod script;
mod session;
mod transport;

pub use record::Event;
pub use script::{FakeHost, Reply};
pub use transport::FakeTransport;
