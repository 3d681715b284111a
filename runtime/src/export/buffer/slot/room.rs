//! New segments of a slot, and room for them.

use super::super::format::SEGMENT_HEADER;
use super::super::losses::Losses;
use super::{Segment, Slot};
use std::{fs, io};

impl Slot {
    /// The number of a new segment, whose file has been made.
    pub(in super::super) fn next_number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number - 1
    }

    pub(in super::super) fn begin(&mut self, number: u64) {
        self.stop_writing();
        let is_first = self.segments.is_empty();
        self.segments.push_back(Segment {
            number,
            bytes: SEGMENT_HEADER,
            records: 0,
            items: 0,
            is_own: true,
            is_being_written: true,
        });
        if is_first {
            (self.at, self.reader, self.head) = (SEGMENT_HEADER, None, None);
        }
    }

    /// Nothing more comes into the last segment.
    pub(in super::super) fn stop_writing(&mut self) {
        if let Some(last) = self.segments.back_mut() {
            last.is_being_written = false;
        }
    }

    pub(in super::super) fn wrote(&mut self, bytes: u64, items: u64) {
        if let Some(last) = self.segments.back_mut() {
            last.bytes += bytes;
            last.records += 1;
            last.items = last.items.saturating_add(items);
        }
    }

    /// Whether all that the last segment has was consumed.
    pub(in super::super) fn is_consumed(&self) -> bool {
        self.segments.len() == 1 && self.segments.front().is_some_and(|segment| self.at >= segment.bytes)
    }

    /// Removes what was moved aside, the oldest first, until there is so much room.
    pub(in super::super) fn make_room(&mut self, bytes: u64, losses: &mut Losses) {
        let (mut freed, aside) = (0, std::mem::take(&mut self.aside));
        for (path, length) in aside {
            let is_gone = freed < bytes
                && match fs::remove_file(&path) {
                    Ok(()) => true,
                    Err(error) => error.kind() == io::ErrorKind::NotFound,
                };
            if is_gone {
                losses.note(format!("`{}` is removed to make room", path.display()));
                freed += length;
            } else {
                self.aside.push((path, length));
            }
        }
    }
}
