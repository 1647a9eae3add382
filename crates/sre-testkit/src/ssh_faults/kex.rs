//! The key exchange: `curve25519-sha256` with an Ed25519 host key (RFC 8731, RFC 8709).

use std::io;

use aws_lc_rs::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::{self, SystemRandom};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

use super::cipher::Cipher;
use super::packet::{Reader, Writer};
use super::wire::{Fields, Message, invalid};

const KEXINIT: u8 = 20;
const NEWKEYS: u8 = 21;
const ECDH_INIT: u8 = 30;
const ECDH_REPLY: u8 = 31;

/// The version lines of both sides, which are part of what is signed.
#[derive(Debug)]
pub(super) struct Versions {
    pub(super) client: String,
    pub(super) server: String,
}

/// Both sides have said which algorithms they know, and the client has sent its half of the secret.
#[derive(Debug)]
pub(super) struct Offered {
    client_init: Vec<u8>,
    server_init: Vec<u8>,
    client_half: Vec<u8>,
}

/// Exchanges the lists of algorithms and takes the client's half.
pub(super) async fn offer(reader: &mut Reader, writer: &mut Writer) -> io::Result<Offered> {
    let server_init = algorithms();
    writer.packet(&server_init).await?;
    let client_init = expect(KEXINIT, reader.packet().await?)?;
    check_common(&client_init)?;
    let init = expect(ECDH_INIT, reader.packet().await?)?;
    let client_half = Fields::new(&init[1..]).string()?.to_vec();
    Ok(Offered { client_init, server_init, client_half })
}

/// Answers, and turns encryption on in both directions.
pub(super) async fn agree(
    offered: &Offered,
    versions: &Versions,
    host_key: &Ed25519KeyPair,
    reader: &mut Reader,
    writer: &mut Writer,
) -> io::Result<()> {
    let private = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()).expect("a key");
    let server_half = private.compute_public_key().expect("its public half").as_ref().to_vec();
    let peer = UnparsedPublicKey::new(&X25519, &offered.client_half);
    let secret =
        agree_ephemeral(private, peer, invalid("a public key of the wrong kind"), |secret| Ok(secret.to_vec()))?;
    let key = public_key(host_key);
    let hashed = Message::empty()
        .string(&versions.client)
        .string(&versions.server)
        .string(&offered.client_init)
        .string(&offered.server_init)
        .string(&key)
        .string(&offered.client_half)
        .string(&server_half)
        .mpint(&secret);
    let hash = digest(&SHA256, &hashed.done());
    let signature = Message::empty().string("ssh-ed25519").string(host_key.sign(hash.as_ref())).done();
    writer.packet(&Message::new(ECDH_REPLY).string(key).string(server_half).string(signature).done()).await?;
    writer.packet(&[NEWKEYS]).await?;
    // The first exchange's hash is also the session's id.
    let derive = |letter: u8| {
        let input = Message::empty().mpint(&secret).raw(hash.as_ref()).byte(letter).raw(hash.as_ref()).done();
        digest(&SHA256, &input)
    };
    writer.cipher = Some(Cipher::new(derive(b'D').as_ref(), derive(b'B').as_ref()));
    expect(NEWKEYS, reader.packet().await?)?;
    reader.cipher = Some(Cipher::new(derive(b'C').as_ref(), derive(b'A').as_ref()));
    Ok(())
}

/// A public key as it travels and as `known_hosts` has it.
pub(super) fn public_key(host_key: &Ed25519KeyPair) -> Vec<u8> {
    Message::empty().string("ssh-ed25519").string(host_key.public_key()).done()
}

/// The message, if it is the one that has to come now.
pub(super) fn expect(number: u8, payload: Vec<u8>) -> io::Result<Vec<u8>> {
    match payload.first() {
        Some(&first) if first == number => Ok(payload),
        first => Err(invalid(format!("message {first:?} instead of {number}"))),
    }
}

fn algorithms() -> Vec<u8> {
    let mut cookie = [0; 16];
    rand::fill(&mut cookie).expect("random bytes");
    let mut message = Message::new(KEXINIT).raw(&cookie);
    for names in [
        "curve25519-sha256,curve25519-sha256@libssh.org",
        "ssh-ed25519",
        "aes256-gcm@openssh.com",
        "aes256-gcm@openssh.com",
        "hmac-sha2-256",
        "hmac-sha2-256",
        "none",
        "none",
        "",
        "",
    ] {
        message = message.string(names);
    }
    message.byte(0).uint32(0).done()
}

fn check_common(client_init: &[u8]) -> io::Result<()> {
    let mut fields = Fields::new(client_init);
    fields.skip(17)?;
    for wanted in ["curve25519-sha256", "ssh-ed25519", "aes256-gcm@openssh.com"] {
        let names = fields.text()?;
        if !names.split(',').any(|name| name.starts_with(wanted)) {
            return Err(invalid(format!("the client does not know {wanted}, only {names}")));
        }
    }
    Ok(())
}
