//! What a host says is below a folder.

use std::str;

use super::trouble::failed;
use crate::error::Error;

/// The contents of a folder of the host.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    pub(super) files: Vec<RemoteFile>,
    /// Folders, the folder itself (`.`) included, parents first.
    pub(super) folders: Vec<String>,
    /// Links and special files.
    pub(super) skipped: u64,
}

/// A file that can be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RemoteFile {
    /// Its path below the folder, as `find` gives it: it begins with `./`.
    pub(super) path: String,
    pub(super) size: u64,
    pub(super) mode: Option<u32>,
    pub(super) sha256: Option<String>,
}

// === impl Listing ===

impl Listing {
    /// Reads the answer of `list.sh`.
    pub(super) fn parse(raw: &[u8], nonce: &str, root: &str, complaint: &str) -> Result<Self, Error> {
        let head = format!("{nonce} list\0").into_bytes();
        let begin = raw.windows(head.len()).position(|window| window == head);
        let begin = begin.ok_or_else(|| failed(root, format!("it cannot be listed: {complaint}")))?;
        let mut listing = Self::default();
        let end = format!("{nonce} end ");
        for record in raw[begin + head.len()..].split(|byte| *byte == 0) {
            let record = str::from_utf8(record)
                .map_err(|_| failed(root, format!("a name in it is not UTF-8: {}", String::from_utf8_lossy(record))))?;
            if let Some(status) = record.strip_prefix(&end) {
                listing.folders.sort();
                let all = status == "0";
                return if all {
                    Ok(listing)
                } else {
                    Err(failed(root, format!("not all of it can be listed: {complaint}")))
                };
            }
            listing.add(record, root)?;
        }
        Err(failed(root, format!("its list is not complete: {complaint}")))
    }

    fn add(&mut self, record: &str, root: &str) -> Result<(), Error> {
        let mut words = record.splitn(4, ' ');
        let (Some(kind), Some(mode), Some(sha256), Some(path)) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(failed(root, "its list cannot be read"));
        };
        match kind.split_once(':') {
            Some(("file", size)) => {
                let size = size.parse().map_err(|_| failed(path, "it cannot be read"))?;
                let sha256 = (sha256 != "-").then(|| sha256.to_owned());
                let mode = u32::from_str_radix(mode, 8).ok();
                self.files.push(RemoteFile { path: path.to_owned(), size, mode, sha256 });
            }
            _ if kind == "folder" => self.folders.push(path.to_owned()),
            _ => self.skipped += 1,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_past_noise() {
        let raw = b"Hello!\nN list\0folder - - .\0file:3 644 - ./a b\n c\0link - - ./l\0N end 0\0";
        let listing = Listing::parse(raw, "N", "/x", "").unwrap();
        assert_eq!(listing.files[0].path, "./a b\n c");
        assert_eq!((listing.files[0].size, listing.files[0].mode), (3, Some(0o644)));
        assert_eq!((listing.folders.len(), listing.skipped), (1, 1));
    }

    #[test]
    fn what_is_not_whole_is_an_error() {
        for raw in [&b"N list\0folder - - .\0"[..], b"", b"N list\0file:x 1 2 3\0N end 0\0", b"N list\0\xff\0N end 0\0"]
        {
            assert!(Listing::parse(raw, "N", "/x", "").is_err(), "{raw:?}");
        }
        let error = Listing::parse(b"N list\0N end 1\0", "N", "/x", "find: no").unwrap_err().to_string();
        assert!(error.contains("not all of it can be listed: find: no"), "{error}");
    }
}
