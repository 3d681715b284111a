//! Files and directories that belong to their owner alone.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Segments have numbers below this one, so that there always is a next one.
pub(super) const NUMBERS: u64 = 1 << 62;

/// Makes the directory and those above it, if they are missing. One that exists keeps its mode.
pub(super) fn create_directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Options for a file that is made, or may be.
pub(super) fn private() -> OpenOptions {
    let mut options = File::options();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn no_regular_file(what: &Metadata) -> io::Error {
    let what = match what.file_type() {
        found if found.is_dir() => "a directory",
        found if found.is_symlink() => "a symbolic link",
        _ => "no regular file",
    };
    io::Error::new(io::ErrorKind::InvalidInput, format!("it is {what}"))
}

/// Opens a regular file for reading. Nothing else is touched: opening a named pipe may wait for ever.
pub(super) fn open_regular(path: &Path) -> io::Result<(File, u64)> {
    let found = fs::symlink_metadata(path)?;
    if !found.is_file() {
        return Err(no_regular_file(&found));
    }
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    Ok((file, bytes))
}

/// Opens a regular file for reading and writing; makes it, if it is missing.
pub(super) fn open_or_create(path: &Path) -> io::Result<File> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => Err(no_regular_file(&found)),
        _ => private().create(true).truncate(false).open(path),
    }
}

/// Whether the path still leads to this file.
pub(super) fn is_still(path: &Path, file: &File) -> bool {
    let Ok(there) = fs::symlink_metadata(path) else { return false };
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        file.metadata().is_ok_and(|here| (here.dev(), here.ino()) == (there.dev(), there.ino()))
    }
    #[cfg(not(unix))]
    {
        // Elsewhere an open file keeps its name.
        let _ = file;
        there.is_file()
    }
}

/// A directory that can be made to keep the names of its files; only Unix has such.
pub(super) fn directory_handle(path: &Path) -> io::Result<Option<File>> {
    if cfg!(unix) { File::open(path).map(Some) } else { Ok(None) }
}

/// Which segment this is, if it is the name of one.
pub(super) fn segment_number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".log")?;
    let number = u64::from_str_radix(digits, 16).ok()?;
    // Nothing else that `from_str_radix` takes.
    (digits.len() == 16 && number < NUMBERS && segment_name(number) == name).then_some(number)
}

pub(super) fn segment_name(number: u64) -> String {
    format!("{number:016x}.log")
}

/// What a segment is called that cannot be read.
pub(super) fn aside_name(number: u64) -> String {
    format!("{}.unreadable", segment_name(number))
}

pub(super) fn segment_path(directory: &Path, number: u64) -> PathBuf {
    directory.join(segment_name(number))
}
