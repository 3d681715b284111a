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
//! ERROR                  `length` words: time, then the error's type and the Rust type (STR or STATIC), then what there is of
//!                        STR message, STR stack trace and LIST sources; `index` is its class, see `outcome`
//! TRACE_STATE            like STR: the `tracestate` header of the trace
//! CANCELLED              no payload
//! NAME                   like STR: the span's name, where it is known only at run time
//! KEYED                  `length` words: STR key, then the value: an attribute whose key is known only at run time
//! NAMED_EVENT            `length` words: time, STR name, then items; `index` says what the time is
//! LINK                   `length` words: trace id (two words), span id, flags, STR `tracestate`, then items
//! STATUS                 like STR: the description; `index` is the status code
//! STATIC                 two words: address and length of a `&'static str`
//! DROPPED                one word: how many of what `index` says (see below) a limit has kept out
//! ```
//!
//! `index` is the position of the attribute's key in the call site's list of keys.

use std::cell::Cell;
use std::fmt;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

pub(crate) const INT: u8 = 1;
pub(crate) const DOUBLE: u8 = 2;
pub(crate) const BOOL: u8 = 3;
pub(crate) const STR: u8 = 4;
pub(crate) const LIST: u8 = 5;
pub(crate) const EVENT: u8 = 6;
pub(crate) const ERROR: u8 = 7;
pub(crate) const TRACE_STATE: u8 = 8;
pub(crate) const CANCELLED: u8 = 9;
pub(crate) const NAME: u8 = 10;
pub(crate) const KEYED: u8 = 11;
/// The index of such an attribute if it is not the span's own, but of the context that the span began in.
pub(crate) const OF_CONTEXT: u16 = 1;
pub(crate) const NAMED_EVENT: u8 = 12;
pub(crate) const LINK: u8 = 13;
pub(crate) const STATUS: u8 = 14;
pub(crate) const DROPPED: u8 = 15;
pub(crate) const STATIC: u8 = 16;

/// `index` of a `DROPPED` item.
pub(crate) mod dropped {
    pub(crate) const ATTRIBUTES: u16 = 0;
    pub(crate) const EVENTS: u16 = 1;
    pub(crate) const LINKS: u16 = 2;
}

/// Bit in the `index` of a `NAMED_EVENT` whose time is nanoseconds of Unix time, whatever the span's times are.
pub(crate) const UNIX_TIME: u16 = 1;
/// Bit in the `index` of a `NAMED_EVENT` that is the exception of a panic.
pub(crate) const OF_PANIC: u16 = 2;

/// `index` of a `STATUS` item, by the numbers of OTLP.
pub(crate) mod status {
    pub(crate) const UNSET: u16 = 0;
    pub(crate) const OK: u16 = 1;
    pub(crate) const ERROR: u16 = 2;
}

/// The longest value of a string attribute in characters unless configured.
pub(crate) const DEFAULT_MAX_STR: usize = 1024;

/// The longest value of a string attribute, in characters; of a longer one the start is kept.
static MAX_STR: AtomicUsize = AtomicUsize::new(DEFAULT_MAX_STR);

pub(crate) fn set_max_str(characters: usize) {
    MAX_STR.store(characters, Relaxed);
}

#[inline(always)]
pub(crate) const fn header(tag: u8, index: u16, length: u32) -> u64 {
    tag as u64 | (index as u64) << 8 | (length as u64) << 32
}

/// The item that says where a text is that stays there.
#[inline(always)]
pub(crate) fn static_item(text: &'static str) -> [u64; 3] {
    [header(STATIC, 0, 0), text.as_ptr().expose_provenance() as u64, text.len() as u64]
}

/// The index in a header.
pub(crate) const fn index_of(header: u64) -> u16 {
    (header >> 8) as u16
}

/// A stack of words that belongs to one thread.
///
/// User code (`Display`, a traced helper it calls) runs while an item is being written, and may push and pop items of
/// its own above it. So nothing here holds a reference across such code: every access reads the cells again.
#[derive(Debug)]
pub(crate) struct Scratch {
    /// The parts of a `Vec<u64>`, apart so that a store needs no exclusive reference.
    words: Cell<*mut u64>,
    length: Cell<usize>,
    capacity: Cell<usize>,
    busy: Cell<bool>,
    /// How many items are under construction, one inside the other.
    writing: Cell<u32>,
    /// How many items that bear their names were written, or may have been.
    keyed: Cell<u64>,
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // SAFETY: these are the parts of the vector that `grow` took apart, or of an empty one.
        drop(unsafe { Vec::from_raw_parts(self.words.get(), 0, self.capacity.get()) });
    }
}

impl Scratch {
    pub(crate) const fn new() -> Self {
        Self {
            words: Cell::new(std::ptr::NonNull::dangling().as_ptr()),
            length: Cell::new(0),
            capacity: Cell::new(0),
            busy: Cell::new(false),
            writing: Cell::new(0),
            keyed: Cell::new(0),
        }
    }

    /// How many [`KEYED`] items were written, or may have been: while the number stays, no record has got one.
    #[inline]
    pub(crate) fn keyed_so_far(&self) -> u64 {
        self.keyed.get()
    }

    /// Says that items which were not written here are about to be recorded.
    #[inline]
    pub(crate) fn note(&self, items: &[u64]) {
        if has_keyed(items) {
            self.note_keyed();
        }
    }

    fn note_keyed(&self) {
        self.keyed.set(self.keyed.get() + 1);
    }

    /// Runs `f`, which may call the allocator while the thread's state is in pieces, so that no span may begin.
    #[inline(always)]
    pub(crate) fn while_busy<R>(&self, f: impl FnOnce() -> R) -> R {
        struct Busy<'a>(&'a Cell<bool>, bool);
        impl Drop for Busy<'_> {
            fn drop(&mut self) {
                self.0.set(self.1);
            }
        }
        let _busy = Busy(&self.busy, self.busy.replace(true));
        f()
    }

    /// Whether the thread's state is in use further up the call stack, by the way of a traced allocator: nothing may be
    /// recorded then.
    #[inline(always)]
    pub(crate) fn busy(&self) -> bool {
        self.busy.get()
    }

    /// Whether an item is under construction, so that the top belongs to nobody else.
    #[inline(always)]
    pub(crate) fn is_writing(&self) -> bool {
        self.writing.get() > 0
    }

    /// Runs `f`, which writes an item; it may panic.
    pub(crate) fn while_writing(&self, f: impl FnOnce()) {
        struct Ends<'a>(&'a Scratch);
        impl Drop for Ends<'_> {
            fn drop(&mut self) {
                self.0.end_writing();
            }
        }
        self.begin_writing();
        let _ends = Ends(self);
        f();
    }

    /// Says that an item is under construction, until [`end_writing`](Self::end_writing).
    pub(crate) fn begin_writing(&self) {
        self.writing.set(self.writing.get() + 1);
    }

    pub(crate) fn end_writing(&self) {
        self.writing.set(self.writing.get() - 1);
    }

    #[inline(always)]
    pub(crate) fn position(&self) -> usize {
        self.length.get()
    }

    /// Forgets everything above `position`.
    #[inline(always)]
    pub(crate) fn truncate(&self, position: usize) {
        if position < self.length.get() {
            self.length.set(position);
        }
    }

    /// Makes room for `more` words above the top, and gives the place of the first of them.
    #[inline(always)]
    fn room(&self, more: usize) -> *mut u64 {
        if self.capacity.get() - self.length.get() < more {
            self.grow(more);
        }
        // SAFETY: the length is never above the capacity.
        unsafe { self.words.get().add(self.length.get()) }
    }

    #[cold]
    #[inline(never)]
    fn grow(&self, more: usize) {
        self.while_busy(|| {
            let (words, length, capacity) = (self.words.get(), self.length.get(), self.capacity.get());
            // SAFETY: these are the parts of the vector taken apart below, or of an empty one, and an allocator that is
            // itself traced finds `busy` set and stays away.
            let vector = unsafe { Vec::from_raw_parts(words, length, capacity) };
            // If the allocator panics, the vector must not be freed: the cells still hold its parts.
            let mut vector = ManuallyDrop::new(vector);
            vector.reserve(more.max(64));
            self.words.set(vector.as_mut_ptr());
            self.capacity.set(vector.capacity());
        });
    }

    /// Runs `f` on the words above `position`.
    ///
    /// `f` must not record anything, or the words move away under it; the collector and the allocator are all it may call,
    /// inside of [`while_busy`](Self::while_busy).
    #[inline(always)]
    pub(crate) fn above<R>(&self, position: usize, f: impl FnOnce(&[u64]) -> R) -> R {
        let Some(words) = self.length.get().checked_sub(position) else { return f(&[]) };
        // SAFETY: words below the length are initialised, and `f` leaves them where they are.
        f(unsafe { std::slice::from_raw_parts(self.words.get().add(position), words) })
    }

    /// Takes the words from `position` on away, after `f` has seen them. The rules of `above` hold, and `position` is not
    /// above the top.
    #[inline(always)]
    pub(crate) fn take<R>(&self, position: usize, f: impl FnOnce(&[u64]) -> R) -> R {
        debug_assert!(position <= self.length.get());
        let words = self.length.replace(position) - position;
        // SAFETY: words below the length are initialised, and `f` leaves them where they are.
        f(unsafe { std::slice::from_raw_parts(self.words.get().add(position), words) })
    }

    /// Lets `f` edit the words above `position`; it returns how many of them stay. The rules of `above` hold.
    pub(crate) fn edit(&self, position: usize, f: impl FnOnce(&mut [u64]) -> usize) {
        let words = self.length.get() - position.min(self.length.get());
        let position = self.length.get() - words;
        // SAFETY: as in `above`, and there is no other reference: `f` records nothing.
        let left = f(unsafe { std::slice::from_raw_parts_mut(self.words.get().add(position), words) });
        self.length.set(position + left.min(words));
    }

    /// Appends whole items.
    pub(crate) fn extend_items(&self, items: &[u64]) {
        self.note(items);
        self.extend(items);
    }

    /// Appends words that are no [`KEYED`] item.
    #[inline]
    pub(crate) fn extend(&self, items: &[u64]) {
        let to = self.room(items.len());
        // SAFETY: `room` made room, and `items` are not part of the scratch, which nobody has a reference into.
        unsafe { std::ptr::copy_nonoverlapping(items.as_ptr(), to, items.len()) };
        self.length.set(self.length.get() + items.len());
    }

    #[inline(always)]
    pub(crate) fn word(&self, header: u64, value: u64) {
        if self.capacity.get() - self.length.get() < 2 {
            return self.word_slowly(header, value);
        }
        // SAFETY: there is room for two words.
        unsafe {
            let to = self.words.get().add(self.length.get());
            to.write(header);
            to.add(1).write(value);
        }
        self.length.set(self.length.get() + 2);
    }

    #[cold]
    #[inline(never)]
    fn word_slowly(&self, header: u64, value: u64) {
        self.push(header);
        self.push(value);
    }

    #[inline(always)]
    pub(crate) fn push(&self, word: u64) {
        // SAFETY: `room` made room for the word.
        unsafe { self.room(1).write(word) };
        self.length.set(self.length.get() + 1);
    }

    /// Writes text, cut to the longest value, under a header whose length is 0 so far.
    #[inline(always)]
    pub(crate) fn str(&self, header: u64, text: &str) {
        let words = 1 + text.len().div_ceil(8);
        if text.len() > MAX_STR.load(Relaxed) || self.capacity.get() - self.length.get() < words {
            return self.str_slowly(header, text);
        }
        // SAFETY: there is room for the header and for the text in whole words, of which the last is zeroed first.
        unsafe {
            let to = self.words.get().add(self.length.get());
            self.length.set(self.length.get() + words);
            to.add(words - 1).write(0);
            to.write(header | (text.len() as u64) << 32);
            std::ptr::copy_nonoverlapping(text.as_ptr(), to.add(1).cast(), text.len());
        }
    }

    #[cold]
    #[inline(never)]
    fn str_slowly(&self, header: u64, text: &str) {
        self.whole_str(header, cut_to_limit(text));
    }

    /// Writes text whatever its length.
    pub(crate) fn whole_str(&self, header: u64, text: &str) {
        let words = 1 + text.len().div_ceil(8);
        let to = self.room(words);
        // SAFETY: as in `str`, after `room` made room.
        unsafe {
            to.add(words - 1).write(0);
            to.write(header | (text.len() as u64) << 32);
            std::ptr::copy_nonoverlapping(text.as_ptr(), to.add(1).cast(), text.len());
        }
        self.length.set(self.length.get() + words);
    }

    /// Writes what `value` displays. A panic in it leaves the scratch as it was.
    #[inline]
    pub(crate) fn display(&self, tag: u8, index: u16, value: &dyn fmt::Display) {
        self.display_up_to(tag, index, value, MAX_STR.load(Relaxed));
    }

    /// The same with another longest value, in characters.
    pub(crate) fn display_up_to(&self, tag: u8, index: u16, value: &dyn fmt::Display, limit: usize) {
        let item = self.begin(tag, index);
        let mut text = Text { scratch: self, start: self.position(), length: 0, limit };
        // An error of the formatter is not ours to report; what it wrote so far is kept.
        let _ = fmt::write(&mut text, format_args!("{value}"));
        let length = text.length;
        item.finish(length as u32);
    }

    /// Starts an item whose length is not known yet.
    pub(crate) fn begin(&self, tag: u8, index: u16) -> Writing<'_> {
        let head = self.position();
        if tag == KEYED {
            self.note_keyed();
        }
        self.push(header(tag, index, 0));
        self.begin_writing();
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
        if self.head < self.scratch.length.get() {
            // SAFETY: the word is below the length, and nobody has a reference to it.
            unsafe { *self.scratch.words.get().add(self.head) |= u64::from(length) << 32 };
        }
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
        self.scratch.end_writing();
    }
}

/// Appends text to the item on top of the scratch, up to a number of characters.
struct Text<'a> {
    scratch: &'a Scratch,
    start: usize,
    length: usize,
    limit: usize,
}

impl Text<'_> {
    /// How much of `text` fits. Characters are counted only where bytes do not tell.
    #[cold]
    #[inline(never)]
    fn cut<'t>(&self, text: &'t str) -> &'t str {
        let written = self.scratch.above(self.start, |words| self::text(words, self.length).chars().count());
        cut(text, self.limit.saturating_sub(written))
    }
}

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let text = if self.length + text.len() <= self.limit { text } else { self.cut(text) };
        let needed = (self.length + text.len()).div_ceil(8);
        let more = (self.start + needed).saturating_sub(self.scratch.position());
        let to = self.scratch.room(more);
        // SAFETY: `room` made room for `more` words, so the item's words, from `start` on, hold `length + text.len()` bytes.
        // What the text leaves of the last word is zeroed first. `text` is not part of the scratch.
        unsafe {
            if more > 0 {
                to.add(more - 1).write(0);
            }
            self.scratch.length.set(self.scratch.length.get() + more);
            let payload = self.scratch.words.get().add(self.start).cast::<u8>();
            std::ptr::copy_nonoverlapping(text.as_ptr(), payload.add(self.length), text.len());
        }
        self.length += text.len();
        Ok(())
    }
}

/// The longest value, in characters.
#[cfg(feature = "tracing")]
pub(crate) fn max_str() -> usize {
    MAX_STR.load(Relaxed)
}

/// The text, or its start if it is longer than a value may be.
pub(crate) fn cut_to_limit(text: &str) -> &str {
    cut(text, MAX_STR.load(Relaxed))
}

/// The first `limit` characters of `text`.
#[inline]
pub(crate) fn cut(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    text.char_indices().nth(limit).map_or(text, |(end, _)| &text[..end])
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

/// How many words follow an item's header.
#[inline]
pub(crate) fn payload_words(head: u64) -> usize {
    let length = (head >> 32) as usize;
    match head as u8 {
        INT | DOUBLE | BOOL | DROPPED => 1,
        STR | TRACE_STATE | NAME | STATUS => length.div_ceil(8),
        CANCELLED => 0,
        STATIC => 2,
        _ => length,
    }
}

/// Which tags there are among some items, one bit each, and whether an index of a plain attribute may come twice. Looks at
/// headers only.
#[inline]
pub(crate) fn survey(mut words: &[u64]) -> (u32, bool) {
    let (mut tags, mut seen, mut has_twins) = (0u32, 0u64, false);
    while let Some((&head, rest)) = words.split_first() {
        let tag = head as u8;
        tags |= 1 << (tag % 32);
        if tag <= LIST {
            let bit = 1 << (index_of(head) % 64);
            has_twins |= seen & bit != 0;
            seen |= bit;
        }
        words = rest.get(payload_words(head)..).unwrap_or_default();
    }
    (tags, has_twins)
}

/// Whether there is an attribute among some items that bears its name.
#[inline]
pub(crate) fn has_keyed(mut words: &[u64]) -> bool {
    while let Some((&head, rest)) = words.split_first() {
        if head as u8 == KEYED {
            return true;
        }
        words = rest.get(payload_words(head)..).unwrap_or_default();
    }
    false
}

/// Calls `f` with the tag and the index of each of some items, and with the words from that item on.
#[inline]
pub(crate) fn each_header<'a>(mut words: &'a [u64], mut f: impl FnMut(u8, u16, &'a [u64])) {
    while let Some((&head, rest)) = words.split_first() {
        f(head as u8, index_of(head), words);
        words = rest.get(payload_words(head)..).unwrap_or_default();
    }
}

/// Reads items until the words end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Items<'a>(pub(crate) &'a [u64]);

impl<'a> Iterator for Items<'a> {
    type Item = Item<'a>;

    #[inline]
    fn next(&mut self) -> Option<Item<'a>> {
        let (&head, rest) = self.0.split_first()?;
        let (tag, index, length) = (head as u8, index_of(head), (head >> 32) as usize);
        let (payload, rest) = rest.split_at_checked(payload_words(head))?;
        self.0 = rest;
        let payload = match tag {
            INT | DOUBLE | BOOL | DROPPED => Payload::Word(payload[0]),
            STR | TRACE_STATE | NAME | STATUS => Payload::Str(text(payload, length)),
            CANCELLED => Payload::Nothing,
            STATIC => Payload::Str(static_text(payload)),
            _ => Payload::Words(payload),
        };
        Some(Item { tag, index, payload })
    }
}

fn static_text(words: &[u64]) -> &'static str {
    let [address, length] = words else { return "" };
    let bytes = std::ptr::with_exposed_provenance::<u8>(*address as usize);
    // SAFETY: `static_str` stored the address and the length of a `&'static str` in these words, exposing its provenance.
    unsafe { std::str::from_utf8_unchecked(std::slice::from_raw_parts(bytes, *length as usize)) }
}

fn text(words: &[u64], length: usize) -> &str {
    // SAFETY: words are plain bytes without padding, and `length` bytes fit into them by the caller's division.
    let bytes = unsafe { std::slice::from_raw_parts(words.as_ptr().cast::<u8>(), length) };
    // SAFETY: only whole `str`s are written, and cut between characters.
    unsafe { std::str::from_utf8_unchecked(bytes) }
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
        scratch.str(header(STR, 2, 0), "BTCUSDT and more");
        scratch.str(header(STR, 3, 0), "");
        scratch.display(STR, 4, &format_args!("{}-{}", "left", 12));
        let list = scratch.begin(LIST, 5);
        scratch.str(header(STR, 0, 0), "a");
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
    fn a_long_value_is_cut_after_so_many_characters() {
        let scratch = Scratch::new();
        let long = "ä".repeat(2000);
        scratch.str(header(STR, 0, 0), &format!("x{long}"));
        scratch.display(STR, 1, &format_args!("x{long}"));
        let items = read(&scratch);
        assert_eq!(items[0].2.chars().count(), DEFAULT_MAX_STR);
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
        scratch.display(STR, 0, &format_args!("{}{}{}", "x".repeat(DEFAULT_MAX_STR - 1), "äöü", "y"));
        assert_eq!(read(&scratch)[0].2, format!("{}ä", "x".repeat(DEFAULT_MAX_STR - 1)));
    }

    #[test]
    fn a_traced_display_works_above_the_item_that_calls_it() {
        struct Outer<'a>(&'a Scratch);
        impl fmt::Display for Outer<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("before ")?;
                let position = self.0.position();
                self.0.display(STR, 9, &"x".repeat(5000));
                self.0.truncate(position);
                f.write_str("after")
            }
        }
        let scratch = Scratch::new();
        scratch.display(STR, 1, &Outer(&scratch));
        assert_eq!(read(&scratch), [(STR, 1, "before after".to_owned())]);
    }

    #[test]
    fn words_that_end_early_end_the_items() {
        assert_eq!(Items(&[header(STR, 0, 100), 1]).count(), 0);
        assert_eq!(Items(&[header(INT, 0, 0)]).count(), 0);
    }
}
