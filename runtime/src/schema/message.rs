//! Sentences built while the compiler evaluates constants.

/// Text of limited length that can be put together in a `const fn`.
pub(super) struct Message {
    bytes: [u8; 1024],
    length: usize,
}

impl Message {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; 1024], length: 0 }
    }

    /// Appends `text`; what does not fit is left out.
    pub(super) const fn push(mut self, text: &str) -> Self {
        let text = text.as_bytes();
        let mut i = 0;
        while i < text.len() && self.length < self.bytes.len() {
            self.bytes[self.length] = text[i];
            self.length += 1;
            i += 1;
        }
        self
    }

    /// Appends the words as a list: `` `a`, `b` or `c` ``.
    pub(super) const fn push_list(mut self, words: &[&str]) -> Self {
        let mut i = 0;
        while i < words.len() {
            if i > 0 {
                self = self.push(if i + 1 == words.len() { " or " } else { ", " });
            }
            self = self.push("`").push(words[i]).push("`");
            i += 1;
        }
        self
    }

    pub(super) const fn as_str(&self) -> &str {
        match core::str::from_utf8(self.bytes.split_at(self.length).0) {
            Ok(text) => text,
            Err(_) => "the message is too long to be shown",
        }
    }
}

pub(super) const fn contains(words: &[&str], word: &str) -> bool {
    let mut i = 0;
    while i < words.len() {
        if equal(words[i].as_bytes(), word.as_bytes()) {
            return true;
        }
        i += 1;
    }
    false
}

pub(super) const fn equal(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// The word that differs least from `word`, if it is near enough to be meant.
pub(super) const fn nearest<'a>(words: &[&'a str], word: &str) -> Option<&'a str> {
    let mut best = None;
    let mut least = word.len() / 3 + 2;
    let mut i = 0;
    while i < words.len() {
        let distance = distance(words[i].as_bytes(), word.as_bytes());
        if distance < least {
            least = distance;
            best = Some(words[i]);
        }
        i += 1;
    }
    best
}

/// Levenshtein distance; of `b` only the first 64 bytes count.
const fn distance(a: &[u8], b: &[u8]) -> usize {
    let width = if b.len() > 64 { 64 } else { b.len() };
    let mut row = [0usize; 65];
    let mut j = 0;
    while j <= width {
        row[j] = j;
        j += 1;
    }
    let mut i = 1;
    while i <= a.len() {
        let mut diagonal = row[0];
        row[0] = i;
        let mut j = 1;
        while j <= width {
            let above = row[j];
            let replaced = diagonal + (a[i - 1] != b[j - 1]) as usize;
            let shifted = (if above < row[j - 1] { above } else { row[j - 1] }) + 1;
            row[j] = if replaced < shifted { replaced } else { shifted };
            diagonal = above;
            j += 1;
        }
        i += 1;
    }
    row[width]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_only_if_it_is_near() {
        assert_eq!(nearest(&["bronze", "silver", "gold"], "sliver"), Some("silver"));
        assert_eq!(nearest(&["bronze", "silver", "gold"], "platinum"), None);
    }

    #[test]
    fn a_list_ends_with_or() {
        assert_eq!(Message::new().push_list(&["a", "b", "c"]).as_str(), "`a`, `b` or `c`");
    }

    #[test]
    fn text_beyond_the_limit_is_left_out() {
        let mut message = Message::new();
        for _ in 0..200 {
            message = message.push("0123456789");
        }
        assert_eq!(message.as_str().len(), 1024);
    }
}
