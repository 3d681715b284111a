//! Broken files in any number: nothing panics, hangs or outgrows its bounds.
//!
//! `cargo xtask fuzz config --seconds 600` runs this on stable Rust. The seed is fixed, so what is found is found again.
//! `fuzz/` has the same for cargo-fuzz, which looks for new paths through the code by itself.

use super::*;
use crate::config::{check, keys};
use std::time::{Duration, Instant};

const SEED: u64 = 0x6f74_656c_6965_7221;

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

const SEEDS: [&str; 3] = [
    "file_format: \"1.1\"\ntracer_provider:\n  processors:\n    - batch:\n        schedule_delay: ${DELAY:-5000}\n        exporter:\n          otlp_http: {endpoint: \"http://localhost:4318\", headers: [{name: a, value: b}]}\n  sampler:\n    parent_based:\n      root: {trace_id_ratio_based: {ratio: 0.25}}\n",
    "a: &a [1, 2]\nb: *a\nc: |\n  text ${A}\n  more\nd: 'it''s'\ne: \"\\u00e9\\n\"\n? complex\n: value\n",
    "distribution:\n  otelier:\n    tail_sampling: {failed: true, slower_than: 250ms}\n    old_names: [retail]\nresource:\n  attributes:\n    - {name: a, value: [1, 2], type: int_array}\n",
];

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// The files to begin with: those of the specification, too, if they are there.
fn corpus() -> Vec<String> {
    let mut corpus: Vec<String> = SEEDS.iter().map(|text| (*text).to_owned()).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures/otel-configuration");
    for kind in ["examples", "snippets"] {
        let entries = std::fs::read_dir(folder.join(kind)).into_iter().flatten().flatten();
        let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        corpus.extend(paths.iter().filter_map(|path| std::fs::read_to_string(path).ok()));
    }
    corpus
}

fn mutated(random: &mut Random, corpus: &[String]) -> String {
    let mut text: Vec<char> = corpus[random.below(corpus.len())].chars().collect();
    for _ in 0..=random.below(6) {
        let at = random.below(text.len() + 1);
        let end = (at + random.below(40)).min(text.len());
        match random.below(6) {
            0 => _ = text.drain(at..end),
            1 => _ = text.splice(at..at, PIECES[random.below(PIECES.len())].chars()),
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
                let piece = PIECES[random.below(PIECES.len())].repeat(1 << random.below(12));
                _ = text.splice(at..at, piece.chars());
            }
        }
    }
    text.into_iter().collect()
}

/// Reads and checks the text; what is wrong with it must be said in few words.
fn run(text: &str) {
    let variables = Variables::of([("A", "x\ny: [1]"), ("DELAY", "-1")]);
    let problems = match Document::parse("fuzz.yaml", text, &variables) {
        Ok(document) => {
            let mut problems = ConfigError::default();
            check(&document.root, &keys::CONFIGURATION, &mut problems);
            problems
        }
        Err(error) => {
            assert!(!error.problems().is_empty());
            error
        }
    };
    assert!(problems.problems().len() <= 250, "{} problems", problems.problems().len());
    assert!(problems.to_string().len() < 1 << 20, "an error of {} bytes", problems.to_string().len());
}

fn fuzz(time: Duration, files: usize) -> usize {
    let corpus = corpus();
    let mut random = Random(SEED);
    let start = Instant::now();
    let mut count = 0;
    while count < files && start.elapsed() < time {
        let text = mutated(&mut random, &corpus);
        let began = Instant::now();
        let done = std::panic::catch_unwind(|| run(&text));
        let took = began.elapsed();
        if done.is_err() || took > Duration::from_secs(20) {
            let file = std::env::temp_dir().join("otelier-fuzz-config.yaml");
            std::fs::write(&file, &text).unwrap();
            panic!("file {count}, {} bytes, after {took:?}; it is {}", text.len(), file.display());
        }
        count += 1;
    }
    count
}

#[test]
fn broken_files_neither_panic_nor_hang() {
    fuzz(Duration::from_secs(600), 300);
}

#[test]
#[ignore = "runs as long as `cargo xtask fuzz config` says"]
fn for_a_while() {
    let seconds =
        Variables::of_the_process().get("OTELIER_FUZZ_SECONDS").and_then(|text| text.parse().ok()).unwrap_or(60);
    println!("{} files in {seconds} s", fuzz(Duration::from_secs(seconds), usize::MAX));
}
