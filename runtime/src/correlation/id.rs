//! Ids: made as UUIDs of version 7, or given and checked.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

/// The longest id that is accepted, in bytes.
pub const LONGEST_ID: usize = 128;

/// What cannot be part of a correlation context. It says what is accepted, and shows nothing of what was given, which may come
/// from a stranger.
///
/// ```
/// use otelier::CorrelationContext;
///
/// let error = CorrelationContext::with_id("two words").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "a correlation id has a character that is not accepted; expected 1 to 128 letters, digits and `-._~:/+=@#|`"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(pub(super) Why);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Empty,
    Long(usize),
    Character,
    Key,
    OwnMethod(&'static str),
    TooMany,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = format_args!("expected 1 to {LONGEST_ID} letters, digits and `-._~:/+=@#|`");
        match &self.0 {
            Why::Empty => write!(f, "a correlation id is empty; {expected}"),
            Why::Long(length) => write!(f, "a correlation id has {length} bytes; {expected}"),
            Why::Character => write!(f, "a correlation id has a character that is not accepted; {expected}"),
            Why::Key => write!(
                f,
                "a key of a correlation context is not accepted; expected 1 to {} letters, digits, `.`, `-` and `_`, such \
                 as `app.tenant`",
                crate::config::LONGEST_KEY
            ),
            Why::OwnMethod(method) => write!(f, "this key has a method of its own; call `{method}`"),
            Why::TooMany => {
                write!(
                    f,
                    "a correlation context has more than {} keys of your own; leave some out",
                    super::MOST_OWN_KEYS
                )
            }
        }
    }
}

impl std::error::Error for Invalid {}

/// Whether a text can be an id: what breaks no header, no line of a log and no baggage, and is no markup or placeholder to
/// whoever shows it.
pub(super) fn check(id: &str) -> Result<(), Invalid> {
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/+=@#|".contains(&byte);
    match id.len() {
        0 => Err(Invalid(Why::Empty)),
        length if length > LONGEST_ID => Err(Invalid(Why::Long(length))),
        _ if id.bytes().all(is_fit) => Ok(()),
        _ => Err(Invalid(Why::Character)),
    }
}

/// A UUID of version 7 ([RFC 9562](https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7)): ids of one process sort by the
/// order in which they were made.
pub(super) fn new() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // Keys of the operating system's, and what makes two calls differ, also in the copy of a process that a fork makes.
    let state = RandomState::new();
    let unique = (std::process::id(), now.as_nanos() as u64, LAST.load(Relaxed));
    let (random, start) = (state.hash_one((unique, 1_u8)), state.hash_one((unique, 2_u8)));
    let tick = next((now.as_millis() as u64) << 12 | start & 0x7ff);
    let mut bytes = [0; 10];
    bytes[..2].copy_from_slice(&((tick & 0xfff) as u16).to_be_bytes());
    bytes[2..].copy_from_slice(&random.to_be_bytes());
    let uuid = uuid::Builder::from_unix_timestamp_millis(tick >> 12, &bytes).into_uuid();
    uuid.hyphenated().to_string()
}

/// The last time in milliseconds, and 12 bits that count within it.
static LAST: AtomicU64 = AtomicU64::new(0);

/// This, or what follows the last one: a millisecond with too many ids borrows from the next, as the RFC allows.
fn next(wanted: u64) -> u64 {
    let mut last = LAST.load(Relaxed);
    loop {
        let tick = wanted.max(last + 1);
        match LAST.compare_exchange_weak(last, tick, Relaxed, Relaxed) {
            Ok(_) => return tick,
            Err(other) => last = other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn made_ids_are_of_version_7_in_order_and_say_the_time() {
        let before = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_millis() as u64;
        let ids: Vec<_> = (0..if cfg!(miri) { 50 } else { 10_000 }).map(|_| new()).collect();
        assert!(ids.is_sorted_by(|one, next| one < next));
        for id in &ids {
            let uuid = uuid::Uuid::parse_str(id).expect("a UUID");
            assert_eq!((uuid.get_version_num(), uuid.get_variant()), (7, uuid::Variant::RFC4122));
            assert_eq!(check(id), Ok(()));
        }
        let millis = u64::from_str_radix(&ids[0].replace('-', "")[..12], 16).expect("hexadecimal");
        assert!(millis >= before, "{millis} {before}");
    }

    #[test]
    fn ids_of_several_threads_differ() {
        // Miri takes its time.
        const EACH: usize = if cfg!(miri) { 20 } else { 5_000 };
        let make = || (0..EACH).map(|_| new()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(make)).collect();
        let all: HashSet<_> = threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect();
        assert_eq!(all.len(), 4 * EACH);
    }

    #[test]
    fn what_breaks_headers_logs_or_markup_is_no_id() {
        for id in [
            "",
            " ",
            "a b",
            "a\r\nx: y",
            "a\0",
            "a\tb",
            "é",
            "a,b",
            "a;b",
            "a\"b",
            "a\\b",
            "a%0ab",
            "${jndi:x}",
            "<b>",
            "{a}",
            "'",
            "`",
            "&",
            "\u{1b}[31m",
            &"x".repeat(129),
        ] {
            assert!(check(id).is_err(), "{id:.40}");
        }
        for id in ["a", "0190-f", "req_1.2~3", "YWJj+/==", "|4bf92f35.1", "a:b/c@d#e", &"x".repeat(128)] {
            assert_eq!(check(id), Ok(()), "{id:.40}");
        }
    }
}
