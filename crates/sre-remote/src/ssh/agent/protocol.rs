//! The messages of the agent protocol that we need (draft-ietf-sshm-ssh-agent).

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::super::keys::put;

pub(super) const FAILURE: u8 = 5;
pub(super) const REQUEST_IDENTITIES: u8 = 11;
pub(super) const IDENTITIES_ANSWER: u8 = 12;
pub(super) const SIGN_REQUEST: u8 = 13;
pub(super) const SIGN_RESPONSE: u8 = 14;
/// OpenSSH's own bound (`AGENT_MAX_LEN`).
const LONGEST: u32 = 256 * 1024;

/// What a client wants signed.
#[derive(Debug)]
pub(super) struct SignRequest<'a> {
    pub(super) blob: &'a [u8],
    pub(super) data: &'a [u8],
    pub(super) flags: u32,
}

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

/// The answer to "which keys are there".
pub(super) fn identities_answer<'a>(keys: impl ExactSizeIterator<Item = (&'a [u8], &'a str)>) -> Vec<u8> {
    let mut answer = vec![IDENTITIES_ANSWER];
    answer.extend_from_slice(&u32::try_from(keys.len()).unwrap_or(0).to_be_bytes());
    for (blob, comment) in keys {
        put(&mut answer, blob);
        put(&mut answer, comment.as_bytes());
    }
    answer
}

/// Reads such an answer.
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

/// Reads a request for a signature.
pub(super) fn sign_request(message: &[u8]) -> Option<SignRequest<'_>> {
    let mut rest = message.strip_prefix(&[SIGN_REQUEST])?;
    let blob = string(&mut rest)?;
    let data = string(&mut rest)?;
    Some(SignRequest { blob, data, flags: number(&mut rest)? })
}

/// The answer to it.
pub(super) fn sign_response(signature: &[u8]) -> Vec<u8> {
    let mut answer = vec![SIGN_RESPONSE];
    put(&mut answer, signature);
    answer
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    let (head, tail) = rest.split_first_chunk::<4>()?;
    *rest = tail;
    Some(u32::from_be_bytes(*head))
}

fn string<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = number(rest)? as usize;
    let (value, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let keys = [(&b"blob"[..], "me"), (&b""[..], "")];
        let read = identities(&identities_answer(keys.into_iter())).unwrap();
        assert_eq!(read, [(b"blob".to_vec(), "me".to_owned()), (Vec::new(), String::new())]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), head in prop_oneof![Just(12u8), Just(13)]) {
            let message = [&[head][..], &bytes].concat();
            let _ = (identities(&message), sign_request(&message).map(|r| r.flags));
        }
    }
}
