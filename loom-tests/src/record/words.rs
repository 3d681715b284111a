//! The memory of a chunk, with the interface of `runtime/src/record/words.rs`: reading what nobody has written, and
//! touching what another thread touches at the same time, fail the model.

use loom::cell::UnsafeCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// What was written at once lies in one cell, under the place where it begins: a cell for each word would be slow.
pub(crate) struct Words {
    pieces: Mutex<BTreeMap<usize, Piece>>,
    length: usize,
}

#[derive(Clone)]
struct Piece {
    /// The words themselves never change after they are written; the cell watches who reads and who overwrites them.
    words: Arc<[u64]>,
    watch: Arc<Watch>,
}

struct Watch(UnsafeCell<()>);

// SAFETY: loom checks every access to the cell.
unsafe impl Send for Watch {}
// SAFETY: as above.
unsafe impl Sync for Watch {}

impl Words {
    pub(crate) fn new(length: usize) -> Self {
        Self { pieces: Mutex::default(), length }
    }

    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// The pieces that lie between `from` and `to`, if only in part. Loom must not switch threads while this is locked.
    fn between(&self, from: usize, to: usize) -> Vec<(usize, Piece)> {
        let pieces = self.pieces.lock().expect("no thread of a model panics here");
        let ends_after = |(at, piece): &(&usize, &Piece)| **at + piece.words.len() > from;
        pieces.range(..to).filter(ends_after).map(|(at, piece)| (*at, piece.clone())).collect()
    }

    /// # Safety
    ///
    /// None is needed here; the runtime's own function asks for what loom checks.
    pub(crate) unsafe fn write(&self, at: usize, words: &[u64]) {
        assert!(at + words.len() <= self.length, "{} words at {at} do not fit into {}", words.len(), self.length);
        let overwritten = self.between(at, at + words.len());
        for (_, piece) in &overwritten {
            piece.watch.0.with_mut(|_| ());
        }
        let piece = Piece { words: words.into(), watch: Arc::new(Watch(UnsafeCell::new(()))) };
        piece.watch.0.with_mut(|_| ());
        let mut pieces = self.pieces.lock().expect("no thread of a model panics here");
        // What is left of a piece that was overwritten in part is nothing that may be read, unless one word of it was changed.
        for (start, old) in overwritten {
            pieces.remove(&start);
            if words.len() == 1 {
                let (before, after) = (&old.words[..at - start], &old.words[at + 1 - start..]);
                for (start, rest) in [(start, before), (at + 1, after)] {
                    if !rest.is_empty() {
                        pieces.insert(start, Piece { words: rest.into(), watch: Arc::clone(&old.watch) });
                    }
                }
            }
        }
        pieces.insert(at, piece);
    }

    /// # Safety
    ///
    /// As for `write`.
    pub(crate) unsafe fn read<R>(&self, from: usize, to: usize, f: impl FnOnce(&[u64]) -> R) -> R {
        assert!(from <= to && to <= self.length, "{from}..{to} is not within {}", self.length);
        let pieces = self.between(from, to);
        // Until `f` has returned, whoever writes here fails the model.
        let _reading: Vec<_> = pieces.iter().map(|(_, piece)| piece.watch.0.get()).collect();
        let mut words = Vec::with_capacity(to - from);
        for (at, piece) in &pieces {
            let end = (at + piece.words.len()).min(to);
            assert!(*at <= from + words.len(), "nobody has written word {}", from + words.len());
            words.extend_from_slice(&piece.words[from + words.len() - at..end - at]);
        }
        assert_eq!(words.len(), to - from, "nobody has written the last words of {from}..{to}");
        f(&words)
    }
}
