//! Settings of the sampler that follows the load.

use super::sampler::Place;
use crate::ConfigError;
use crate::record::{LoadLimits, Rates};

/// A ratio by kind of operation, which falls while the machine or the queue has too much to do, and comes back afterwards.
///
/// Ratios are `0.0..=1.0`, chosen by the random part of the trace id. The kind is that of the trace's first span here, by the
/// schema of its annotation. While nothing is overloaded each kind has its ratio. Otherwise all of them are multiplied with one
/// factor, which [`Health::sampling_factor`](crate::health::Health::sampling_factor) tells.
///
/// | YAML (`otelier/adaptive`) | environment, with `OTEL_TRACES_SAMPLER=adaptive` |
/// |-|-|
/// | `ratio` | `OTEL_TRACES_SAMPLER_ARG` |
/// | `cpu_threshold`, `memory_threshold` | `OTEL_CPU_THRESHOLD`, `OTEL_MEMORY_THRESHOLD` |
/// | `high_volume_ratio` | `OTEL_HIGH_VOLUME_SAMPLE_RATE` |
/// | `workflow_ratio`, `exchange_api_ratio`, `storage_ratio`, `ingestion_ratio` | |
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
    /// Of storage (`#[trace_storage]`, schemas `storage.…`). Default: 0.2.
    pub storage_ratio: f64,
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
}

impl Default for Adaptive {
    fn default() -> Self {
        Self {
            ratio: 0.1,
            workflow_ratio: 1.0,
            exchange_api_ratio: 0.3,
            storage_ratio: 0.2,
            ingestion_ratio: 0.3,
            high_volume_ratio: 0.05,
            cpu_threshold: 80.0,
            memory_threshold: 85.0,
        }
    }
}

impl Adaptive {
    /// The ratios with their keys.
    pub(super) fn ratios(&mut self) -> [(&'static str, &mut f64); 6] {
        [
            ("ratio", &mut self.ratio),
            ("workflow_ratio", &mut self.workflow_ratio),
            ("exchange_api_ratio", &mut self.exchange_api_ratio),
            ("storage_ratio", &mut self.storage_ratio),
            ("ingestion_ratio", &mut self.ingestion_ratio),
            ("high_volume_ratio", &mut self.high_volume_ratio),
        ]
    }

    /// The thresholds with their keys.
    pub(super) fn thresholds(&mut self) -> [(&'static str, &mut f64); 2] {
        [("cpu_threshold", &mut self.cpu_threshold), ("memory_threshold", &mut self.memory_threshold)]
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
    }

    pub(super) fn rates(&self) -> Rates {
        Rates {
            other: self.ratio,
            workflow: self.workflow_ratio,
            exchange_api: self.exchange_api_ratio,
            storage: self.storage_ratio,
            ingestion: self.ingestion_ratio,
            high_volume: self.high_volume_ratio,
        }
    }

    pub(super) fn limits(&self) -> LoadLimits {
        LoadLimits { cpu: self.cpu_threshold / 100.0, memory: self.memory_threshold / 100.0 }
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
                   high_volume_ratio: 0.5, cpu_threshold: 40, memory_threshold: 30.5}";
        let expected = Adaptive {
            ratio: 0.0,
            workflow_ratio: 0.9,
            exchange_api_ratio: 0.8,
            storage_ratio: 0.7,
            ingestion_ratio: 0.6,
            high_volume_ratio: 0.5,
            cpu_threshold: 40.0,
            memory_threshold: 30.5,
        };
        assert_eq!(read(all).expect("it can be used").telemetry.sampler, Sampler::Adaptive(expected));
        for nothing in ["{}", "null"] {
            let found = read(nothing).expect("it can be used").telemetry.sampler;
            assert_eq!(found, Sampler::Adaptive(Adaptive::default()), "{nothing}");
        }
        let wrong = read("{ratio: 2, cpu_threshold: 0, error_feedback: true}").expect_err("none can be used");
        assert_eq!(wrong.problems().len(), 3, "{wrong}");
    }
}
