//! How much of its processor and memory the machine uses, or the control group that limits the process.
//!
//! All of it is in files that Linux has. Where there are none, nothing is known. Of control groups both versions are read; where a
//! system has both, the second one counts if it has a limit.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// No more than this is read of a file; what is looked for stands in front.
const MOST_BYTES: u64 = 16 * 1024;
/// Control groups within each other that are looked at.
const MOST_GROUPS: usize = 32;
/// Where control groups are.
const GROUPS: &str = "sys/fs/cgroup";
/// Of version 1 each kind of limit has a tree of its own; some systems have one for these two, in this or that order.
const LIMITS: [&str; 3] = ["cpu,cpuacct", "cpuacct,cpu", "cpu"];
const COUNTS: [&str; 3] = ["cpu,cpuacct", "cpuacct,cpu", "cpuacct"];
/// What version 1 says where there is no limit is close to the largest number there is.
const NO_LIMIT: f64 = (1_u64 << 62) as f64;

#[derive(Debug)]
pub(super) struct Machine {
    root: PathBuf,
    /// The innermost control groups that have a limit.
    cpu_group: Option<CpuGroup>,
    memory_group: Option<MemoryGroup>,
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
        let own = read(&root.join("proc/self/cgroup")).unwrap_or_default();
        let (cpu_group, memory_group) = (CpuGroup::limited(root, &own), MemoryGroup::limited(root, &own));
        Self { root: root.to_owned(), cpu_group, memory_group, started: now, before: None }
    }

    /// The share of the processor's time that was used since this was asked last.
    pub(super) fn cpu(&mut self, now: Instant) -> Option<f64> {
        let times = match &self.cpu_group {
            Some(group) => group.times(now.saturating_duration_since(self.started).as_secs_f64()),
            None => machine_times(&self.root),
        };
        let ((used, of), (used_before, of_before)) = (times?, std::mem::replace(&mut self.before, times)?);
        (of > of_before).then(|| share(used - used_before, of - of_before))
    }

    /// The share of the memory that is used and could not be given to others at once.
    pub(super) fn memory(&self) -> Option<f64> {
        if let Some(group) = &self.memory_group {
            return group.used();
        }
        let memory = read(&self.root.join("proc/meminfo"))?;
        let total = named(&memory, "MemTotal:")?;
        Some(share(total - named(&memory, "MemAvailable:")?, total))
    }
}

/// A control group with a limit of the processor's time, by the version of its files.
#[derive(Debug)]
enum CpuGroup {
    V2(PathBuf),
    /// Where the limit is, and where what is used is counted.
    V1(PathBuf, PathBuf),
}

impl CpuGroup {
    /// The innermost of those that the process is in: `own` says which.
    fn limited(root: &Path, own: &str) -> Option<Self> {
        let top = root.join(GROUPS);
        let groups = groups(own, "").map(|group| top.join(group));
        if let Some(group) = { groups }.find(|group| limit(&group.join("cpu.max")).is_some()) {
            return Some(Self::V2(group));
        }
        let trees = |trees: [&'static str; 3], group: &Path| trees.map(|tree| top.join(tree).join(group));
        self::groups(own, "cpu").find_map(|group| {
            let limits = trees(LIMITS, &group).into_iter().find(|group| quota(group).is_some())?;
            let counts = trees(COUNTS, &group).into_iter().find(|group| counted(group).is_some())?;
            Some(Self::V1(limits, counts))
        })
    }

    /// The time that was used, and the time that could have been, in seconds.
    fn times(&self, since: f64) -> Option<(f64, f64)> {
        let (used, processors) = match self {
            Self::V2(group) => {
                (named(&read(&group.join("cpu.stat"))?, "usage_usec")? / 1e6, limit(&group.join("cpu.max"))?)
            }
            Self::V1(limits, counts) => (counted(counts)?, quota(limits)?),
        };
        Some((used, since * processors))
    }
}

/// A control group with a limit of the memory, by the version of its files.
#[derive(Debug)]
enum MemoryGroup {
    V2(PathBuf),
    V1(PathBuf),
}

impl MemoryGroup {
    fn limited(root: &Path, own: &str) -> Option<Self> {
        let top = root.join(GROUPS);
        let groups = groups(own, "").map(|group| top.join(group));
        if let Some(group) = { groups }.find(|group| limit(&group.join("memory.max")).is_some()) {
            return Some(Self::V2(group));
        }
        let is_limit =
            |group: &PathBuf| limit(&group.join("memory.limit_in_bytes")).is_some_and(|limit| limit < NO_LIMIT);
        let groups = self::groups(own, "memory").map(|group| top.join("memory").join(group));
        { groups }.find(is_limit).map(Self::V1)
    }

    fn used(&self) -> Option<f64> {
        let (group, most, used, files) = match self {
            Self::V2(group) => (group, "memory.max", "memory.current", "inactive_file"),
            Self::V1(group) => (group, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        };
        let (most, used) = (limit(&group.join(most))?, number(read(&group.join(used))?.trim())?);
        // Files that were read once and wait to be read again are the first to go.
        Some(share(used - named(&read(&group.join("memory.stat"))?, files)?, most))
    }
}

fn share(part: f64, whole: f64) -> f64 {
    // Of nothing, and of what is no number, there is no share.
    let share = part / whole;
    if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
}

/// The control groups that limit this for the process, the innermost first, below their tree: of version 2, which has one tree for
/// all, with an empty word. A line of `/proc/self/cgroup` is `4:cpu,cpuacct:/docker/1f0a`.
fn groups(own: &str, what: &str) -> impl Iterator<Item = PathBuf> + use<> {
    let its = own.lines().find_map(|line| {
        let (number, rest) = line.split_once(':')?;
        let (whats, group) = rest.split_once(':')?;
        (whats.split(',').any(|found| found == what) && (number == "0") == what.is_empty()).then_some(group)
    });
    let its = its.map(|group| {
        // Who sees no more than a part of the groups may be told of one outside of it.
        let is_outside = group.split('/').any(|part| part == "..");
        PathBuf::from(if is_outside { "" } else { group.trim_start_matches('/') })
    });
    // Of version 2 there may be a limit at the top, whatever the process is told.
    let its = its.or_else(|| what.is_empty().then(PathBuf::new));
    let all: Vec<_> = its.iter().flat_map(|group| group.ancestors().take(MOST_GROUPS).map(Path::to_owned)).collect();
    all.into_iter()
}

/// The limit in such a file: of memory in bytes, of `cpu.max` in processors. `None` if it is `max`.
fn limit(file: &Path) -> Option<f64> {
    let text = read(file)?;
    let mut words = text.split_whitespace();
    let most: f64 = words.next()?.parse().ok()?;
    let of: f64 = words.next().map_or(Some(1.0), |period| period.parse().ok())?;
    Some(most / of).filter(|limit| limit.is_finite() && *limit > 0.0)
}

/// The same of a group of version 1, in processors. `None` if the quota is -1.
fn quota(group: &Path) -> Option<f64> {
    let quota = limit(&group.join("cpu.cfs_quota_us"))?;
    Some(quota / limit(&group.join("cpu.cfs_period_us"))?)
}

/// What was used of a group of version 1, in seconds.
fn counted(group: &Path) -> Option<f64> {
    Some(number(read(&group.join("cpuacct.usage"))?.trim())? / 1e9)
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

    const V1: &str = "11:memory:/docker/1f0a/inner\n4:cpu,cpuacct:/docker/1f0a\n1:name=systemd:/docker/1f0a\n0::/\n";

    /// What a group of version 1 has that is limited to one and a half processors and 1,000 bytes.
    fn v1(name: &str, own: &str, cpu: &str, memory: &str) -> Files {
        Files::new(name)
            .with("proc/stat", "cpu  100 0 100 700 100 0 0 0 50 0\n")
            .with("proc/meminfo", MEMORY)
            .with("proc/self/cgroup", own)
            .with(&format!("{cpu}/cpu.cfs_quota_us"), "150000\n")
            .with(&format!("{cpu}/cpu.cfs_period_us"), "100000\n")
            .with(&format!("{cpu}/cpuacct.usage"), "1000000000\n")
            .with(&format!("{memory}/memory.limit_in_bytes"), "1000\n")
            .with(&format!("{memory}/memory.usage_in_bytes"), "950\n")
            .with(&format!("{memory}/memory.stat"), "inactive_file 7\ntotal_inactive_file 50\n")
    }

    fn is_limited(files: Files, usage: &str) {
        let now = Instant::now();
        let mut machine = Machine::at(&files.0, now);
        assert_eq!((machine.cpu(now), machine.memory()), (None, Some(0.9)), "{:?}", files.0);
        let files = files.with(usage, "3250000000\n");
        // 2.25 seconds of the three that one and a half processors have in two seconds.
        assert_eq!(machine.cpu(now + Duration::from_secs(2)), Some(0.75), "{:?}", files.0);
        std::fs::remove_dir_all(&files.0).expect("it is there");
        assert_eq!((machine.cpu(now), machine.memory()), (None, None), "what is gone is not known");
    }

    #[test]
    fn groups_of_version_1_count_within_each_other_and_where_a_container_sees_only_its_own() {
        let (cpu, memory) = ("sys/fs/cgroup/cpu,cpuacct", "sys/fs/cgroup/memory");
        let below = |top: &str, group: &str| format!("{top}/{group}");
        let usage = |cpu: &str| format!("{cpu}/cpuacct.usage");
        let own = below(cpu, "docker/1f0a");
        // The inner group of the memory has no limit.
        let files = v1("v1-nested", V1, &own, &below(memory, "docker/1f0a"))
            .with(&format!("{memory}/docker/1f0a/inner/memory.limit_in_bytes"), "9223372036854771712\n")
            .with(&format!("{cpu}/cpu.cfs_quota_us"), "-1\n")
            .with(&format!("{cpu}/cpu.cfs_period_us"), "100000\n");
        is_limited(files, &usage(&own));
        is_limited(v1("v1-container", V1, cpu, memory), &usage(cpu));
        let outside = V1.replace("/docker", "/../../docker");
        is_limited(v1("v1-outside", &outside, cpu, memory), &usage(cpu));
        let turned = "4:cpuacct,cpu:/\n11:memory:/\n";
        let cpu = "sys/fs/cgroup/cpuacct,cpu";
        is_limited(v1("v1-turned", turned, cpu, memory), &usage(cpu));
    }

    #[test]
    fn limits_and_counts_of_version_1_may_be_in_trees_of_their_own() {
        let own = "3:cpuacct:/a\n4:cpu:/a\n11:memory:/a\n";
        let files = v1("v1-apart", own, "sys/fs/cgroup/cpu/a", "sys/fs/cgroup/memory/a");
        std::fs::remove_file(files.0.join("sys/fs/cgroup/cpu/a/cpuacct.usage")).expect("it is there");
        let usage = "sys/fs/cgroup/cpuacct/a/cpuacct.usage";
        is_limited(files.with(usage, "1000000000"), usage);
    }

    #[test]
    fn groups_of_version_1_without_a_limit_are_the_machine_and_those_of_version_2_come_first() {
        let (cpu, memory) = ("sys/fs/cgroup/cpu,cpuacct/docker/1f0a", "sys/fs/cgroup/memory/docker/1f0a");
        let files = v1("v1-free", V1, cpu, memory)
            .with(&format!("{cpu}/cpu.cfs_quota_us"), "-1\n")
            .with(&format!("{memory}/memory.limit_in_bytes"), "9223372036854771712\n");
        let now = Instant::now();
        let mut machine = Machine::at(&files.0, now);
        assert_eq!((machine.cpu(now), machine.memory()), (None, Some(0.75)));
        let _files = files.with("proc/stat", "cpu  150 0 110 730 110 0 0 0 90 0\n");
        assert_eq!(machine.cpu(now), Some(0.6));
        let files = v1("v1-and-v2", V1, cpu, memory)
            .with("sys/fs/cgroup/memory.max", "2000\n")
            .with("sys/fs/cgroup/memory.current", "500\n")
            .with("sys/fs/cgroup/memory.stat", "inactive_file 0\n");
        assert_eq!(Machine::at(&files.0, now).memory(), Some(0.25));
    }

    #[test]
    fn nonsense_in_groups_of_version_1_is_as_if_it_was_not_there() {
        let (cpu, memory) = ("sys/fs/cgroup/cpu,cpuacct", "sys/fs/cgroup/memory");
        let files = ["cpu.cfs_quota_us", "cpu.cfs_period_us", "cpuacct.usage"].map(|file| format!("{cpu}/{file}"));
        let memory_files = ["limit_in_bytes", "usage_in_bytes", "stat"].map(|file| format!("{memory}/memory.{file}"));
        let now = Instant::now();
        for text in [
            "",
            "0",
            "-1",
            "-9223372036854775809",
            "max",
            "NaN",
            "inf",
            "1e999",
            "18446744073709551616",
            "\u{0}",
            "ü 1",
        ] {
            for file in files.iter().chain(&memory_files) {
                let files = v1("v1-nonsense", V1, cpu, memory).with(file, text);
                let mut machine = Machine::at(&files.0, now);
                let later = now + Duration::from_secs(1);
                for share in [machine.cpu(now), machine.cpu(later), machine.memory()].into_iter().flatten() {
                    assert!((0.0..=1.0).contains(&share), "{file} {text:?}: {share}");
                }
            }
        }
        let lines = ["4:cpu", "4:cpu:", ":::", "4:cpu:relative", "4:cpu://", "4:,,cpu,:/x", "0:cpu:/", "4:cpu:/\u{0}"];
        for own in
            lines.map(str::to_owned).into_iter().chain([format!("4:cpu:/{}", "a/".repeat(5_000)), "\n".repeat(99)])
        {
            let files = v1("v1-lines", &own, "sys/elsewhere", "sys/elsewhere");
            let mut machine = Machine::at(&files.0, now);
            assert_eq!((machine.cpu(now), machine.memory()), (None, Some(0.75)), "{own:?}");
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
