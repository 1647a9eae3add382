//! A login by a key whose signature is made by somebody else: the one door to libssh2 that `ssh2` leaves shut.
//!
//! `ssh2` gives libssh2 a key file, which it decodes again at every login (two thirds of a client's instructions over
//! 500 hosts), or the socket of an agent, which it asks by blocking calls without a timeout. libssh2 itself takes a
//! function that signs, and the function may answer "not yet". So it hands out what is to be signed, the signature is
//! made outside as any other asynchronous work, and the next try finds it ready.

#![expect(unsafe_code, reason = "`ssh2` has no call for it")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;

use ssh2::Session;

/// `LIBSSH2_ERROR_EAGAIN`.
const EAGAIN: c_int = -37;
/// `LIBSSH2_ERROR_ALLOC`.
const NO_MEMORY: c_int = -6;
/// Any other failure: libssh2 gives up this key.
const FAILED: c_int = -1;

/// How far the signature of one login is.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Signature {
    /// The server has not asked for it.
    #[default]
    Unasked,
    /// Over these bytes (RFC 4252, section 7).
    Asked(Vec<u8>),
    /// The signature's value, without the name of its algorithm.
    Made(Vec<u8>),
    /// There will be none: the key is given up.
    Impossible,
}

type Sign = unsafe extern "C" fn(*mut c_void, *mut *mut u8, *mut usize, *const u8, usize, *mut *mut c_void) -> c_int;

unsafe extern "C" {
    /// In `libssh2.h` of libssh2 1.2.9 and later, which `ssh2` links.
    fn libssh2_userauth_publickey(
        session: *mut c_void,
        user: *const c_char,
        key: *const u8,
        key_length: usize,
        sign: Sign,
        context: *mut *mut c_void,
    ) -> c_int;
}

/// One try at a login by the key `blob` (as SSH writes it). "Would block" while the socket is not ready, and when
/// `signature` has come to [`Signature::Asked`].
///
/// # Errors
/// Those of libssh2. A login that was begun is to be tried until it ends, before any other.
pub(super) fn attempt(
    session: &Session,
    user: &CStr,
    blob: &[u8],
    signature: &mut Signature,
) -> Result<(), ssh2::Error> {
    let code = {
        let mut locked = session.raw();
        let raw: *mut c_void = ptr::from_mut(&mut *locked).cast();
        let mut context: *mut c_void = ptr::from_mut(signature).cast();
        // SAFETY: the session is locked for the whole call, so nobody else uses it. `user` ends with a zero byte and
        // `blob` is as long as said; libssh2 copies both. `sign` is called only within this call, where `context` points
        // to `signature`, which this function has to itself.
        unsafe { libssh2_userauth_publickey(raw, user.as_ptr(), blob.as_ptr(), blob.len(), sign, &raw mut context) }
    };
    if code == 0 { Ok(()) } else { Err(ssh2::Error::from_session_error(session, code)) }
}

/// What libssh2 calls when the server accepts the key.
unsafe extern "C" fn sign(
    _session: *mut c_void,
    value: *mut *mut u8,
    length: *mut usize,
    data: *const u8,
    data_length: usize,
    context: *mut *mut c_void,
) -> c_int {
    // SAFETY: `context` is the one of `attempt`: a pointer to its `signature`, exclusive for as long as libssh2 runs.
    let signature = unsafe { &mut *(*context).cast::<Signature>() };
    match signature {
        Signature::Made(made) => {
            // SAFETY: libssh2 frees the value by the session's allocator, which is C's for a session that `ssh2` made.
            let copy = unsafe { libc::malloc(made.len().max(1)) }.cast::<u8>();
            if copy.is_null() {
                return NO_MEMORY;
            }
            // SAFETY: `copy` is new and as long as `made`; libssh2 passes valid places for the value and its length.
            unsafe {
                ptr::copy_nonoverlapping(made.as_ptr(), copy, made.len());
                *value = copy;
                *length = made.len();
            }
            0
        }
        Signature::Impossible => FAILED,
        Signature::Unasked | Signature::Asked(_) => {
            // SAFETY: libssh2 passes `data_length` bytes, which it keeps until this returns.
            let data = unsafe { std::slice::from_raw_parts(data, data_length) };
            *signature = Signature::Asked(data.to_vec());
            EAGAIN
        }
    }
}
