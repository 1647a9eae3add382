//! Parsed lines of a configuration.

use std::time::Duration;

use super::jump::Jump;
use super::keyword::Kind;
use super::settings::{StrictHostKeyChecking, Unsupported};
use super::tokens::{self, IN_HOST_NAME, IN_JUMP, Refusal};
use super::value;
use crate::problem::Place;

/// What a file consists of.
#[derive(Debug, Clone)]
pub(super) enum Item {
    /// The lines that follow are for hosts with a name that fits.
    Host(Vec<String>),
    /// The lines that follow are for everybody.
    MatchAll,
    /// The lines that follow would be for hosts that we cannot tell: for none.
    Match(Unsupported),
    /// A setting.
    Set(Directive),
    /// The lines of other files, for the hosts of the block that they are in.
    Include(Vec<Item>),
}

/// A setting with its value, tokens not yet replaced.
#[derive(Debug, Clone)]
pub(super) enum Directive {
    HostName(String),
    User(String),
    Port(u16),
    IdentityFile(String),
    IdentitiesOnly(bool),
    IdentityAgent(String),
    ProxyJump(Vec<Jump>),
    /// None for `none`.
    ProxyCommand(Option<Unsupported>),
    /// None for `none`, which is as if the line were not there.
    ConnectTimeout(Option<Duration>),
    StrictHostKeyChecking(StrictHostKeyChecking),
    UserKnownHostsFile(Vec<String>),
    GlobalKnownHostsFile(Vec<String>),
    HostKeyAlias(String),
    HashKnownHosts(bool),
    ServerAliveInterval(Option<Duration>),
    ServerAliveCountMax(u32),
    BatchMode(bool),
    PreferredAuthentications(Vec<String>),
    PubkeyAuthentication(bool),
    PasswordAuthentication(bool),
    KbdInteractiveAuthentication(bool),
    /// Not supported, and with a value that matters or not: the first line of each keyword counts.
    Unsupported {
        line: Unsupported,
        matters: bool,
    },
    /// A supported keyword with a value that we cannot follow.
    Refused(Unsupported),
}

/// A keyword's value as a directive; none when it is of no consequence. An error is a lower-case fragment.
pub(super) fn parse(
    keyword: &'static str,
    kind: Kind,
    arguments: &[String],
    place: Place,
) -> Result<Option<Directive>, String> {
    let line = Unsupported::new(place, keyword);
    match kind {
        Kind::Ignored => Ok(None),
        Kind::Unsupported(harmless) => {
            let first = arguments.first().map_or("", String::as_str);
            let matters = !harmless.iter().any(|value| value.eq_ignore_ascii_case(first));
            Ok(Some(Directive::Unsupported { line, matters }))
        }
        Kind::Supported => supported(keyword, arguments, line).map(Some),
    }
}

fn supported(keyword: &'static str, arguments: &[String], line: Unsupported) -> Result<Directive, String> {
    use Directive as D;
    match keyword {
        // The rest of the line is the command.
        "ProxyCommand" => {
            let none = arguments.len() == 1 && arguments[0].eq_ignore_ascii_case("none");
            return Ok(D::ProxyCommand((!none).then_some(line)));
        }
        "UserKnownHostsFile" => {
            return paths(keyword, arguments, line).map(|p| p.map_or_else(D::Refused, D::UserKnownHostsFile));
        }
        "GlobalKnownHostsFile" => {
            return paths(keyword, arguments, line).map(|p| p.map_or_else(D::Refused, D::GlobalKnownHostsFile));
        }
        _ => {}
    }
    let value = one(keyword, arguments)?;
    Ok(match keyword {
        "HostName" => D::HostName(with_tokens(value, IN_HOST_NAME)?),
        "User" => D::User(value.to_owned()),
        "Port" => D::Port(value::port(value)?),
        "IdentityFile" => return path(value, line, D::IdentityFile),
        "IdentitiesOnly" => D::IdentitiesOnly(value::flag(value)?),
        "IdentityAgent" => return path(value, line, D::IdentityAgent),
        "ProxyJump" => D::ProxyJump(jumps(value)?),
        "ConnectTimeout" => D::ConnectTimeout(time_or_none(value)?),
        "StrictHostKeyChecking" => D::StrictHostKeyChecking(strictness(value)?),
        "HostKeyAlias" => D::HostKeyAlias(value.to_ascii_lowercase()),
        "HashKnownHosts" => D::HashKnownHosts(value::flag(value)?),
        "ServerAliveInterval" => D::ServerAliveInterval(time_or_none(value)?),
        "ServerAliveCountMax" => D::ServerAliveCountMax(value::count(value)?),
        "BatchMode" => D::BatchMode(value::flag(value)?),
        "PreferredAuthentications" => {
            D::PreferredAuthentications(value.split(',').filter(|m| !m.is_empty()).map(str::to_owned).collect())
        }
        "PubkeyAuthentication" | "DSAAuthentication" => D::PubkeyAuthentication(public_key(value)?),
        "PasswordAuthentication" => D::PasswordAuthentication(value::flag(value)?),
        _ => D::KbdInteractiveAuthentication(value::flag(value)?),
    })
}

fn one<'a>(keyword: &str, arguments: &'a [String]) -> Result<&'a str, String> {
    match arguments {
        [value] if !value.is_empty() => Ok(value),
        [] | [_] => Err(format!("{keyword} has no value")),
        [_, extra, ..] => Err(format!("{keyword} takes one value; {extra:?} is one too many")),
    }
}

fn with_tokens(value: &str, known: &str) -> Result<String, String> {
    match tokens::check(value, known) {
        Ok(()) => Ok(value.to_owned()),
        Err(Refusal::Unknown(why)) => Err(why),
        Err(Refusal::Unsupported) => Err(format!("a token in {value:?} is not supported")),
    }
}

fn path(value: &str, line: Unsupported, directive: fn(String) -> Directive) -> Result<Directive, String> {
    match tokens::check_path(value) {
        Ok(()) => Ok(directive(value.to_owned())),
        Err(Refusal::Unsupported) => Ok(Directive::Refused(line)),
        Err(Refusal::Unknown(why)) => Err(why),
    }
}

/// The outer error is a mistake, the inner one a path that only `ssh` can follow.
fn paths(keyword: &str, arguments: &[String], line: Unsupported) -> Result<Result<Vec<String>, Unsupported>, String> {
    if arguments.is_empty() || arguments.iter().any(String::is_empty) {
        return Err(format!("{keyword} has no value"));
    }
    if arguments.iter().any(|path| path.eq_ignore_ascii_case("none")) {
        let alone = arguments.len() == 1;
        return if alone { Ok(Ok(Vec::new())) } else { Err("none stands alone".to_owned()) };
    }
    for path in arguments {
        match tokens::check_path(path) {
            Ok(()) => {}
            Err(Refusal::Unsupported) => return Ok(Err(line)),
            Err(Refusal::Unknown(why)) => return Err(why),
        }
    }
    Ok(Ok(arguments.to_vec()))
}

fn jumps(value: &str) -> Result<Vec<Jump>, String> {
    let jumps = Jump::parse_list(value)?;
    for jump in &jumps {
        with_tokens(&jump.host, IN_JUMP)?;
        with_tokens(jump.user.as_deref().unwrap_or_default(), IN_JUMP)?;
    }
    Ok(jumps)
}

fn time_or_none(value: &str) -> Result<Option<Duration>, String> {
    if value == "none" { Ok(None) } else { value::time(value).map(Some) }
}

fn strictness(value: &str) -> Result<StrictHostKeyChecking, String> {
    match value.to_ascii_lowercase().as_str() {
        "yes" | "true" => Ok(StrictHostKeyChecking::Yes),
        "accept-new" => Ok(StrictHostKeyChecking::AcceptNew),
        "ask" => Ok(StrictHostKeyChecking::Ask),
        "no" | "false" | "off" => Ok(StrictHostKeyChecking::No),
        _ => Err(format!("{value:?} is none of yes, accept-new, ask, no, off")),
    }
}

fn public_key(value: &str) -> Result<bool, String> {
    let bound = ["unbound", "host-bound"].iter().any(|word| word.eq_ignore_ascii_case(value));
    if bound { Ok(true) } else { value::flag(value) }
}
