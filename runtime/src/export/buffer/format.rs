//! The bytes of a segment file: a header, then records, one after the other.
//!
//! ```text
//! segment  magic "OTELBUF\n" | version u32 | salt u64 | CRC-32 of these u32
//! record   marker u32 | length of the content u32 | time u64 | uptime u64 | items u64
//!          | CRC-32 of the content u32 | CRC-32 of the salt and of all before u32 | content
//! content  number of bodies u32 | for each: encoding u8 | length u32 | bytes
//! ```
//!
//! Numbers are little-endian. The header of a record has a checksum of its own, so that a record whose content is damaged
//! is passed over exactly and its items are known. The salt is drawn for every segment: what looks like a record inside of
//! a body, by chance or because somebody put it there, is none.

use std::hash::{BuildHasher, RandomState};

pub(super) const SEGMENT_HEADER: u64 = 24;
pub(super) const RECORD_HEADER: u64 = 40;
/// What a record begins with.
pub(super) const MARKER: [u8; 4] = *b"\xa5REC";
const MAGIC: [u8; 8] = *b"OTELBUF\n";
const VERSION: u32 = 1;

/// The longest content, in bytes. What says that it is longer is damaged.
pub(super) const MAX_CONTENT: u64 = 256 << 20;
/// When a segment is as long as this, the next record goes to the next one, in logs of any size.
pub(super) const MAX_SEGMENT: u64 = 16 << 20;
/// The longest file that can be a segment: a record is never split.
pub(super) const MAX_FILE: u64 = MAX_SEGMENT + SEGMENT_HEADER + RECORD_HEADER + MAX_CONTENT;

/// Content, as `(encoding, bytes)`.
pub(super) type Bodies = Vec<(u8, Vec<u8>)>;

/// A number that nobody can guess.
pub(super) fn new_salt() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

pub(super) fn segment_header(salt: u64) -> [u8; SEGMENT_HEADER as usize] {
    let mut bytes = [0; SEGMENT_HEADER as usize];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[12..20].copy_from_slice(&salt.to_le_bytes());
    let sum = crc32fast::hash(&bytes[..20]);
    bytes[20..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// The salt, or what is wrong.
pub(super) fn read_segment_header(bytes: &[u8; SEGMENT_HEADER as usize]) -> Result<u64, String> {
    if bytes[..8] != MAGIC {
        return Err("it does not begin as a file of a disk buffer".to_owned());
    }
    let version = u32_at(bytes, 8);
    if crc32fast::hash(&bytes[..20]) != u32_at(bytes, 20) {
        return Err("its header is damaged".to_owned());
    }
    if version != VERSION {
        return Err(format!("it has version {version} of the format; expected {VERSION}"));
    }
    Ok(u64_at(bytes, 12))
}

/// What stands before a record's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Of the content, in bytes.
    pub(super) length: u32,
    /// When it was written, in milliseconds since 1970.
    pub(super) time: u64,
    /// The same, in milliseconds since the log was opened by the process that wrote it.
    pub(super) uptime: u64,
    pub(super) items: u64,
    pub(super) sum: u32,
}

impl Header {
    /// Of the record, in bytes.
    pub(super) fn total(&self) -> u64 {
        RECORD_HEADER + u64::from(self.length)
    }

    pub(super) fn to_bytes(self, salt: u64) -> [u8; RECORD_HEADER as usize] {
        let mut bytes = [0; RECORD_HEADER as usize];
        bytes[..4].copy_from_slice(&MARKER);
        bytes[4..8].copy_from_slice(&self.length.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.time.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.uptime.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.items.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.sum.to_le_bytes());
        let sum = salted(salt, &bytes[..36]);
        bytes[36..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Nothing, if these bytes are no header of a record of this segment. `bytes` are at least [`RECORD_HEADER`].
    pub(super) fn read(bytes: &[u8], salt: u64) -> Option<Self> {
        if bytes[..4] != MARKER || salted(salt, &bytes[..36]) != u32_at(bytes, 36) {
            return None;
        }
        let header = Self {
            length: u32_at(bytes, 4),
            time: u64_at(bytes, 8),
            uptime: u64_at(bytes, 16),
            items: u64_at(bytes, 24),
            sum: u32_at(bytes, 32),
        };
        (u64::from(header.length) <= MAX_CONTENT).then_some(header)
    }
}

fn salted(salt: u64, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&salt.to_le_bytes());
    hasher.update(bytes);
    hasher.finalize()
}

/// How long the content of these bodies is.
pub(super) fn content_length(bodies: &[(u8, &[u8])]) -> u64 {
    4 + bodies.iter().map(|(_, body)| 5 + body.len() as u64).sum::<u64>()
}

/// Writes the content to the end of `out`. It is at most [`MAX_CONTENT`] long.
pub(super) fn write_content(bodies: &[(u8, &[u8])], out: &mut Vec<u8>) {
    out.extend_from_slice(&(bodies.len() as u32).to_le_bytes());
    for (encoding, body) in bodies {
        out.push(*encoding);
        out.extend_from_slice(&(body.len() as u32).to_le_bytes());
        out.extend_from_slice(body);
    }
}

/// The bodies; nothing, if the content is not what its header says.
pub(super) fn read_content(header: &Header, content: &[u8]) -> Option<Bodies> {
    if content.len() as u64 != u64::from(header.length) || crc32fast::hash(content) != header.sum {
        return None;
    }
    let (count, mut rest) = content.split_first_chunk::<4>()?;
    let count = u32::from_le_bytes(*count);
    // A body takes 5 bytes at least, whatever the number says.
    let mut bodies = Vec::with_capacity((count as usize).min(rest.len() / 5));
    for _ in 0..count {
        let (start, after) = rest.split_first_chunk::<5>()?;
        let (body, after) = after.split_at_checked(u32_at(start, 1) as usize)?;
        bodies.push((start[0], body.to_vec()));
        rest = after;
    }
    rest.is_empty().then_some(bodies)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].try_into().map_or(0, u32::from_le_bytes)
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 8].try_into().map_or(0, u64::from_le_bytes)
}
