//! What a simulation has found.

/// A number of traces, with their spans. What stands for several counts as that many.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Volume {
    /// Traces, or the parts of them that are in one process.
    pub traces: f64,
    /// Spans.
    pub spans: f64,
    /// Bytes of the spans as they were given.
    pub bytes: f64,
}

impl Volume {
    pub(super) fn add(&mut self, other: Self, times: f64) {
        self.traces += other.traces * times;
        self.spans += other.spans * times;
        self.bytes += other.bytes * times;
    }
}

/// What has decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Stage {
    /// The sampler, when the trace entered the process.
    Head,
    /// Tail sampling, when it was over.
    Tail,
}

/// The traces of one rule or reason.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Line {
    /// What has decided.
    pub stage: Stage,
    /// The name of the rule, of tail sampling or of the sampler; one of the sampler's without a name is called `rules[0]`, by its
    /// place.
    pub rule: Option<String>,
    /// Why: `tail.rule`, `tail.ratio`; of the sampler `always_on`, `always_off`, `parent`, `ratio`, `rate_limit`, `no_rule`, `load`,
    /// `extreme_load`.
    pub reason: String,
    /// What it decided on.
    pub seen: Volume,
    /// What it kept of that.
    pub kept: Volume,
}

impl Line {
    /// Which share of the traces it kept; 0 if it has seen none.
    pub fn share(&self) -> f64 {
        share(&self.seen, &self.kept)
    }
}

fn share(seen: &Volume, kept: &Volume) -> f64 {
    if seen.traces > 0.0 { kept.traces / seen.traces } else { 0.0 }
}

/// What settings would keep.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// What the sampler refused, or kept if there is no tail sampling; the rules of tail sampling in their order, those that
    /// matched nothing, too; its ratio.
    pub lines: Vec<Line>,
    /// All that there was.
    pub seen: Volume,
    /// All that is kept.
    pub kept: Volume,
    /// How long it took, from the beginning of the first span to the end of the last, in seconds.
    pub seconds: f64,
    /// How many spans were given.
    pub spans: u64,
    /// How many traces in a process were decided on.
    pub traces: u64,
    /// How many of these entered the process by a span that was not given: the earliest stood for it.
    pub without_root: u64,
    /// How many were decided because they went on for longer than they are held back.
    pub unfinished: u64,
    /// How many were decided early because there was no room for more.
    pub early: u64,
    /// How many spans came after the decision, and followed it.
    pub late_spans: u64,
}

impl Report {
    /// Which share of the traces is kept; 0 if there was none.
    pub fn share(&self) -> f64 {
        share(&self.seen, &self.kept)
    }

    /// So much in each second; the same if everything was at one moment.
    pub fn per_second(&self, volume: &Volume) -> Volume {
        let mut result = Volume::default();
        result.add(*volume, if self.seconds > 0.0 { 1.0 / self.seconds } else { 1.0 });
        result
    }
}
