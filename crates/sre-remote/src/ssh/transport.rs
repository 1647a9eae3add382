//! From a host to a session: every phase in its order, for the host and for each machine on the way.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::endpoint::{self, Endpoint};
use super::host_key::{HostKeyPolicy, HostKeys};
use super::jump::Pump;
use super::key_ring::KeyRing;
use super::link::Link;
use super::options::SshOptions;
use super::refusal::timed_out;
use super::session::SshSession;
use super::way::{Heard, SshDialed, Way};
use super::{handshake, host_signature, login};
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::host::Host;
use crate::phase::Phase;
use crate::ssh_config::{IdentityAgent, Local, SshConfig};
use crate::timings::Timings;
use crate::transport::{BoxFuture, Dialed, Peer, Session, Transport};

/// SSH by libssh2: the default transport. One for a whole run; keys are decoded and known hosts are read once.
///
/// ```no_run
/// # async fn example() -> Result<(), sre_remote::Error> {
/// use std::time::Duration;
/// use sre_remote::ssh::{KeyFile, SshOptions, SshTransport};
/// use sre_remote::{Captured, Command, Deadline, ExecContext, Host, Transport};
///
/// let options = SshOptions::new().with_user("sre").with_key(KeyFile::new("id_ed25519")).with_known_hosts(["known_hosts"]);
/// let ssh = SshTransport::new(options)?;
/// let deadline = Deadline::after(Duration::from_secs(30));
/// let mut session = ssh.connect(&Host::new("web-01"), deadline).await?;
/// let mut output = Captured::with_cap(1 << 20);
/// let exit = session.exec(&Command::shell("uptime -p"), &ExecContext::until(deadline), &mut output).await?;
/// assert!(exit.is_success());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SshTransport {
    shared: Arc<Shared>,
}

/// What the sessions of a run share. A session keeps hold of it: to end a command it may have to connect once more.
#[derive(Debug)]
pub(super) struct Shared {
    options: SshOptions,
    config: SshConfig,
    keys: KeyRing,
    host_keys: Mutex<HashMap<Vec<PathBuf>, Arc<HostKeys>>>,
    warned: Mutex<BTreeSet<String>>,
    background: TaskTracker,
}

// === impl SshTransport ===

impl SshTransport {
    /// Loads the keys that were named.
    ///
    /// The first one of a process tells OpenSSL to have Ed25519 signatures checked by aws-lc, for the whole process (libssh2
    /// asks for it once a host). OpenSSL takes no lock for that: a program that uses OpenSSL by other crates makes its first
    /// transport before it starts threads that do.
    ///
    /// # Errors
    /// [`ErrorKind::NoCredentials`] when one cannot be used.
    pub fn new(options: SshOptions) -> Result<Self, Error> {
        let config = options.config.clone().unwrap_or_else(|| SshConfig::empty(&Local::new("/", "root")));
        let keys = KeyRing::new(options.agent.as_deref(), &options.keys, &options.default_keys)?;
        if options.host_keys == Some(HostKeyPolicy::Off) {
            tracing::warn!("host keys are not checked: whoever is in between can read and change everything");
        }
        host_signature::by_aws_lc();
        let (host_keys, warned) = (Mutex::default(), Mutex::default());
        Ok(Self {
            shared: Arc::new(Shared { options, config, keys, host_keys, warned, background: TaskTracker::new() }),
        })
    }
}

// === impl Shared ===

impl Shared {
    /// Connects and logs in.
    pub(super) async fn open(self: &Arc<Self>, host: &Host, deadline: Deadline) -> Result<SshSession, Error> {
        self.dial(host, deadline).await?.into_session(deadline).await
    }

    /// Passes all machines on the way and waits for the host's first words.
    async fn dial<'a>(self: &Arc<Self>, host: &'a Host, deadline: Deadline) -> Result<SshDialed<'a>, Error> {
        let mut jumps = endpoint::route(host, &self.options, &self.config)?;
        let Some(endpoint) = jumps.pop() else {
            return Err(Error::new(ErrorKind::Usage, Phase::Resolve, host).with_detail("there is no way to it"));
        };
        let mut way = Way { host, deadline, timings: Timings::default() };
        let mut through = Vec::new();
        let mut carried = None;
        for jump in jumps {
            let logged_in = async {
                let (heard, _) = self.reach(&mut way, &jump, carried.take(), &mut through).await?;
                self.log_in(&mut way, &jump, heard).await
            };
            let link = logged_in.await.map_err(|e| on_the_way(e, &jump))?;
            carried = Some((link, jump.name));
        }
        let (heard, address) = self.reach(&mut way, &endpoint, carried, &mut through).await?;
        // The hop next to the host carries it, so it goes last.
        through.reverse();
        let peer = Peer { address, user: Some(endpoint.user.clone()), ..Peer::default() };
        Ok(SshDialed { shared: Arc::clone(self), way, endpoint, heard, through, peer })
    }

    /// One machine further, up to its first words; with its address where we connect to it ourselves.
    async fn reach(
        &self,
        way: &mut Way<'_>,
        to: &Endpoint,
        from: Option<(Link, String)>,
        through: &mut Vec<Pump>,
    ) -> Result<(Heard, Option<SocketAddr>), Error> {
        let (socket, address) = match from {
            None => {
                let connected = way.connect(to, self.options.limits.resolve).await?;
                (connected.socket, Some(connected.address))
            }
            Some((link, jump)) => {
                let (socket, pump) = way.pass(link, &jump, to).await?;
                through.push(pump);
                (socket, None)
            }
        };
        Ok((way.hear(socket, self.options.limits.handshake).await?, address))
    }

    /// Goes on with work that nobody waits for; [`Transport::settle`] does, at the end.
    pub(super) fn in_background<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.background.spawn(work)
    }

    /// How long a server may take to start a command.
    pub(super) fn exec_limit(&self) -> Duration {
        self.options.limits.exec
    }

    /// Handshake, host key and login.
    pub(super) async fn log_in(&self, way: &mut Way<'_>, endpoint: &Endpoint, heard: Heard) -> Result<Link, Error> {
        let host = way.host;
        let known = self.host_keys(endpoint);
        let link = Link::new(heard.socket)
            .map_err(|e| Error::new(ErrorKind::Unreachable, Phase::Handshake, host).with_detail(e.to_string()))?;
        let types = known.types(&endpoint.known_as.0, endpoint.known_as.1);
        let deadline = way.deadline.within(heard.left);
        way.timed(Phase::Handshake, handshake::run(&link, host, &types, deadline)).await?;
        let (name, port) = &endpoint.known_as;
        way.timed(Phase::HostKey, async { known.verify(&link, host, name, *port, endpoint.policy) }).await?;
        let deadline = way.deadline.within(self.options.limits.auth);
        way.timed(Phase::Auth, async {
            let gathered = deadline.limit(self.keys.credentials(endpoint, self.options.password.as_ref())).await;
            let credentials = gathered
                .map_err(|_| timed_out(Phase::Auth, host).with_detail("the agent did not list its keys in time"))?;
            login::run(&link, host, &credentials, deadline).await
        })
        .await?;
        Ok(link)
    }

    fn host_keys(&self, endpoint: &Endpoint) -> Arc<HostKeys> {
        let mut all = self.host_keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = all.get(&endpoint.known_hosts) {
            return Arc::clone(loaded);
        }
        let (loaded, problems) = HostKeys::load(endpoint.known_hosts.clone(), endpoint.hash_known_hosts);
        for problem in problems {
            self.warn_once(&problem.to_string());
        }
        let loaded = Arc::new(loaded);
        all.insert(endpoint.known_hosts.clone(), Arc::clone(&loaded));
        loaded
    }

    fn warn_once(&self, words: &str) {
        if self.warned.lock().unwrap_or_else(PoisonError::into_inner).insert(words.to_owned()) {
            tracing::warn!("{words}");
        }
    }

    /// Names what `~/.ssh/config` says about a host and has no effect here, once.
    fn warn_unsupported(&self, host: &Host) {
        let settings = self.config.resolve(host.address());
        for unsupported in settings.unsupported {
            self.warn_once(&unsupported.to_string());
        }
        if let Some(IdentityAgent::Socket(socket)) = settings.identity_agent
            && self.options.agent.as_ref() != Some(&socket)
        {
            self.warn_once(&format!("IdentityAgent {} has no effect here: one agent serves a run", socket.display()));
        }
    }
}

impl Transport for SshTransport {
    fn connect<'a>(&'a self, host: &'a Host, deadline: Deadline) -> BoxFuture<'a, Result<Box<dyn Session>, Error>> {
        Box::pin(async move { self.dial(host, deadline).await?.log_in(deadline).await })
    }

    fn dial<'a>(&'a self, host: &'a Host, deadline: Deadline) -> BoxFuture<'a, Result<Box<dyn Dialed + 'a>, Error>> {
        Box::pin(async move {
            self.shared.warn_unsupported(host);
            let started = Instant::now();
            let dialed = self.shared.dial(host, deadline).await.map_err(|e| e.with_elapsed(started.elapsed()))?;
            Ok(Box::new(dialed) as Box<dyn Dialed + 'a>)
        })
    }

    fn settle(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.shared.background.close();
            self.shared.background.wait().await;
            self.shared.background.reopen();
        })
    }

    fn gateway(&self, host: &Host) -> Option<String> {
        let route = endpoint::route(host, &self.shared.options, &self.shared.config).ok()?;
        (route.len() > 1).then(|| route[0].name.clone())
    }
}

/// Says that it happened at a machine on the way.
fn on_the_way(error: Error, jump: &Endpoint) -> Error {
    let detail = format!("at the jump host {}: {}", jump.name, error.detail());
    error.with_detail(detail)
}
