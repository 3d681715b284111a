//! Appending to a log, and making the disk keep it.

use super::format::{
    Header, MAX_CONTENT, MAX_SEGMENT, RECORD_HEADER, SEGMENT_HEADER, content_length, new_salt, segment_header,
    write_content,
};
use super::{Log, Now, Record, Sync, files};
use std::fmt;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// How many files wait to be synced, at most: each is open until then. So many segments must be filled within the time that
/// [`Sync::Every`] allows for that.
const MOST_UNSYNCED: usize = 32;

/// The last segment, open for writing.
#[derive(Debug)]
pub(super) struct Writer {
    file: Arc<File>,
    path: PathBuf,
    salt: u64,
    bytes: u64,
    /// Whether the disk has failed to keep it: then what is written to it later is not safe, whatever `fsync` says.
    failed: Arc<AtomicBool>,
    #[cfg(test)]
    pub(super) fail_after: Option<usize>,
}

/// Why a record was not taken.
#[derive(Debug)]
pub(crate) enum AppendError {
    /// The log has as many bytes as it may.
    Full,
    /// The record alone has more; the number is its length in the log.
    TooLarge(u64),
    /// Nothing of the record stays in the log, and the next one may be taken.
    Io(io::Error),
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the disk buffer is full"),
            Self::TooLarge(bytes) => write!(f, "a request of {bytes} bytes does not fit into the disk buffer"),
            Self::Io(error) => write!(f, "the disk buffer was not written: {error}"),
        }
    }
}

impl std::error::Error for AppendError {}

impl From<io::Error> for AppendError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// What was written and not synced.
#[derive(Debug, Default)]
pub(super) struct Unsynced {
    /// Files of segments that are full, and directories.
    files: Vec<(Arc<File>, Arc<AtomicBool>)>,
    since: Option<Instant>,
    is_segment_full: bool,
}

/// Files to be synced, which may take long: not while a mutex is held.
#[derive(Debug)]
#[must_use]
pub(crate) struct ToSync(Vec<(Arc<File>, Arc<AtomicBool>)>);

impl ToSync {
    /// Waits for the disk.
    ///
    /// # Errors
    ///
    /// The first one. The log then begins a new segment, because what a disk says of a file after that is not to be relied
    /// upon.
    pub(crate) fn sync(self) -> io::Result<()> {
        let mut result = Ok(());
        for (file, failed) in self.0 {
            if let Err(error) = file.sync_all() {
                failed.store(true, Ordering::Relaxed);
                result = result.and(Err(error));
            }
        }
        result
    }
}

impl Log {
    /// Adds a record to the end. It survives the end of the process as soon as this returns; that of the machine as
    /// [`DiskBuffer::sync`](crate::config::DiskBuffer::sync) says.
    ///
    /// # Errors
    ///
    /// If the log is full, or the file system is, or fails. The log stays as it was, and may take the next record.
    pub(crate) fn append(&mut self, record: &Record<'_>, now: &Now) -> Result<(), AppendError> {
        let length = content_length(record.bodies);
        let total = RECORD_HEADER + length;
        if length > MAX_CONTENT || SEGMENT_HEADER + total > self.settings.max_bytes {
            return Err(AppendError::TooLarge(total));
        }
        self.check_slots()?;
        let is_writable =
            |writer: &Writer| !writer.failed.load(Ordering::Relaxed) && files::is_still(&writer.path, &writer.file);
        if self.writer.as_ref().is_some_and(|writer| !is_writable(writer)) {
            self.end_segment();
        }
        if !self.fits(total) {
            if self.own.is_consumed() {
                self.end_segment();
            }
            let over = (self.own.held().bytes + SEGMENT_HEADER + total).saturating_sub(self.settings.max_bytes);
            self.own.make_room(over, &mut self.losses);
            if !self.fits(total) {
                return Err(AppendError::Full);
            }
        }
        let limit = (self.settings.max_bytes / 8).clamp(SEGMENT_HEADER, MAX_SEGMENT);
        let is_full = |writer: &Writer| writer.bytes + total > limit && writer.bytes > SEGMENT_HEADER;
        if self.writer.as_ref().is_none_or(is_full) {
            self.end_segment();
            if self.unsynced.files.len() >= MOST_UNSYNCED {
                self.take_unsynced().sync()?;
            }
            self.begin_segment(now)?;
        }
        match self.write(record, length, now) {
            Err(AppendError::Io(_)) if self.own.is_consumed() => {
                // Where the disk is full, it may be because of a segment that is not needed any more.
                self.end_segment();
                self.begin_segment(now)?;
                self.write(record, length, now)
            }
            written => written,
        }
    }

    /// Whether a record of this length can be taken, at worst into a new segment.
    fn fits(&self, total: u64) -> bool {
        self.own.held().bytes + SEGMENT_HEADER + total <= self.settings.max_bytes
    }

    fn end_segment(&mut self) {
        let Some(writer) = self.writer.take() else { return };
        self.own.stop_writing();
        if self.settings.sync != Sync::Never && !writer.failed.load(Ordering::Relaxed) {
            self.unsynced.files.push((writer.file, writer.failed));
            self.unsynced.is_segment_full = true;
        }
        if self.own.is_consumed() {
            self.own.settle_or_note(&mut self.losses);
        }
    }

    fn begin_segment(&mut self, now: &Now) -> io::Result<()> {
        let (number, salt) = (self.own.next_number(), new_salt());
        let path = files::segment_path(&self.own.directory, number);
        let mut file = files::private().create_new(true).open(&path)?;
        if let Err(error) = file.write_all(&segment_header(salt)) {
            // Its room may be what is missing.
            let _ = std::fs::remove_file(&path);
            return Err(error);
        }
        let failed = Arc::default();
        self.writer = Some(Writer {
            file: Arc::new(file),
            path,
            salt,
            bytes: SEGMENT_HEADER,
            failed: Arc::clone(&failed),
            #[cfg(test)]
            fail_after: None,
        });
        self.own.begin(number);
        if self.settings.sync != Sync::Never
            && let Some(directory) = files::directory_handle(&self.own.directory)?
        {
            self.unsynced.files.push((Arc::new(directory), failed));
            self.unsynced.since.get_or_insert(now.running);
        }
        Ok(())
    }

    fn write(&mut self, record: &Record<'_>, length: u64, now: &Now) -> Result<(), AppendError> {
        let mut bytes = vec![0; RECORD_HEADER as usize];
        bytes.reserve_exact(length as usize);
        write_content(record.bodies, &mut bytes);
        let uptime = now.running.saturating_duration_since(self.opened).as_millis();
        let header = Header {
            length: length as u32,
            time: now.millis(),
            uptime: u64::try_from(uptime).unwrap_or(u64::MAX),
            items: record.items,
            sum: crc32fast::hash(&bytes[RECORD_HEADER as usize..]),
        };
        let Some(writer) = &mut self.writer else { return Err(AppendError::Io(io::ErrorKind::NotFound.into())) };
        bytes[..RECORD_HEADER as usize].copy_from_slice(&header.to_bytes(writer.salt));
        let mut written = writer.write(&bytes);
        if written.is_ok() && self.settings.sync == Sync::Always {
            let directories = std::mem::take(&mut self.unsynced);
            written = ToSync(directories.files).sync().and_then(|()| writer.file.sync_data());
            if written.is_err() {
                writer.failed.store(true, Ordering::Relaxed);
            }
        }
        if let Err(error) = written {
            // Half a record would be damage; where even this fails, no other record comes behind it.
            if writer.file.set_len(writer.bytes).is_err() {
                writer.failed.store(true, Ordering::Relaxed);
            }
            return Err(error.into());
        }
        writer.bytes += bytes.len() as u64;
        self.own.wrote(bytes.len() as u64, record.items);
        self.unsynced.since.get_or_insert(now.running);
        Ok(())
    }

    /// Whether [`due_sync`](Self::due_sync) will ever have something.
    pub(crate) fn syncs_by_time(&self) -> bool {
        matches!(self.settings.sync, Sync::Every(_))
    }

    /// What is to be synced now under [`Sync::Every`]; nothing otherwise.
    pub(crate) fn due_sync(&mut self, now: &Now) -> Option<ToSync> {
        let Sync::Every(pause) = self.settings.sync else { return None };
        let since = self.unsynced.since?;
        let is_due = now.running.saturating_duration_since(since) >= pause || self.unsynced.is_segment_full;
        is_due.then(|| self.take_unsynced())
    }

    /// How long after `now` [`due_sync`](Self::due_sync) will have something; nothing, if only another append will tell.
    pub(crate) fn next_sync_in(&self, now: &Now) -> Option<std::time::Duration> {
        let Sync::Every(pause) = self.settings.sync else { return None };
        let since = self.unsynced.since?;
        let pause = if self.unsynced.is_segment_full { std::time::Duration::ZERO } else { pause };
        Some(pause.saturating_sub(now.running.saturating_duration_since(since)))
    }

    fn take_unsynced(&mut self) -> ToSync {
        let mut files = std::mem::take(&mut self.unsynced).files;
        files.extend(self.writer.as_ref().map(|writer| (Arc::clone(&writer.file), Arc::clone(&writer.failed))));
        let cursors = self.adopted.iter().chain([&self.own]).filter_map(super::Slot::cursor_file);
        files.extend(cursors.map(|file| (file, Arc::default())));
        ToSync(files)
    }

    /// Makes the disk keep everything, now; at the end of a process, say. Under [`Sync::Never`] it does nothing.
    ///
    /// # Errors
    ///
    /// What [`ToSync::sync`] says.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if self.settings.sync == Sync::Never { Ok(()) } else { self.take_unsynced().sync() }
    }

    /// The end: makes the disk keep what waits, and removes what has arrived, which the next process does otherwise.
    ///
    /// # Errors
    ///
    /// What [`ToSync::sync`] says.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        if self.own.is_forked() {
            return Ok(());
        }
        if self.own.is_consumed() {
            self.end_segment();
        }
        self.sync()
    }

    /// Fails all writes to the present segment after so many bytes of each.
    #[cfg(test)]
    pub(super) fn fail_after(&mut self, bytes: Option<usize>) {
        if let Some(writer) = &mut self.writer {
            writer.fail_after = bytes;
        }
    }
}

impl Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut file = &*self.file;
        file.seek(SeekFrom::Start(self.bytes))?;
        #[cfg(test)]
        if let Some(most) = self.fail_after {
            file.write_all(&bytes[..most.min(bytes.len())])?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        file.write_all(bytes)
    }
}
