//! Lines into a file that is put aside when it is full.
//!
//! Everybody who writes the file takes its lock for each line: so whoever has it may rename, and nobody writes into a file
//! that is about to be deleted. The lock is one of the operating system on a file beside it, so it ends with its process.

use super::appended::Appended;
use super::numbered;
use crate::config::Rotation;
use crate::diagnostics::{self, LogLevel};
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a line waits for the lock. Others hold it for as long as a line takes.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often files are looked at for their age.
const LOOK: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Rotating {
    settings: Rotation,
    lock: Lock,
    /// When the age of files was looked at.
    looked: Option<Instant>,
}

impl Rotating {
    pub(super) fn open(path: &Path, settings: &Rotation) -> io::Result<Self> {
        // A link would be put aside in place of what it leads to.
        if path.symlink_metadata().is_ok_and(|found| !found.is_file()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "only a regular file can be rotated"));
        }
        Ok(Self { settings: settings.clone(), lock: Lock::open(path)?, looked: None })
    }

    pub(super) fn write(&mut self, file: &mut Appended, line: &[u8]) -> io::Result<()> {
        let held = match self.lock.take() {
            Ok(held) => held,
            Err(why) => return without_lock(file, line, &why),
        };
        file.renew()?;
        let length = file.len()?;
        if length > 0 && length.saturating_add(line.len() as u64) > self.settings.max_bytes {
            match numbered::shift(file.path(), self.settings.max_files) {
                // Lines are worth more than room.
                Err(error) => say(file.path(), &error.to_string()),
                Ok(()) => self.looked = None,
            }
            file.renew()?;
        }
        if let Some(age) = self.settings.max_age
            && self.looked.is_none_or(|looked| looked.elapsed() >= LOOK)
        {
            self.looked = Some(Instant::now());
            if let Err(error) = numbered::expire(file.path(), self.settings.max_files, age) {
                say(file.path(), &error.to_string());
            }
        }
        let written = file.append(line, true);
        drop(held);
        written
    }
}

/// The line is written all the same, and once more if the file was deleted at that very time.
fn without_lock(file: &mut Appended, line: &[u8], why: &str) -> io::Result<()> {
    say(file.path(), why);
    file.renew()?;
    file.append(line, false)?;
    if file.is_deleted() {
        file.renew()?;
        file.append(line, false)?;
    }
    Ok(())
}

fn say(path: &Path, why: &str) {
    diagnostics::say(LogLevel::Warn, "OtlpFile.Rotate.Failed", &path.to_string_lossy(), || {
        format!("{} is written to, but not rotated: {why}", path.display())
    });
}

#[derive(Debug)]
struct Lock {
    path: PathBuf,
    file: Option<File>,
    /// Whether its holder hung the last time: nobody waits for it again until it was free once.
    hung: bool,
}

/// The lock, until this is dropped.
struct Held<'a>(&'a File);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // It ends with the file in any case.
        _ = self.0.unlock();
    }
}

impl Lock {
    fn open(of: &Path) -> io::Result<Self> {
        let mut path = of.to_owned().into_os_string();
        path.push(".lock");
        let path = PathBuf::from(path);
        Ok(Self { file: Some(open(&path)?), path, hung: false })
    }

    /// The lock, or why there is none.
    fn take(&mut self) -> Result<Held<'_>, String> {
        let begin = Instant::now();
        let mut pause = Duration::from_micros(50);
        loop {
            if !self.file.as_ref().is_some_and(|file| is_at(&self.path, file)) {
                self.file = None;
                self.file = Some(open(&self.path).map_err(|error| self.failed(&error))?);
            }
            let Some(file) = &self.file else { continue };
            match file.try_lock() {
                // Somebody may have deleted it in the meantime, and others hold a new one.
                Ok(()) if is_at(&self.path, file) => break,
                Ok(()) => _ = file.unlock(),
                Err(TryLockError::Error(error)) => return Err(self.failed(&error)),
                Err(TryLockError::WouldBlock) => {}
            }
            if self.hung || begin.elapsed() >= PATIENCE {
                self.hung = true;
                return Err(format!("{} is held by another process that hangs", self.path.display()));
            }
            sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        }
        self.hung = false;
        self.file.as_ref().map(Held).ok_or_else(|| "there is no lock".to_owned())
    }

    fn failed(&self, error: &io::Error) -> String {
        format!("{} cannot be locked: {error}", self.path.display())
    }
}

/// Nothing is ever written to it.
fn open(path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if path.metadata().is_ok_and(|found| found.file_type().is_fifo()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "its lock is a named pipe"));
        }
    }
    File::options().create(true).append(true).open(path)
}

#[cfg(unix)]
fn is_at(path: &Path, file: &File) -> bool {
    path.metadata().is_ok_and(|found| super::appended::is_same(&found, file))
}

/// Nobody deletes a file there that others have open, as long as they do it with the usual tools.
#[cfg(not(unix))]
fn is_at(_: &Path, _: &File) -> bool {
    true
}
