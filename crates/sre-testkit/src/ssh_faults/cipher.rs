//! `aes256-gcm@openssh.com` (RFC 5647): the length travels in the clear and is authenticated, no separate MAC.

use std::io;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::wire::invalid;

/// One direction of an encrypted connection.
#[derive(Debug)]
pub(super) struct Cipher {
    key: LessSafeKey,
    fixed: [u8; 4],
    counter: u64,
}

/// Bytes that follow the encrypted packet.
pub(super) const TAG: usize = 16;

// === impl Cipher ===

impl Cipher {
    /// From 32 bytes of key and 12 of initial vector.
    pub(super) fn new(key: &[u8], iv: &[u8]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key).expect("a key of 32 bytes");
        let (mut fixed, mut counter) = ([0; 4], [0; 8]);
        fixed.copy_from_slice(&iv[..4]);
        counter.copy_from_slice(&iv[4..12]);
        Self { key: LessSafeKey::new(key), fixed, counter: u64::from_be_bytes(counter) }
    }

    /// Encrypts a packet whose length goes before it, and appends the tag.
    pub(super) fn seal(&mut self, length: [u8; 4], packet: &mut Vec<u8>) {
        let nonce = self.nonce();
        self.key.seal_in_place_append_tag(nonce, Aad::from(length), packet).expect("encrypt a packet");
    }

    /// Decrypts packet and tag.
    pub(super) fn open(&mut self, length: [u8; 4], packet: &mut [u8]) -> io::Result<()> {
        let nonce = self.nonce();
        let opened = self.key.open_in_place(nonce, Aad::from(length), packet);
        opened.map(|_| ()).map_err(|_| invalid("a packet with a wrong tag"))
    }

    fn nonce(&mut self) -> Nonce {
        let mut nonce = [0; 12];
        nonce[..4].copy_from_slice(&self.fixed);
        nonce[4..].copy_from_slice(&self.counter.to_be_bytes());
        self.counter = self.counter.wrapping_add(1);
        Nonce::assume_unique_for_key(nonce)
    }
}
