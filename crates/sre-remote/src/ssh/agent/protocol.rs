//! The messages of the agent protocol that we need (draft-ietf-sshm-ssh-agent).

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::super::keys::put;

pub(super) const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;
/// Flags of a request for a signature by RSA (section 5.3).
const RSA_SHA2_256: u32 = 2;
const RSA_SHA2_512: u32 = 4;
/// OpenSSH's own bound (`AGENT_MAX_LEN`).
const LONGEST: u32 = 256 * 1024;

/// Reads one message: its type and contents; `None` when the other side is gone.
pub(super) async fn read<R: AsyncRead + Unpin>(from: &mut R) -> io::Result<Option<Vec<u8>>> {
    let length = match from.read_u32().await {
        Ok(length) => length,
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(e) => return Err(e),
    };
    if length == 0 || length > LONGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("an agent message of {length} bytes")));
    }
    let mut message = vec![0; length as usize];
    from.read_exact(&mut message).await?;
    Ok(Some(message))
}

/// Writes one message.
pub(super) async fn write<W: AsyncWrite + Unpin>(to: &mut W, message: &[u8]) -> io::Result<()> {
    let mut framed = Vec::with_capacity(message.len() + 4);
    put(&mut framed, message);
    to.write_all(&framed).await
}

/// Reads the answer to [`REQUEST_IDENTITIES`]: each key as SSH writes it, and its comment.
pub(super) fn identities(answer: &[u8]) -> Option<Vec<(Vec<u8>, String)>> {
    let mut rest = answer.strip_prefix(&[IDENTITIES_ANSWER])?;
    let count = number(&mut rest)?;
    let mut keys = Vec::new();
    for _ in 0..count {
        let blob = string(&mut rest)?.to_vec();
        keys.push((blob, String::from_utf8_lossy(string(&mut rest)?).into_owned()));
    }
    Some(keys)
}

/// A request for a signature by the key `blob`.
pub(super) fn sign_request(blob: &[u8], data: &[u8], algorithm: &str) -> Vec<u8> {
    let flags = match algorithm {
        "rsa-sha2-512" => RSA_SHA2_512,
        "rsa-sha2-256" => RSA_SHA2_256,
        _ => 0,
    };
    let mut request = vec![SIGN_REQUEST];
    put(&mut request, blob);
    put(&mut request, data);
    request.extend_from_slice(&flags.to_be_bytes());
    request
}

/// Reads the answer: the algorithm's name, and the value in the form that libssh2 takes.
pub(super) fn signature(answer: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut rest = answer.strip_prefix(&[SIGN_RESPONSE])?;
    let mut signature = string(&mut rest)?;
    let name = string(&mut signature)?;
    // A security key's signature is a string with flags and a counter behind it, and libssh2 takes all of it.
    let value = if name.starts_with(b"sk-") { signature } else { string(&mut signature)? };
    Some((name, value))
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    let (head, tail) = rest.split_first_chunk::<4>()?;
    *rest = tail;
    Some(u32::from_be_bytes(*head))
}

pub(in crate::ssh) fn string<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = number(rest)? as usize;
    let (value, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn strings(first: u8, parts: &[&[u8]]) -> Vec<u8> {
        let mut message = vec![first];
        parts.iter().for_each(|part| put(&mut message, part));
        message
    }

    #[test]
    fn keys_are_listed_with_their_comments() {
        let mut answer = vec![IDENTITIES_ANSWER, 0, 0, 0, 2];
        answer.extend_from_slice(&strings(0, &[b"blob", b"me", b"", b""])[1..]);
        assert_eq!(identities(&answer).unwrap(), [(b"blob".to_vec(), "me".to_owned()), (Vec::new(), String::new())]);
        assert_eq!(identities(&answer[..answer.len() - 1]), None);
    }

    #[test]
    fn a_signature_has_a_name_and_a_value() {
        let plain = strings(0, &[b"ssh-ed25519", b"value"]);
        assert_eq!(signature(&strings(SIGN_RESPONSE, &[&plain[1..]])), Some((&b"ssh-ed25519"[..], &b"value"[..])));
        let hardware = [&strings(0, &[b"sk-ssh-ed25519@openssh.com", b"v"])[1..], &[1, 0, 0, 0, 9]].concat();
        let answer = strings(SIGN_RESPONSE, &[&hardware]);
        assert_eq!(signature(&answer).unwrap().1, [0, 0, 0, 1, b'v', 1, 0, 0, 0, 9]);
        assert_eq!(signature(&[5]), None);
    }

    #[test]
    fn a_request_asks_rsa_for_the_hash_of_its_name() {
        assert!(sign_request(b"k", b"d", "rsa-sha2-512").ends_with(&[0, 0, 0, 1, b'd', 0, 0, 0, 4]));
        assert!(sign_request(b"k", b"d", "ssh-ed25519").ends_with(&[0, 0, 0, 1, b'd', 0, 0, 0, 0]));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), head in prop_oneof![Just(12u8), Just(14)]) {
            let message = [&[head][..], &bytes].concat();
            let _ = (identities(&message), signature(&message).is_some());
        }
    }
}
