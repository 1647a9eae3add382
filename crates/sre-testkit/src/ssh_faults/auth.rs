//! Logins (RFC 4252): any key and any password will do, unless all are refused.

use std::io;

use super::kex::expect;
use super::packet::{Reader, Writer};
use super::wire::{Fields, Message};

const SERVICE_REQUEST: u8 = 5;
const SERVICE_ACCEPT: u8 = 6;
const REQUEST: u8 = 50;
const FAILURE: u8 = 51;
const SUCCESS: u8 = 52;
const PK_OK: u8 = 60;

/// How a login stands after one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// The client asked which methods there are; the methods are named.
    Methods,
    /// The client asked whether a key would do; it would, and it is told so.
    KeyWouldDo(Vec<u8>),
    /// It has proven who it is.
    Accept,
}

/// Takes the request to log in at all.
pub(super) async fn service(reader: &mut Reader) -> io::Result<Vec<u8>> {
    let request = expect(SERVICE_REQUEST, reader.packet().await?)?;
    Ok(Fields::new(&request[1..]).string()?.to_vec())
}

/// Grants it.
pub(super) async fn accept_service(writer: &mut Writer, name: &[u8]) -> io::Result<()> {
    writer.packet(&Message::new(SERVICE_ACCEPT).string(name).done()).await
}

/// Reads one request and says what to make of it.
pub(super) async fn request(reader: &mut Reader) -> io::Result<Answer> {
    let request = expect(REQUEST, reader.packet().await?)?;
    let mut fields = Fields::new(&request[1..]);
    let (_user, _service, method) = (fields.string()?, fields.string()?, fields.text()?);
    Ok(match method.as_str() {
        "password" => Answer::Accept,
        "publickey" if fields.boolean()? => Answer::Accept,
        "publickey" => {
            let (algorithm, key) = (fields.string()?, fields.string()?);
            Answer::KeyWouldDo(Message::new(PK_OK).string(algorithm).string(key).done())
        }
        _ => Answer::Methods,
    })
}

/// Answers a request; whether the client is logged in now.
pub(super) async fn answer(writer: &mut Writer, answer: &Answer, refuse: bool) -> io::Result<bool> {
    match answer {
        Answer::Accept if !refuse => {
            writer.packet(&[SUCCESS]).await?;
            Ok(true)
        }
        Answer::KeyWouldDo(ok) if !refuse => {
            writer.packet(ok).await?;
            Ok(false)
        }
        _ => {
            writer.packet(&Message::new(FAILURE).string("publickey,password").byte(0).done()).await?;
            Ok(false)
        }
    }
}
