//! How a span's contents lie in memory between the moment they are recorded and the moment they are exported.
//!
//! Everything is a sequence of 64-bit words, so that recording is a few stores. An *item* is a header word followed by
//! its payload:
//!
//! ```text
//! header:  tag (8 bits) | index (16 bits) | unused (8 bits) | length (32 bits)
//! INT DOUBLE BOOL        one word
//! STR                    `length` bytes of UTF-8, padded with zeros to whole words
//! LIST                   `length` words: items without an index
//! EVENT                  `length` words: time, then items; `index` names the event
//! ERROR                  `length` words: time, then STR type, then STR message if there is one
//! TRACE_STATE            like STR: the `tracestate` header of the trace
//! CANCELLED              no payload
//! ```
//!
//! `index` is the position of the attribute's key in the call site's list of keys.

use std::cell::{Cell, UnsafeCell};
use std::fmt;

pub(crate) const INT: u8 = 1;
pub(crate) const DOUBLE: u8 = 2;
pub(crate) const BOOL: u8 = 3;
pub(crate) const STR: u8 = 4;
pub(crate) const LIST: u8 = 5;
pub(crate) const EVENT: u8 = 6;
pub(crate) const ERROR: u8 = 7;
pub(crate) const TRACE_STATE: u8 = 8;
pub(crate) const CANCELLED: u8 = 9;

/// Longest value of a string attribute in bytes; a longer one is cut at a character boundary.
pub(crate) const MAX_STR: usize = 1024;

#[inline(always)]
pub(crate) const fn header(tag: u8, index: u16, length: u32) -> u64 {
    tag as u64 | (index as u64) << 8 | (length as u64) << 32
}

/// A stack of words that belongs to one thread.
///
/// User code (`Display`, a traced helper it calls) runs while an item is being written, and may push and pop items of
/// its own above it. So nothing here holds a reference across such code: every access reads the cursor again.
#[derive(Debug)]
pub(crate) struct Scratch {
    words: UnsafeCell<Vec<u64>>,
    busy: Cell<bool>,
    /// How many spans are open on this thread right now, one inside the other, and items under construction. The top belongs
    /// to the one that came last.
    depth: Cell<u32>,
}

impl Scratch {
    pub(crate) const fn new() -> Self {
        Self { words: UnsafeCell::new(Vec::new()), busy: Cell::new(false), depth: Cell::new(0) }
    }

    /// Runs `f` on the words. The only foreign code `f` may run is the allocator.
    #[inline(always)]
    fn with<R>(&self, f: impl FnOnce(&mut Vec<u64>) -> R) -> R {
        self.busy.set(true);
        // SAFETY: `Scratch` is not `Sync`, and an allocator that is itself traced finds `busy` set and stays away, so
        // this is the only reference to the vector while `f` runs.
        let result = f(unsafe { &mut *self.words.get() });
        self.busy.set(false);
        result
    }

    /// Whether the scratch is in use further up the call stack: nothing may be recorded then.
    #[inline(always)]
    pub(crate) fn busy(&self) -> bool {
        self.busy.get()
    }

    #[inline(always)]
    pub(crate) fn depth(&self) -> u32 {
        self.depth.get()
    }

    /// Says that the top belongs to somebody new; returns the depth they have.
    #[inline(always)]
    pub(crate) fn descend(&self) -> u32 {
        self.depth.set(self.depth.get() + 1);
        self.depth.get()
    }

    #[inline(always)]
    pub(crate) fn ascend(&self) {
        self.depth.set(self.depth.get() - 1);
    }

    pub(crate) fn extend(&self, items: &[u64]) {
        self.with(|words| words.extend_from_slice(items));
    }

    #[inline(always)]
    pub(crate) fn position(&self) -> usize {
        self.with(|words| words.len())
    }

    /// Forgets everything above `position`.
    #[inline(always)]
    pub(crate) fn truncate(&self, position: usize) {
        self.with(|words| words.truncate(position));
    }

    /// Copies what lies above `position` to `f`, which must not call back into the scratch.
    #[inline(always)]
    pub(crate) fn above<R>(&self, position: usize, f: impl FnOnce(&[u64]) -> R) -> R {
        self.with(|words| f(words.get(position..).unwrap_or_default()))
    }

    #[inline(always)]
    pub(crate) fn word(&self, header: u64, value: u64) {
        self.with(|words| words.extend_from_slice(&[header, value]));
    }

    #[inline(always)]
    pub(crate) fn push(&self, word: u64) {
        self.with(|words| words.push(word));
    }

    #[inline]
    pub(crate) fn str(&self, tag: u8, index: u16, text: &str) {
        let text = cut(text, MAX_STR);
        self.with(|words| {
            words.push(header(tag, index, text.len() as u32));
            extend_bytes(words, text.as_bytes());
        });
    }

    /// Writes what `value` displays. A panic in it leaves the scratch as it was.
    pub(crate) fn display(&self, tag: u8, index: u16, value: &dyn fmt::Display) {
        let item = self.begin(tag, index);
        let mut text = Text { scratch: self, start: self.position(), length: 0, limit: MAX_STR };
        // An error of the formatter is not ours to report; what it wrote so far is kept.
        let _ = fmt::write(&mut text, format_args!("{value}"));
        let length = text.length;
        item.finish(length as u32);
    }

    /// Starts an item whose length is not known yet.
    pub(crate) fn begin(&self, tag: u8, index: u16) -> Writing<'_> {
        let head = self.position();
        self.push(header(tag, index, 0));
        self.descend();
        Writing { scratch: self, head, done: false }
    }
}

/// An item under construction; dropped without `finish` (a panic in user code) it takes itself back.
#[must_use = "call `finish`, otherwise the item is taken back"]
#[derive(Debug)]
pub(crate) struct Writing<'a> {
    scratch: &'a Scratch,
    head: usize,
    done: bool,
}

impl Writing<'_> {
    /// Sets the length the header carries.
    pub(crate) fn finish(mut self, length: u32) {
        self.done = true;
        let head = self.head;
        self.scratch.with(|words| words[head] |= u64::from(length) << 32);
    }

    /// Sets the length to the number of words written since `begin`.
    pub(crate) fn finish_words(self) {
        let length = self.scratch.position() - self.head - 1;
        self.finish(length as u32);
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.scratch.truncate(self.head);
        }
        self.scratch.ascend();
    }
}

/// Appends text to the item on top of the scratch, up to [`MAX_STR`] bytes.
struct Text<'a> {
    scratch: &'a Scratch,
    start: usize,
    length: usize,
    /// What is left out must not be followed by anything, so the first cut brings this down to `length`.
    limit: usize,
}

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let whole = text.len();
        let text = cut(text, self.limit - self.length);
        let (start, length) = (self.start, self.length);
        self.scratch.with(|words| {
            words.resize(start + (length + text.len()).div_ceil(8), 0);
            // SAFETY: `resize` made room for `length + text.len()` bytes after `start`, and `text` is not part of the
            // scratch.
            unsafe {
                let payload = words.as_mut_ptr().add(start).cast::<u8>();
                std::ptr::copy_nonoverlapping(text.as_ptr(), payload.add(length), text.len());
            }
        });
        self.length += text.len();
        if text.len() < whole {
            self.limit = self.length;
        }
        Ok(())
    }
}

#[inline]
fn extend_bytes(words: &mut Vec<u64>, bytes: &[u8]) {
    let (whole, rest) = bytes.as_chunks::<8>();
    words.extend(whole.iter().map(|bytes| u64::from_ne_bytes(*bytes)));
    if !rest.is_empty() {
        let mut word = [0; 8];
        word[..rest.len()].copy_from_slice(rest);
        words.push(u64::from_ne_bytes(word));
    }
}

/// The longest start of `text` that has at most `limit` bytes and ends between characters.
#[inline]
pub(crate) fn cut(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    &text[..text.floor_char_boundary(limit)]
}

/// One item as it is read back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item<'a> {
    pub(crate) tag: u8,
    pub(crate) index: u16,
    pub(crate) payload: Payload<'a>,
}

/// What an item holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Payload<'a> {
    Word(u64),
    Str(&'a str),
    Words(&'a [u64]),
    Nothing,
}

/// Reads items until the words end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Items<'a>(pub(crate) &'a [u64]);

impl<'a> Iterator for Items<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        let (&head, rest) = self.0.split_first()?;
        let (tag, index, length) = (head as u8, (head >> 8) as u16, (head >> 32) as usize);
        let words = match tag {
            INT | DOUBLE | BOOL => 1,
            STR | TRACE_STATE => length.div_ceil(8),
            CANCELLED => 0,
            _ => length,
        };
        let (payload, rest) = rest.split_at_checked(words)?;
        self.0 = rest;
        let payload = match tag {
            INT | DOUBLE | BOOL => Payload::Word(payload[0]),
            STR | TRACE_STATE => Payload::Str(text(payload, length)),
            CANCELLED => Payload::Nothing,
            _ => Payload::Words(payload),
        };
        Some(Item { tag, index, payload })
    }
}

fn text(words: &[u64], length: usize) -> &str {
    // SAFETY: words are plain bytes without padding, and `length` bytes fit into them by the caller's division.
    let bytes = unsafe { std::slice::from_raw_parts(words.as_ptr().cast::<u8>(), length) };
    // Only whole `str`s are written, so this check never fails; it costs little beside encoding them.
    std::str::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(scratch: &Scratch) -> Vec<(u8, u16, String)> {
        scratch.above(0, |words| {
            Items(words)
                .map(|item| {
                    let text = match item.payload {
                        Payload::Word(word) => word.to_string(),
                        Payload::Str(text) => text.to_owned(),
                        Payload::Words(words) => format!("{} words", words.len()),
                        Payload::Nothing => String::new(),
                    };
                    (item.tag, item.index, text)
                })
                .collect()
        })
    }

    #[test]
    fn items_read_back_as_written() {
        let scratch = Scratch::new();
        scratch.word(header(INT, 1, 0), 7);
        scratch.str(STR, 2, "BTCUSDT and more");
        scratch.str(STR, 3, "");
        scratch.display(STR, 4, &format_args!("{}-{}", "left", 12));
        let list = scratch.begin(LIST, 5);
        scratch.str(STR, 0, "a");
        scratch.word(header(INT, 0, 0), 1);
        list.finish_words();
        assert_eq!(
            read(&scratch),
            [
                (INT, 1, "7".to_owned()),
                (STR, 2, "BTCUSDT and more".to_owned()),
                (STR, 3, String::new()),
                (STR, 4, "left-12".to_owned()),
                (LIST, 5, "4 words".to_owned()),
            ]
        );
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let scratch = Scratch::new();
        let long = "ä".repeat(1000);
        scratch.str(STR, 0, &format!("x{long}"));
        scratch.display(STR, 1, &format_args!("x{long}"));
        let items = read(&scratch);
        assert_eq!(items[0].2.len(), 1023);
        assert_eq!(items[0].2, items[1].2);
    }

    #[test]
    fn a_panicking_display_leaves_nothing_behind() {
        struct Bad;
        impl fmt::Display for Bad {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("partial text")?;
                panic!("no");
            }
        }
        let scratch = Scratch::new();
        scratch.word(header(INT, 1, 0), 7);
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| scratch.display(STR, 1, &Bad)));
        assert!(result.is_err());
        assert_eq!(read(&scratch), [(INT, 1, "7".to_owned())]);
    }

    #[test]
    fn text_written_in_pieces_crosses_word_borders() {
        let scratch = Scratch::new();
        scratch.display(STR, 0, &format_args!("{}{}{}", "abc", "defghij", "klmnopqrstuvw"));
        assert_eq!(read(&scratch)[0].2, "abcdefghijklmnopqrstuvw");
    }

    #[test]
    fn nothing_follows_what_was_cut() {
        let scratch = Scratch::new();
        scratch.display(STR, 0, &format_args!("{}{}{}", "x".repeat(MAX_STR - 1), "ä", "y"));
        assert_eq!(read(&scratch)[0].2, "x".repeat(MAX_STR - 1));
    }

    #[test]
    fn words_that_end_early_end_the_items() {
        assert_eq!(Items(&[header(STR, 0, 100), 1]).count(), 0);
        assert_eq!(Items(&[header(INT, 0, 0)]).count(), 0);
    }
}
