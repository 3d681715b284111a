//! What detectors look at.

use crate::config::Variables;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

/// Where a process runs, as far as it can tell.
pub(super) struct Surroundings {
    pub(super) variables: Variables,
    pub(super) files: Files,
    pub(super) process: Process,
}

impl Surroundings {
    pub(super) fn of_the_process() -> Self {
        Self { variables: Variables::of_the_process(), files: Files::of_the_system(), process: Process::this() }
    }

    /// The first of these variables that is set.
    pub(super) fn variable(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.variables.get(name))
    }

    pub(super) fn file(&self, path: &str) -> Option<String> {
        (self.files.read)(path)
    }
}

type Read = dyn Fn(&str) -> Option<String>;

/// Files, of the system or of a test.
pub(super) struct Files {
    read: Box<Read>,
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Files")
    }
}

impl Files {
    pub(super) fn of_the_system() -> Self {
        Self { read: Box::new(|path| read(Path::new(path))) }
    }

    /// Those of a list, for tests.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let files: Vec<_> = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        let find = move |path: &str| files.iter().find(|(known, _)| known == path).map(|(_, text)| text.clone());
        Self { read: Box::new(find) }
    }
}

/// The mounts of a host with many containers are the largest of what is read, and what is looked for stands in front.
#[cfg(not(miri))]
const MOST_BYTES: u64 = 128 * 1024;

/// The start of a file. What is no file is not opened: a pipe of that name could make the program wait for ever.
#[cfg(not(miri))]
pub(super) fn read(path: &Path) -> Option<String> {
    use std::io::Read;
    let is_file = std::fs::metadata(path).ok()?.is_file();
    let mut bytes = Vec::new();
    is_file.then(|| std::fs::File::open(path).ok())??.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Miri keeps programs away from files.
#[cfg(miri)]
pub(super) fn read(_path: &Path) -> Option<String> {
    None
}

/// What the system says of the process.
#[derive(Default)]
pub(super) struct Process {
    pub(super) id: u32,
    pub(super) parent: Option<u32>,
    pub(super) executable: Option<PathBuf>,
    /// With the command in front.
    pub(super) arguments: Vec<OsString>,
}

impl Process {
    fn this() -> Self {
        // Miri does not know the call.
        #[cfg(all(unix, not(miri)))]
        let parent = Some(std::os::unix::process::parent_id());
        #[cfg(not(all(unix, not(miri))))]
        let parent = None;
        Self {
            id: std::process::id(),
            parent,
            executable: std::env::current_exe().ok(),
            arguments: std::env::args_os().take(super::process::MOST_ARGUMENTS).collect(),
        }
    }
}
