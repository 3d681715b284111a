//! What a log could not keep or give back.

/// How many sentences wait to be told.
const MAX_NOTES: usize = 16;

/// What a log did not give back, since somebody last asked.
///
/// For what this [`Log`](super::Log) has appended, items are exact: appended = acknowledged + expired + damaged + waiting.
/// For what earlier processes left they are what the records say that could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Losses {
    /// Items that waited longer than `max_age`.
    pub(crate) expired_own: u64,
    pub(crate) expired_earlier: u64,
    /// Items of records that could not be read, as far as their number is known.
    pub(crate) damaged_own: u64,
    pub(crate) damaged_earlier: u64,
    /// Stretches of bytes that are no records, or records whose content is wrong.
    pub(crate) damaged_places: u64,
    pub(crate) damaged_bytes: u64,
    /// Records at the end of a segment that were not written to their end, so that nobody was told that they are kept. A
    /// process that is killed while it writes leaves one.
    pub(crate) torn: u64,
    /// Files that could not be read at all: moved aside, or left alone because they are not ours.
    pub(crate) files: u64,
    /// What happened, in sentences that name the file; at most 16.
    pub(crate) notes: Vec<String>,
}

impl Losses {
    pub(super) fn note(&mut self, text: String) {
        if self.notes.len() < MAX_NOTES && !self.notes.contains(&text) {
            self.notes.push(text);
        }
    }

    pub(super) fn damaged(&mut self, bytes: u64) {
        self.damaged_places += 1;
        self.damaged_bytes = self.damaged_bytes.saturating_add(bytes);
    }

    pub(super) fn damaged_items(&mut self, items: u64, is_own: bool) {
        let count = if is_own { &mut self.damaged_own } else { &mut self.damaged_earlier };
        *count = count.saturating_add(items);
    }

    pub(super) fn expired(&mut self, items: u64, is_own: bool) {
        let count = if is_own { &mut self.expired_own } else { &mut self.expired_earlier };
        *count = count.saturating_add(items);
    }
}
