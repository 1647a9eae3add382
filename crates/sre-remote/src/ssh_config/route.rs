//! The way to a host through its jump hosts, each with its own configuration.

use sre_core::Target;

use super::jump::Jump;
use super::load::SshConfig;
use super::settings::HostSettings;
use crate::error::{Error, ErrorKind};
use crate::phase::Phase;

/// A chain beyond this is a mistake.
const MOST_HOPS: usize = 16;

/// One machine on the way to a host, or the host itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hop {
    /// The name that it was called by.
    pub name: String,
    /// What the configuration says about it, with the user and port that it was called with.
    pub settings: HostSettings,
}

// === impl SshConfig ===

impl SshConfig {
    /// The machines to go through, the one nearest to us first; the host itself is the last.
    ///
    /// `user` and `port` are the command line's or the inventory's for the host. `jumps` are the command line's
    /// (`--jump`) and replace the host's own `ProxyJump`; an empty list goes directly. As for `ssh`, only the first hop
    /// of a list is reached through jump hosts of its own.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] when jump hosts lead back to themselves or are more than 16.
    pub fn route(
        &self,
        host: &str,
        user: Option<&str>,
        port: Option<u16>,
        jumps: Option<&[Jump]>,
    ) -> Result<Vec<Hop>, Error> {
        let mut route = vec![self.hop(host, user, port)];
        let mut given = jumps.map(<[Jump]>::to_vec);
        // From the host towards us: in front of the first hop stand that hop's own.
        while let Some(jumps) = given.take().or_else(|| route[0].settings.proxy_jump.clone()).filter(|j| !j.is_empty())
        {
            let hops: Vec<Hop> = jumps.iter().map(|j| self.hop(&j.host, j.user.as_deref(), j.port)).collect();
            let names = |route: &[Hop]| route.iter().map(|hop| hop.name.as_str()).collect::<Vec<_>>().join(", ");
            if route.iter().any(|hop| self.is_same(hop, &hops[0])) {
                return Err(wrong(host, format!("jump hosts lead back to {}", names(&hops[..1]))));
            }
            route.splice(0..0, hops);
            if route.len() > MOST_HOPS + 1 {
                return Err(wrong(host, format!("more than {MOST_HOPS} jump hosts: {}", names(&route))));
            }
        }
        Ok(route)
    }

    fn hop(&self, name: &str, user: Option<&str>, port: Option<u16>) -> Hop {
        Hop { name: name.to_owned(), settings: self.resolve_as(name, user, port) }
    }

    fn is_same(&self, a: &Hop, b: &Hop) -> bool {
        let login = |hop: &Hop| {
            let user = hop.settings.user.clone().unwrap_or_else(|| self.local().user().to_owned());
            (hop.settings.host_name.clone(), hop.settings.port.unwrap_or(22), user)
        };
        login(a) == login(b)
    }
}

fn wrong(host: &str, why: String) -> Error {
    Error::about(ErrorKind::Usage, Phase::Resolve, Target::new(host)).with_detail(why)
}
