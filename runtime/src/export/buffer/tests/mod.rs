//! The log as a whole; damage, models and ends of processes have files of their own.

mod damage;
mod ends;
mod fuzz;
mod model;
mod speed;

use super::*;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A directory that is removed with this value.
pub(super) struct Scratch(pub(super) PathBuf);

impl Scratch {
    pub(super) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("otelier-buffer-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder for temporary files");
        Self(path)
    }

    pub(super) fn settings(&self) -> DiskBuffer {
        DiskBuffer::in_directory(&self.0).with_sync(Sync::Never)
    }

    pub(super) fn open(&self) -> Log {
        Log::open(&self.settings(), "spans-1").expect("the log opens")
    }

    pub(super) fn slot(&self, number: u32) -> PathBuf {
        self.0.join("spans-1").join(number.to_string())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// A record with this many items, whose bytes tell its number.
pub(super) fn append(log: &mut Log, number: u64, length: usize) -> Result<(), AppendError> {
    append_at(log, number, length, &Now::here())
}

fn append_at(log: &mut Log, number: u64, length: usize, now: &Now) -> Result<(), AppendError> {
    let body = body(number, length);
    log.append(&Record { items: number, bodies: &[(1, &body), (7, b"")] }, now)
}

pub(super) fn body(number: u64, length: usize) -> Vec<u8> {
    let mut body = number.to_le_bytes().to_vec();
    body.resize(length.max(8), number as u8);
    body
}

/// The number of a record.
pub(super) fn number(stored: &Stored) -> u64 {
    assert_eq!(stored.bodies.len(), 2);
    let (encoding, bytes) = &stored.bodies[0];
    assert_eq!((*encoding, &stored.bodies[1]), (1, &(7, Vec::new())));
    let number = u64::from_le_bytes(bytes[..8].try_into().expect("8 bytes"));
    assert_eq!((stored.items, bytes), (number, &body(number, bytes.len())), "it is what was appended");
    number
}

pub(super) fn next(log: &mut Log) -> Option<Stored> {
    log.next(&Now::here()).expect("it can be read")
}

/// Acknowledges everything.
pub(super) fn drain(log: &mut Log) -> Vec<u64> {
    let mut numbers = Vec::new();
    while let Some(stored) = next(log) {
        numbers.push(number(&stored));
        assert!(log.acknowledge(stored.position).expect("the cursor is written"));
    }
    numbers
}

pub(super) fn segments(slot: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(slot).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|name| name == "log"));
    paths.sort();
    paths
}

#[test]
fn what_is_appended_comes_back_in_order_until_it_is_acknowledged() {
    let scratch = Scratch::new();
    let mut log = scratch.open();
    assert_eq!(next(&mut log), None);
    for number in 1..=3 {
        append(&mut log, number, 100).expect("it is taken");
    }
    assert_eq!((log.waiting().own_items, log.waiting().records), (6, 3));
    let first = next(&mut log).expect("the first");
    assert_eq!(number(&first), 1);
    assert!(first.is_own && !first.maybe_sent);
    assert_eq!(next(&mut log), Some(first.clone()), "the same one again");
    assert!(log.acknowledge(first.position).expect("the cursor is written"));
    assert!(!log.acknowledge(first.position).expect("nothing is written"), "it is not waiting any more");
    assert_eq!(drain(&mut log), [2, 3]);
    assert_eq!((log.waiting().own_items, log.waiting().records), (0, 0));
    assert_eq!(log.take_losses(), Losses::default());
}

#[test]
fn a_later_process_gets_what_is_left_first_and_knows_what_was_on_its_way() {
    let scratch = Scratch::new();
    let mut log = scratch.open();
    (1..=4).for_each(|number| append(&mut log, number, 100).expect("it is taken"));
    let first = next(&mut log).expect("the first");
    log.acknowledge(first.position).expect("the cursor is written");
    let second = next(&mut log).expect("the second");
    drop(log);

    let mut log = scratch.open();
    append(&mut log, 5, 100).expect("it is taken");
    assert_eq!((log.waiting().own_items, log.waiting().earlier_items, log.waiting().records), (5, 9, 4));
    let again = next(&mut log).expect("the second");
    assert_eq!(again.bodies, second.bodies);
    assert!(again.maybe_sent && !again.is_own);
    log.acknowledge(again.position).expect("the cursor is written");
    let third = next(&mut log).expect("the third");
    assert!(!third.maybe_sent && !third.is_own);
    log.put_back(third.position);
    drop(log);

    let mut log = scratch.open();
    let third = next(&mut log).expect("the third");
    assert!(!third.maybe_sent, "it was put back");
    assert_eq!(drain(&mut log), [3, 4, 5]);
    append(&mut log, 6, 100).expect("it is taken");
    assert_eq!((drain(&mut log), segments(&scratch.slot(0)).len()), (vec![6], 1));
    log.close().expect("the disk keeps it");
    assert!(segments(&scratch.slot(0)).is_empty(), "nothing is left");
}

#[test]
fn two_logs_at_once_have_slots_of_their_own_and_the_last_one_empties_all() {
    let scratch = Scratch::new();
    let (mut one, mut two) = (scratch.open(), scratch.open());
    let now = Now::here();
    let at = |seconds: u64| Now { wall: now.wall - Duration::from_secs(10 - seconds), ..now };
    append_at(&mut one, 1, 100, &at(1)).expect("it is taken");
    append_at(&mut two, 2, 100, &at(2)).expect("it is taken");
    append_at(&mut one, 3, 100, &at(3)).expect("it is taken");
    let mut three = scratch.open();
    assert_eq!(next(&mut three), None, "both are alive");
    drop((one, two));
    three.adopt();
    append(&mut three, 4, 100).expect("it is taken");
    assert_eq!(three.waiting().earlier_items, 6);
    let mut numbers = drain(&mut three);
    assert_eq!(numbers.pop(), Some(4), "the own one comes last");
    assert_eq!(numbers, [1, 2, 3], "by time");
    // They were left, so that others may have them.
    assert_eq!(scratch.open().own.number, 0);
}

#[test]
fn the_copy_of_a_forks_child_writes_nothing() {
    let scratch = Scratch::new();
    let mut log = scratch.open();
    append(&mut log, 1, 100).expect("it is taken");
    let given = next(&mut log).expect("the first");
    let files = || -> Vec<_> {
        let entries = fs::read_dir(scratch.slot(0)).expect("it is there");
        let mut files: Vec<_> =
            entries.map(|entry| fs::read(entry.expect("a file").path()).expect("its bytes")).collect();
        files.sort();
        files
    };
    let before = files();
    log.own.pretend_forked();
    assert!(matches!(append(&mut log, 2, 100), Err(AppendError::Io(_))));
    assert!(log.next(&Now::here()).is_err());
    assert!(!log.acknowledge(given.position).expect("nothing is written"));
    log.put_back(given.position);
    log.close().expect("there is nothing to do");
    assert_eq!(files(), before);
}

#[test]
fn a_log_without_work_finds_what_a_process_left_that_ended_meanwhile() {
    let scratch = Scratch::new();
    let (mut one, mut two) = (scratch.open(), scratch.open());
    append(&mut one, 1, 100).expect("it is taken");
    drop(one);
    assert_eq!(next(&mut two), None, "it has looked a moment ago");
    let later = Now { running: Instant::now() + LOOK_EVERY, ..Now::here() };
    assert_eq!(two.next(&later).expect("it can be read").map(|stored| number(&stored)), Some(1));
}

#[test]
fn a_log_is_never_larger_than_it_may_be_and_takes_more_when_it_has_room() {
    let scratch = Scratch::new();
    let settings = scratch.settings().with_max_bytes(1 << 20);
    let mut log = Log::open(&settings, "spans-1").expect("the log opens");
    assert!(matches!(append(&mut log, 1, 1 << 20), Err(AppendError::TooLarge(_))));
    let on_disk = || -> u64 { segments(&scratch.slot(0)).iter().map(|path| path.metadata().unwrap().len()).sum() };
    let mut random = Random(1);
    let (mut number_of_next, mut waiting) = (1, std::collections::VecDeque::new());
    let mut refused = 0;
    for _ in 0..3000 {
        match append(&mut log, number_of_next, random.below(60_000)) {
            Ok(()) => waiting.push_back(number_of_next),
            Err(AppendError::Full) => refused += 1,
            Err(error) => panic!("{error}"),
        }
        number_of_next += 1;
        assert!(on_disk() <= 1 << 20);
        assert_eq!(log.waiting().bytes, on_disk());
        if random.below(3) == 0 || refused % 50 == 49 {
            let stored = next(&mut log).expect("one is there");
            assert_eq!(Some(number(&stored)), waiting.pop_front());
            log.acknowledge(stored.position).expect("the cursor is written");
        }
    }
    assert!(refused > 100, "{refused}");
    assert_eq!(drain(&mut log), Vec::from(waiting));
    // As large as the whole log, when everything has arrived.
    append(&mut log, 1, (1 << 20) - 200).expect("it is taken");
    assert_eq!(drain(&mut log), [1]);
    append(&mut log, 2, (1 << 20) - 200).expect("it is taken");
    assert_eq!(drain(&mut log), [2]);
}

#[test]
fn what_is_too_old_is_passed_over_and_counted() {
    let scratch = Scratch::new();
    let settings = scratch.settings().with_max_age(Duration::from_secs(60));
    let now = Now::here();
    let after = |seconds| {
        let time = Duration::from_secs(seconds);
        Now { wall: now.wall + time, running: now.running + time }
    };
    let mut log = Log::open(&settings, "spans-1").expect("the log opens");
    append_at(&mut log, 1, 10, &after(0)).expect("it is taken");
    append_at(&mut log, 2, 10, &after(50)).expect("it is taken");
    append_at(&mut log, 3, 10, &after(100)).expect("it is taken");
    assert_eq!(log.next(&after(30)).expect("it can be read").map(|stored| number(&stored)), Some(1));
    let second = log.next(&after(70)).expect("it can be read").expect("the second");
    assert_eq!((number(&second), log.take_losses().expired_own), (2, 1));
    drop(log);
    let mut log = Log::open(&settings, "spans-1").expect("the log opens");
    let third = log.next(&after(120)).expect("it can be read").expect("the third");
    assert_eq!((number(&third), log.take_losses().expired_earlier), (3, 2));
    assert_eq!(log.next(&after(300)).expect("it can be read"), None);
    assert_eq!((log.take_losses().expired_earlier, log.waiting().records), (3, 0));
    assert!(!log.acknowledge(third.position).expect("nothing is written"), "it is counted as expired");
}

#[test]
fn a_clock_that_steps_loses_nothing_that_is_not_old() {
    let scratch = Scratch::new();
    let (now, year) = (Now::here(), Duration::from_secs(366 * 24 * 60 * 60));
    let step = |wall| Now { wall, ..now };
    let clocks = [now.wall, now.wall - 5 * year, now.wall + 20 * year, std::time::UNIX_EPOCH];
    for clock in clocks {
        let mut log = scratch.open();
        append_at(&mut log, 1, 10, &step(clock)).expect("it is taken");
        for clock in clocks {
            assert!(
                log.next(&step(clock)).expect("it can be read").is_some(),
                "the own one has a clock that only runs"
            );
        }
        drop(log);
        let mut log = scratch.open();
        for clock in [clock, now.wall + 3 * year, now.wall - 30 * year, now.wall + 40 * year] {
            assert!(log.next(&step(clock)).expect("it can be read").is_some());
        }
        // Whose age cannot be known goes when this log has been open so long.
        let later = Now { wall: clock + 40 * year, running: Instant::now() + Duration::from_secs(25 * 60 * 60) };
        assert_eq!(log.next(&later).expect("it can be read"), None);
    }
}

#[test]
fn a_write_that_fails_halfway_leaves_nothing_and_hinders_nobody() {
    let scratch = Scratch::new();
    let mut log = scratch.open();
    append(&mut log, 1, 100).expect("it is taken");
    for most in [0, 3, 39, 40, 90] {
        log.fail_after(Some(most));
        assert!(matches!(append(&mut log, 2, 100), Err(AppendError::Io(_))));
        log.fail_after(None);
        append(&mut log, 3, 50).expect("it is taken");
    }
    assert_eq!(log.waiting().records, 6);
    log.fail_after(Some(60));
    append(&mut log, 2, 100).expect_err("the disk is full");
    drop(log);
    let mut log = scratch.open();
    assert_eq!(drain(&mut log), [1, 3, 3, 3, 3, 3]);
    assert_eq!(log.take_losses(), Losses::default());
}

#[test]
fn what_is_to_be_synced_is_known_and_when() {
    let scratch = Scratch::new();
    let settings = scratch.settings().with_max_bytes(1 << 20);
    let mut log = Log::open(&settings.clone().with_sync(Sync::Every(Duration::from_secs(5))), "a").expect("it opens");
    let now = Now::here();
    let later = Now { running: now.running + Duration::from_secs(5), ..now };
    assert!(log.next_sync_in(&now).is_none() && log.due_sync(&later).is_none());
    append_at(&mut log, 1, 10, &now).expect("it is taken");
    assert!(log.due_sync(&now).is_none());
    assert_eq!(log.next_sync_in(&now), Some(Duration::from_secs(5)));
    log.due_sync(&later).expect("it is due").sync().expect("the disk keeps it");
    assert!(log.next_sync_in(&later).is_none() && log.due_sync(&later).is_none());
    append_at(&mut log, 2, 100_000, &now).expect("it is taken");
    append_at(&mut log, 3, 100_000, &now).expect("it is taken");
    log.due_sync(&now).expect("a file is full").sync().expect("the disk keeps it");
    assert!(log.sync().is_ok());
    for sync in [Sync::Always, Sync::Never] {
        let mut log = Log::open(&settings.clone().with_sync(sync), "b").expect("it opens");
        append_at(&mut log, 1, 10, &now).expect("it is taken");
        assert!(log.due_sync(&later).is_none() && log.next_sync_in(&later).is_none());
        assert!(log.sync().is_ok());
    }
}

#[cfg(unix)]
#[test]
fn files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    let settings = DiskBuffer::in_directory(scratch.0.join("made"));
    append(&mut Log::open(&settings, "spans-1").expect("the log opens"), 1, 10).expect("it is taken");
    let mode = |path: &Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
    let slot = scratch.0.join("made/spans-1/0");
    for directory in [scratch.0.join("made"), scratch.0.join("made/spans-1"), slot.clone()] {
        assert_eq!(mode(&directory), 0o700, "{}", directory.display());
    }
    let files: Vec<_> = fs::read_dir(slot).expect("it is there").map(|entry| entry.expect("a file").path()).collect();
    assert_eq!(files.len(), 3, "{files:?}");
    files.iter().for_each(|file| assert_eq!(mode(file), 0o600, "{}", file.display()));
}

#[test]
fn what_cannot_be_a_buffer_is_refused_with_its_path() {
    let scratch = Scratch::new();
    for name in ["", "..", "a/b", ".hidden", "é"] {
        let error = Log::open(&scratch.settings(), name).expect_err("no name of a directory");
        assert!(error.to_string().contains("no name of a directory"), "{error}");
    }
    fs::write(scratch.0.join("spans-1"), "a file").expect("it is written");
    let error = Log::open(&scratch.settings(), "spans-1").expect_err("it is a file");
    assert!(error.to_string().contains("spans-1"), "{error}");
}
