//! Which keys are offered to which host, each loaded once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use sre_core::Target;
use sre_core::secret::Secret;
use tokio::sync::OnceCell;

use super::agent::Agent;
use super::endpoint::{AgentUse, Endpoint, Method};
use super::identity::Identity;
use super::keys::{KeyFault, SigningKey};
use super::login::Credentials;
use super::options::KeyFile;
use crate::error::{Error, ErrorKind};
use crate::phase::Phase;

/// The keys of a run.
#[derive(Debug)]
pub(super) struct KeyRing {
    agent: Option<Agent>,
    agent_keys: OnceCell<Result<Vec<Identity>, String>>,
    named: Vec<Identity>,
    defaults: Vec<PathBuf>,
    files: Mutex<HashMap<PathBuf, Found>>,
}

/// What came of a key file that nobody insists on.
#[derive(Debug, Clone)]
enum Found {
    Key(Identity),
    /// It cannot be opened, but its public half is known: the user's agent may have it.
    Public(Vec<u8>),
    Nothing(String),
    Absent,
}

// === impl KeyRing ===

impl KeyRing {
    /// Loads the keys that were named; each must be usable. `agent` is the socket of the user's agent.
    ///
    /// # Errors
    /// [`ErrorKind::NoCredentials`] when one is not.
    pub(super) fn new(agent: Option<&Path>, named: &[KeyFile], defaults: &[KeyFile]) -> Result<Self, Error> {
        let mut identities = Vec::new();
        for file in named {
            let key = SigningKey::load(&file.path, file.passphrase.as_ref()).map_err(|fault| {
                let target = Target::new(file.path.display().to_string());
                Error::about(ErrorKind::NoCredentials, Phase::Auth, target).with_detail(format!("the key {fault}"))
            })?;
            identities.push(Identity::of_key(key));
        }
        let defaults = defaults.iter().map(|file| file.path.clone()).collect();
        let (agent, agent_keys) = (agent.map(Agent::new), OnceCell::new());
        Ok(Self { agent, agent_keys, named: identities, defaults, files: Mutex::default() })
    }

    /// What may be tried at a machine, best first: named keys, key files, the user's agent.
    pub(super) async fn credentials<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        password: Option<&'a Secret>,
    ) -> Credentials<'a> {
        let methods = &endpoint.methods[..];
        if !methods.contains(&Method::PublicKey) {
            let notes = vec!["the configuration allows no keys".to_owned()];
            return Credentials { user: &endpoint.user, identities: Vec::new(), password, methods, notes };
        }
        let (mut identities, mut notes) = (self.named.clone(), Vec::new());
        let files = endpoint.key_files.as_ref().unwrap_or(&self.defaults);
        let found = files.iter().map(|path| (path, self.file(path))).collect::<Vec<_>>();
        let wants_agent = endpoint.agent == AgentUse::All && self.named.is_empty()
            || endpoint.agent != AgentUse::None && found.iter().any(|(_, f)| matches!(f, Found::Public(_)));
        let in_agent = if wants_agent { self.agent_keys().await } else { Ok(&[][..]) };
        let in_agent = in_agent.unwrap_or_else(|why| {
            notes.push(format!("the agent does not answer: {why}"));
            &[]
        });
        for (path, found) in found {
            match found {
                Found::Key(identity) => push(&mut identities, &identity),
                Found::Public(blob) => match in_agent.iter().find(|identity| *identity.blob == *blob) {
                    Some(identity) => push(&mut identities, identity),
                    None => notes.push(format!("{} {}", path.display(), KeyFault::Encrypted)),
                },
                Found::Nothing(why) => notes.push(format!("{} {why}", path.display())),
                // A default that is not there is nobody's mistake.
                Found::Absent if endpoint.key_files.is_none() => {}
                Found::Absent => notes.push(format!("{} does not exist", path.display())),
            }
        }
        if endpoint.agent == AgentUse::All {
            in_agent.iter().for_each(|identity| push(&mut identities, identity));
        }
        Credentials { user: &endpoint.user, identities, password, methods, notes }
    }

    fn file(&self, path: &Path) -> Found {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.entry(path.to_owned()).or_insert_with(|| load(path)).clone()
    }

    /// The keys in the user's agent, asked for once.
    async fn agent_keys(&self) -> Result<&[Identity], &str> {
        let asked = self.agent_keys.get_or_init(|| async {
            let Some(agent) = &self.agent else { return Ok(Vec::new()) };
            let keys = agent.identities().await.map_err(|e| e.to_string())?;
            Ok(keys.into_iter().map(|(blob, comment)| Identity::of_agent(agent, blob, comment)).collect())
        });
        asked.await.as_deref().map_err(String::as_str)
    }
}

fn load(path: &Path) -> Found {
    if !path.exists() {
        return public_half(path).map_or(Found::Absent, Found::Public);
    }
    match SigningKey::load(path, None) {
        Ok(key) => Found::Key(Identity::of_key(key)),
        Err(KeyFault::Encrypted) => {
            public_half(path).map_or_else(|| Found::Nothing(KeyFault::Encrypted.to_string()), Found::Public)
        }
        Err(fault) => Found::Nothing(fault.to_string()),
    }
}

fn push(all: &mut Vec<Identity>, identity: &Identity) {
    if all.iter().all(|known| known.blob != identity.blob) {
        all.push(identity.clone());
    }
}

/// The key in the `.pub` file beside a private one.
fn public_half(path: &Path) -> Option<Vec<u8>> {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    let text = std::fs::read_to_string(PathBuf::from(name)).ok()?;
    base64::engine::general_purpose::STANDARD.decode(text.split_whitespace().nth(1)?).ok()
}
