//! An answer, read from JSON: the names of keys are those of the proto file in either spelling, what is missing or null is not
//! there, and what nobody here knows is passed over.

use super::{PerOperation, Strategy, short};
use crate::export::json_reader::{Reader, Value};
use std::collections::BTreeMap;

/// More operations than that are nobody's.
const MOST_OPERATIONS: usize = 2000;

/// The largest number of traces a second.
const MOST_PER_SECOND: f64 = 1e9;

/// What an answer says to keep, or why it cannot be used.
pub(crate) fn read(answer: &[u8]) -> Result<Strategy, String> {
    let mut found = Found::default();
    let mut reader = Reader::new(answer);
    let whole = found.read(&mut reader).filter(|()| reader.is_over());
    match (found.problem.take(), whole) {
        (Some(problem), _) => Err(problem),
        (None, None) => Err("the answer is no JSON that can be read".to_owned()),
        (None, Some(())) => found.strategy(),
    }
}

/// What an answer has.
#[derive(Default)]
struct Found {
    kind: Kind,
    ratio: Option<Option<f64>>,
    limit: Option<Option<f64>>,
    operations: Option<Operations>,
    /// The first thing that is wrong.
    problem: Option<String>,
}

#[derive(Clone, Copy, Default)]
enum Kind {
    #[default]
    Probabilistic,
    RateLimiting,
}

#[derive(Default)]
struct Operations {
    other: Option<f64>,
    at_least: Option<f64>,
    ratios: BTreeMap<String, f64>,
    count: usize,
}

impl Found {
    fn strategy(self) -> Result<Strategy, String> {
        // One without a word says nothing.
        let is_said = |operations: &Operations| operations.other.is_some() || !operations.ratios.is_empty();
        if let Some(operations) = self.operations.filter(is_said) {
            let Operations { other, at_least, ratios, .. } = operations;
            let ratios = ratios.into_iter().collect();
            let (other, at_least) = (other.unwrap_or_default(), at_least.unwrap_or_default());
            return Ok(Strategy::PerOperation(PerOperation { ratios, other, at_least }));
        }
        // As in the proto file, a number that is not there is 0.
        let ratio = self.ratio.map(|ratio| Strategy::Ratio(ratio.unwrap_or_default()));
        let limit = self.limit.map(|limit| Strategy::RateLimit(limit.unwrap_or_default()));
        let found = match self.kind {
            Kind::Probabilistic => ratio.or(limit),
            Kind::RateLimiting => limit.or(ratio),
        };
        found.ok_or_else(|| {
            "the answer has no strategy; expected `probabilisticSampling`, `rateLimitingSampling` or `operationSampling`"
                .to_owned()
        })
    }

    /// Notes what is wrong, which ends the reading.
    fn wrong<T>(&mut self, problem: String) -> Option<T> {
        self.problem.get_or_insert(problem);
        None
    }

    fn read(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        if reader.peek()? != b'{' {
            return self.wrong("the answer is no object of JSON".to_owned());
        }
        reader.object(|key, reader| match key {
            "strategyType" | "strategy_type" => self.kind(reader),
            "probabilisticSampling" | "probabilistic_sampling" => {
                let ratio = self.single(reader, key, |key| matches!(key, "samplingRate" | "sampling_rate"), 1.0)?;
                self.ratio = ratio.or(self.ratio);
                Some(())
            }
            "rateLimitingSampling" | "rate_limiting_sampling" => {
                let is_meant = |key: &str| matches!(key, "maxTracesPerSecond" | "max_traces_per_second");
                let limit = self.single(reader, key, is_meant, MOST_PER_SECOND)?;
                self.limit = limit.or(self.limit);
                Some(())
            }
            "operationSampling" | "operation_sampling" => self.operations(reader, key),
            _ => reader.value().map(drop),
        })
    }

    fn kind(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        self.kind = match reader.value()? {
            Value::Text(text) if text == "PROBABILISTIC" => Kind::Probabilistic,
            Value::Text(text) if text == "RATE_LIMITING" => Kind::RateLimiting,
            Value::Number(number) if number == "0" => Kind::Probabilistic,
            Value::Number(number) if number == "1" => Kind::RateLimiting,
            Value::Number(number) if number == "null" => return Some(()),
            Value::Text(found) | Value::Number(found) => {
                let found = short(&found);
                let expected = "`PROBABILISTIC` or `RATE_LIMITING`";
                return self.wrong(format!("the answer's `strategyType` is `{found}`; expected {expected}"));
            }
            Value::Other => return self.wrong("the answer's `strategyType` is no word".to_owned()),
        };
        Some(())
    }

    /// Whether an object comes now; null is none.
    fn is_object(&mut self, reader: &mut Reader<'_>, key: &str) -> Option<bool> {
        if reader.peek()? == b'{' {
            return Some(true);
        }
        match reader.value()? {
            Value::Number(word) if word == "null" => Some(false),
            _ => self.wrong(format!("the answer's `{key}` is no object")),
        }
    }

    /// A number from 0 to `most`; null is none.
    fn number(&mut self, reader: &mut Reader<'_>, key: &str, most: f64) -> Option<Option<f64>> {
        match reader.value()? {
            Value::Number(word) if word == "null" => Some(None),
            Value::Number(text) | Value::Text(text) => match text.parse::<f64>() {
                // Without the sign of a negative zero.
                Ok(number) if (0.0..=most).contains(&number) => Some(Some(number.abs())),
                _ => self
                    .wrong(format!("the answer's `{key}` is `{}`; expected a number from 0 to {most}", short(&text))),
            },
            Value::Other => self.wrong(format!("the answer's `{key}` is no number")),
        }
    }

    /// The one number of an object; the outer `None` ends the reading, the next is for null.
    fn single(
        &mut self,
        reader: &mut Reader<'_>,
        key: &str,
        is_meant: impl Fn(&str) -> bool,
        most: f64,
    ) -> Option<Option<Option<f64>>> {
        if !self.is_object(reader, key)? {
            return Some(None);
        }
        let mut found = None;
        reader.object(|key, reader| {
            if !is_meant(key) {
                return reader.value().map(drop);
            }
            found = self.number(reader, key, most)?;
            Some(())
        })?;
        Some(Some(found))
    }

    fn operations(&mut self, reader: &mut Reader<'_>, key: &str) -> Option<()> {
        if !self.is_object(reader, key)? {
            return Some(());
        }
        let mut operations = Operations::default();
        reader.object(|key, reader| match key {
            "defaultSamplingProbability" | "default_sampling_probability" => {
                operations.other = self.number(reader, key, 1.0)?;
                Some(())
            }
            "defaultLowerBoundTracesPerSecond" | "default_lower_bound_traces_per_second" => {
                operations.at_least = self.number(reader, key, MOST_PER_SECOND)?;
                Some(())
            }
            "perOperationStrategies" | "per_operation_strategies" => self.ratios(reader, key, &mut operations),
            _ => reader.value().map(drop),
        })?;
        self.operations = Some(operations);
        Some(())
    }

    fn ratios(&mut self, reader: &mut Reader<'_>, key: &str, operations: &mut Operations) -> Option<()> {
        if reader.peek()? != b'[' {
            return match reader.value()? {
                Value::Number(word) if word == "null" => Some(()),
                _ => self.wrong(format!("the answer's `{key}` is no list")),
            };
        }
        reader.list(|reader| {
            operations.count += 1;
            if operations.count > MOST_OPERATIONS {
                return self.wrong(format!("the answer has more than {MOST_OPERATIONS} operations"));
            }
            let (name, ratio) = self.operation(reader)?;
            // Of one that is listed twice the last counts.
            operations.ratios.insert(name, ratio);
            Some(())
        })
    }

    fn operation(&mut self, reader: &mut Reader<'_>) -> Option<(String, f64)> {
        let (mut name, mut ratio) = (None, None);
        if reader.peek()? != b'{' {
            return self.wrong("one of the answer's `perOperationStrategies` is no object".to_owned());
        }
        reader.object(|key, reader| match key {
            "operation" => match reader.value()? {
                Value::Text(text) => {
                    name = Some(text);
                    Some(())
                }
                _ => self.wrong("the answer's `operation` is no text".to_owned()),
            },
            "probabilisticSampling" | "probabilistic_sampling" => {
                ratio = self.single(reader, key, |key| matches!(key, "samplingRate" | "sampling_rate"), 1.0)?;
                Some(())
            }
            _ => reader.value().map(drop),
        })?;
        match (name, ratio) {
            (Some(name), Some(ratio)) => Some((name, ratio.unwrap_or_default())),
            (None, _) => self.wrong("one of the answer's operations has no name".to_owned()),
            (Some(name), None) => {
                self.wrong(format!("the answer has no `probabilisticSampling` for the operation `{}`", short(&name)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operations(ratios: &[(&str, f64)], other: f64, at_least: f64) -> Strategy {
        let ratios = ratios.iter().map(|(name, ratio)| ((*name).to_owned(), *ratio)).collect();
        Strategy::PerOperation(PerOperation { ratios, other, at_least })
    }

    #[test]
    fn every_shape_of_an_answer_is_read() {
        for (answer, expected) in [
            (
                r#"{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":0.25}}"#,
                Strategy::Ratio(0.25),
            ),
            (r#"{"strategyType":0,"probabilisticSampling":{"samplingRate":1}}"#, Strategy::Ratio(1.0)),
            (r#"{"probabilisticSampling":{"samplingRate":1e-3},"operationSampling":null}"#, Strategy::Ratio(0.001)),
            (r#"{"probabilisticSampling":{}}"#, Strategy::Ratio(0.0)),
            (r#"{"probabilisticSampling":{"samplingRate":-0.0}}"#, Strategy::Ratio(0.0)),
            (
                r#"{"strategyType":"RATE_LIMITING","rateLimitingSampling":{"maxTracesPerSecond":5}}"#,
                Strategy::RateLimit(5.0),
            ),
            (r#"{"strategyType":1,"rateLimitingSampling":{"maxTracesPerSecond":"7"}}"#, Strategy::RateLimit(7.0)),
            // The kind says which; where that one is missing, the other.
            (
                r#"{"strategyType":"RATE_LIMITING","probabilisticSampling":{"samplingRate":1},"rateLimitingSampling":{"maxTracesPerSecond":2}}"#,
                Strategy::RateLimit(2.0),
            ),
            (r#"{"rateLimitingSampling":{"maxTracesPerSecond":2}}"#, Strategy::RateLimit(2.0)),
            (r#"{"strategyType":1,"probabilisticSampling":{"samplingRate":0.5}}"#, Strategy::Ratio(0.5)),
            (
                r#" { "strategyType" : null, "more" : [ { "a" : [ 1 ] } ], "probabilisticSampling" : { "samplingRate" : 0.5, "x" : "}" } } "#,
                Strategy::Ratio(0.5),
            ),
            (r#"{"strategy_type":0,"probabilistic_sampling":{"sampling_rate":0.5}}"#, Strategy::Ratio(0.5)),
            // Operations win, in whatever order; what says nothing of them does not.
            (
                r#"{"operationSampling":{"defaultSamplingProbability":0.5,"defaultLowerBoundTracesPerSecond":0.1,"defaultUpperBoundTracesPerSecond":3,"perOperationStrategies":[{"operation":"GET /b*","probabilisticSampling":{"samplingRate":0.2}},{"operation":"\u0061","probabilisticSampling":{"samplingRate":0.1}},{"operation":"a","probabilisticSampling":{"samplingRate":0.3}}]},"probabilisticSampling":{"samplingRate":1}}"#,
                operations(&[("GET /b*", 0.2), ("a", 0.3)], 0.5, 0.1),
            ),
            (
                r#"{"operationSampling":{"defaultSamplingProbability":0.001,"perOperationStrategies":[]}}"#,
                operations(&[], 0.001, 0.0),
            ),
            (
                r#"{"operationSampling":{"perOperationStrategies":[{"operation":"","probabilisticSampling":{}}]}}"#,
                operations(&[("", 0.0)], 0.0, 0.0),
            ),
            (
                r#"{"operationSampling":{"perOperationStrategies":null},"probabilisticSampling":{"samplingRate":1}}"#,
                Strategy::Ratio(1.0),
            ),
        ] {
            assert_eq!(read(answer.as_bytes()), Ok(expected), "{answer}");
        }
    }

    #[test]
    fn an_answer_that_cannot_be_used_says_why() {
        let json = "the answer is no JSON that can be read";
        let nothing = "the answer has no strategy; expected `probabilisticSampling`, `rateLimitingSampling` or `operationSampling`";
        let kinds = "expected `PROBABILISTIC` or `RATE_LIMITING`";
        for (answer, expected) in [
            ("", json),
            ("<html>", "the answer is no object of JSON"),
            ("[]", "the answer is no object of JSON"),
            ("{", json),
            ("{}", nothing),
            ("{} x", json),
            ("null", "the answer is no object of JSON"),
            (r#"{"strategyType":"PROBABILISTIC"}"#, nothing),
            (r#"{"operationSampling":{},"probabilisticSampling":null}"#, nothing),
            (
                r#"{"strategyType":"ADAPTIVE","probabilisticSampling":{"samplingRate":1}}"#,
                &format!("the answer's `strategyType` is `ADAPTIVE`; {kinds}"),
            ),
            (r#"{"strategyType":2}"#, &format!("the answer's `strategyType` is `2`; {kinds}")),
            (r#"{"strategyType":{}}"#, "the answer's `strategyType` is no word"),
            (r#"{"probabilisticSampling":1}"#, "the answer's `probabilisticSampling` is no object"),
            (
                r#"{"probabilisticSampling":{"samplingRate":1.5}}"#,
                "the answer's `samplingRate` is `1.5`; expected a number from 0 to 1",
            ),
            (
                r#"{"probabilisticSampling":{"samplingRate":"NaN"}}"#,
                "the answer's `samplingRate` is `NaN`; expected a number from 0 to 1",
            ),
            (
                r#"{"probabilisticSampling":{"samplingRate":true}}"#,
                "the answer's `samplingRate` is `true`; expected a number from 0 to 1",
            ),
            (r#"{"probabilisticSampling":{"samplingRate":[1]}}"#, "the answer's `samplingRate` is no number"),
            (
                r#"{"rateLimitingSampling":{"maxTracesPerSecond":-1}}"#,
                "the answer's `maxTracesPerSecond` is `-1`; expected a number from 0 to 1000000000",
            ),
            (
                r#"{"operationSampling":{"defaultLowerBoundTracesPerSecond":1e10}}"#,
                "the answer's `defaultLowerBoundTracesPerSecond` is `1e10`; expected a number from 0 to 1000000000",
            ),
            (
                r#"{"operationSampling":{"perOperationStrategies":{}}}"#,
                "the answer's `perOperationStrategies` is no list",
            ),
            (
                r#"{"operationSampling":{"perOperationStrategies":[1]}}"#,
                "one of the answer's `perOperationStrategies` is no object",
            ),
            (
                r#"{"operationSampling":{"perOperationStrategies":[{"probabilisticSampling":{"samplingRate":1}}]}}"#,
                "one of the answer's operations has no name",
            ),
            (
                r#"{"operationSampling":{"perOperationStrategies":[{"operation":"a"}]}}"#,
                "the answer has no `probabilisticSampling` for the operation `a`",
            ),
            (
                r#"{"operationSampling":{"perOperationStrategies":[{"operation":7,"probabilisticSampling":{}}]}}"#,
                "the answer's `operation` is no text",
            ),
        ] {
            assert_eq!(read(answer.as_bytes()), Err(expected.to_owned()), "{answer}");
        }
    }

    #[test]
    fn an_answer_is_refused_for_too_many_operations_or_too_deep_nesting() {
        let list = |count: usize| {
            let one = |number| format!(r#"{{"operation":"{number}","probabilisticSampling":{{"samplingRate":1}}}}"#);
            let all: Vec<_> = (0..count).map(one).collect();
            format!(r#"{{"operationSampling":{{"perOperationStrategies":[{}]}}}}"#, all.join(","))
        };
        assert!(read(list(MOST_OPERATIONS).as_bytes()).is_ok());
        let error = read(list(MOST_OPERATIONS + 1).as_bytes());
        assert_eq!(error, Err("the answer has more than 2000 operations".to_owned()));
        let deep = format!(r#"{{"x":{}"#, "[".repeat(1 << 20));
        assert_eq!(read(deep.as_bytes()), Err("the answer is no JSON that can be read".to_owned()));
    }
}
