//! Reads settings again when their file has changed.

use super::reload::reload;
use super::shared::{Shared, State};
use crate::ConfigError;
use crate::config::Telemetry;
use crate::diagnostics::{self, LogLevel};
use std::fs::File;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Looks at a file while it lives; made by [`Guard::reload_when_changed`](crate::Guard::reload_when_changed).
#[must_use = "the file is watched until this is dropped"]
#[derive(Debug)]
pub struct FileWatch {
    /// Never used: the thread learns that it is gone.
    _alive: Sender<()>,
}

/// Reads the settings anew.
pub(super) type Load = Box<dyn Fn() -> Result<Telemetry, ConfigError> + Send>;

/// No file of settings is larger; of one that is, only this much is looked at.
const LARGEST: u64 = 16 << 20;
const SHORTEST: Duration = Duration::from_millis(10);

/// Starts to watch.
pub(super) fn watch(shared: &Arc<Shared>, path: &Path, interval: Duration, load: Load) -> io::Result<FileWatch> {
    let contents = read(path).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    let (alive, dropped) = channel();
    let watcher = Watcher {
        path: path.to_owned(),
        shared: Arc::downgrade(shared),
        load,
        contents: Ok(contents),
        told: String::new(),
    };
    let thread = std::thread::Builder::new().name("otelier-reload".to_owned());
    thread.spawn(move || watcher.run(interval.max(SHORTEST), &dropped))?;
    Ok(FileWatch { _alive: alive })
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Opening a pipe would wait, perhaps for ever, for somebody who writes.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut contents = Vec::new();
    File::open(path)?.take(LARGEST).read_to_end(&mut contents)?;
    Ok(contents)
}

struct Watcher {
    path: PathBuf,
    shared: Weak<Shared>,
    load: Load,
    /// As they were seen last.
    contents: Result<Vec<u8>, io::ErrorKind>,
    told: String,
}

impl Watcher {
    fn run(mut self, interval: Duration, dropped: &Receiver<()>) {
        crate::record::never_here();
        while dropped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
            let Some(shared) = self.shared.upgrade() else { break };
            if !matches!(shared.state(), State::Running | State::Disabled) {
                break;
            }
            self.look(&shared);
        }
    }

    fn look(&mut self, shared: &Arc<Shared>) {
        let path = self.path.display();
        let problem = match read(&self.path) {
            Ok(contents) if self.contents.as_ref() == Ok(&contents) => return,
            Ok(contents) => {
                self.contents = Ok(contents);
                self.apply(shared).err()
            }
            // Said once, not every time: a file may be away for a long while.
            Err(error) if self.contents == Err(error.kind()) => return,
            Err(error) => {
                self.contents = Err(error.kind());
                let problem = format!("{path}: {error}");
                shared.note_reload(Some(problem.clone()));
                Some(problem)
            }
        };
        if let Some(problem) = problem
            && problem != self.told
        {
            diagnostics::tell(LogLevel::Warn, "Config.Reload.Refused", || {
                format!("{path} has changed, and the settings before stay in force: {problem}")
            });
            self.told = problem;
        } else {
            self.told.clear();
        }
    }

    fn apply(&self, shared: &Arc<Shared>) -> Result<(), String> {
        let loaded = catch_unwind(AssertUnwindSafe(|| (self.load)()));
        let problem = match loaded {
            Ok(Ok(telemetry)) => return reload(shared, &telemetry).map_err(|error| error.to_string()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "reading them panicked".to_owned(),
        };
        shared.note_reload(Some(problem.clone()));
        Err(problem)
    }
}
