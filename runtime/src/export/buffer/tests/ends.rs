//! Processes that end suddenly, and disks that are full. The child is this binary again, with one of these tests.

use super::*;
use crate::config::Variables;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

const CHILD: &str = "export::buffer::tests::ends::a_child_that_appends_and_acknowledges_until_it_is_killed";

fn child(directory: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this binary"))
        .args([CHILD, "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env("OTELIER_BUFFER_TEST", directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts")
}

/// Says what it has done, a line each: `+n` is appended, `>n` given, `-n` about to be acknowledged.
#[test]
#[ignore = "a child of the test below"]
fn a_child_that_appends_and_acknowledges_until_it_is_killed() {
    let Some(directory) = Variables::of_the_process().get("OTELIER_BUFFER_TEST").map(PathBuf::from) else { return };
    let settings = DiskBuffer::in_directory(directory).with_max_bytes(1 << 20).with_sync(Sync::Never);
    let mut log = Log::open(&settings, "spans-1").expect("the log opens");
    let mut said = std::io::stdout().lock();
    let mut random = Random(u64::from(std::process::id()) << 20 | 1);
    let first = u64::from(std::process::id()) << 32;
    for number in first.. {
        let length = random.below(20_000);
        let body = body(number, length);
        let appended = log.append(&Record { items: number, bodies: &[(1, &body), (7, b"")] }, &Now::here());
        if appended.is_ok() {
            writeln!(said, "+{number}").expect("the parent reads");
        }
        if random.below(3) > 0
            && let Some(stored) = next(&mut log)
        {
            let number = super::number(&stored);
            writeln!(said, ">{number}").expect("the parent reads");
            if random.below(4) > 0 {
                writeln!(said, "-{number}").expect("the parent reads");
                log.acknowledge(stored.position).expect("the cursor is written");
            }
        }
    }
}

#[test]
fn what_was_taken_survives_kill_9_and_at_most_one_record_comes_twice() {
    let scratch = Scratch::new();
    let mut random = Random(99);
    // Of each record that waits: whether it was given.
    let mut waits: BTreeMap<u64, bool> = BTreeMap::new();
    for _ in 0..12 {
        let mut child = child(&scratch.0);
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut acknowledged = None;
        let mut first = None;
        let (mut read, enough) = (0, 100 + random.below(400));
        let mut told = Vec::new();
        while let Some(Ok(line)) = lines.next() {
            told.push(line);
            read += 1;
            if read == enough {
                // What is in the pipe is still read.
                child.kill().expect("it runs");
            }
        }
        assert!(!child.wait().expect("it has ended").success() && read >= enough, "it was killed: {told:?}");
        for line in &told {
            // The last line may be cut, and others are of the test harness.
            let number = line.get(1..).and_then(|number| number.parse::<u64>().ok()).filter(|number| *number > 1 << 32);
            let Some(number) = number else { continue };
            match line.as_bytes()[0] {
                b'+' => _ = waits.insert(number, false),
                b'>' => {
                    first = first.or(Some(number));
                    waits.insert(number, true);
                }
                b'-' => {
                    acknowledged = Some(number);
                    waits.remove(&number);
                }
                _ => {}
            }
        }
        let mut log = Log::open(&scratch.settings().with_max_bytes(1 << 20), "spans-1").expect("the log opens");
        let mut found = Vec::new();
        let mut in_doubt = Vec::new();
        // Half of the time the next child has to do with it.
        if random.below(2) == 0 {
            while let Some(stored) = next(&mut log) {
                found.push(number(&stored));
                in_doubt.extend(stored.maybe_sent.then(|| number(&stored)));
                log.acknowledge(stored.position).expect("the cursor is written");
            }
            for number in waits.keys() {
                assert!(found.contains(number), "{number} was taken, and is lost");
            }
            // Beyond those: one that was taken before it could say so, and one that was being acknowledged.
            let more: Vec<_> = found.iter().filter(|number| !waits.contains_key(number)).collect();
            let twice = more.iter().filter(|number| Some(***number) == acknowledged).count();
            assert!(twice <= 1 && more.len() <= 1 + twice, "{more:?}, {acknowledged:?}");
            assert!(in_doubt.len() <= 1, "{in_doubt:?}");
            for (number, _) in waits.iter().filter(|(_, was_given)| **was_given) {
                assert_eq!(in_doubt, [*number], "it was on its way");
            }
            waits.clear();
        }
        let losses = log.take_losses();
        assert_eq!((losses.damaged_places, losses.files), (0, 0), "{losses:?}");
        assert!(losses.torn <= 1, "{losses:?}");
    }
}

/// A small file system that is ended with this value.
#[cfg(target_os = "linux")]
struct Small(Scratch);

#[cfg(target_os = "linux")]
impl Small {
    fn new() -> Option<Self> {
        let scratch = Scratch::new();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=600k", "tmpfs"]).arg(&scratch.0).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then(|| Self(scratch))
    }
}

#[cfg(target_os = "linux")]
impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0.0).status();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full_refuses_and_takes_again_when_it_has_room() {
    let Some(small) = Small::new() else {
        eprintln!("skipped: this user cannot mount a file system in memory");
        return;
    };
    let mut log = small.0.open();
    let (mut taken, mut refused, mut given) = (Vec::new(), 0, Vec::new());
    for number in 1..=300 {
        match append(&mut log, number, 20_000) {
            Ok(()) => taken.push(number),
            Err(AppendError::Io(error)) => {
                assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{error}");
                refused += 1;
            }
            Err(error) => panic!("{error}"),
        }
        if number % 60 == 0 {
            given.extend(drain(&mut log));
            // Something else takes the room, and gives it back.
            let other = small.0.0.join("other");
            let _ = fs::write(&other, vec![1; 600 << 10]);
            while append(&mut log, 0, 20_000).is_ok() {
                taken.push(0);
            }
            assert!(matches!(append(&mut log, 0, 20_000), Err(AppendError::Io(_))));
            fs::remove_file(other).expect("it was there");
            assert_eq!(log.take_losses(), Losses::default());
        }
    }
    assert!(refused > 60 && taken.len() > 60, "{refused} {}", taken.len());
    given.extend(drain(&mut log));
    assert_eq!(given, taken);
    (1..=10).for_each(|number| append(&mut log, number, 20_000).expect("there is room"));
    drop(log);
    assert_eq!(drain(&mut small.0.open()), Vec::from_iter(1..=10));
}
