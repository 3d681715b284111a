//! Files that were put aside: `spans.1.jsonl` is the newest of `spans.jsonl`. All of this happens under the lock.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How lines of OTLP JSON begin: `resourceSpans`, `resourceLogs` or `resourceMetrics`. Files that begin otherwise are
/// somebody else's.
const BEGINNING: &[u8] = b"{\"resource";

/// `spans.1.jsonl` for `spans.jsonl` and 1.
pub(super) fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!(".{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// Puts the file aside, and deletes the oldest if there are more than `max_files` with it and the one to come.
pub(super) fn shift(path: &Path, max_files: u32) -> io::Result<()> {
    let most = max_files.saturating_sub(1).max(1);
    // A process that ended in the middle of this left a gap: what is behind that stays where it is.
    let free = (1..=most).find(|number| numbered(path, *number).symlink_metadata().is_err());
    let last = free.unwrap_or(most);
    (1..last).chain(free.is_none().then_some(most)).try_for_each(|number| must_be_ours(&numbered(path, number)))?;
    must_be_ours(path)?;
    if free.is_none() {
        fs::remove_file(numbered(path, most))?;
    }
    for number in (1..last).rev() {
        fs::rename(numbered(path, number), numbered(path, number + 1))?;
    }
    fs::rename(path, numbered(path, 1))?;
    // Those that were made while more files were allowed.
    for number in max_files.max(2).. {
        let file = numbered(path, number);
        if file.symlink_metadata().is_err() || must_be_ours(&file).is_err() {
            return Ok(());
        }
        fs::remove_file(file)?;
    }
    Ok(())
}

/// Deletes the files that nobody wrote to for longer than this.
pub(super) fn expire(path: &Path, max_files: u32, max_age: Duration) -> io::Result<()> {
    for number in 1..max_files {
        let file = numbered(path, number);
        let Ok(found) = file.symlink_metadata() else { continue };
        // A time that is yet to come is the doing of a clock that was set; it passes.
        let is_old = found.modified()?.elapsed().is_ok_and(|age| age > max_age);
        if is_old && must_be_ours(&file).is_ok() {
            fs::remove_file(file)?;
        }
    }
    Ok(())
}

/// Refuses a file that does not begin as ours do.
fn must_be_ours(path: &Path) -> io::Result<()> {
    let foreign = || {
        let text = format!("{} is in the way: it does not begin as OTLP JSON does", path.display());
        io::Error::new(io::ErrorKind::AlreadyExists, text)
    };
    if !path.symlink_metadata()?.is_file() {
        return Err(foreign());
    }
    let mut beginning = Vec::new();
    File::open(path)?.take(BEGINNING.len() as u64).read_to_end(&mut beginning)?;
    if beginning.is_empty() || beginning == BEGINNING { Ok(()) } else { Err(foreign()) }
}
