//! Lines of several writers in files that are put aside.

use super::numbered::numbered;
use super::*;
use crate::config::Rotation;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// A folder of a test, which is removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("otelier-{name}-{}", std::process::id()));
        _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("spans.jsonl")
    }

    fn names(&self) -> Vec<String> {
        let files = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}

fn output(path: &Path, max_bytes: u64, max_files: u32) -> Output {
    let rotation = Rotation::default().with_max_bytes(max_bytes).with_max_files(max_files);
    Output::open(path, &OtlpFile::to(path).with_rotation(rotation)).unwrap()
}

/// A line with a name, 100 bytes long.
fn line(name: &str) -> Vec<u8> {
    let line = format!("{{\"resourceSpans\":\"{name:_<79}\"}}\n").into_bytes();
    assert_eq!(line.len(), 100, "{name}");
    line
}

fn write(output: &mut Output, name: &str) {
    output.write(&line(name)).unwrap();
}

/// How often each line of a folder is there; panics if one is not whole.
fn lines(folder: &Folder) -> BTreeMap<String, u32> {
    let mut found = BTreeMap::new();
    for name in folder.names().iter().filter(|name| name.ends_with(".jsonl")) {
        for line in folder.text(name).lines() {
            let text = line.strip_prefix("{\"resourceSpans\":\"").and_then(|line| line.strip_suffix("\"}"));
            *found.entry(text.expect(line).trim_end_matches('_').to_owned()).or_default() += 1;
        }
    }
    found
}

#[test]
fn full_files_are_put_aside_and_the_oldest_is_deleted() {
    let folder = Folder::new("aside");
    let mut output = output(&folder.file(), 250, 3);
    for number in 0..9 {
        write(&mut output, &number.to_string());
    }
    assert_eq!(folder.names(), ["spans.1.jsonl", "spans.2.jsonl", "spans.jsonl", "spans.jsonl.lock"]);
    let all: Vec<String> = lines(&folder).into_keys().collect();
    assert_eq!(all, ["4", "5", "6", "7", "8"], "two in each file, one in the last");
    assert!(folder.text("spans.1.jsonl").contains("7_") && folder.text("spans.2.jsonl").contains("5_"));
    // One that is larger than a file has a file of its own.
    output.write(&[b"{\"resourceSpans\":1}".repeat(30).as_slice(), b"\n"].concat()).unwrap();
    write(&mut output, "last");
    assert_eq!((folder.text("spans.jsonl").len(), folder.text("spans.1.jsonl").lines().count()), (100, 1));
}

#[test]
fn names_without_an_ending_and_gaps_are_no_obstacle() {
    assert_eq!(numbered("a/b".as_ref(), 1), PathBuf::from("a/b.1"));
    assert_eq!(numbered(".jsonl".as_ref(), 12), PathBuf::from(".jsonl.12"));
    assert_eq!(numbered("/x.y/a.b.jsonl".as_ref(), 3), PathBuf::from("/x.y/a.b.3.jsonl"));

    let folder = Folder::new("gaps");
    // As after the end of a process in the middle of a rotation.
    for (name, text) in [("spans.jsonl", "now"), ("spans.2.jsonl", "old"), ("spans.4.jsonl", "older")] {
        fs::write(folder.0.join(name), line(text)).unwrap();
    }
    let mut output = output(&folder.file(), 100, 5);
    write(&mut output, "a");
    assert!(folder.text("spans.1.jsonl").contains("now") && folder.text("spans.2.jsonl").contains("old"));
    write(&mut output, "b");
    assert!(folder.text("spans.3.jsonl").contains("old") && folder.text("spans.4.jsonl").contains("older"));
    write(&mut output, "c");
    assert_eq!(folder.names().len(), 5 + 1);
    assert!(folder.text("spans.4.jsonl").contains("old_"), "older is deleted");
}

#[test]
fn fewer_files_than_before_are_left_and_a_foreign_one_never_goes() {
    let folder = Folder::new("foreign");
    for (name, text) in [("1", "1"), ("2", "2"), ("3", "3"), ("4", "4"), ("2024", "5")] {
        fs::write(folder.0.join(format!("spans.{name}.jsonl")), line(text)).unwrap();
    }
    let mut small = output(&folder.file(), 100, 3);
    write(&mut small, "a");
    write(&mut small, "b");
    // 2024 is a year, most likely.
    assert_eq!(
        folder.names(),
        ["spans.1.jsonl", "spans.2.jsonl", "spans.2024.jsonl", "spans.jsonl", "spans.jsonl.lock"]
    );
    for foreign in ["notes", "{}"] {
        fs::write(folder.0.join("spans.2.jsonl"), foreign).unwrap();
        write(&mut small, foreign);
        assert_eq!(folder.text("spans.2.jsonl"), foreign);
    }
    assert_eq!(folder.text("spans.jsonl").lines().count(), 3, "written, but not rotated");
    fs::remove_file(folder.0.join("spans.2.jsonl")).unwrap();
    write(&mut small, "c");
    assert_eq!(folder.text("spans.jsonl").lines().count(), 1);
}

#[test]
fn files_that_were_put_aside_are_deleted_for_their_age() {
    let folder = Folder::new("age");
    for (name, hours) in [("1", 1), ("2", 3), ("3", 4)] {
        let path = folder.0.join(format!("spans.{name}.jsonl"));
        fs::write(&path, if name == "3" { b"mine".to_vec() } else { line(name) }).unwrap();
        let written = SystemTime::now() - Duration::from_secs(hours * 3600);
        File::options().append(true).open(path).unwrap().set_modified(written).unwrap();
    }
    let rotation = Rotation::default().with_max_age(Duration::from_secs(2 * 3600));
    let mut output = Output::open(&folder.file(), &OtlpFile::to(folder.file()).with_rotation(rotation)).unwrap();
    write(&mut output, "a");
    assert_eq!(folder.names(), ["spans.1.jsonl", "spans.3.jsonl", "spans.jsonl", "spans.jsonl.lock"]);
}

#[test]
fn what_others_rename_or_delete_is_made_anew() {
    for max_files in [0, 5] {
        let folder = Folder::new(&format!("renamed-{max_files}"));
        let file = folder.0.join("sub/spans.jsonl");
        fs::create_dir(folder.0.join("sub")).unwrap();
        let mut output = match max_files {
            0 => Output::open(&file, &OtlpFile::to(&file)).unwrap(),
            _ => output(&file, 1000, max_files),
        };
        write(&mut output, "a");
        fs::rename(&file, folder.file()).unwrap();
        write(&mut output, "b");
        fs::remove_file(&file).unwrap();
        write(&mut output, "c");
        assert!(folder.text("sub/spans.jsonl").contains("c_") && folder.text("spans.jsonl").contains("a_"));
        // The directory is gone, and comes back: what failed is counted, and all is well again.
        fs::remove_dir_all(folder.0.join("sub")).unwrap();
        assert_eq!(output.write(&line("d")).unwrap_err().kind(), io::ErrorKind::NotFound);
        fs::create_dir(folder.0.join("sub")).unwrap();
        write(&mut output, "e");
        assert!(folder.text("sub/spans.jsonl").contains("e_"));
    }
}

#[test]
fn a_line_stays_whole_behind_one_that_was_cut() {
    let folder = Folder::new("cut");
    fs::write(folder.file(), b"{\"resourceSp").unwrap();
    let mut plain = Output::open(&folder.file(), &OtlpFile::to(folder.file())).unwrap();
    write(&mut plain, "a");
    write(&mut plain, "b");
    let text = folder.text("spans.jsonl");
    assert_eq!(text.lines().map(str::len).collect::<Vec<_>>(), [12, 99, 99], "{text}");
}

#[test]
fn what_is_no_file_of_its_own_is_not_rotated() {
    let folder = Folder::new("link");
    let rotated = OtlpFile::to(folder.file()).with_rotation(Rotation::default());
    fs::create_dir(folder.file()).unwrap();
    let mut problems = ConfigError::default();
    assert!(Lines::open(&rotated, &mut problems).is_none());
    let text = problems.to_string();
    assert!(text.starts_with("`path` of `otelier/otlp_file` is `") && text.contains("only a regular file"), "{text}");
    assert_eq!(folder.names(), ["spans.jsonl"], "no lock was made");
}

#[test]
fn a_lock_that_a_hanging_process_holds_stops_no_line() {
    let folder = Folder::new("hangs");
    let mut output = output(&folder.file(), 150, 3);
    let holder = File::options().append(true).open(folder.0.join("spans.jsonl.lock")).unwrap();
    holder.try_lock().unwrap();
    for name in ["a", "b", "c"] {
        write(&mut output, name);
    }
    assert_eq!(folder.names(), ["spans.jsonl", "spans.jsonl.lock"]);
    drop(holder);
    write(&mut output, "d");
    assert_eq!(folder.names(), ["spans.1.jsonl", "spans.jsonl", "spans.jsonl.lock"]);
    assert_eq!(lines(&folder).values().sum::<u32>(), 4);
}

/// How many lines each writer writes.
const LINES: u32 = 400;

fn write_all(path: &Path, writer: &str, max_files: u32) {
    let mut output = output(path, 2000, max_files);
    for number in 0..LINES {
        write(&mut output, &format!("{writer}-{number}"));
    }
}

#[test]
fn lines_of_several_threads_and_processes_arrive_whole_and_once_while_files_are_rotated() {
    const CHILD: &str = "OTELIER_TEST_WRITES_TO";
    if let Some(path) = std::env::var_os(CHILD) {
        return write_all(path.as_ref(), &std::process::id().to_string(), 200);
    }
    let folder = Folder::new("several");
    let children: Vec<_> = (0..2)
        .map(|_| {
            let mut child = std::process::Command::new(std::env::current_exe().unwrap());
            let name = "lines_of_several_threads_and_processes_arrive_whole_and_once_while_files_are_rotated";
            child.args(["--exact", &format!("export::otlp_file::tests::{name}")]);
            child.env(CHILD, folder.file()).stdout(std::process::Stdio::null()).spawn().unwrap()
        })
        .collect();
    std::thread::scope(|scope| {
        for writer in ["x", "y"] {
            scope.spawn(|| write_all(&folder.file(), writer, 200));
        }
    });
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let all = lines(&folder);
    assert_eq!(all.len() as u32, 4 * LINES);
    assert!(all.values().all(|count| *count == 1), "{all:?}");
    // 20 lines in each file.
    assert_eq!(folder.names().len() as u32, 4 * LINES / 20 + 1);
}

#[test]
fn the_number_of_files_stays_bounded_whoever_writes() {
    let folder = Folder::new("bounded");
    std::thread::scope(|scope| {
        for writer in ["x", "y", "z"] {
            scope.spawn(|| write_all(&folder.file(), writer, 4));
        }
    });
    assert_eq!(folder.names(), ["spans.1.jsonl", "spans.2.jsonl", "spans.3.jsonl", "spans.jsonl", "spans.jsonl.lock"]);
    assert!(lines(&folder).values().all(|count| *count == 1));
}

/// `OTELIER_SMALL_DISK` names a directory on a file system of at most 1 MiB, such as one made by
/// `mount -t tmpfs -o size=64k tmpfs FOLDER`. Without it the test says so and passes.
#[test]
fn a_full_disk_fails_clearly_leaves_whole_lines_and_is_no_matter_once_there_is_room() {
    let Some(small) = std::env::var_os("OTELIER_SMALL_DISK") else {
        eprintln!("skipped: `OTELIER_SMALL_DISK` names no small file system");
        return;
    };
    for max_files in [0, 3] {
        let folder = Folder(PathBuf::from(&small).join(format!("full-{max_files}")));
        fs::create_dir_all(&folder.0).unwrap();
        let file = folder.file();
        let mut output = match max_files {
            0 => Output::open(&file, &OtlpFile::to(&file)).unwrap(),
            _ => output(&file, 1 << 30, max_files),
        };
        let long = |name: &str| [&line(name)[..97], &[b'_'; 2901][..], b"\"}\n"].concat();
        let ballast = folder.0.join("ballast");
        fs::write(&ballast, [0; 8192]).unwrap();
        let mut written = 0;
        let error = loop {
            match output.write(&long(&format!("a{written}"))) {
                Ok(()) => written += 1,
                Err(error) => break error,
            }
            assert!(written < 1000, "the disk is not small");
        };
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(output.write(&long("b")).is_err());
        fs::remove_file(ballast).unwrap();
        output.write(&long("c")).unwrap();
        let text = folder.text("spans.jsonl");
        let whole =
            text.lines().filter(|line| line.len() == 3000 && line.starts_with("{\"res") && line.ends_with("\"}"));
        assert_eq!(whole.count(), written + 1);
        let cut = text.lines().count() - written - 1;
        assert!(if max_files > 0 { cut == 0 } else { cut <= 2 }, "{cut} lines are cut");
    }
}
