//! How much of its processor and memory the machine uses, or the control group that limits the process.
//!
//! All of it is in files that Linux has. Where there are none, nothing is known.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// No more than this is read of a file; what is looked for stands in front.
const MOST_BYTES: u64 = 16 * 1024;
/// Control groups within each other that are looked at.
const MOST_GROUPS: usize = 32;

#[derive(Debug)]
pub(super) struct Machine {
    root: PathBuf,
    /// The innermost control groups (version 2) that have a limit.
    cpu_group: Option<PathBuf>,
    memory_group: Option<PathBuf>,
    started: Instant,
    /// At the last look: the time that the processor was used, and the time that it could have been.
    before: Option<(f64, f64)>,
}

impl Machine {
    /// The one that this process is on.
    pub(super) fn this() -> Self {
        Self::at(Path::new("/"), Instant::now())
    }

    fn at(root: &Path, now: Instant) -> Self {
        let groups = groups(root);
        let limited = |file: &str| groups.iter().find(|group| limit(&group.join(file)).is_some()).cloned();
        Self {
            root: root.to_owned(),
            cpu_group: limited("cpu.max"),
            memory_group: limited("memory.max"),
            started: now,
            before: None,
        }
    }

    /// The share of the processor's time that was used since this was asked last.
    pub(super) fn cpu(&mut self, now: Instant) -> Option<f64> {
        let times = match &self.cpu_group {
            Some(group) => group_times(group, now.saturating_duration_since(self.started).as_secs_f64()),
            None => machine_times(&self.root),
        };
        let ((used, of), (used_before, of_before)) = (times?, std::mem::replace(&mut self.before, times)?);
        (of > of_before).then(|| share(used - used_before, of - of_before))
    }

    /// The share of the memory that is used and could not be given to others at once.
    pub(super) fn memory(&self) -> Option<f64> {
        if let Some(group) = &self.memory_group {
            let (most, used) = (limit(&group.join("memory.max"))?, read(&group.join("memory.current"))?);
            // Files that were read once and wait to be read again are the first to go.
            let statistics = read(&group.join("memory.stat"))?;
            return Some(share(used.trim().parse::<f64>().ok()? - named(&statistics, "inactive_file")?, most));
        }
        let memory = read(&self.root.join("proc/meminfo"))?;
        let total = named(&memory, "MemTotal:")?;
        Some(share(total - named(&memory, "MemAvailable:")?, total))
    }
}

fn share(part: f64, whole: f64) -> f64 {
    // Of nothing, and of what is no number, there is no share.
    let share = part / whole;
    if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
}

/// The control groups that the process is in, the innermost first.
fn groups(root: &Path) -> Vec<PathBuf> {
    let top = root.join("sys/fs/cgroup");
    let Some(own) = read(&root.join("proc/self/cgroup")) else { return Vec::new() };
    // Of version 1, which has a line for each kind of limit, there is nothing to be read here.
    let own = own.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    // Who sees no more than a part of the groups may be told of one outside of it.
    let own = if own.split('/').any(|part| part == "..") { "" } else { own };
    let own = if own.is_empty() { top.clone() } else { top.join(own) };
    own.ancestors().take_while(|group| group.starts_with(&top)).take(MOST_GROUPS).map(Path::to_owned).collect()
}

/// The limit in such a file: of `memory.max` in bytes, of `cpu.max` in processors. `None` if it is `max`.
fn limit(file: &Path) -> Option<f64> {
    let text = read(file)?;
    let mut words = text.split_whitespace();
    let most: f64 = words.next()?.parse().ok()?;
    let of: f64 = words.next().map_or(Some(1.0), |period| period.parse().ok())?;
    Some(most / of).filter(|limit| limit.is_finite() && *limit > 0.0)
}

/// In seconds.
fn group_times(group: &Path, since: f64) -> Option<(f64, f64)> {
    let processors = limit(&group.join("cpu.max"))?;
    let used = named(&read(&group.join("cpu.stat"))?, "usage_usec")?;
    Some((used / 1e6, since * processors))
}

/// In the kernel's ticks, all processors together.
fn machine_times(root: &Path) -> Option<(f64, f64)> {
    let text = read(&root.join("proc/stat"))?;
    // Guests are counted as users, too.
    let times: Vec<f64> =
        text.lines().next()?.strip_prefix("cpu ")?.split_whitespace().take(8).map_while(number).collect();
    let [_, _, _, idle, waiting, ..] = times[..] else { return None };
    let all: f64 = times.iter().sum();
    Some((all - idle - waiting, all))
}

fn number(word: &str) -> Option<f64> {
    word.parse::<u64>().ok().map(|number| number as f64)
}

/// The number behind a name at the beginning of a line.
fn named(text: &str, name: &str) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix([' ', '\t']))?;
    number(rest.split_whitespace().next()?)
}

fn read(path: &Path) -> Option<String> {
    let mut text = Vec::new();
    File::open(path).ok()?.take(MOST_BYTES).read_to_end(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Files below a directory that is removed when the test ends.
    struct Files(PathBuf);

    impl Files {
        fn new(name: &str) -> Self {
            let root = std::env::temp_dir().join(format!("otelier-machine-{name}-{}", std::process::id()));
            let _ = std::fs::remove_dir_all(&root);
            Self(root)
        }

        fn with(self, path: &str, text: &str) -> Self {
            let path = self.0.join(path);
            std::fs::create_dir_all(path.parent().expect("it is below the root")).expect("it can be made");
            std::fs::write(path, text).expect("it can be written");
            self
        }
    }

    impl Drop for Files {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    const MEMORY: &str = "MemTotal:       1000 kB\nMemFree:         10 kB\nMemAvailable:    250 kB\n";

    #[test]
    fn without_a_limit_it_is_the_machine() {
        let files = Files::new("whole")
            .with("proc/stat", "cpu  100 0 100 700 100 0 0 0 50 0\ncpu0 1 2 3\n")
            .with("proc/meminfo", MEMORY)
            .with("proc/self/cgroup", "0::/user.slice\n")
            .with("sys/fs/cgroup/user.slice/cpu.max", "max 100000\n")
            .with("sys/fs/cgroup/user.slice/memory.max", "max\n");
        let now = Instant::now();
        let mut machine = Machine::at(&files.0, now);
        assert_eq!(machine.cpu(now), None, "a share is one of the time between two looks");
        assert_eq!(machine.memory(), Some(0.75));
        let files = files.with("proc/stat", "cpu  150 0 110 730 110 0 0 0 90 0\n");
        assert_eq!(machine.cpu(now), Some(0.6));
        assert_eq!(machine.cpu(now), None, "no time has passed");
        drop(files);
        assert_eq!((machine.cpu(now), machine.memory()), (None, None), "what is gone is not known");
    }

    #[test]
    fn the_innermost_limit_counts() {
        let files = Files::new("group")
            .with("proc/stat", "cpu  100 0 100 700 100 0 0 0 50 0\n")
            .with("proc/meminfo", MEMORY)
            .with("proc/self/cgroup", "0::/pod/container\n")
            .with("sys/fs/cgroup/pod/container/cpu.max", "200000 100000\n")
            .with("sys/fs/cgroup/pod/container/cpu.stat", "usage_usec 1000000\nuser_usec 1\n")
            .with("sys/fs/cgroup/pod/container/memory.max", "max\n")
            .with("sys/fs/cgroup/pod/memory.max", "1000\n")
            .with("sys/fs/cgroup/pod/memory.current", "950\n")
            .with("sys/fs/cgroup/pod/memory.stat", "anon 1\ninactive_file 50\n");
        let now = Instant::now();
        let mut machine = Machine::at(&files.0, now);
        assert_eq!(machine.cpu(now), None);
        assert_eq!(machine.memory(), Some(0.9));
        let _files = files.with("sys/fs/cgroup/pod/container/cpu.stat", "usage_usec 4000000\n");
        // Three seconds of the four that two processors have in two seconds.
        assert_eq!(machine.cpu(now + Duration::from_secs(2)), Some(0.75));
    }

    #[test]
    fn files_that_say_nothing_or_nonsense_are_as_if_they_were_not_there() {
        for text in
            ["", "cpu", "cpu  1 2", "cpu  a b c d e f", "0::/../../x\n", "12:cpu:/x\n", "max max\n", "-1\n", "\u{0}"]
        {
            let files = Files::new("nonsense")
                .with("proc/stat", text)
                .with("proc/meminfo", text)
                .with("proc/self/cgroup", text)
                .with("sys/fs/cgroup/cpu.max", text)
                .with("sys/fs/cgroup/memory.max", text);
            let now = Instant::now();
            let mut machine = Machine::at(&files.0, now);
            assert_eq!((machine.cpu(now), machine.cpu(now), machine.memory()), (None, None, None), "{text:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_has_a_memory_and_a_processor() {
        let mut machine = Machine::this();
        machine.cpu(Instant::now());
        assert!(machine.memory().is_some_and(|share| (0.0..=1.0).contains(&share)));
        assert!(machine.before.is_some());
    }
}
