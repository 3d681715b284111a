//! The disk buffer: outages, processes that end suddenly, disks that are full.

use super::{
    ALL_PROTOCOLS, END, LONG, SHORT, at_the_deadline, check_usable, end, make, otlp, quick, script, start, until,
};
use crate::support::turn;
use otelier::config::{DiskBuffer, Otlp, Protocol, Sync};
use otelier::prelude::*;
use otelier::{ExporterStats, Stats};
use otelier_tests::{Behaviour, Receiver, SpanId};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Spans of a batch.
const BATCH: usize = 16;

/// A directory that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Relaxed);
        let path = std::env::temp_dir().join(format!("otelier-buffer-{name}-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn buffered(otlp: Otlp, folder: &Path) -> Telemetry {
    quick(otlp).with_disk_buffer(DiskBuffer::in_directory(folder).with_sync(Sync::Never))
}

/// Checks after a shutdown that every span of this process was delivered, is on the disk, or was counted.
fn check_sum(stats: &Stats, made: usize) -> &ExporterStats {
    let exporter = &stats.exporters[0];
    let counted = stats.dropped() + exporter.exported + exporter.failed + exporter.rejected + exporter.buffered;
    assert_eq!((stats.started, stats.open, exporter.pending), (made as u64, 0, 0), "{stats:?}");
    assert_eq!(counted, made as u64, "{stats:?}");
    exporter
}

#[test]
fn what_an_outage_held_up_arrives_after_it_in_its_order() {
    let _turn = turn();
    for protocol in ALL_PROTOCOLS {
        let folder = Folder::new("outage");
        let mut receiver = script(protocol, [Behaviour::Accept]);
        let telemetry = start(buffered(otlp(protocol, &receiver), &folder.0));
        let mut made = make(100);
        assert_eq!(receiver.wait_for_ids(100, LONG), 100, "{protocol:?}: {:?}", telemetry.stats());
        receiver.stop();
        let mut batches = Vec::new();
        for _ in 0..20 {
            let batch = make(BATCH);
            telemetry.force_flush(LONG).expect("a receiver that is gone does not hold up a flush");
            made.extend(&batch);
            batches.push(batch);
        }
        let during = telemetry.stats();
        let waiting = (20 * BATCH) as u64;
        assert_eq!((during.exporters[0].buffered, during.exporters[0].failed), (waiting, 0), "{during:?}");
        receiver.start_again().expect("the port was kept");
        assert_eq!(receiver.wait_for_ids(made.len(), LONG), made.len(), "{protocol:?}: {:?}", telemetry.stats());
        let stats = end(telemetry);
        assert_eq!(check_sum(&stats, made.len()).exported, made.len() as u64, "{stats:?}");
        assert_eq!((receiver.accepted_ids(), receiver.ids_twice().len()), (made, 0), "{protocol:?}");
        let arrivals = receiver.arrivals();
        let first = |batch: &BTreeSet<SpanId>| {
            arrivals.iter().position(|arrival| arrival.spans.iter().any(|id| batch.contains(id)))
        };
        assert!(batches.iter().map(first).is_sorted(), "{protocol:?}: not in their order");
    }
}

#[test]
fn what_a_shutdown_could_not_deliver_is_delivered_by_the_next_start() {
    let _turn = turn();
    for protocol in ALL_PROTOCOLS {
        for fault in [Behaviour::Fail(503), Behaviour::Hang, Behaviour::Disconnect] {
            let (folder, receiver, made, stats) = at_the_deadline(|| {
                let folder = Folder::new("restart");
                let receiver = script(protocol, [fault.clone()]);
                let settings = buffered(otlp(protocol, &receiver).with_timeout(SHORT), &folder.0);
                let telemetry = start(settings.with_shutdown_timeout(END));
                let made = make(100);
                let stats = telemetry.shutdown()?;
                Ok((folder, receiver, made, stats))
            });
            assert_eq!(check_sum(&stats, 100).buffered, 100, "{protocol:?}, {fault:?}: {stats:?}");
            receiver.answer([Behaviour::Accept]);
            let telemetry = start(buffered(otlp(protocol, &receiver), &folder.0));
            assert_eq!(receiver.wait_for_ids(100, LONG), 100, "{protocol:?}, {fault:?}: {:?}", telemetry.stats());
            let stats = end(telemetry);
            assert_eq!(check_sum(&stats, 0).replayed, 100, "{protocol:?}, {fault:?}: {stats:?}");
            assert_eq!((receiver.accepted_ids(), receiver.ids_twice().len()), (made, 0), "{protocol:?}, {fault:?}");
        }
    }
}

#[test]
fn what_is_refused_for_good_does_not_hold_up_what_is_behind_it() {
    let _turn = turn();
    for protocol in ALL_PROTOCOLS {
        let folder = Folder::new("refused");
        let refused = Behaviour::Status(tonic::Code::InvalidArgument);
        let receiver = script(protocol, [refused.clone(), refused, Behaviour::Accept]);
        let telemetry = start(buffered(otlp(protocol, &receiver), &folder.0));
        for _ in 0..4 {
            make(5);
            telemetry.force_flush(LONG).expect("in time");
        }
        let stats = end(telemetry);
        let exporter = check_sum(&stats, 20);
        assert_eq!((exporter.exported, exporter.failed, exporter.buffered), (10, 10, 0), "{protocol:?}: {stats:?}");
    }
}

#[test]
fn a_buffer_that_is_full_keeps_what_it_took_and_counts_the_rest() {
    let _turn = turn();
    let folder = Folder::new("full");
    let mut receiver = script(Protocol::HttpProtobuf, [Behaviour::Accept]).counting();
    receiver.stop();
    let settings = quick(otlp(Protocol::HttpProtobuf, &receiver)).with_max_export_batch_size(512);
    let buffer = DiskBuffer::in_directory(&folder.0).with_max_bytes(DiskBuffer::MIN_BYTES).with_sync(Sync::Never);
    // What does not fit waits in memory, of which there is not much either.
    let retry = settings.retry.clone().with_max_pending_bytes(64 << 10);
    let telemetry = start(settings.with_retry(retry).with_disk_buffer(buffer));
    for _ in 0..60 {
        make(500);
        telemetry.force_flush(LONG).expect("in time");
    }
    let during = telemetry.stats();
    let exporter = &during.exporters[0];
    let kept = (exporter.buffered + exporter.pending) as usize;
    assert!(exporter.buffered > 1000 && exporter.failed > 1000, "{during:?}");
    let bytes: u64 = files(&folder.0).iter().map(|file| std::fs::metadata(file).map_or(0, |data| data.len())).sum();
    assert!(bytes <= DiskBuffer::MIN_BYTES + (64 << 10), "{bytes}");
    receiver.start_again().expect("the port was kept");
    assert!(receiver.wait_for_ids(kept, LONG) >= kept, "{:?}", telemetry.stats());
    let stats = end(telemetry);
    assert_eq!(check_sum(&stats, 30_000).exported, receiver.accepted_ids().len() as u64, "{stats:?}");
}

/// All files below a directory.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn files_that_are_cut_off_or_overwritten_lose_what_was_in_them_and_nothing_else() {
    let _turn = turn();
    for damage in ["cut", "overwritten", "appended", "emptied"] {
        let (folder, receiver, made) = at_the_deadline(|| {
            let folder = Folder::new("damaged");
            let receiver = script(Protocol::HttpProtobuf, [Behaviour::Fail(503)]);
            let settings = buffered(otlp(Protocol::HttpProtobuf, &receiver), &folder.0);
            let telemetry = start(settings.with_shutdown_timeout(END));
            let made = make(100);
            telemetry.shutdown()?;
            Ok((folder, receiver, made))
        });
        let largest =
            files(&folder.0).into_iter().max_by_key(|file| std::fs::metadata(file).map_or(0, |data| data.len()));
        let largest = largest.expect("a file");
        let mut bytes = std::fs::read(&largest).expect("it is there");
        let middle = bytes.len() / 2;
        match damage {
            "cut" => bytes.truncate(bytes.len() - 7),
            "overwritten" => bytes[middle..middle + 8].fill(0xff),
            "appended" => bytes.extend([0xff; 99]),
            _ => bytes.clear(),
        }
        std::fs::write(&largest, bytes).expect("it can be written");
        receiver.answer([Behaviour::Accept]);
        let telemetry = start(buffered(otlp(Protocol::HttpProtobuf, &receiver), &folder.0));
        let after = make(20);
        telemetry.force_flush(LONG).expect("in time");
        until("the new spans arrive", || receiver.accepted_ids().is_superset(&after));
        let stats = end(telemetry);
        assert_eq!(check_sum(&stats, 20).exported, 20, "{damage}: {stats:?}");
        let (accepted, all) = (receiver.accepted_ids(), &made | &after);
        assert!(accepted.is_subset(&all), "{damage}: spans that nobody made");
        println!("{damage}: {} of 100 arrived after all: {stats:?}", accepted.len() - after.len());
        assert!(damage == "emptied" || accepted.len() > after.len(), "{damage}: what was whole is lost, too");
        assert!(damage != "appended" || accepted == all, "{damage}: what was whole is lost, too");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn pipelines_that_start_and_end_again_and_again_leave_nothing_behind() {
    let _turn = turn();
    let folder = Folder::new("again");
    let receiver = script(Protocol::HttpProtobuf, [Behaviour::Accept]);
    let count = |path: &Path| std::fs::read_dir(path).expect("it is there").count();
    let open = || [count(Path::new("/proc/self/fd")), count(Path::new("/proc/self/task"))];
    let mut first = [usize::MAX; 2];
    for round in 0..40 {
        let telemetry = start(buffered(otlp(Protocol::HttpProtobuf, &receiver).with_timeout(LONG), &folder.0));
        make(5);
        assert_eq!(check_sum(&end(telemetry), 5).exported, 5);
        if round == 5 {
            first = open();
        }
    }
    // The receiver is in this process, too, and needs a moment to see that nobody is there any more.
    until("files and threads are gone", || open().iter().zip(first).all(|(now, then)| *now <= then + 3));
    assert_eq!(count(&folder.0.join("spans-1")), 1, "the slot is used again: {:?}", files(&folder.0));
    assert!(files(&folder.0).len() <= 3, "{:?}", files(&folder.0));
}

const CHILD: &str = "OTELIER_TEST_BUFFER";

/// What the process below was told: the receiver, the directory, and what to do.
fn told() -> Option<(Otlp, PathBuf, String)> {
    let text = |name: &str| std::env::var_os(format!("{CHILD}_{name}")).and_then(|value| value.into_string().ok());
    let protocol = if text("PROTOCOL")? == "grpc" { Protocol::Grpc } else { Protocol::HttpProtobuf };
    let otlp = Otlp::to(text("ENDPOINT")?).with_protocol(protocol).with_timeout(LONG);
    Some((otlp, text("FOLDER")?.into(), text("WORK")?))
}

/// Says which spans a flush has left to the buffer or the receiver, until it is killed.
fn load(otlp: Otlp, folder: &Path) {
    let telemetry = start(buffered(otlp, folder));
    let mut lines = std::io::stdout();
    loop {
        let made = make(4 * BATCH);
        telemetry.force_flush(LONG).expect("in time");
        let stats = telemetry.stats();
        let exporter = &stats.exporters[0];
        assert_eq!((stats.dropped(), exporter.failed, exporter.pending), (0, 0, 0), "{stats:?}");
        let ids: Vec<String> = made.iter().map(|id| format!("{:016x}", u64::from_be_bytes(*id))).collect();
        writeln!(lines, "\ntaken {}", ids.join(" ")).expect("somebody reads");
    }
}

#[test]
#[ignore = "the other tests of this file start it as a program"]
fn the_child() {
    match told() {
        Some((otlp, folder, work)) if work == "load" => load(otlp, &folder),
        Some((otlp, folder, _)) => {
            let telemetry = start(buffered(otlp, &folder));
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            println!("\nstats {:?}", end(telemetry));
        }
        None => {}
    }
}

/// This test's program as another process.
struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Process {
    fn start(protocol: Protocol, receiver: &Receiver, folder: &Path, work: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this binary"));
        command.args(["faults::buffer::the_child", "--exact", "--ignored", "--nocapture"]);
        let protocol = if protocol == Protocol::Grpc { "grpc" } else { "http" };
        command.env(format!("{CHILD}_PROTOCOL"), protocol).env(format!("{CHILD}_ENDPOINT"), receiver.endpoint());
        command.env(format!("{CHILD}_FOLDER"), folder).env(format!("{CHILD}_WORK"), work);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { input: child.stdin.take(), child, output }
    }

    /// Reads until so many spans were taken.
    fn taken(&mut self, count: usize) -> BTreeSet<SpanId> {
        let mut taken = BTreeSet::new();
        while taken.len() < count {
            taken.extend(self.line().expect("it goes on"));
        }
        taken
    }

    /// The ids of the next line; `None` at the end. A line that breaks off says nothing.
    fn line(&mut self) -> Option<Vec<SpanId>> {
        let mut line = String::new();
        if self.output.read_line(&mut line).expect("it can be read") == 0 {
            return None;
        }
        let ids = line.strip_suffix('\n').and_then(|line| line.strip_prefix("taken ")).unwrap_or_default();
        let ids = ids.split_whitespace().filter_map(|id| u64::from_str_radix(id, 16).ok());
        Some(ids.map(u64::to_be_bytes).collect())
    }

    /// Ends it as `kill -9` does; what it had said until then.
    fn kill(mut self) -> BTreeSet<SpanId> {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ended");
        let mut taken = BTreeSet::new();
        while let Some(ids) = self.line() {
            taken.extend(ids);
        }
        taken
    }

    /// Lets it end.
    fn end(mut self) -> String {
        drop(self.input.take());
        let mut text = String::new();
        self.output.read_to_string(&mut text).expect("it can be read");
        assert!(self.child.wait().expect("it ended").success(), "{text}");
        text
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(unix)]
#[test]
fn what_was_taken_survives_a_sudden_end_and_comes_twice_in_one_batch_at_most() {
    let _turn = turn();
    for protocol in [Protocol::HttpProtobuf, Protocol::Grpc] {
        // During an outage, and while everything works.
        for outage in [true, false] {
            let folder = Folder::new("killed");
            let mut receiver = script(protocol, [Behaviour::Accept]).counting();
            let mut taken = BTreeSet::new();
            for _ in 0..3 {
                let mut process = Process::start(protocol, &receiver, &folder.0, "load");
                taken.extend(process.taken(500));
                if outage {
                    receiver.stop();
                    taken.extend(process.taken(500));
                }
                taken.extend(process.kill());
                if outage {
                    receiver.start_again().expect("the port was kept");
                }
            }
            let process = Process::start(protocol, &receiver, &folder.0, "replay");
            until("everything that was taken arrived", || receiver.accepted_ids().is_superset(&taken));
            let said = process.end();
            let twice = receiver.ids_twice();
            println!("{protocol:?}, outage {outage}: {} taken, {} twice; {said}", taken.len(), twice.len());
            assert!(twice.len() <= 3 * BATCH, "{protocol:?}: three ends, and {} came twice", twice.len());
            assert!(twice.values().all(|times| *times == 2), "{protocol:?}: {twice:?}");
        }
    }
}

#[cfg(unix)]
#[test]
fn processes_that_share_a_directory_neither_lose_nor_double_anything() {
    let _turn = turn();
    let folder = Folder::new("shared");
    let mut receiver = script(Protocol::HttpProtobuf, [Behaviour::Accept]).counting();
    receiver.stop();
    let mut taken = BTreeSet::new();
    let mut processes: Vec<Process> =
        (0..3).map(|_| Process::start(Protocol::HttpProtobuf, &receiver, &folder.0, "load")).collect();
    processes.iter_mut().for_each(|process| taken.extend(process.taken(300)));
    // Two end; who comes next replays them, and leaves alone what the third one is at.
    taken.extend(processes.remove(0).kill());
    taken.extend(processes.remove(0).kill());
    let replaying = Process::start(Protocol::HttpProtobuf, &receiver, &folder.0, "replay");
    receiver.start_again().expect("the port was kept");
    processes.iter_mut().for_each(|process| taken.extend(process.taken(300)));
    until("everything that was taken arrived", || receiver.accepted_ids().is_superset(&taken));
    processes.into_iter().for_each(|process| taken.extend(process.kill()));
    replaying.end();
    let last = Process::start(Protocol::HttpProtobuf, &receiver, &folder.0, "replay");
    until("everything that was taken arrived", || receiver.accepted_ids().is_superset(&taken));
    last.end();
    assert!(receiver.ids_twice().len() <= 3 * BATCH, "three ends, and {} came twice", receiver.ids_twice().len());
}

/// A file system of 1 MiB, or `None` where it cannot be had.
#[cfg(target_os = "linux")]
struct Tiny(Folder);

#[cfg(target_os = "linux")]
impl Tiny {
    fn mount() -> Option<Self> {
        let folder = Folder::new("tiny");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&folder.0).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(folder))
    }
}

#[cfg(target_os = "linux")]
impl Drop for Tiny {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0.0).output();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_disturbs_nobody_and_what_does_not_fit_is_sent_from_memory_or_counted() {
    let _turn = turn();
    let Some(disk) = Tiny::mount() else {
        eprintln!("skipped: a tmpfs cannot be mounted here; it needs root");
        return;
    };
    let mut receiver = script(Protocol::HttpProtobuf, [Behaviour::Accept]).counting();
    receiver.stop();
    let settings = buffered(otlp(Protocol::HttpProtobuf, &receiver), &disk.0.0);
    let telemetry = start(settings.with_max_export_batch_size(512));
    for _ in 0..60 {
        make(500);
        telemetry.force_flush(LONG).expect("a full disk does not hold up a flush");
    }
    let during = telemetry.stats();
    println!("{during:?}");
    assert!(during.exporters[0].buffered > 1000, "{during:?}");
    assert!(during.exporters[0].last_error.is_some(), "{during:?}");
    receiver.start_again().expect("the port was kept");
    let kept = (during.exporters[0].buffered + during.exporters[0].pending) as usize;
    assert!(receiver.wait_for_ids(kept, LONG) >= kept, "{:?}", telemetry.stats());
    // There is room again.
    let after = make(500);
    until("what follows arrives", || receiver.accepted_ids().is_superset(&after));
    let stats = end(telemetry);
    assert_eq!(check_sum(&stats, 30_500).exported, receiver.accepted_ids().len() as u64, "{stats:?}");
    assert_eq!(receiver.ids_twice().len(), 0);
    check_usable(Protocol::HttpProtobuf);
}

#[test]
fn a_directory_that_cannot_be_used_is_said_and_spans_are_sent_without_it() {
    let _turn = turn();
    let folder = Folder::new("unusable");
    let file = folder.0.join("file");
    std::fs::write(&file, "no directory").expect("a file");
    let receiver = script(Protocol::HttpProtobuf, [Behaviour::Accept]);
    // Either the start says so, or the spans are sent from memory.
    match otelier::init(buffered(otlp(Protocol::HttpProtobuf, &receiver), &file.join("below"))) {
        Err(error) => assert!(error.to_string().contains(&*file.to_string_lossy()), "{error}"),
        Ok(telemetry) => {
            let made = make(10);
            let stats = end(telemetry);
            assert_eq!((receiver.accepted_ids(), stats.exporters[0].exported), (made, 10), "{stats:?}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_directory_that_is_removed_under_a_process_loses_no_more_than_was_in_it() {
    let _turn = turn();
    let folder = Folder::new("removed");
    let mut receiver = script(Protocol::HttpProtobuf, [Behaviour::Accept]);
    let telemetry = start(buffered(otlp(Protocol::HttpProtobuf, &receiver), &folder.0));
    receiver.stop();
    make(50);
    telemetry.force_flush(LONG).expect("in time");
    std::fs::remove_dir_all(&folder.0).expect("it is there");
    make(50);
    telemetry.force_flush(LONG).expect("in time");
    receiver.start_again().expect("the port was kept");
    let after = make(50);
    until("what follows arrives", || receiver.accepted_ids().is_superset(&after));
    check_sum(&end(telemetry), 150);
}

#[test]
fn a_disk_buffer_that_no_exporter_uses_is_told_of_and_one_that_keeps_something_says_so_at_the_end() {
    use otelier::diagnostics;
    use std::sync::{Arc, Mutex};
    let _turn = turn();
    let folder = Folder::new("told");
    let said: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    let heard = |from: Telemetry| {
        let sink = Arc::clone(&said);
        diagnostics::set_sink(move |message| {
            sink.lock().expect("no panic").push((message.event.to_owned(), message.text.to_string()));
        });
        let telemetry = start(from);
        make(3);
        let stats = end(telemetry);
        diagnostics::reset_sink();
        (stats, std::mem::take(&mut *said.lock().expect("no panic")))
    };
    let nobody = Telemetry::default().with_disk_buffer(DiskBuffer::in_directory(&folder.0));
    assert_eq!(heard(nobody).1[0].0, "Pipeline.DiskBuffer.NoExporter");
    let receiver = script(Protocol::HttpProtobuf, [Behaviour::Accept]);
    let url = otlp(Protocol::HttpProtobuf, &receiver);
    drop(receiver);
    let (stats, said) = heard(buffered(url.clone(), &folder.0));
    assert_eq!(check_sum(&stats, 3).buffered, 3);
    let (event, text) = said.last().expect("it says something");
    assert_eq!(event, "Exporter.Buffer.Left");
    assert!(text.ends_with("3 spans wait in the disk buffer for the next process"), "{text}");
    // Who looks at once knows of them, and so does the line for people.
    let telemetry = start(buffered(url, &folder.0));
    assert_eq!(telemetry.stats().exporters[0].left_by_others, 3);
    let shown = end(telemetry).to_string();
    assert!(shown.contains("0 exported, 3 of earlier processes buffered on disk"), "{shown}");
}

#[test]
fn what_was_left_in_another_encoding_is_lost_and_counted() {
    let _turn = turn();
    let folder = Folder::new("encoding");
    let gone = otlp(Protocol::HttpProtobuf, &script(Protocol::HttpProtobuf, [Behaviour::Accept]));
    let telemetry = start(buffered(gone, &folder.0));
    make(3);
    assert_eq!(check_sum(&end(telemetry), 3).buffered, 3);
    let receiver = script(Protocol::HttpJson, [Behaviour::Accept]);
    let telemetry = start(buffered(otlp(Protocol::HttpJson, &receiver), &folder.0));
    make(2);
    until("it is lost", || telemetry.stats().exporters[0].lost_of_others == 3);
    let stats = end(telemetry);
    let exporter = check_sum(&stats, 2);
    assert_eq!((exporter.exported, exporter.left_by_others, exporter.replayed), (2, 0, 0), "{stats:?}");
    let shown = stats.to_string();
    assert!(shown.contains("2 exported, 3 of earlier processes lost: it was stored in another encoding"), "{shown}");
}
