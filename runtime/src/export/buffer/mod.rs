//! A log on disk in which encoded requests wait until they have arrived, over the end of the process.
//!
//! ```text
//! <directory>/<lane>/<slot>/lock                      held by the process that reads and writes the slot
//!                           cursor                    how far it has been read
//!                           0000000000000001.log      a segment: records, see `format`
//!                           0000000000000002.log.unreadable
//! ```
//!
//! A process takes the first slot of its lane that no other one holds, and those of processes that have ended, to empty
//! them: two processes never read one slot. It appends to segments of its own, never to those of an earlier process. A
//! segment is removed when all of it has been acknowledged.
//!
//! **Bounds.** The files of a slot have at most [`DiskBuffer::max_bytes`] together, with what an earlier process left in the
//! same slot and with what could not be read; the last is removed when room is needed. What is emptied of other slots was
//! bounded by its writer and does not count. So a lane has at most `max_bytes` for each process that ran at the same time.
//!
//! **Duplicates.** Before a record is given out, and after it has been acknowledged, the cursor is written. After `kill -9`
//! at most one record is given out again, marked [`Stored::maybe_sent`]. After a power failure those may be, too, that were
//! acknowledged since the last [`sync`](Log::sync).
//!
//! **Blocking.** Everything here blocks; [`Log`] is for a mutex that is only locked where that is fine. No call waits for
//! `fsync`, but for [`append`](Log::append) under [`Sync::Always`] and [`sync`](Log::sync): [`due_sync`](Log::due_sync) gives
//! what is to be synced while the mutex is free.
//!
//! A fork's child gets errors from its copy of its parent's `Log` and opens one of its own; until it has closed the copy, or
//! ended, nobody else empties the slot of a parent that has ended suddenly. Files and directories are made for their owner
//! alone; what exists keeps its mode. On network file systems the lock is as good as their `flock`.

mod age;
mod cursor;
mod files;
mod format;
#[cfg(any(test, fuzzing))]
mod fuzz;
mod losses;
mod read;
mod slot;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use age::Now;
#[cfg(fuzzing)]
pub(crate) use fuzz::fuzz;
pub(crate) use losses::Losses;
#[cfg(test)]
pub(crate) use write::AppendError;

use crate::config::{DiskBuffer, Sync};
use slot::{Head, Slot};
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use write::Writer;

/// How many processes can have one lane at the same time.
const SLOTS: u32 = 1024;
/// How often it is looked whether another process has left something, while there is nothing to do.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// The log of one exporter: the process's own slot, and those of processes that have ended.
#[derive(Debug)]
pub(crate) struct Log {
    settings: DiskBuffer,
    lane: PathBuf,
    own: Slot,
    adopted: Vec<Slot>,
    slots_made: u64,
    writer: Option<Writer>,
    opened: Instant,
    looked: Instant,
    /// What [`next`](Self::next) gave and was not acknowledged.
    given: Option<Position>,
    losses: Losses,
    unsynced: write::Unsynced,
}

/// What is appended: one request, whose encodings are the exporter's own business.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    /// Spans, log records or data points.
    pub(crate) items: u64,
    /// Each with a number that says how it is encoded.
    pub(crate) bodies: &'a [(u8, &'a [u8])],
}

/// What was appended, by this process or an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) items: u64,
    pub(crate) bodies: Vec<(u8, Vec<u8>)>,
    /// Whether this log value has appended it.
    pub(crate) is_own: bool,
    /// Whether it was on its way when an earlier process ended, so that it may have arrived.
    pub(crate) maybe_sent: bool,
    pub(crate) position: Position,
}

/// Where a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    slot: u64,
    place: cursor::Place,
}

/// What is in the log and not acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// Items of records that this log value has appended.
    pub(crate) own_items: u64,
    /// Items that earlier processes left, as far as their number can be read.
    pub(crate) earlier_items: u64,
    pub(crate) records: u64,
    /// What all files take.
    pub(crate) bytes: u64,
}

/// Why a log cannot be opened.
#[derive(Debug)]
pub(crate) struct BufferError {
    path: PathBuf,
    error: io::Error,
}

impl fmt::Display for BufferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the disk buffer in `{}` cannot be used: {}", self.path.display(), self.error)
    }
}

impl std::error::Error for BufferError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl Log {
    /// Opens the log of a lane, whose name is that of a directory: letters, digits, `-`, `_` and `.`.
    ///
    /// # Errors
    ///
    /// If the directory can neither be made nor written to, or its file system has no locks.
    pub(crate) fn open(settings: &DiskBuffer, lane: &str) -> Result<Self, BufferError> {
        let path = settings.directory.join(lane);
        Self::open_lane(settings, lane, path.clone()).map_err(|error| BufferError { path, error })
    }

    fn open_lane(settings: &DiskBuffer, name: &str, lane: PathBuf) -> io::Result<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if name.is_empty() || name.starts_with('.') || !name.bytes().all(is_plain) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "its name is no name of a directory"));
        }
        files::create_directory(&lane)?;
        let (mut losses, now) = (Losses::default(), Instant::now());
        let own = Self::claim(0, &lane, &mut losses)?;
        let mut log = Self {
            settings: settings.clone(),
            lane,
            own,
            adopted: Vec::new(),
            slots_made: 1,
            writer: None,
            opened: now,
            looked: now,
            given: None,
            losses,
            unsynced: write::Unsynced::default(),
        };
        log.adopt();
        Ok(log)
    }

    /// The first slot that nobody holds.
    fn claim(id: u64, lane: &std::path::Path, losses: &mut Losses) -> io::Result<Slot> {
        for number in 0..SLOTS {
            if let Some(lock) = slot::lock(lane, number, true)? {
                return Slot::open(id, lane, number, lock, losses);
            }
        }
        Err(io::Error::new(io::ErrorKind::ResourceBusy, format!("{SLOTS} processes have it")))
    }

    /// Takes over what processes have left that ended meanwhile. [`open`](Self::open) does it, and [`next`](Self::next) now
    /// and then when there is nothing else.
    pub(crate) fn adopt(&mut self) {
        self.looked = Instant::now();
        let names = std::fs::read_dir(&self.lane).into_iter().flatten().flatten().map(|entry| entry.file_name());
        let mut numbers: Vec<u32> = names.filter_map(|name| name.to_str()?.parse().ok()).collect();
        numbers.retain(|number| {
            *number < SLOTS && *number != self.own.number && self.adopted.iter().all(|slot| slot.number != *number)
        });
        numbers.sort_unstable();
        for number in numbers {
            let slot = match slot::lock(&self.lane, number, false) {
                Ok(Some(lock)) => Slot::open(self.slots_made, &self.lane, number, lock, &mut self.losses),
                Ok(None) => continue,
                Err(error) => Err(error),
            };
            match slot {
                Ok(slot) if slot.is_empty() => {}
                Ok(slot) => {
                    self.slots_made += 1;
                    self.adopted.push(slot);
                }
                Err(error) => {
                    let path = self.lane.join(number.to_string());
                    self.losses.note(format!("what is in `{}` is not read: {error}", path.display()));
                }
            }
        }
    }

    /// Leaves slots whose directories were removed, and takes a new one if it is the own.
    fn check_slots(&mut self) -> io::Result<()> {
        if self.own.is_forked() {
            return Err(io::Error::other("a fork's child has no part in the disk buffer of its parent"));
        }
        let (kept, gone): (Vec<_>, Vec<_>) = std::mem::take(&mut self.adopted).into_iter().partition(Slot::is_ours);
        self.adopted = kept;
        gone.into_iter().for_each(|slot| slot.abandon(&mut self.losses));
        if !self.own.is_ours() {
            files::create_directory(&self.lane)?;
            let new = Self::claim(self.slots_made, &self.lane, &mut self.losses)?;
            self.slots_made += 1;
            self.writer = None;
            std::mem::replace(&mut self.own, new).abandon(&mut self.losses);
        }
        Ok(())
    }

    /// The oldest record that is not acknowledged: first what earlier processes left, by time, then the own. Until it is
    /// acknowledged, the same one is given again. What is too old or damaged is passed over and counted.
    ///
    /// # Errors
    ///
    /// If a file cannot be read; that may pass. After five times in a row the file is passed over.
    pub(crate) fn next(&mut self, now: &Now) -> io::Result<Option<Stored>> {
        self.check_slots()?;
        loop {
            let Some((at, head)) = self.first()? else {
                self.given = None;
                if now.running.saturating_duration_since(self.looked) < LOOK_EVERY {
                    return Ok(None);
                }
                self.adopt();
                self.looked = now.running.max(self.looked);
                if self.adopted.is_empty() {
                    return Ok(None);
                }
                continue;
            };
            let is_old = self.age(&head, now) > self.settings.max_age;
            let (items, is_own) = (head.header.items, head.is_own);
            let slot = if at < self.adopted.len() { &mut self.adopted[at] } else { &mut self.own };
            let bodies = if is_old { None } else { slot.content(&head)? };
            if let Some(bodies) = bodies {
                slot.mark(&head, &mut self.losses);
                let position = Position { slot: slot.id, place: head.place };
                self.given = Some(position);
                return Ok(Some(Stored { items, bodies, is_own, maybe_sent: head.maybe_sent, position }));
            }
            if is_old {
                slot.consume();
                self.losses.expired(items, is_own);
            } else {
                slot.pass_damaged(&mut self.losses);
            }
            slot.settle_or_note(&mut self.losses);
        }
    }

    /// Which slot has the record that is next, and that record. Slots that are empty are left to others.
    fn first(&mut self) -> io::Result<Option<(usize, Head)>> {
        let mut first: Option<(usize, Head)> = None;
        let mut at = 0;
        while at < self.adopted.len() {
            match self.adopted[at].head(&mut self.losses)? {
                // What was given stays the one until it is acknowledged.
                Some(head) if self.is_given(&self.adopted[at], &head) => return Ok(Some((at, head))),
                Some(head) => {
                    if first.is_none_or(|(_, first)| head.header.time < first.header.time) {
                        first = Some((at, head));
                    }
                    at += 1;
                }
                None => drop(self.adopted.remove(at)),
            }
        }
        if let Some(head) = self.own.head(&mut self.losses)? {
            let is_earlier = |first: &Head| !head.is_own && head.header.time < first.header.time;
            if self.is_given(&self.own, &head) || first.is_none_or(|(_, first)| is_earlier(&first)) {
                first = Some((self.adopted.len(), head));
            }
        }
        Ok(first)
    }

    fn is_given(&self, slot: &Slot, head: &Head) -> bool {
        self.given == Some(Position { slot: slot.id, place: head.place })
    }

    /// The record has arrived, or will never: it is not given again. Whether it was still waiting, which what has become too
    /// old since, or was removed by somebody, is not: that is counted as lost.
    ///
    /// # Errors
    ///
    /// If this could not be written down: then a later process may send the record a second time.
    pub(crate) fn acknowledge(&mut self, position: Position) -> io::Result<bool> {
        if self.given != Some(position) {
            return Ok(false);
        }
        let slot = self.adopted.iter_mut().chain([&mut self.own]).find(|slot| slot.id == position.slot);
        let Some(slot) = slot.filter(|slot| !slot.is_forked() && slot.is_ours()) else { return Ok(false) };
        if slot.head(&mut self.losses)?.is_none_or(|head| head.place != position.place) {
            return Ok(false);
        }
        self.given = None;
        slot.consume();
        slot.settle(&mut self.losses)?;
        Ok(true)
    }

    /// The record that was given has not left this process, so that a later one need not doubt.
    pub(crate) fn put_back(&mut self, position: Position) {
        if self.given == Some(position) && self.check_slots().is_ok() {
            let slots = self.adopted.iter_mut().chain([&mut self.own]);
            slots.filter(|slot| slot.id == position.slot).for_each(|slot| slot.unmark(&mut self.losses));
        }
    }

    /// What is in the log and not acknowledged. It does not read anything.
    pub(crate) fn waiting(&self) -> Waiting {
        self.adopted.iter().chain([&self.own]).map(Slot::held).fold(Waiting::default(), |mut waiting, held| {
            waiting.own_items = waiting.own_items.saturating_add(held.own_items);
            waiting.earlier_items = waiting.earlier_items.saturating_add(held.earlier_items);
            waiting.records += held.records;
            waiting.bytes += held.bytes;
            waiting
        })
    }

    /// What was lost since this was last called.
    pub(crate) fn take_losses(&mut self) -> Losses {
        std::mem::take(&mut self.losses)
    }
}
