//! Files of which anything may be wrong.

use super::*;

/// A slot with one segment of records 1 to 3, and its bytes.
fn three() -> (Scratch, PathBuf, Vec<u8>) {
    let scratch = Scratch::new();
    let mut log = scratch.open();
    (1..=3).for_each(|number| append(&mut log, number, 30).expect("it is taken"));
    drop(log);
    let path = segments(&scratch.slot(0)).pop().expect("a segment");
    let bytes = fs::read(&path).expect("it can be read");
    (scratch, path, bytes)
}

/// What a new log makes of a slot whose first segment is this; a good one comes behind it.
fn reopened(scratch: &Scratch, path: &Path, bytes: &[u8]) -> (Vec<u64>, Losses) {
    let _ = fs::remove_dir_all(scratch.slot(0));
    let mut log = scratch.open();
    append(&mut log, 9, 30).expect("it is taken");
    drop(log);
    let good = segments(&scratch.slot(0)).pop().expect("a segment");
    fs::rename(&good, good.with_file_name("00000000000000ff.log")).expect("it is renamed");
    fs::write(path, bytes).expect("it is written");
    let mut log = scratch.open();
    append(&mut log, 10, 30).expect("it is taken");
    let mut numbers = drain(&mut log);
    assert_eq!(numbers.split_off(numbers.len() - 2), [9, 10], "what is in other segments comes");
    assert_eq!((log.waiting().records, log.waiting().own_items, log.waiting().earlier_items), (0, 0, 0));
    (numbers, log.take_losses())
}

const RECORD: usize = 40 + 4 + 5 + 30 + 5;

#[test]
fn of_a_file_that_is_cut_anywhere_the_whole_records_come() {
    let (scratch, path, bytes) = three();
    assert_eq!(bytes.len(), 24 + 3 * RECORD);
    for end in 0..=bytes.len() {
        let (numbers, losses) = reopened(&scratch, &path, &bytes[..end]);
        let whole = end.saturating_sub(24) / RECORD;
        assert_eq!(numbers, (1..=whole as u64).collect::<Vec<_>>(), "cut at {end}");
        let is_between = end >= 24 && (end - 24) % RECORD == 0;
        let is_counted = (losses.torn, losses.files, losses.damaged_places) == (1, 0, 0);
        assert!(if is_between { losses == Losses::default() } else { is_counted }, "cut at {end}: {losses:?}");
    }
}

#[test]
fn a_byte_that_is_wrong_costs_its_record_and_no_other() {
    let (scratch, path, bytes) = three();
    for at in 0..bytes.len() {
        for mask in [0x01, 0x80, 0xff] {
            let mut bytes = bytes.clone();
            bytes[at] ^= mask;
            let (numbers, losses) = reopened(&scratch, &path, &bytes);
            let hit = at.checked_sub(24).map(|at| (at / RECORD + 1) as u64);
            let left: Vec<u64> = (1..=3).filter(|number| hit.is_some_and(|hit| hit != *number)).collect();
            assert_eq!(numbers, left, "byte {at}");
            assert_eq!((losses.damaged_places, losses.files), (1, u64::from(hit.is_none())), "byte {at}: {losses:?}");
            let is_content = at >= 24 && (at - 24) % RECORD >= 40;
            assert_eq!(losses.damaged_earlier, if is_content { hit.unwrap_or(0) } else { 0 }, "byte {at}");
        }
    }
}

#[test]
fn zeros_and_noise_are_passed_over() {
    let (scratch, path, bytes) = three();
    let mut random = Random(7);
    let mut noise = |length: usize| -> Vec<u8> { (0..length).map(|_| random.below(256) as u8).collect() };
    let zeros = vec![0; 100_000];
    for (file, numbers) in [
        (Vec::new(), vec![]),
        (zeros.clone(), vec![]),
        (noise(200_000), vec![]),
        ([&bytes[..24 + RECORD], &zeros[..]].concat(), vec![1]),
        ([&bytes[..24 + RECORD], &zeros[..], &bytes[24 + RECORD..]].concat(), vec![1, 2, 3]),
        ([&bytes[..24 + RECORD], &noise(100_000), &bytes[24 + 2 * RECORD..]].concat(), vec![1, 3]),
        ([&bytes[..24], &b"\xa5REC".repeat(50_000)[..], &bytes[24..]].concat(), vec![1, 2, 3]),
    ] {
        let (found, losses) = reopened(&scratch, &path, &file);
        assert_eq!(found, numbers);
        assert_eq!(losses.torn + losses.damaged_places, 1, "{losses:?}");
    }
}

#[test]
fn what_looks_like_a_record_inside_of_a_body_is_none() {
    let (scratch, path, bytes) = three();
    let mut log = Log::open(&scratch.settings(), "other").expect("the log opens");
    // All of a segment as the body of a record, whose header is then damaged.
    log.append(&Record { items: 1, bodies: &[(1, &bytes)] }, &Now::here()).expect("it is taken");
    drop(log);
    let outer = segments(&scratch.0.join("other/0")).pop().expect("a segment");
    let mut file = fs::read(outer).expect("it can be read");
    file[30] ^= 1;
    assert_eq!(reopened(&scratch, &path, &file).0, [0; 0]);
}

#[test]
fn a_file_of_another_version_is_moved_aside_and_said() {
    let (scratch, path, mut bytes) = three();
    bytes[8] = 2;
    let sum = crc32fast::hash(&bytes[..20]);
    bytes[20..24].copy_from_slice(&sum.to_le_bytes());
    let (numbers, losses) = reopened(&scratch, &path, &bytes);
    assert_eq!((numbers.len(), losses.files), (0, 1));
    assert!(losses.notes.iter().any(|note| note.contains("version 2 of the format; expected 1")), "{losses:?}");
    let aside = path.with_extension("log.unreadable");
    assert_eq!(fs::read(&aside).expect("it is kept"), bytes);
    // It is said once, it counts, and it goes when its room is needed.
    let mut log = Log::open(&scratch.settings().with_max_bytes(1000), "spans-1").expect("the log opens");
    assert_eq!((log.take_losses(), log.waiting().bytes), (Losses::default(), bytes.len() as u64));
    append(&mut log, 1, 860).expect("it is taken");
    assert!(!aside.exists());
}

#[cfg(unix)]
#[test]
fn what_has_the_name_of_a_segment_and_is_none_is_left_alone() {
    let scratch = Scratch::new();
    let mut log = scratch.open();
    append(&mut log, 1, 10).expect("it is taken");
    drop(log);
    let slot = scratch.slot(0);
    fs::create_dir(slot.join(format!("{:016x}.log", 7))).expect("a directory");
    std::os::unix::fs::symlink("/dev/zero", slot.join(format!("{:016x}.log", 8))).expect("a link");
    let fifo = std::process::Command::new("mkfifo").arg(slot.join(format!("{:016x}.log", 9))).status();
    let count = 2 + u64::from(fifo.is_ok_and(|status| status.success()));
    fs::write(slot.join("notes.log"), "no number").expect("it is written");
    fs::write(slot.join("+00000000000000f.log"), "no number").expect("it is written");
    let mut log = scratch.open();
    append(&mut log, 2, 10).expect("it is taken");
    assert_eq!(drain(&mut log), [1, 2]);
    let losses = log.take_losses();
    assert_eq!((losses.files, losses.notes.len()), (count, count as usize), "{losses:?}");
    assert!(slot.join("notes.log").exists() && slot.join(format!("{:016x}.log", 7)).is_dir());
    drop(log);
    // A slot, a lock and a cursor that are something else.
    fs::remove_file(slot.join("cursor")).expect("it was there");
    fs::create_dir(slot.join("cursor")).expect("a directory");
    append(&mut scratch.open(), 3, 10).expect("it is taken");
    let mut log = scratch.open();
    let mut given = Vec::new();
    while let Some(stored) = next(&mut log) {
        given.push(number(&stored));
        assert!(log.acknowledge(stored.position).is_err(), "it cannot be written down");
    }
    assert_eq!(given, [2, 3], "the cursor was lost, and still nothing is given again by one process");
    drop(log);
    fs::remove_file(slot.join("lock")).expect("it was there");
    fs::create_dir(slot.join("lock")).expect("a directory");
    fs::write(scratch.slot(1), "a file").expect("it is written");
    assert_eq!(scratch.open().own.number, 2, "the first that can be one");
}

#[test]
fn a_cursor_that_is_lost_costs_no_record_and_says_which_may_come_twice() {
    let (scratch, _, _) = three();
    let mut log = scratch.open();
    let first = next(&mut log).expect("the first");
    log.acknowledge(first.position).expect("the cursor is written");
    drop(log);
    fs::write(scratch.slot(0).join("cursor"), [0xaa; 100]).expect("it is written");
    for _ in 0..2 {
        let mut log = scratch.open();
        let first = next(&mut log).expect("the first");
        assert_eq!((number(&first), first.maybe_sent), (1, true));
    }
    let mut log = scratch.open();
    assert_eq!(drain(&mut log), [1, 2, 3]);
}

#[test]
fn of_two_entries_of_the_cursor_one_is_enough() {
    let (scratch, path, bytes) = three();
    let mut log = scratch.open();
    let first = next(&mut log).expect("the first");
    log.acknowledge(first.position).expect("the cursor is written");
    drop(log);
    let cursor = scratch.slot(0).join("cursor");
    let entries = fs::read(&cursor).expect("it can be read");
    let mut seen = std::collections::BTreeSet::new();
    for at in 0..entries.len() {
        let mut entries = entries.clone();
        entries[at] ^= 0x10;
        fs::write(&cursor, entries).expect("it is written");
        fs::write(&path, &bytes).expect("it is written");
        let mut log = scratch.open();
        let first = next(&mut log).expect("one");
        // The newer entry is whole, or the older one, which says that the first record was on its way.
        assert_eq!(first.maybe_sent, number(&first) == 1);
        seen.insert(number(&first));
    }
    assert_eq!(Vec::from_iter(seen), [1, 2]);
}

#[test]
fn files_that_are_removed_or_cut_meanwhile_are_counted_and_what_follows_is_kept() {
    let scratch = Scratch::new();
    let settings = scratch.settings().with_max_bytes(1 << 20);
    let mut log = Log::open(&settings, "spans-1").expect("the log opens");
    let append = |log: &mut Log, number| append(log, number, 60_000).expect("it is taken");
    (1..=6).for_each(|number| append(&mut log, number));
    let files = segments(&scratch.slot(0));
    assert_eq!(files.len(), 3, "two to a file");
    fs::remove_file(&files[0]).expect("it was there");
    fs::File::options().write(true).open(&files[1]).and_then(|file| file.set_len(70_000)).expect("it is cut");
    fs::remove_file(&files[2]).expect("it was there");
    append(&mut log, 7);
    assert_eq!(drain(&mut log), [3, 7]);
    let losses = log.take_losses();
    assert_eq!((losses.damaged_own, losses.files), (1 + 2 + 4 + 5 + 6, 2), "{losses:?}");
    assert_eq!((log.waiting().own_items, log.waiting().records), (0, 0));
    // The one that is being written is cut.
    append(&mut log, 8);
    let file = segments(&scratch.slot(0)).pop().expect("a segment");
    fs::File::options().write(true).open(file).and_then(|file| file.set_len(100)).expect("it is cut");
    append(&mut log, 9);
    assert_eq!(drain(&mut log), [9]);
    append(&mut log, 10);
    assert_eq!(drain(&mut log), [10]);
    assert_eq!(log.take_losses().damaged_own, 8);
}

#[test]
fn a_directory_that_is_removed_meanwhile_is_made_anew() {
    let scratch = Scratch::new();
    let mut log = scratch.open();
    append(&mut log, 1, 100).expect("it is taken");
    let first = next(&mut log).expect("the first");
    fs::remove_dir_all(&scratch.0).expect("it was there");
    let mut other = scratch.open();
    append(&mut other, 5, 100).expect("it is taken");
    assert!(!log.acknowledge(first.position).expect("nothing is written"));
    append(&mut log, 2, 100).expect("it is taken");
    assert_ne!(log.own.number, other.own.number);
    assert_eq!(drain(&mut log), [2]);
    assert_eq!(drain(&mut other), [5]);
    let losses = log.take_losses();
    assert_eq!((losses.damaged_own, losses.files), (1, 1), "{losses:?}");
}
