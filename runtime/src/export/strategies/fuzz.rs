//! Broken answers of a server of strategies, in any number: nothing panics or hangs, and what comes out keeps to its bounds.
//!
//! `cargo xtask fuzz strategies --seconds 600` runs this on stable Rust. The seed is fixed, so what is found is found again.
//! `fuzz/` has the same for cargo-fuzz, which looks for new paths through the code by itself.

use super::{Known, PerOperation, Strategy, read};

/// Reads these bytes as an answer.
pub fn strategies(bytes: &[u8]) {
    let strategy = match read(bytes) {
        Ok(strategy) => strategy,
        Err(problem) => return bounded(&problem),
    };
    match &strategy {
        Strategy::Ratio(ratio) => is_ratio(*ratio),
        Strategy::RateLimit(per_second) => is_per_second(*per_second),
        Strategy::PerOperation(PerOperation { ratios, other, at_least }) => {
            assert!(ratios.len() <= 2000 && ratios.is_sorted_by(|(one, _), (next, _)| one < next));
            ratios.iter().map(|(_, ratio)| ratio).chain([other]).for_each(|ratio| is_ratio(*ratio));
            is_per_second(*at_least);
        }
    }
    let known = Known::new(strategy.clone(), None);
    drop((known.node(), Known::new(strategy.clone(), Some(&known)).node()));
    let nothing = Strategy::PerOperation(PerOperation { ratios: Vec::new(), other: 0.0, at_least: 0.0 });
    for text in [strategy.after(None), strategy.after(Some(&nothing)), nothing.after(Some(&strategy))] {
        bounded(&text);
    }
    assert_eq!(read(bytes).as_ref(), Ok(&strategy));
}

fn is_ratio(ratio: f64) {
    assert!((0.0..=1.0).contains(&ratio), "{ratio}");
}

fn is_per_second(number: f64) {
    assert!((0.0..=1e9).contains(&number), "{number}");
}

/// Text of a server fits on a line, and cannot steer a terminal.
fn bounded(text: &str) {
    assert!(text.chars().count() < 3000 && !text.contains(char::is_control), "{text:?}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::fuzzing::{self, Random};

    const WHOLE: [&str; 3] = [
        r#"{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":0.25}}"#,
        r#"{"strategyType":1,"rateLimitingSampling":{"maxTracesPerSecond":5}}"#,
        r#"{"strategyType":0,"operationSampling":{"defaultSamplingProbability":0.5,"defaultLowerBoundTracesPerSecond":0.1,"perOperationStrategies":[{"operation":"a","probabilisticSampling":{"samplingRate":0.2}},{"operation":"b\u001b","probabilisticSampling":{"samplingRate":1}}]}}"#,
    ];

    /// What answers are made of; each is dangerous somewhere.
    const PIECES: [&str; 26] = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\\u",
        "\\ud83d",
        "null",
        "true",
        "0",
        "-0",
        "1",
        "1e999",
        "-1",
        "NaN",
        "inf",
        "0.30000000000000004",
        "\"operation\":",
        "\"probabilisticSampling\":",
        "\"samplingRate\":",
        "\"operationSampling\":{\"perOperationStrategies\":[",
        "{\"operation\":\"c\",\"probabilisticSampling\":{\"samplingRate\":1}},",
        "\u{1b}[31m",
    ];

    fn made(random: Random<'_>) -> Vec<u8> {
        let mut bytes = match random(4) {
            0 => Vec::new(),
            _ => WHOLE[random(WHOLE.len())].as_bytes().to_vec(),
        };
        for _ in 0..random(5) {
            let at = random(bytes.len() + 1);
            let end = (at + random(12)).min(bytes.len());
            let piece = PIECES[random(PIECES.len())].repeat(if random(40) == 0 { 3000 } else { 1 });
            match random(3) {
                0 => drop(bytes.splice(at..at, piece.bytes())),
                1 => drop(bytes.splice(at..end, piece.bytes())),
                _ => drop(bytes.drain(at..end)),
            }
        }
        if !bytes.is_empty() && random(4) == 0 {
            let at = random(bytes.len());
            bytes[at] = random(256) as u8;
        }
        bytes
    }

    #[test]
    fn broken_strategies_neither_panic_nor_leave_their_bounds() {
        fuzzing::few(3000, made, strategies);
    }

    #[test]
    #[ignore = "runs as long as `cargo xtask fuzz strategies` says"]
    fn for_a_while() {
        fuzzing::for_a_while(made, strategies);
    }
}
