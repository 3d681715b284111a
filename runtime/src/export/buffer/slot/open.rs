//! What is found in a slot when a process takes it.

use super::super::cursor::{Cursor, Doubt, Place};
use super::super::files;
use super::super::format::SEGMENT_HEADER;
use super::super::losses::Losses;
use super::super::read::{Reader, Unusable};
use super::{Segment, Slot};
use std::collections::VecDeque;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

/// Takes the lock of a slot; nothing, if another process has it, or it cannot be one.
pub(in super::super) fn lock(lane: &Path, number: u32, create: bool) -> io::Result<Option<File>> {
    let directory = lane.join(number.to_string());
    match fs::symlink_metadata(&directory) {
        Ok(found) if !found.is_dir() => return Ok(None),
        Ok(_) => {}
        Err(error) if create && error.kind() == io::ErrorKind::NotFound => files::create_directory(&directory)?,
        Err(error) => return Err(error),
    }
    let path = directory.join("lock");
    let file = match files::open_or_create(&path) {
        Ok(file) => file,
        // Of another user, or nothing that can be locked.
        Err(error) if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Ok(()) => Ok(files::is_still(&path, &file).then_some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

impl Slot {
    /// What earlier processes left in a slot whose lock is held.
    pub(in super::super) fn open(
        id: u64,
        lane: &Path,
        number: u32,
        lock: File,
        losses: &mut Losses,
    ) -> io::Result<Self> {
        let directory = lane.join(number.to_string());
        let (cursor, had_cursor) = Cursor::open(&directory);
        let place = cursor.place;
        let mut slot = Self {
            id,
            number,
            lock,
            process: std::process::id(),
            cursor,
            segments: VecDeque::new(),
            at: SEGMENT_HEADER,
            head: None,
            reader: None,
            aside: Vec::new(),
            next_number: place.segment + 1,
            doubtful: (Doubt::None, place),
            failures: 0,
            directory,
        };
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&slot.directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            if let Some(number) = files::segment_number(name.strip_suffix(".unreadable").unwrap_or(name)) {
                slot.next_number = slot.next_number.max(number + 1);
                if name.ends_with(".log") {
                    numbers.push(number);
                } else if let Ok(found) = fs::symlink_metadata(entry.path())
                    && found.is_file()
                {
                    slot.aside.push((entry.path(), found.len()));
                }
            }
        }
        numbers.sort_unstable();
        slot.aside.sort();
        for number in numbers {
            slot.find(number, place, losses);
        }
        let first = slot.segments.front().map(|segment| segment.number);
        let doubt = match (had_cursor, first) {
            (false, Some(number)) => {
                losses.note(format!(
                    "the cursor in `{}` is lost: records of segment {number} may be sent a second time",
                    slot.directory.display()
                ));
                Doubt::Segment
            }
            (true, Some(number)) if number == place.segment => slot.cursor.doubt,
            _ => Doubt::None,
        };
        if first == Some(place.segment) {
            slot.at = place.offset.max(SEGMENT_HEADER);
        }
        let place = Place { segment: first.unwrap_or(slot.next_number), offset: slot.at };
        if !had_cursor || (place, doubt) != (slot.cursor.place, slot.cursor.doubt) {
            slot.store(place, doubt, losses);
        }
        slot.doubtful = (doubt, place);
        Ok(slot)
    }

    /// Takes a file that has a segment's name into the list, removes it, or moves it aside.
    fn find(&mut self, number: u64, place: Place, losses: &mut Losses) {
        let path = files::segment_path(&self.directory, number);
        if number < place.segment && fs::symlink_metadata(&path).is_ok_and(|found| found.is_file()) {
            // Everything in it has arrived, and its process ended before it was removed.
            return self.remove(path, losses);
        }
        let mut segment = Segment { number, bytes: 0, records: 0, items: 0, is_own: false, is_being_written: false };
        match Reader::open(&path) {
            Ok(mut reader) => {
                segment.bytes = reader.bytes;
                let from = if number == place.segment { place.offset.max(SEGMENT_HEADER) } else { SEGMENT_HEADER };
                if from >= reader.bytes && number == place.segment {
                    return self.remove(path, losses);
                }
                (segment.records, segment.items) = reader.count(from, reader.bytes).unwrap_or_default();
            }
            // It is tried again when it is read.
            Err(Unusable::Io(_)) => segment.bytes = fs::symlink_metadata(&path).map_or(0, |found| found.len()),
            Err(unusable) => return self.pass_over(number, unusable, losses),
        }
        self.segments.push_back(segment);
    }

    /// Says why a segment is not read, and moves it out of the way if it is ours.
    pub(super) fn pass_over(&mut self, number: u64, unusable: Unusable, losses: &mut Losses) {
        let path = files::segment_path(&self.directory, number);
        if let Unusable::Unbegun = unusable {
            losses.torn += 1;
            return self.remove(path, losses);
        }
        losses.files += 1;
        match unusable {
            Unusable::Unbegun => {}
            Unusable::Gone => losses.note(format!("`{}` is gone: somebody has removed it", path.display())),
            Unusable::Foreign(why) => losses.note(format!("`{}` is left alone: {why}", path.display())),
            Unusable::Io(error) => losses.note(format!("`{}` cannot be read: {error}", path.display())),
            Unusable::Broken(why) => {
                let bytes = fs::symlink_metadata(&path).map_or(0, |found| found.len());
                losses.damaged(bytes);
                let aside = self.directory.join(files::aside_name(number));
                let (now, said) = match fs::rename(&path, &aside) {
                    Ok(()) => (aside, "moved aside"),
                    Err(_) => (path.clone(), "passed over"),
                };
                losses.note(format!("`{}` is {said}: {why}", path.display()));
                self.aside.push((now, bytes));
            }
        }
    }
}
