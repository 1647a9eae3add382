//! Hosts whose inventory asks for a transport of their own (`transport=openssh`).

use std::collections::BTreeMap;
use std::sync::Arc;

use clap::ValueEnum as _;

use super::connect::{ConnectArgs, Surroundings, TransportKind};
use super::error::Error;
use crate::deadline::Deadline;
use crate::error::Error as HostError;
use crate::host::Host;
use crate::transport::{BoxFuture, Dialed, Session, SharedTransport, Transport};

/// One transport for most hosts, and others for those that ask for them.
#[derive(Debug)]
struct ByHost {
    usual: SharedTransport,
    named: BTreeMap<String, SharedTransport>,
}

// === impl ConnectArgs ===

impl ConnectArgs {
    /// The transport for these hosts: the one of the flags, and for a host whose inventory names another (`transport`),
    /// that one.
    ///
    /// # Errors
    /// As [`transport`](Self::transport).
    pub fn transport_for(&self, hosts: &[Host], surroundings: &Surroundings) -> Result<SharedTransport, Error> {
        let usual = self.transport(surroundings)?;
        let mut named = BTreeMap::new();
        for kind in TransportKind::value_variants() {
            let Some(name) = kind.to_possible_value().map(|value| value.get_name().to_owned()) else { continue };
            if *kind != self.transport && hosts.iter().any(|host| host.var("transport") == Some(&name)) {
                let other = Self { transport: *kind, ..self.clone() };
                named.insert(name, other.transport(surroundings)?);
            }
        }
        if named.is_empty() {
            return Ok(usual);
        }
        Ok(Arc::new(ByHost { usual, named }))
    }
}

// === impl ByHost ===

impl ByHost {
    fn of(&self, host: &Host) -> &SharedTransport {
        host.var("transport").and_then(|name| self.named.get(name)).unwrap_or(&self.usual)
    }
}

impl Transport for ByHost {
    fn connect<'a>(&'a self, host: &'a Host, deadline: Deadline) -> BoxFuture<'a, Result<Box<dyn Session>, HostError>> {
        self.of(host).connect(host, deadline)
    }

    fn dial<'a>(
        &'a self,
        host: &'a Host,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<Box<dyn Dialed + 'a>, HostError>> {
        self.of(host).dial(host, deadline)
    }

    fn settle(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            for transport in self.named.values().chain([&self.usual]) {
                transport.settle().await;
            }
        })
    }

    fn gateway(&self, host: &Host) -> Option<String> {
        self.of(host).gateway(host)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_host_that_asks_for_another_transport_gets_it() {
        let args = ConnectArgs { ssh_config: Some("none".into()), ..ConnectArgs::default() };
        let surroundings = Surroundings::new(|_| None);
        let here = Host::new("web-01").with_address("192.0.2.1").with_var("transport", "local");
        let far = Host::new("web-02").with_var("jump", "bastion");
        let transport = args.transport_for(&[here.clone(), far.clone()], &surroundings).unwrap();
        let session = transport.connect(&here, Deadline::after(Duration::from_secs(5))).await.unwrap();
        assert_eq!(session.peer().address, None);
        assert_eq!((transport.gateway(&far).as_deref(), transport.gateway(&here)), (Some("bastion"), None));
        transport.settle().await;
        assert!(!format!("{:?}", args.transport_for(&[far], &surroundings).unwrap()).contains("ByHost"));
    }
}
