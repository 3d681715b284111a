//! One slot of a lane: a directory with a lock, a cursor and segments, of which one process at a time reads and writes.

mod open;
mod room;

pub(super) use open::lock;

use super::cursor::{Cursor, Doubt, Place};
use super::files;
use super::format::{Bodies, Header, SEGMENT_HEADER};
use super::losses::Losses;
use super::read::{Found, Reader, Unusable};
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// How often in a row a segment may fail to be read before it is passed over.
const PATIENCE: u8 = 5;

#[derive(Debug)]
pub(super) struct Slot {
    /// Of this value: a directory may be removed, and made anew by another process.
    pub(super) id: u64,
    pub(super) number: u32,
    pub(super) directory: PathBuf,
    lock: File,
    /// Which has the lock: a fork's child has the file, too.
    process: u32,
    cursor: Cursor,
    segments: VecDeque<Segment>,
    /// Where the first segment is read.
    at: u64,
    head: Option<Head>,
    reader: Option<(u64, Reader)>,
    /// Files that take room and have nothing to read.
    aside: Vec<(PathBuf, u64)>,
    next_number: u64,
    /// Which records an earlier process may have sent, as it was when the slot was opened.
    doubtful: (Doubt, Place),
    /// In a row.
    failures: u8,
}

#[derive(Clone, Copy, Debug)]
struct Segment {
    number: u64,
    bytes: u64,
    /// Not consumed yet, as far as known.
    records: u64,
    items: u64,
    is_own: bool,
    is_being_written: bool,
}

/// The first record of a slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) place: Place,
    pub(super) header: Header,
    pub(super) is_own: bool,
    pub(super) maybe_sent: bool,
}

/// What waits in a slot.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Held {
    pub(super) own_items: u64,
    pub(super) earlier_items: u64,
    pub(super) records: u64,
    pub(super) bytes: u64,
}

impl Slot {
    /// Whether the directory is still the one that was locked.
    pub(super) fn is_ours(&self) -> bool {
        files::is_still(&self.directory.join("lock"), &self.lock)
    }

    /// Whether this is a copy that a fork has made of another process's slot.
    pub(super) fn is_forked(&self) -> bool {
        self.process != std::process::id()
    }

    #[cfg(test)]
    pub(super) fn pretend_forked(&mut self) {
        self.process = 0;
    }

    /// Counts everything that waits as lost.
    pub(super) fn abandon(mut self, losses: &mut Losses) {
        losses.note(format!("`{}` is gone: somebody has removed it", self.directory.display()));
        while let Some(segment) = self.segments.pop_front() {
            losses.files += 1;
            losses.damaged_items(segment.items, segment.is_own);
        }
    }

    pub(super) fn held(&self) -> Held {
        let aside = self.aside.iter().map(|(_, bytes)| bytes).sum();
        self.segments.iter().fold(Held { bytes: aside, ..Held::default() }, |mut held, segment| {
            let items = if segment.is_own { &mut held.own_items } else { &mut held.earlier_items };
            *items = items.saturating_add(segment.items);
            held.records += segment.records;
            held.bytes += segment.bytes;
            held
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// The first record that has not been acknowledged. What is damaged before it is passed over and counted.
    pub(super) fn head(&mut self, losses: &mut Losses) -> io::Result<Option<Head>> {
        if self.head.is_none() {
            let found = self.find_head(losses);
            if let (Err(error), Some(segment)) = (&found, self.segments.front().copied()) {
                (self.reader, self.failures) = (None, self.failures + 1);
                if self.failures >= PATIENCE {
                    self.failures = 0;
                    let why = format!("it could not be read {PATIENCE} times: {error}");
                    self.pass_over(segment.number, Unusable::Broken(why), losses);
                    self.leave(&segment, losses);
                }
            }
            self.head = found?;
        }
        Ok(self.head)
    }

    fn find_head(&mut self, losses: &mut Losses) -> io::Result<Option<Head>> {
        while let Some(&segment) = self.segments.front() {
            if self.at >= segment.bytes {
                if segment.is_being_written {
                    self.reconcile(losses);
                    return Ok(None);
                }
                self.finish(losses);
                continue;
            }
            let reader = match &mut self.reader {
                Some((number, reader)) if *number == segment.number => reader,
                _ => match Reader::open(&files::segment_path(&self.directory, segment.number)) {
                    Ok(reader) => &mut self.reader.insert((segment.number, reader)).1,
                    Err(Unusable::Io(error)) => return Err(error),
                    Err(unusable) => {
                        self.pass_over(segment.number, unusable, losses);
                        self.leave(&segment, losses);
                        continue;
                    }
                },
            };
            if segment.is_own {
                reader.refresh()?;
            }
            let after = match reader.look(self.at, segment.bytes)? {
                Found::Record(header) => {
                    let place = Place { segment: segment.number, offset: self.at };
                    let maybe_sent = match self.doubtful {
                        (Doubt::None, _) => false,
                        (Doubt::Record, doubtful) => place == doubtful,
                        (Doubt::Segment, doubtful) => place.segment == doubtful.segment,
                    };
                    return Ok(Some(Head { place, header, is_own: segment.is_own, maybe_sent }));
                }
                Found::Damage(to) => {
                    losses.damaged(to - self.at);
                    losses.note(format!(
                        "`{}` is damaged from byte {} to {to}",
                        files::segment_path(&self.directory, segment.number).display(),
                        self.at
                    ));
                    to
                }
                Found::Torn | Found::End => {
                    losses.torn += 1;
                    segment.bytes
                }
            };
            self.at = after;
        }
        Ok(None)
    }

    /// What should have been in the first segment and was not found.
    fn reconcile(&mut self, losses: &mut Losses) {
        if let Some(segment) = self.segments.front_mut()
            && (segment.records, segment.items) != (0, 0)
        {
            losses.damaged_items(segment.items, segment.is_own);
            (segment.records, segment.items) = (0, 0);
        }
    }

    /// Removes the first segment, which has been read to its end.
    fn finish(&mut self, losses: &mut Losses) {
        self.reconcile(losses);
        if let Some(segment) = self.segments.front().copied() {
            let path = files::segment_path(&self.directory, segment.number);
            self.advance();
            if fs::symlink_metadata(&path).is_ok_and(|found| found.is_file()) {
                self.remove(path, losses);
            }
        }
    }

    /// Leaves the first segment, whose file is no longer there under its name.
    fn leave(&mut self, segment: &Segment, losses: &mut Losses) {
        debug_assert_eq!(self.segments.front().map(|first| first.number), Some(segment.number));
        self.reconcile(losses);
        if segment.is_being_written {
            // The writer finds out by itself; what it has written is lost.
            self.at = segment.bytes;
        } else {
            self.advance();
        }
    }

    fn advance(&mut self) {
        self.segments.pop_front();
        (self.at, self.reader, self.head) = (SEGMENT_HEADER, None, None);
    }

    fn remove(&mut self, path: PathBuf, losses: &mut Losses) {
        let bytes = fs::symlink_metadata(&path).map_or(0, |found| found.len());
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                losses.note(format!("`{}` is not needed any more and cannot be removed: {error}", path.display()));
                self.aside.push((path, bytes));
            }
            _ => {}
        }
    }

    /// The content of the head; nothing, if it is damaged.
    pub(super) fn content(&mut self, head: &Head) -> io::Result<Option<Bodies>> {
        let Some((_, reader)) = &mut self.reader else { return Ok(None) };
        let content = reader.content(head.place.offset, &head.header);
        if content.is_err() {
            (self.reader, self.failures) = (None, self.failures + 1);
            if self.failures >= PATIENCE {
                return Ok(None);
            }
            // It is looked for again.
            self.head = None;
        }
        content
    }

    /// Writes down that the head is about to be given out.
    pub(super) fn mark(&mut self, head: &Head, losses: &mut Losses) {
        let doubt = self.doubt_in(head.place.segment, Doubt::Record);
        if (self.cursor.place, self.cursor.doubt) != (head.place, doubt) {
            self.store(head.place, doubt, losses);
        }
    }

    fn doubt_in(&self, segment: u64, otherwise: Doubt) -> Doubt {
        let (doubt, place) = self.doubtful;
        if doubt == Doubt::Segment && place.segment == segment { Doubt::Segment } else { otherwise }
    }

    /// Writes down that the head has not left this process.
    pub(super) fn unmark(&mut self, losses: &mut Losses) {
        if let Some(head) = self.head
            && !head.maybe_sent
            && self.cursor.doubt == Doubt::Record
        {
            self.store(head.place, Doubt::None, losses);
        }
    }

    /// Goes on behind the head. It is not written down before [`settle`](Self::settle).
    pub(super) fn consume(&mut self) {
        if let Some(head) = self.head {
            self.consume_to(&head, head.place.offset + head.header.total());
        }
    }

    /// Goes on behind the head, whose content is damaged.
    pub(super) fn pass_damaged(&mut self, losses: &mut Losses) {
        let (Some(head), Some(segment)) = (self.head, self.segments.front().copied()) else { return };
        let after = match &mut self.reader {
            Some((_, reader)) => reader.behind_damage(head.place.offset, segment.bytes),
            None => Err(io::ErrorKind::Other.into()),
        };
        // What cannot be read at all is passed over by what its header says.
        let after = after.unwrap_or_else(|_| {
            self.reader = None;
            head.place.offset + head.header.total()
        });
        losses.damaged(after - head.place.offset);
        losses.damaged_items(head.header.items, head.is_own);
        losses.note(format!(
            "`{}` is damaged from byte {} to {after}",
            files::segment_path(&self.directory, segment.number).display(),
            head.place.offset
        ));
        self.consume_to(&head, after);
    }

    fn consume_to(&mut self, head: &Head, after: u64) {
        (self.head, self.failures, self.at) = (None, 0, after);
        if let Some(segment) = self.segments.front_mut() {
            segment.records = segment.records.saturating_sub(1);
            segment.items = segment.items.saturating_sub(head.header.items);
        }
    }

    /// Writes down how far the slot has been read, and then removes what is not needed any more.
    pub(super) fn settle(&mut self, losses: &mut Losses) -> io::Result<()> {
        let is_read = |slot: &Self| slot.segments.front().is_some_and(|s| slot.at >= s.bytes && !s.is_being_written);
        let segment = self.segments.front().map_or(self.cursor.place.segment, |segment| segment.number);
        let place = Place { segment, offset: self.at };
        let stored = self.cursor.store(place, self.doubt_in(segment, Doubt::None));
        while is_read(self) {
            self.finish(losses);
        }
        stored
    }

    pub(super) fn settle_or_note(&mut self, losses: &mut Losses) {
        if let Err(error) = self.settle(losses) {
            self.note_cursor(&error, losses);
        }
    }

    fn store(&mut self, place: Place, doubt: Doubt, losses: &mut Losses) {
        if let Err(error) = self.cursor.store(place, doubt) {
            self.note_cursor(&error, losses);
        }
    }

    fn note_cursor(&self, error: &io::Error, losses: &mut Losses) {
        losses.note(format!(
            "the cursor in `{}` is not written, so records may be sent a second time after an end of the process: {error}",
            self.directory.display()
        ));
    }

    pub(super) fn cursor_file(&self) -> Option<Arc<File>> {
        self.cursor.file()
    }
}

impl Drop for Slot {
    /// Closing the file is not enough while a command is being started: its process has a copy for a moment.
    fn drop(&mut self) {
        if !self.is_forked() {
            let _ = self.lock.unlock();
        }
    }
}
