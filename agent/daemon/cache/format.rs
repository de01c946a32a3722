//! One cache entry as a file: what is known of a body, the body, and digests that cover every byte.
//!
//! In: bytes of a file. Out: the entry, or what is wrong with it. Pure, and nothing in a file makes it panic.
//!
//! Layout: magic (16), version (u32), header length (u32), header (JSON), SHA-256 of all that, body. Numbers are big-endian. The
//! header holds the body's length and SHA-256, so that every byte of the file is covered, and the header can be trusted alone.

use std::time::SystemTime;

use bytes::Bytes;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

/// How every file begins.
pub const MAGIC: &[u8; 16] = b"closedpath cache";
/// The layout that is written, and the only one that is read.
pub const VERSION: u32 = 1;
/// Magic, version and the header's length.
pub const PREFIX: usize = 24;
/// A longer header is neither written nor read: it is held in memory for every entry.
pub const MAX_HEADER: usize = 8 * 1024;
/// Bytes of a SHA-256.
const DIGEST: usize = 32;

/// What is known of a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meta {
    /// What it is asked for by; for most the URL.
    pub key: String,
    /// Where it was served.
    pub url: String,
    /// The address that served it last.
    pub ip: std::net::IpAddr,
    /// The Content-Type it was served with.
    pub content_type: Option<String>,
    /// The ETag to revalidate it with.
    pub etag: Option<String>,
    /// The Last-Modified to revalidate it with.
    pub last_modified: Option<String>,
    /// When the server was asked last.
    pub fetched_at: SystemTime,
    /// How long that took.
    pub took: std::time::Duration,
    /// From when the content is valid, as it says itself.
    pub this_update: Option<SystemTime>,
    /// Until when newer content will be available, as it says itself.
    pub next_update: Option<SystemTime>,
}

/// What a file says before its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// What is known of the body.
    pub meta: Meta,
    /// Bytes of the body.
    pub length: u64,
    /// SHA-256 of the body.
    pub digest: [u8; DIGEST],
}

/// Why a file is not an entry.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// Fewer bytes than it says.
    #[error("it is cut short")]
    Truncated,
    /// More bytes than it says.
    #[error("it is longer than it says")]
    TooLong,
    /// Not a file of this cache.
    #[error("it does not begin like a cache file")]
    Magic,
    /// Written by another version.
    #[error("its layout is version {0}, not {VERSION}")]
    Version(u32),
    /// A header that is longer than any that is written.
    #[error("its header is longer than {MAX_HEADER} bytes")]
    HeaderLength,
    /// The digest over the header is another.
    #[error("the digest of its header does not match")]
    HeaderDigest,
    /// The header cannot be understood.
    #[error("its header cannot be read: {0}")]
    Header(#[from] serde_json::Error),
    /// The digest over the body is another.
    #[error("the digest of its body does not match")]
    BodyDigest,
    /// It is the entry of another key.
    #[error("its name does not belong to its key")]
    Name,
    /// The system does not let it be read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
}

/// The name of a key's file.
pub fn name(key: &str) -> String {
    sha256(key.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256.
pub fn sha256(data: &[u8]) -> [u8; DIGEST] {
    let mut sum = [0; DIGEST];
    sum.copy_from_slice(digest(&SHA256, data).as_ref());
    sum
}

/// What stands before the body; none where the header could not be read again: too long, or a time before 1970.
pub fn encode(header: &Header) -> Option<Vec<u8>> {
    let json = serde_json::to_vec(header).ok().filter(|json| json.len() <= MAX_HEADER)?;
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_be_bytes());
    bytes.extend(u32::try_from(json.len()).ok()?.to_be_bytes());
    bytes.extend(json);
    let sum = sha256(&bytes);
    bytes.extend(sum);
    Some(bytes)
}

/// The header of a file that begins with `bytes` and is `length` long, and where the body starts; the body is not looked at.
pub fn decode(bytes: &[u8], length: u64) -> Result<(Header, usize), Damage> {
    let shared = bytes.len().min(MAGIC.len());
    if bytes[..shared] != MAGIC[..shared] {
        return Err(Damage::Magic);
    }
    let number =
        |at: usize| bytes.get(at..).and_then(|rest| rest.first_chunk().copied().map(u32::from_be_bytes));
    let version = number(MAGIC.len()).ok_or(Damage::Truncated)?;
    if version != VERSION {
        return Err(Damage::Version(version));
    }
    let size = number(MAGIC.len() + 4).ok_or(Damage::Truncated)?;
    let size = usize::try_from(size).ok().filter(|size| *size <= MAX_HEADER).ok_or(Damage::HeaderLength)?;
    let (end, start) = (PREFIX + size, PREFIX + size + DIGEST);
    let sum = bytes.get(end..start).ok_or(Damage::Truncated)?;
    if sha256(&bytes[..end]) != sum {
        return Err(Damage::HeaderDigest);
    }
    let header: Header = serde_json::from_slice(&bytes[PREFIX..end])?;
    match length.checked_sub(start as u64).map(|body| body.cmp(&header.length)) {
        Some(std::cmp::Ordering::Equal) => Ok((header, start)),
        Some(std::cmp::Ordering::Greater) => Err(Damage::TooLong),
        _ => Err(Damage::Truncated),
    }
}

/// A whole file as header and body; the body is not copied.
pub fn open(mut bytes: Bytes) -> Result<(Header, Bytes), Damage> {
    let (header, start) = decode(&bytes, bytes.len() as u64)?;
    let body = bytes.split_off(start);
    if sha256(&body) == header.digest { Ok((header, body)) } else { Err(Damage::BodyDigest) }
}
