//! Ed25519 signatures, by which a host proves that it has its key, checked by aws-lc.
//!
//! libssh2 asks OpenSSL, whose portable code takes 140 µs for one where aws-lc takes 35 (`openssl speed ed25519`, 2 cores):
//! with one a host, that was an eighth of the client's time. OpenSSL 3 lets a program bring its own method for a type of key
//! (`EVP_PKEY_meth_add0`), so it gets its own back with another way to verify. OpenSSL 4 will not: then this goes, and it
//! is only slower.

#![expect(unsafe_code, reason = "a function for OpenSSL to call, through calls that the `openssl` crate does not have")]

use std::ffi::{c_int, c_void};
use std::sync::Once;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

/// `EVP_PKEY_ED25519`.
const ED25519_KEY: c_int = 1087;
/// `EVP_PKEY_FLAG_SIGCTX_CUSTOM`: it hashes by itself.
const OWN_DIGEST: c_int = 4;
/// Of a key, in bytes (RFC 8032).
const KEY_LENGTH: usize = 32;

type Verify = unsafe extern "C" fn(*mut c_void, *const u8, usize, *const u8, usize) -> c_int;

unsafe extern "C" {
    // `openssl/evp.h` of OpenSSL 3, which the `openssl` crate builds in.
    fn EVP_PKEY_meth_find(key_type: c_int) -> *const c_void;
    fn EVP_PKEY_meth_new(key_type: c_int, flags: c_int) -> *mut c_void;
    fn EVP_PKEY_meth_copy(to: *mut c_void, from: *const c_void);
    fn EVP_PKEY_meth_set_digestverify(method: *mut c_void, verify: Verify);
    fn EVP_PKEY_meth_add0(method: *const c_void) -> c_int;
    fn EVP_MD_CTX_get_pkey_ctx(context: *const c_void) -> *mut c_void;
    fn EVP_PKEY_CTX_get0_pkey(context: *mut c_void) -> *mut c_void;
    fn EVP_PKEY_get_raw_public_key(key: *const c_void, to: *mut u8, length: *mut usize) -> c_int;
}

/// Has OpenSSL ask aws-lc, in this process and from now on; later calls do nothing.
pub(super) fn by_aws_lc() {
    static ONCE: Once = Once::new();
    // The `openssl` crate's own set-up comes before anything else is asked of OpenSSL.
    openssl::init();
    // SAFETY: no pointer but those that OpenSSL made; it keeps the method for ever once it was added. It takes no lock for
    // its list of methods, which is empty or has this one: nobody else in the process adds any, and `Once` adds one.
    ONCE.call_once(|| unsafe {
        let usual = EVP_PKEY_meth_find(ED25519_KEY);
        let method = EVP_PKEY_meth_new(ED25519_KEY, OWN_DIGEST);
        if usual.is_null() || method.is_null() {
            return;
        }
        EVP_PKEY_meth_copy(method, usual);
        EVP_PKEY_meth_set_digestverify(method, verify);
        if EVP_PKEY_meth_add0(method) != 1 {
            tracing::debug!("Ed25519 stays with OpenSSL");
        }
    });
}

/// 1 for a good signature, 0 for any other.
unsafe extern "C" fn verify(
    context: *mut c_void,
    signature: *const u8,
    signature_length: usize,
    data: *const u8,
    data_length: usize,
) -> c_int {
    #[cfg(test)]
    tests::CALLS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let (mut key, mut length) = ([0; KEY_LENGTH], KEY_LENGTH);
    if signature.is_null() || data.is_null() {
        return 0;
    }
    // SAFETY: OpenSSL calls this with a context that has a key of the type above, and with as many bytes as it says; `key`
    // has room for `length` bytes, and OpenSSL writes no more.
    let (found, signature, data) = unsafe {
        let own = EVP_PKEY_CTX_get0_pkey(EVP_MD_CTX_get_pkey_ctx(context));
        (
            EVP_PKEY_get_raw_public_key(own, key.as_mut_ptr(), &raw mut length),
            std::slice::from_raw_parts(signature, signature_length),
            std::slice::from_raw_parts(data, data_length),
        )
    };
    let good =
        found == 1 && length == KEY_LENGTH && UnparsedPublicKey::new(&ED25519, &key).verify(data, signature).is_ok();
    c_int::from(good)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use openssl::pkey::{Id, PKey};
    use openssl::sign::{Signer, Verifier};

    use super::*;

    pub(super) static CALLS: AtomicUsize = AtomicUsize::new(0);

    #[test]
    fn a_good_signature_passes_and_no_other() {
        by_aws_lc();
        by_aws_lc();
        let own = PKey::generate_ed25519().unwrap();
        let signature = Signer::new_without_digest(&own).unwrap().sign_oneshot_to_vec(b"exchange hash").unwrap();
        let key = PKey::public_key_from_raw_bytes(&own.raw_public_key().unwrap(), Id::ED25519).unwrap();
        let stranger = PKey::generate_ed25519().unwrap().raw_public_key().unwrap();
        let stranger = PKey::public_key_from_raw_bytes(&stranger, Id::ED25519).unwrap();
        let verify = |key, signature: &[u8], data: &[u8]| {
            Verifier::new_without_digest(key).unwrap().verify_oneshot(signature, data).unwrap_or(false)
        };
        let before = CALLS.load(Ordering::Relaxed);
        assert!(verify(&key, &signature, b"exchange hash"));
        assert_eq!(CALLS.load(Ordering::Relaxed), before + 1, "OpenSSL asked us");
        assert!(!verify(&stranger, &signature, b"exchange hash"));
        assert!(!verify(&key, &signature, b"exchange hasH"));
        assert!(!verify(&key, &signature[..63], b"exchange hash") && !verify(&key, &[], b"exchange hash"));
        for at in 0..64 {
            let mut bent = signature.clone();
            bent[at] ^= 1;
            assert!(!verify(&key, &bent, b"exchange hash"), "byte {at}");
        }
    }
}
