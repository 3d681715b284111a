//! A file to which whole lines are appended, by us and by others.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A file that is open for appending.
#[derive(Debug)]
pub(super) struct Appended {
    path: PathBuf,
    file: File,
    /// Whether the file may end within a line: the next one then begins with a line break, so that it stays whole.
    cut: bool,
}

impl Appended {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = open(path)?;
        Ok(Self { cut: ends_within_a_line(path), path: path.to_owned(), file })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How large the file is.
    pub(super) fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Opens the file again if the path leads to another one by now, or to none: somebody renamed or deleted it.
    pub(super) fn renew(&mut self) -> io::Result<()> {
        if !self.is_at_its_path() {
            *self = Self::open(&self.path)?;
        }
        Ok(())
    }

    #[cfg(unix)]
    fn is_at_its_path(&self) -> bool {
        match self.path.metadata() {
            Ok(found) => is_same(&found, &self.file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            // The path cannot be looked at any more; what is open can be written to while it has a name somewhere.
            Err(_) => !self.is_deleted(),
        }
    }

    /// There is nothing to compare, so the file is opened for every line.
    #[cfg(not(unix))]
    fn is_at_its_path(&self) -> bool {
        false
    }

    /// Whether the open file has no name any more: what is written there is gone.
    #[cfg(unix)]
    pub(super) fn is_deleted(&self) -> bool {
        use std::os::unix::fs::MetadataExt;
        self.file.metadata().is_ok_and(|file| file.nlink() == 0)
    }

    #[cfg(not(unix))]
    pub(super) fn is_deleted(&self) -> bool {
        false
    }

    /// Appends a line. `alone` says that nobody else appends at this time: what could not be written to its end is then
    /// taken back.
    pub(super) fn append(&mut self, line: &[u8], alone: bool) -> io::Result<()> {
        let line = if self.cut { Cow::Owned([b"\n", line].concat()) } else { Cow::Borrowed(line) };
        let before = if alone { self.len().ok() } else { None };
        let mut rest = &line[..];
        while !rest.is_empty() {
            let error = match self.file.write(rest) {
                Ok(0) => io::ErrorKind::WriteZero.into(),
                Ok(written) => {
                    rest = &rest[written..];
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => error,
            };
            let written = (line.len() - rest.len()) as u64;
            if written > 0 {
                self.cut = !before.is_some_and(|length| self.take_back(length, written));
            }
            return Err(error);
        }
        self.cut = false;
        Ok(())
    }

    /// Cuts off what was written last, unless somebody who had no patience wrote behind it.
    fn take_back(&self, length: u64, written: u64) -> bool {
        self.len().is_ok_and(|now| now == length + written) && self.file.set_len(length).is_ok()
    }
}

fn open(path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        // Opening one waits for a reader, maybe for ever.
        if path.metadata().is_ok_and(|found| found.file_type().is_fifo()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a named pipe"));
        }
    }
    File::options().create(true).append(true).open(path)
}

/// Whether a process before us did not come to the end of its line. Nothing is said of what cannot be read.
fn ends_within_a_line(path: &Path) -> bool {
    if !path.metadata().is_ok_and(|found| found.is_file() && found.len() > 0) {
        return false;
    }
    let last = || -> io::Result<u8> {
        let (mut file, mut last) = (File::open(path)?, [0]);
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        Ok(last[0])
    };
    last().is_ok_and(|last| last != b'\n')
}

/// Whether both are one file.
#[cfg(unix)]
pub(super) fn is_same(found: &std::fs::Metadata, open: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    open.metadata().is_ok_and(|open| (open.dev(), open.ino()) == (found.dev(), found.ino()))
}
