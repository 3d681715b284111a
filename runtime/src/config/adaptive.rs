//! Settings of the sampler that follows the load.

use super::sampler::Place;
use crate::ConfigError;
use crate::record::{AdaptiveNode, LoadLimits, Node, Rates};
use std::fmt;

/// A ratio by kind of operation, which falls while the machine or the queue has too much to do, and comes back afterwards.
///
/// Ratios are `0.0..=1.0`, chosen by the random part of the trace id. The kind is that of the trace's first span here, by the
/// schema of its annotation. While nothing is overloaded each kind has its ratio. Otherwise all of them are multiplied with one
/// factor, which [`Health::sampling_factor`](crate::health::Health::sampling_factor) tells. Where an annotation says
/// [`priority`](crate::Priority) low, the factor counts twice, and where it says high, not at all.
///
/// | YAML (`otelier/adaptive`) | environment, with `OTEL_TRACES_SAMPLER=adaptive` |
/// |-|-|
/// | `ratio` | `OTEL_TRACES_SAMPLER_ARG` |
/// | `cpu_threshold`, `memory_threshold` | `OTEL_CPU_THRESHOLD`, `OTEL_MEMORY_THRESHOLD` |
/// | `high_volume_ratio` | `OTEL_HIGH_VOLUME_SAMPLE_RATE` |
/// | `workflow_ratio`, `exchange_api_ratio`, `storage_ratio`, `large_file_ratio`, `ingestion_ratio` | |
/// | `traces_per_second`, `export_failure_threshold`, `exchange_budget_floor` | |
/// | `error_threshold`, `error_boost`, `consistent` | |
///
/// ```
/// use otelier::Telemetry;
/// use otelier::config::{Adaptive, Sampler};
///
/// let mut adaptive = Adaptive::default();
/// adaptive.ratio = 0.5;
/// adaptive.cpu_threshold = 60.0;
/// let telemetry = otelier::init(Telemetry::default().with_sampler(Sampler::Adaptive(adaptive)))?;
/// assert_eq!(telemetry.health().sampling_factor, Some(1.0));
/// # telemetry.shutdown()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Adaptive {
    /// Of everything that has no ratio of its own below. Default: 0.1.
    pub ratio: f64,
    /// Of workflows, their stages and tasks (`#[trace_workflow]`, `#[trace_stage]`, schemas `workflow.…`). Default: 1.0.
    pub workflow_ratio: f64,
    /// Of requests to the API of an exchange (`#[trace_exchange_api]`). Default: 0.3.
    pub exchange_api_ratio: f64,
    /// Of storage (`#[trace_storage]`, schemas `storage.…`) of files up to 1 MiB (`file.size` or `crypto.data_size_bytes`), and
    /// where the size is not known when the span begins. From there on it moves with the logarithm of the size, and is
    /// `large_file_ratio` at 1 GiB. Default: 0.2.
    pub storage_ratio: f64,
    /// Of storage of files of 1 GiB and more. Default: 0.05.
    pub large_file_ratio: f64,
    /// Of ingestion (`#[trace_ingestion]`) of up to 1,000 records (`crypto.record_count`). From there on it moves with the
    /// logarithm of the count, and is `high_volume_ratio` at 100,000. Default: 0.3.
    pub ingestion_ratio: f64,
    /// Of ingestion of 100,000 records and more, and where the count is not known when the span begins. Default: 0.05.
    pub high_volume_ratio: f64,
    /// The share of the processor's time, in percent, above which the ratios fall: of what the control group may use, or else
    /// of the machine. More than 0, at most 100, which is as if nobody looked. Linux only. Default: 80.
    pub cpu_threshold: f64,
    /// The same of the memory. Default: 85.
    pub memory_threshold: f64,
    /// The share of the spans, in percent, above which the ratios fall because so many are lost on their way: exports that failed
    /// for good, spans that a receiver refused, and those for which the queue had no room. An exporter that delivers nothing does
    /// not count while another one delivers something. More than 0, at most 100, which is as if nobody looked. Default: 10.
    pub export_failure_threshold: f64,
    /// How many traces of those that begin here are kept in a second, in all: where there are more, every ratio is multiplied with
    /// the same factor, so that they keep their proportions. It is the number while nothing else lowers the ratios, and holds
    /// apart for each adaptive sampler where several are branches of a [`ParentBased`](super::ParentBased). More than 0, at most
    /// 1,000,000,000. Default: `None`, as many as the ratios keep.
    pub traces_per_second: Option<f64>,
    /// The share of the local roots, in percent, above which the ratios are raised because so many fail. It is a share of those
    /// that are recorded. More than 0, at most 100, which is never exceeded. Default: 5.
    pub error_threshold: f64,
    /// How far ratios are raised at most where too many fail: `4.0` keeps up to four times as many, as long as the load is not too
    /// high and `traces_per_second` has room. 1 to 1,000; 1 is off. Default: 4.0.
    pub error_boost: f64,
    /// What `exchange_api_ratio` is multiplied with where the exchange's rate limit is used up. Up to a half of the limit it is
    /// multiplied with 1, and in between in proportion. The exchange is the attribute `crypto.market`, and what is used is what
    /// `otelier::http::RateLimits` knows. `0.0..=1.0`; 1 is off. Default: 0.1.
    pub exchange_budget_floor: f64,
    /// Whether `tracestate` tells the threshold (`ot=th:…`) of a trace that is kept, by which counting spans gives the number of
    /// calls; see [consistent probability
    /// sampling](https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/). It costs that every span of
    /// such a trace is OpenTelemetry's current span. Default: no.
    pub consistent: bool,
}

impl Default for Adaptive {
    fn default() -> Self {
        Self {
            ratio: 0.1,
            workflow_ratio: 1.0,
            exchange_api_ratio: 0.3,
            storage_ratio: 0.2,
            large_file_ratio: 0.05,
            ingestion_ratio: 0.3,
            high_volume_ratio: 0.05,
            cpu_threshold: 80.0,
            memory_threshold: 85.0,
            export_failure_threshold: 10.0,
            traces_per_second: None,
            error_threshold: 5.0,
            error_boost: 4.0,
            exchange_budget_floor: 0.1,
            consistent: false,
        }
    }
}

impl Adaptive {
    /// The ratios with their keys.
    pub(super) fn ratios(&mut self) -> [(&'static str, &mut f64); 8] {
        [
            ("ratio", &mut self.ratio),
            ("workflow_ratio", &mut self.workflow_ratio),
            ("exchange_api_ratio", &mut self.exchange_api_ratio),
            ("storage_ratio", &mut self.storage_ratio),
            ("large_file_ratio", &mut self.large_file_ratio),
            ("ingestion_ratio", &mut self.ingestion_ratio),
            ("high_volume_ratio", &mut self.high_volume_ratio),
            ("exchange_budget_floor", &mut self.exchange_budget_floor),
        ]
    }

    /// The thresholds with their keys.
    pub(super) fn thresholds(&mut self) -> [(&'static str, &mut f64); 4] {
        [
            ("cpu_threshold", &mut self.cpu_threshold),
            ("memory_threshold", &mut self.memory_threshold),
            ("export_failure_threshold", &mut self.export_failure_threshold),
            ("error_threshold", &mut self.error_threshold),
        ]
    }

    pub(super) fn check_at(&self, place: &Place, problems: &mut ConfigError) {
        let mut all = self.clone();
        for (key, ratio) in all.ratios() {
            if !(0.0..=1.0).contains(ratio) {
                place.refuse(&format!("`{key}` is {ratio}"), "0.0 to 1.0", problems);
            }
        }
        for (key, percent) in all.thresholds() {
            if !(*percent > 0.0 && *percent <= 100.0) {
                place.refuse(&format!("`{key}` is {percent}"), "more than 0, at most 100 percent", problems);
            }
        }
        if let Some(rate) = self.traces_per_second.filter(|rate| !(*rate > 0.0 && *rate <= 1e9)) {
            place.refuse(&format!("`traces_per_second` is {rate}"), "more than 0, at most 1000000000", problems);
        }
        if !(1.0..=1000.0).contains(&self.error_boost) {
            place.refuse(&format!("`error_boost` is {}", self.error_boost), "1 to 1000", problems);
        }
    }

    fn rates(&self) -> Rates {
        Rates {
            other: self.ratio,
            workflow: self.workflow_ratio,
            exchange_api: self.exchange_api_ratio,
            storage: self.storage_ratio,
            large_file: self.large_file_ratio,
            ingestion: self.ingestion_ratio,
            high_volume: self.high_volume_ratio,
            budget_floor: self.exchange_budget_floor,
        }
    }

    fn limits(&self) -> LoadLimits {
        LoadLimits {
            cpu: self.cpu_threshold / 100.0,
            memory: self.memory_threshold / 100.0,
            failures: self.export_failure_threshold / 100.0,
            target: self.traces_per_second,
            errors: self.error_threshold / 100.0,
            boost: self.error_boost,
        }
    }

    /// Its name in the declarative file, with what matters of its settings.
    pub(super) fn fmt_as_sampler(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "otelier/adaptive(ratio: {}", self.ratio)?;
        if let Some(rate) = self.traces_per_second {
            write!(f, ", traces_per_second: {rate}")?;
        }
        f.write_str(")")
    }

    /// What decides. To be called on what was checked.
    pub(super) fn node(&self) -> Node {
        Node::Adaptive(Box::new(AdaptiveNode::new(self.rates(), self.limits(), self.consistent)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Telemetry;
    use crate::config::{Sampler, Variables};

    #[test]
    fn variables_say_what_the_fields_say() {
        let read = |variables: [(&str, &str); 5]| {
            let telemetry = Telemetry::from_variables(&Variables::of(variables)).expect("nothing is refused");
            let warnings: Vec<_> = telemetry.warnings.iter().map(|warning| warning.sentence().to_owned()).collect();
            (telemetry.sampler, warnings)
        };
        let (sampler, warnings) = read([
            ("OTEL_TRACES_SAMPLER", "adaptive"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.2"),
            ("OTEL_CPU_THRESHOLD", "60"),
            ("OTEL_MEMORY_THRESHOLD", "70.5"),
            ("OTEL_HIGH_VOLUME_SAMPLE_RATE", "0.01"),
        ]);
        let expected = Adaptive {
            ratio: 0.2,
            cpu_threshold: 60.0,
            memory_threshold: 70.5,
            high_volume_ratio: 0.01,
            ..Adaptive::default()
        };
        assert_eq!((sampler, warnings.len()), (Sampler::Adaptive(expected), 0));
        let (sampler, warnings) = read([
            ("OTEL_TRACES_SAMPLER", "adaptive"),
            ("OTEL_TRACES_SAMPLER_ARG", "ten"),
            ("OTEL_CPU_THRESHOLD", "0"),
            ("OTEL_MEMORY_THRESHOLD", "101"),
            ("OTEL_HIGH_VOLUME_SAMPLE_RATE", "2"),
        ]);
        assert_eq!(sampler, Sampler::Adaptive(Adaptive::default()));
        assert_eq!(warnings.len(), 4, "{warnings:?}");
        assert_eq!(warnings[1], "`OTEL_CPU_THRESHOLD` is `0`; expected a number above 0, at most 100");
    }

    #[cfg(feature = "config-file")]
    #[test]
    fn a_file_sets_every_field_and_what_it_leaves_out_is_the_default() {
        use crate::config::{Document, Settings};
        let read = |settings: &str| {
            let text = format!(
                "file_format: \"1.0\"\ntracer_provider:\n  processors: [{{simple: {{exporter: {{console: }}}}}}]\n  sampler: {{otelier/adaptive: {settings}}}\n"
            );
            Document::parse("test.yaml", text, &Variables::of([])).and_then(Settings::from_document)
        };
        let all = "{ratio: 0, workflow_ratio: 0.9, exchange_api_ratio: 0.8, storage_ratio: 0.7, ingestion_ratio: 0.6, \
                   high_volume_ratio: 0.5, large_file_ratio: 0.4, cpu_threshold: 40, memory_threshold: 30.5, \
                   export_failure_threshold: 20, traces_per_second: 50, error_threshold: 1.5, error_boost: 2, \
                   exchange_budget_floor: 0.3, consistent: true}";
        let expected = Adaptive {
            ratio: 0.0,
            workflow_ratio: 0.9,
            exchange_api_ratio: 0.8,
            storage_ratio: 0.7,
            ingestion_ratio: 0.6,
            high_volume_ratio: 0.5,
            large_file_ratio: 0.4,
            cpu_threshold: 40.0,
            memory_threshold: 30.5,
            export_failure_threshold: 20.0,
            traces_per_second: Some(50.0),
            error_threshold: 1.5,
            error_boost: 2.0,
            exchange_budget_floor: 0.3,
            consistent: true,
        };
        assert_eq!(read(all).expect("it can be used").telemetry.sampler, Sampler::Adaptive(expected));
        for nothing in ["{}", "null"] {
            let found = read(nothing).expect("it can be used").telemetry.sampler;
            assert_eq!(found, Sampler::Adaptive(Adaptive::default()), "{nothing}");
        }
        let wrong = read("{ratio: 2, cpu_threshold: 0, error_feedback: true}").expect_err("none can be used");
        assert_eq!(wrong.problems().len(), 3, "{wrong}");
        let wrong = read("{traces_per_second: 0, error_boost: 0.5, export_failure_threshold: 101, consistent: often}");
        assert_eq!(wrong.expect_err("none can be used").problems().len(), 4);
    }
}
