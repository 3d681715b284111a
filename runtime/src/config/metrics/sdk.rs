//! Whether the pipeline measures itself.

use crate::config::Telemetry;

impl Telemetry {
    /// Makes the pipeline measure itself by the semantic conventions' SDK metrics (`otel.sdk.…`), and beyond them by
    /// `otelier.…`: spans started, dropped by reason, waiting and exported, how long exports take, and which share of them
    /// succeeds. The readers of [`metrics`](Self::metrics) export it with everything else, from a meter named `otelier`
    /// that views can select; without a reader nothing is measured, and a warning says so. `docs/sdk-metrics.md` lists
    /// every name.
    ///
    /// It costs nothing where spans are made: numbers that are there anyway are read when a reader collects. A shutdown
    /// lets the last export of metrics wait for the last spans, for at most half of the
    /// [`shutdown_timeout`](Self::shutdown_timeout), so that it counts these, too. Needs the feature `metrics`; without it
    /// starting fails.
    ///
    /// | | |
    /// |-|-|
    /// | Default | no, as with other SDKs, because the conventions are in development |
    /// | Environment | `OTELIER_SDK_METRICS`: `true` or `false` |
    /// | YAML | `distribution.otelier.sdk_metrics` |
    ///
    /// ```
    /// use otelier::config::{MetricReader, Otlp, Telemetry};
    ///
    /// let otlp = Otlp::to("http://localhost:4318");
    /// let telemetry = Telemetry::default()
    ///     .with_otlp(otlp.clone())
    ///     .with_metrics(MetricReader::otlp(otlp))
    ///     .with_sdk_metrics(true);
    /// assert!(telemetry.sdk_metrics);
    /// ```
    #[must_use]
    pub fn with_sdk_metrics(mut self, sdk_metrics: bool) -> Self {
        self.sdk_metrics = sdk_metrics;
        self
    }

    /// What cannot be had in this build.
    pub(in crate::config) fn check_sdk_metrics(&self, problems: &mut crate::ConfigError) {
        if cfg!(not(feature = "metrics")) && self.sdk_metrics {
            problems.push("`sdk_metrics` is set, but `otelier` was built without the feature `metrics`");
        }
    }
}

#[cfg(all(test, not(feature = "metrics")))]
mod tests {
    use super::*;

    #[test]
    fn measuring_the_pipeline_needs_the_feature() {
        let mut problems = crate::ConfigError::default();
        Telemetry::default().with_sdk_metrics(true).check(&mut problems);
        assert!(problems.problems()[0].sentence().contains("without the feature `metrics`"));
    }
}
