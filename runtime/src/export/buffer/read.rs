//! Reading of a segment file of which every byte may be wrong.

use super::files;
use super::format::{
    Bodies, Header, MARKER, MAX_FILE, RECORD_HEADER, SEGMENT_HEADER, read_content, read_segment_header,
};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// How much is looked at in one go.
const CHUNK: usize = 64 << 10;

/// A segment file that begins as one.
#[derive(Debug)]
pub(super) struct Reader {
    file: BufReader<File>,
    at: u64,
    salt: u64,
    /// How long the file was when it was opened.
    pub(super) bytes: u64,
}

/// Why a file is not read.
#[derive(Debug)]
pub(super) enum Unusable {
    /// Somebody has removed it.
    Gone,
    /// It is something else that has the name of a segment; it stays where it is.
    Foreign(String),
    /// It ends in its header: its process ended when it had just made it, and has appended nothing.
    Unbegun,
    /// It is a file, and no segment that can be read.
    Broken(String),
    /// This may pass.
    Io(io::Error),
}

/// What is found at a place of a segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Record(Header),
    /// Bytes that are no record, up to this place.
    Damage(u64),
    /// A record that was not written to its end, and nothing after it.
    Torn,
    End,
}

impl Reader {
    pub(super) fn open(path: &Path) -> Result<Self, Unusable> {
        let (file, bytes) = match files::open_regular(path) {
            Ok(opened) => opened,
            Err(error) => {
                return Err(match error.kind() {
                    io::ErrorKind::NotFound => Unusable::Gone,
                    io::ErrorKind::InvalidInput | io::ErrorKind::PermissionDenied => {
                        Unusable::Foreign(error.to_string())
                    }
                    _ => Unusable::Io(error),
                });
            }
        };
        if bytes > MAX_FILE {
            return Err(Unusable::Broken(format!(
                "it has {bytes} bytes; a file of a disk buffer has at most {MAX_FILE}"
            )));
        }
        let mut reader = Self { file: BufReader::with_capacity(CHUNK, file), at: 0, salt: 0, bytes };
        let mut header = [0; SEGMENT_HEADER as usize];
        match reader.file.read_exact(&mut header) {
            Ok(()) => reader.at = SEGMENT_HEADER,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(Unusable::Unbegun);
            }
            Err(error) => return Err(Unusable::Io(error)),
        }
        reader.salt = read_segment_header(&header).map_err(Unusable::Broken)?;
        Ok(reader)
    }

    /// Forgets what was read ahead: the file may have changed since.
    pub(super) fn refresh(&mut self) -> io::Result<()> {
        self.at = self.file.seek(SeekFrom::Start(self.at))?;
        Ok(())
    }

    fn go(&mut self, at: u64) -> io::Result<()> {
        // Both are below `MAX_FILE`.
        self.file.seek_relative(at as i64 - self.at as i64)?;
        self.at = at;
        Ok(())
    }

    /// What is at this place of a segment that has bytes up to `end`. The file may have fewer.
    pub(super) fn look(&mut self, at: u64, end: u64) -> io::Result<Found> {
        if at >= end {
            return Ok(Found::End);
        }
        self.go(at)?;
        let mut bytes = Vec::with_capacity(RECORD_HEADER as usize);
        self.at += (&mut self.file).take(RECORD_HEADER.min(end - at)).read_to_end(&mut bytes)? as u64;
        if bytes.len() < RECORD_HEADER as usize {
            return Ok(Found::Torn);
        }
        match Header::read(&bytes, self.salt) {
            Some(header) if at + header.total() <= end => Ok(Found::Record(header)),
            Some(_) => Ok(match self.search(at, end)? {
                Found::Damage(to) if to < end => Found::Damage(to),
                _ => Found::Torn,
            }),
            None => self.search(at, end),
        }
    }

    /// Where it goes on after a record at this place whose content is damaged. Its length is not to be relied upon: bytes
    /// may be missing.
    pub(super) fn behind_damage(&mut self, at: u64, end: u64) -> io::Result<u64> {
        Ok(match self.search(at, end)? {
            Found::Damage(to) => to,
            _ => end,
        })
    }

    /// The next record after damage. Zeros up to the end are what a power failure leaves of a record that was being
    /// written.
    fn search(&mut self, from: u64, end: u64) -> io::Result<Found> {
        self.go(from)?;
        let (mut window, mut start, mut is_zero) = (Vec::with_capacity(2 * CHUNK), from, true);
        loop {
            let buffer = self.file.fill_buf()?;
            let taken = (buffer.len() as u64).min(end - self.at) as usize;
            if taken == 0 {
                return Ok(if is_zero { Found::Torn } else { Found::Damage(end) });
            }
            is_zero &= buffer[..taken].iter().all(|byte| *byte == 0);
            window.extend_from_slice(&buffer[..taken]);
            self.file.consume(taken);
            self.at += taken as u64;
            let whole = window.len().saturating_sub(RECORD_HEADER as usize - 1);
            for offset in 0..whole {
                let here = start + offset as u64;
                if window[offset] == MARKER[0] && here > from && Header::read(&window[offset..], self.salt).is_some() {
                    return Ok(Found::Damage(here));
                }
            }
            window.drain(..whole);
            start += whole as u64;
        }
    }

    /// The content of the record at this place; nothing, if it is damaged.
    pub(super) fn content(&mut self, at: u64, header: &Header) -> io::Result<Option<Bodies>> {
        self.go(at + RECORD_HEADER)?;
        let length = u64::from(header.length).min(self.bytes_left()?);
        let mut content = Vec::with_capacity(length as usize);
        self.at += (&mut self.file).take(length).read_to_end(&mut content)? as u64;
        Ok(read_content(header, &content))
    }

    /// How much the file has after this place, so that nothing is allocated that cannot be read.
    fn bytes_left(&self) -> io::Result<u64> {
        Ok(self.file.get_ref().metadata()?.len().saturating_sub(self.at))
    }

    /// How many records and items there are, without a look at their contents.
    pub(super) fn count(&mut self, from: u64, end: u64) -> io::Result<(u64, u64)> {
        let (mut at, mut records, mut items) = (from, 0, 0u64);
        loop {
            match self.look(at, end)? {
                Found::Record(header) => {
                    records += 1;
                    items = items.saturating_add(header.items);
                    at += header.total();
                }
                Found::Damage(to) => at = to,
                Found::Torn | Found::End => return Ok((records, items)),
            }
        }
    }
}
