//! Broken files and variables in any number: nothing panics, hangs or outgrows its bounds, and no secret is told.
//!
//! `cargo xtask fuzz config --seconds 600` runs this on stable Rust. The seed is fixed, so what is found is found again.
//! `fuzz/` has the same for cargo-fuzz, which looks for new paths through the code by itself.

use super::*;
use crate::config::{Settings, check, keys};
use otelier_spec::variables::{self, Kind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const SEED: u64 = 0x6f74_656c_6965_7221;

/// The longest time that one file may take. Files are at most 1 MiB, and some have a megabyte of mistakes.
const PATIENCE: Duration = Duration::from_secs(20);

/// What files are made of; each is dangerous somewhere.
const PIECES: [&str; 40] = [
    "\n",
    "  ",
    "\t",
    "- ",
    ": ",
    "? ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\"",
    "'",
    "|\n",
    ">-\n",
    "#",
    "&a ",
    "*a",
    "<<: *a\n",
    "!!int ",
    "!x ",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "${A}",
    "${",
    "$$",
    "${A:-b}",
    "${1}",
    "null",
    "-1",
    "1e999",
    ".nan",
    "9999999999999999999",
    "\u{feff}",
    "\r",
    "é",
    "\u{85}",
    "file_format: \"1.1\"\n",
    "tracer_provider:\n",
];

/// What stands where a setting stands: each is right somewhere, and most are too large or too small elsewhere.
const VALUES: [&str; 34] = [
    "",
    "null",
    "true",
    "no",
    "0",
    "1",
    "-1",
    "7",
    "0.5",
    "1.0000001",
    "-0.0",
    "1e308",
    "5e-324",
    ".inf",
    ".nan",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "0x7fffffffffffffff",
    "250ms",
    "99999999999999999999h",
    "\"\"",
    "\"\\u0000\"",
    "${A}",
    "[]",
    "{}",
    "[[]]",
    "{a: 1}",
    "[1, x, null, 0.5]",
    "http://user:password@host:99999/%zz?#",
    "file:///",
    "gzip",
    "always_on",
    "*?*?*?*?*?*?*?*?*?*?*?*?*?*",
];

/// What variables are made of, beside [`VALUES`].
const WORDS: [&str; 33] = [
    "otlp",
    "console",
    "none",
    "zipkin",
    "prometheus",
    "otlp,console",
    "true",
    "FALSE",
    "tracecontext,baggage,b3,b3multi,jaeger,xray",
    "parentbased_traceidratio",
    "traceidratio",
    "jaeger_remote",
    "http/protobuf",
    "http/json",
    "grpc",
    "http://localhost:4318",
    "localhost:4317",
    "a=b,c=d",
    "a=%",
    "a=%ff",
    "=,=,=",
    "a",
    ",",
    ";",
    "=",
    "%2",
    " ",
    "\n",
    "\u{0}",
    "\u{fffd}",
    "é",
    "logs/dup",
    "retail,lakehouse",
];

const SEEDS: [&str; 3] = [
    "file_format: \"1.1\"\ntracer_provider:\n  processors:\n    - batch:\n        schedule_delay: ${DELAY:-5000}\n        exporter:\n          otlp_http: {endpoint: \"http://localhost:4318\", headers: [{name: a, value: b}]}\n  sampler:\n    parent_based:\n      root: {trace_id_ratio_based: {ratio: 0.25}}\n",
    "a: &a [1, 2]\nb: *a\nc: |\n  text ${A}\n  more\nd: 'it''s'\ne: \"\\u00e9\\n\"\n? complex\n: value\n",
    "distribution:\n  otelier:\n    tail_sampling: {failed: true, slower_than: 250ms}\n    old_names: [retail]\nresource:\n  attributes:\n    - {name: a, value: [1, 2], type: int_array}\n",
];

/// Stands in every secret, and nowhere else.
const SECRET: &str = "s3cr3t";

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }
}

/// The files to begin with: ours, and those of the specification, if they are there.
fn corpus() -> Vec<String> {
    let mut corpus: Vec<String> = SEEDS.iter().map(|text| (*text).to_owned()).collect();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let theirs = "../../shared/fixtures/otel-configuration";
    for folder in ["../tests/it/configuration", "../docs", &format!("{theirs}/examples"), &format!("{theirs}/snippets")]
    {
        let entries = std::fs::read_dir(here.join(folder)).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path());
        let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|name| name == "yaml")).collect();
        paths.sort();
        corpus.extend(paths.iter().filter_map(|path| std::fs::read_to_string(path).ok()));
    }
    corpus
}

/// A file with some settings changed: it stays YAML, and gets far.
fn changed(random: &mut Random, corpus: &[String]) -> String {
    let text = &corpus[random.below(corpus.len())];
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for _ in 0..=random.below(4) {
        let at = random.below(lines.len());
        match random.below(8) {
            0 => _ = lines.remove(at),
            1 => {
                let line = lines[at].clone();
                lines.insert(at, line);
            }
            2 => {
                let other: Vec<&str> = corpus[random.below(corpus.len())].lines().collect();
                let from = random.below(other.len());
                let to = (from + random.below(12)).min(other.len());
                lines.splice(at..at, other[from..to].iter().map(|line| (*line).to_owned()));
            }
            3 => lines[at].insert_str(0, "  "),
            _ => {
                if let Some((key, _)) = lines[at].split_once(": ") {
                    lines[at] = format!("{key}: {}", random.of(&VALUES));
                } else if let Some((indent, _)) = lines[at].split_once("- ") {
                    lines[at] = format!("{indent}- {}", random.of(&VALUES));
                }
            }
        }
        if lines.is_empty() {
            break;
        }
    }
    lines.join("\n")
}

/// A file with anything anywhere.
fn mutated(random: &mut Random, corpus: &[String]) -> String {
    let mut text: Vec<char> = corpus[random.below(corpus.len())].chars().collect();
    for _ in 0..=random.below(6) {
        let at = random.below(text.len() + 1);
        let end = (at + random.below(40)).min(text.len());
        match random.below(6) {
            0 => _ = text.drain(at..end),
            1 => _ = text.splice(at..at, random.of(&PIECES).chars()),
            2 => {
                let piece: Vec<char> = text[at..end].to_vec();
                let times = 1 << random.below(10);
                let to = random.below(text.len() + 1);
                _ = text.splice(to..to, piece.iter().copied().cycle().take(piece.len() * times));
            }
            3 => {
                let other: Vec<char> = corpus[random.below(corpus.len())].chars().collect();
                let from = random.below(other.len());
                let to = (from + random.below(200)).min(other.len());
                _ = text.splice(at..end, other[from..to].iter().copied());
            }
            4 => text.truncate(at),
            _ => {
                let piece = random.of(&PIECES).repeat(1 << random.below(12));
                _ = text.splice(at..at, piece.chars());
            }
        }
    }
    text.into_iter().collect()
}

/// Some of the variables that somebody reads, with values of which few are right.
fn environment(random: &mut Random) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    for variable in variables::ALL {
        // A file in place of the others is what the other half of this is about.
        if matches!(variable.kind, Kind::Path) && variable.name.ends_with("CONFIG_FILE") || random.below(4) > 0 {
            continue;
        }
        let mut value = String::new();
        for _ in 0..=random.below(3) {
            let (word, times) = (if random.below(2) == 0 { random.of(&VALUES) } else { random.of(&WORDS) }, 1);
            let times = if random.below(200) == 0 { 1 << random.below(12) } else { times };
            value.push_str(&word.repeat(times));
        }
        if variable.kind == Kind::Secrets {
            value = format!("k={value}{SECRET}");
        }
        all.push((variable.name, value));
    }
    all
}

/// One thing to try.
enum Input {
    File(String),
    Variables(Vec<(&'static str, String)>),
}

impl Input {
    fn new(random: &mut Random, corpus: &[String]) -> Self {
        match random.below(4) {
            0 => Self::Variables(environment(random)),
            1 => Self::File(mutated(random, corpus)),
            _ => Self::File(changed(random, corpus)),
        }
    }

    /// What is written down of it: the file, or the variables for a shell.
    fn text(&self) -> String {
        match self {
            Self::File(text) => text.clone(),
            Self::Variables(variables) => variables.iter().map(|(name, value)| format!("{name}={value:?}\n")).collect(),
        }
    }

    /// Reads the settings; what is wrong with them must be said in few words.
    fn run(&self) -> Outcome {
        match self {
            Self::File(text) => file(text),
            Self::Variables(variables) => {
                let variables: Vec<(&str, &str)> =
                    variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
                let settings = Settings::from_variables(&Variables::of_list(&variables));
                let said = match &settings {
                    Ok(settings) => format!("{:?}", settings.telemetry),
                    Err(error) => format!("{error} {error:?}"),
                };
                assert!(!said.contains(SECRET), "a secret is told: {said}");
                judge(settings)
            }
        }
    }
}

/// How far an input came.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    NoYaml,
    Refused,
    Accepted,
}

fn file(text: &str) -> Outcome {
    let variables = Variables::of([("A", "x\ny: [1]"), ("DELAY", "-1"), ("SERVICE", "true"), ("API_KEY", "a\nb")]);
    let document = match Document::parse("fuzz.yaml", text, &variables) {
        Ok(document) => document,
        Err(error) => {
            bounded(&error);
            return Outcome::NoYaml;
        }
    };
    let mut problems = ConfigError::default();
    check(&document.root, &keys::CONFIGURATION, &mut problems);
    let refused = !problems.problems().is_empty();
    let outcome = judge(Settings::from_document(document));
    assert!(!refused || outcome == Outcome::Refused, "what is checked and refused is loaded: {problems}");
    outcome
}

fn judge(settings: Result<Settings, ConfigError>) -> Outcome {
    match settings {
        Ok(settings) => {
            let warnings = &settings.telemetry.warnings;
            assert!(warnings.len() <= 250, "{} warnings", warnings.len());
            let length: usize = warnings.iter().map(|warning| warning.to_string().len()).sum();
            assert!(length < 1 << 20, "warnings of {length} bytes");
            // What was accepted is accepted for good.
            let mut problems = ConfigError::default();
            settings.telemetry.check(&mut problems);
            assert!(problems.problems().is_empty(), "{problems}");
            assert!(settings.get("tracer_provider.processors[0].batch[99999999999999999999]").is_none());
            Outcome::Accepted
        }
        Err(error) => {
            bounded(&error);
            Outcome::Refused
        }
    }
}

fn bounded(error: &ConfigError) {
    assert!(!error.problems().is_empty());
    assert!(error.problems().len() <= 250, "{} problems", error.problems().len());
    assert!(error.to_string().len() < 1 << 20, "an error of {} bytes", error.to_string().len());
}

/// How many inputs there were, and how many of them came how far.
#[derive(Debug, Default)]
struct Count {
    inputs: usize,
    variables: usize,
    no_yaml: usize,
    refused: usize,
    accepted: usize,
    slowest: Duration,
}

/// Where the input is found that a run ended with, also if it ended the process: too deep a stack cannot be caught.
fn left_behind() -> std::path::PathBuf {
    std::env::temp_dir().join(format!("otelier-fuzz-config-{}.yaml", std::process::id()))
}

fn fuzz(time: Duration, inputs: usize) -> Count {
    let (corpus, path) = (corpus(), left_behind());
    let mut random = Random(SEED);
    let mut count = Count::default();
    let (start, at, is_over) = (Instant::now(), AtomicUsize::new(0), AtomicBool::new(false));
    let began = Mutex::new(start);
    std::thread::scope(|scope| {
        // What hangs never comes back to be measured.
        let watch = || {
            while !is_over.load(Ordering::Relaxed) {
                std::thread::park_timeout(Duration::from_millis(500));
                let took = began.lock().map_or(Duration::ZERO, |began| began.elapsed());
                if took > PATIENCE && !is_over.load(Ordering::Relaxed) {
                    eprintln!("input {} hangs; it is {}", at.load(Ordering::Relaxed), path.display());
                    std::process::exit(1);
                }
            }
        };
        let watcher = scope.spawn(watch);
        while count.inputs < inputs && start.elapsed() < time {
            let input = Input::new(&mut random, &corpus);
            std::fs::write(&path, input.text()).expect("a folder for temporary files");
            at.store(count.inputs, Ordering::Relaxed);
            let now = Instant::now();
            *began.lock().expect("nobody panics with it") = now;
            let done = std::panic::catch_unwind(|| input.run());
            count.slowest = count.slowest.max(now.elapsed());
            let Ok(outcome) = done else {
                is_over.store(true, Ordering::Relaxed);
                watcher.thread().unpark();
                panic!("input {} is a finding; it is {}", count.inputs, path.display());
            };
            count.inputs += 1;
            count.variables += usize::from(matches!(input, Input::Variables(_)));
            *match outcome {
                Outcome::NoYaml => &mut count.no_yaml,
                Outcome::Refused => &mut count.refused,
                Outcome::Accepted => &mut count.accepted,
            } += 1;
        }
        is_over.store(true, Ordering::Relaxed);
        watcher.thread().unpark();
    });
    let _ = std::fs::remove_file(path);
    count
}

#[test]
fn broken_files_and_variables_neither_panic_nor_hang() {
    let count = fuzz(Duration::from_secs(600), 600);
    // Inputs of every kind must have come to the end, or this shows nothing.
    assert!(count.no_yaml > 20 && count.refused > 20 && count.accepted > 20 && count.variables > 20, "{count:?}");
}

#[test]
#[ignore = "runs as long as `cargo xtask fuzz config` says"]
fn for_a_while() {
    let seconds =
        Variables::of_the_process().get("OTELIER_FUZZ_SECONDS").and_then(|text| text.parse().ok()).unwrap_or(60);
    let count = fuzz(Duration::from_secs(seconds), usize::MAX);
    println!("{} inputs in {seconds} s without a finding", count.inputs);
    println!("{count:?}");
}
