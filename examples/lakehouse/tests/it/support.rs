//! Running the program with a deadline, and looking at what it leaves behind.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The longest any run may take before the test kills it and fails.
const DEADLINE: Duration = Duration::from_secs(60);

/// A directory below the build directory, removed with its contents.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("lakehouse-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&dir).expect("the build directory is writable");
        Self(dir)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The Parquet files below `lake`, as keys, sorted.
    pub fn files(&self) -> Vec<String> {
        let root = self.path("lake");
        let (mut found, mut open) = (Vec::new(), vec![root.clone()]);
        while let Some(dir) = open.pop() {
            for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
                match entry.path() {
                    path if path.is_dir() => open.push(path),
                    path => found.push(path.strip_prefix(&root).expect("below the root").display().to_string()),
                }
            }
        }
        found.sort();
        found
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a run left behind.
#[derive(Debug)]
pub struct Finished {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Finished {
    /// The line of the summary that begins with `label`.
    pub fn summary(&self, label: &str) -> &str {
        let line = self.out.lines().find_map(|line| line.strip_prefix("  ")?.strip_prefix(label));
        line.unwrap_or_else(|| panic!("no line `{label}` in:\n{}\n{}", self.out, self.err)).trim()
    }
}

/// Runs the program with files below `scratch`, without the environment of the test.
pub fn lakehouse(scratch: &Scratch, args: &[&str], env: &[(&str, &str)]) -> Finished {
    let file = |name| File::create(scratch.path(name)).expect("the scratch directory is writable");
    let mut child = Command::new(env!("CARGO_BIN_EXE_lakehouse"))
        .env_clear()
        .envs(env.iter().copied())
        .arg("--out")
        .arg(scratch.path("lake"))
        .args(args)
        .stdin(Stdio::null())
        .stdout(file("stdout"))
        .stderr(file("stderr"))
        .spawn()
        .expect("the program starts");
    let give_up = Instant::now() + DEADLINE;
    let status = loop {
        match child.try_wait().expect("the program can be waited for") {
            Some(status) => break status,
            None if Instant::now() > give_up => {
                child.kill().expect("the program can be killed");
                child.wait().expect("the program ends");
                panic!("lakehouse {args:?} did not end within {DEADLINE:?}");
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let read = |name| std::fs::read_to_string(scratch.path(name)).expect("the program writes UTF-8");
    Finished { code: status.code(), out: read("stdout"), err: read("stderr") }
}
