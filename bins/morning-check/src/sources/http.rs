//! An HTTP client for one server, from its settings.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sre_core::config::SecretRef;
use sre_core::http::{Auth, Client, Proxy};
use sre_core::{Secret, SharedClock};

use crate::config::HttpAuth;
use crate::environment::Environment;
use crate::settings::{USER_AGENT, Usage};

/// A client whose calls all end within `limit`.
pub(super) fn client(
    key: &str,
    auth: &HttpAuth,
    env: &Environment,
    clock: &SharedClock,
    limit: Duration,
) -> Result<Client, Usage> {
    let mut builder = Client::builder()
        .user_agent(USER_AGENT)
        .proxy(Proxy::FromEnvironment)
        .clock(clock.clone())
        .connect_timeout(limit.min(Duration::from_secs(5)))
        .read_timeout(limit.min(Duration::from_secs(10)))
        .deadline(limit)
        .auth(credentials(key, auth, env)?);
    if let Some(path) = &auth.ca_file {
        builder = builder.ca_pem(read(&format!("{key}.auth.ca_file"), path)?);
    }
    if let (Some(cert), Some(private)) = (&auth.cert_file, &auth.key_file) {
        let mut pem = read(&format!("{key}.auth.cert_file"), cert)?;
        pem.push('\n');
        pem.push_str(&read(&format!("{key}.auth.key_file"), private)?);
        builder = builder.identity_pem(Secret::new(pem));
    }
    builder.build().map_err(|e| Usage::from_error(&e, &format!("check {key}.auth")))
}

fn credentials(key: &str, auth: &HttpAuth, env: &Environment) -> Result<Auth, Usage> {
    let secret = |name: &str, variable: &Option<String>, file: &Option<PathBuf>| {
        let reference = SecretRef::new(format!("{key}.auth.{name}"), variable.clone(), file.clone());
        reference.resolve(|name| env.var(name).map(Into::into)).map_err(|e| Usage::verbatim(&e))
    };
    let bearer = secret("bearer", &auth.bearer_env, &auth.bearer_file)?;
    let password = secret("password", &auth.password_env, &auth.password_file)?;
    match (bearer, &auth.username, password) {
        (None, None, None) => Ok(Auth::None),
        (Some(token), None, None) => Ok(Auth::Bearer(token)),
        (None, Some(user), Some(password)) => Ok(Auth::Basic { user: user.clone(), password }),
        (Some(_), _, _) => {
            Err(Usage::new(format!("{key}.auth has a bearer token and a user or password"), "leave one of the two out"))
        }
        (None, _, _) => Err(Usage::new(
            format!("{key}.auth has only half of user and password"),
            "set username and password_env or password_file",
        )),
    }
}

fn read(key: &str, path: &Path) -> Result<String, Usage> {
    std::fs::read_to_string(path).map_err(|e| {
        Usage::new(format!("{key}: {} cannot be read: {e}", path.display()), "check the path and who may read it")
    })
}
