//! Hashed host names: `|1|SALT|HASH`, base64 of 20 bytes each, where the hash is HMAC-SHA1(salt, name).
//!
//! Every hashed line has a salt of its own, so that a lookup must try them all. What depends on the salt alone (half of
//! the work) is done once when the file is read, and the name is padded once a lookup: a line then costs two
//! compressions of SHA-1. That is why this works with the compression function and not with an HMAC crate.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::block_api::compress;

const MAGIC: &str = "|1|";
/// FIPS 180-4, 5.3.1.
const SHA1_START: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
const BLOCK: usize = 64;

/// A hashed name, ready to be compared.
#[derive(Debug, Clone)]
pub(super) struct HashedName {
    inner: [u32; 5],
    outer: [u32; 5],
    hash: [u32; 5],
}

/// A name to compare with, padded as the second part of HMAC's inner hash.
#[derive(Debug)]
pub(super) struct Candidate {
    blocks: Vec<[u8; BLOCK]>,
}

// === impl HashedName ===

impl HashedName {
    /// Whether the name in a line is a hashed one.
    pub(super) fn is_hashed(text: &str) -> bool {
        text.starts_with('|')
    }

    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let rest = text.strip_prefix(MAGIC).ok_or("a hashed name begins with |1|")?;
        let (salt, hash) = rest.split_once('|').ok_or("a hashed name is |1|salt|hash")?;
        let salt = bytes(salt).ok_or("the salt of a hashed name is base64 of 20 bytes")?;
        let hash = bytes(hash).ok_or("the hash of a hashed name is base64 of 20 bytes")?;
        let (inner, outer) = keyed(&salt);
        Ok(Self { inner, outer, hash: words(&hash) })
    }

    pub(super) fn is(&self, candidate: &Candidate) -> bool {
        hmac(self.inner, self.outer, candidate) == self.hash
    }
}

// === impl Candidate ===

impl Candidate {
    pub(super) fn new(name: &str) -> Self {
        Self { blocks: padded(name.as_bytes()) }
    }
}

/// `|1|SALT|HASH` for `name`, which is already lower case and has its port.
pub(super) fn render(name: &str, salt: [u8; 20]) -> String {
    let (inner, outer) = keyed(&salt);
    let hash: Vec<u8> =
        hmac(inner, outer, &Candidate::new(name)).into_iter().flat_map(|word| word.to_be_bytes()).collect();
    format!("{MAGIC}{}|{}", STANDARD.encode(salt), STANDARD.encode(hash))
}

fn bytes(text: &str) -> Option<[u8; 20]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

fn words(bytes: &[u8; 20]) -> [u32; 5] {
    let mut words = [0; 5];
    for (word, chunk) in words.iter_mut().zip(bytes.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*chunk);
    }
    words
}

/// The states after HMAC's two key blocks (RFC 2104: the key, padded with zeros, XOR 0x36 and 0x5c).
fn keyed(salt: &[u8; 20]) -> ([u32; 5], [u32; 5]) {
    let after = |pad: u8| {
        let mut block = [pad; BLOCK];
        for (b, s) in block.iter_mut().zip(salt) {
            *b ^= s;
        }
        let mut state = SHA1_START;
        compress(&mut state, &[block]);
        state
    };
    (after(0x36), after(0x5c))
}

fn hmac(inner: [u32; 5], outer: [u32; 5], candidate: &Candidate) -> [u32; 5] {
    let mut digest = inner;
    compress(&mut digest, &candidate.blocks);
    let mut block = [0; BLOCK];
    for (to, word) in block.as_chunks_mut::<4>().0.iter_mut().zip(digest) {
        *to = word.to_be_bytes();
    }
    finish(&mut block, 20, BLOCK + 20);
    let mut state = outer;
    compress(&mut state, &[block]);
    state
}

/// The blocks of a message that comes after one block of key: the message, a one bit, zeros, the length in bits.
fn padded(message: &[u8]) -> Vec<[u8; BLOCK]> {
    let total = BLOCK + message.len();
    let (whole, rest) = message.as_chunks::<BLOCK>();
    let mut blocks = whole.to_vec();
    let mut last = [0; BLOCK];
    last[..rest.len()].copy_from_slice(rest);
    // A block has room for the length only when nine bytes are left.
    if rest.len() + 9 > BLOCK {
        last[rest.len()] = 0x80;
        blocks.push(last);
        last = [0; BLOCK];
        last[BLOCK - 8..].copy_from_slice(&bits(total));
    } else {
        finish(&mut last, rest.len(), total);
    }
    blocks.push(last);
    blocks
}

fn finish(block: &mut [u8; BLOCK], used: usize, total: usize) {
    block[used] = 0x80;
    block[BLOCK - 8..].copy_from_slice(&bits(total));
}

fn bits(bytes: usize) -> [u8; 8] {
    (bytes as u64 * 8).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_openssh_hashed_is_recognised() {
        let name = HashedName::parse("|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg=").unwrap();
        assert!(name.is(&Candidate::new("192.168.1.61")), "as OpenSSH wrote it");
        assert!(!name.is(&Candidate::new("192.168.1.62")));
    }

    #[test]
    fn names_of_every_length_are_found_again() {
        for len in 0..200 {
            let name = "n".repeat(len);
            let hashed = HashedName::parse(&render(&name, [7; 20])).unwrap();
            assert!(hashed.is(&Candidate::new(&name)), "{len}");
            assert!(!hashed.is(&Candidate::new(&format!("{name}n"))), "{len}");
        }
    }

    /// RFC 2202, test case 1: the key is 20 times 0x0b.
    #[test]
    fn the_hash_is_hmac_sha1() {
        assert!(render("Hi There", [0x0b; 20]).ends_with("|thcxhlUFcmTii8C2+zeMjvFGvgA="));
    }

    #[test]
    fn what_is_no_hash_is_refused_with_a_reason() {
        for text in ["|", "|2|a|b", "|1|", "|1|AAAA|AAAA", "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988", "|1|x"] {
            assert!(HashedName::is_hashed(text));
            HashedName::parse(text).unwrap_err();
        }
    }
}
