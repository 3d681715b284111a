//! How far a log has been read: a file that is written in place, before a record is given out and after it has arrived.

use super::files;
use super::format::{u32_at, u64_at};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Of one entry, in bytes. There are two, written in turn, so that one is whole whatever happens.
const ENTRY: usize = 64;
const MAGIC: [u8; 4] = *b"CUR1";

/// The first record that has not been acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) segment: u64,
    pub(super) offset: u64,
}

/// Which records an earlier process may have sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Doubt {
    #[default]
    None,
    /// The first one.
    Record,
    /// All of the first segment, because the cursor was lost.
    Segment,
}

#[derive(Debug)]
pub(super) struct Cursor {
    path: PathBuf,
    file: Option<Arc<File>>,
    sequence: u64,
    pub(super) place: Place,
    pub(super) doubt: Doubt,
}

impl Cursor {
    /// The cursor of a slot, and whether it had one that could be read.
    pub(super) fn open(directory: &Path) -> (Self, bool) {
        let path = directory.join("cursor");
        let mut bytes = Vec::new();
        let read = files::open_regular(&path).and_then(|(file, _)| file.take(2 * ENTRY as u64).read_to_end(&mut bytes));
        let newest = match read {
            Ok(_) => bytes.chunks_exact(ENTRY).filter_map(entry).max_by_key(|(sequence, ..)| *sequence),
            Err(_) => None,
        };
        let (sequence, place, doubt) = newest.unwrap_or_default();
        (Self { path, file: None, sequence, place, doubt }, newest.is_some())
    }

    /// Writes it down.
    pub(super) fn store(&mut self, place: Place, doubt: Doubt) -> io::Result<()> {
        // What is not written now is written with the next one.
        (self.place, self.doubt) = (place, doubt);
        self.sequence = self.sequence.wrapping_add(1);
        let file = match &self.file {
            Some(file) if files::is_still(&self.path, file) => file,
            _ => self.file.insert(Arc::new(files::open_or_create(&self.path)?)),
        };
        let mut file = &**file;
        file.seek(SeekFrom::Start(self.sequence % 2 * ENTRY as u64))?;
        file.write_all(&bytes(self.sequence, place, doubt))
    }

    /// The file, for being synced.
    pub(super) fn file(&self) -> Option<Arc<File>> {
        self.file.clone()
    }
}

fn bytes(sequence: u64, place: Place, doubt: Doubt) -> [u8; ENTRY] {
    let mut bytes = [0; ENTRY];
    bytes[..4].copy_from_slice(&MAGIC);
    bytes[4..8].copy_from_slice(&(doubt as u32).to_le_bytes());
    bytes[8..16].copy_from_slice(&sequence.to_le_bytes());
    bytes[16..24].copy_from_slice(&place.segment.to_le_bytes());
    bytes[24..32].copy_from_slice(&place.offset.to_le_bytes());
    let sum = crc32fast::hash(&bytes[..60]);
    bytes[60..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

fn entry(bytes: &[u8]) -> Option<(u64, Place, Doubt)> {
    if bytes[..4] != MAGIC || crc32fast::hash(&bytes[..60]) != u32_at(bytes, 60) {
        return None;
    }
    let doubt = match u32_at(bytes, 4) {
        0 => Doubt::None,
        1 => Doubt::Record,
        _ => Doubt::Segment,
    };
    // Numbers that no segment has would leave none for the next one.
    if u64_at(bytes, 16) >= files::NUMBERS {
        return None;
    }
    Some((u64_at(bytes, 8), Place { segment: u64_at(bytes, 16), offset: u64_at(bytes, 24) }, doubt))
}
