//! What the types of the settings cannot check.

use super::{Aggregation, CardinalityLimits, MetricReader, Metrics, View};
use crate::ConfigError;

impl Metrics {
    /// Checks ranges, and views that cannot do what they say.
    pub(crate) fn check(&self, problems: &mut ConfigError) {
        #[cfg(not(feature = "metrics"))]
        if !(self.readers.is_empty() && self.pull.is_empty()) {
            problems.push("metrics are configured, but `otelier` was built without the feature `metrics`");
        }
        self.readers.iter().for_each(|reader| reader.check(problems));
        for reader in &self.pull {
            reader.check(problems);
            reader.cardinality_limits.check(problems);
        }
        self.views.iter().for_each(|view| view.check(problems));
    }
}

impl MetricReader {
    fn check(&self, problems: &mut ConfigError) {
        for (what, duration) in [("interval", self.interval), ("timeout", self.timeout)] {
            if duration.is_zero() {
                problems.push(format_args!("the export {what} of metrics is 0; expected at least 1 ms"));
            }
        }
        self.cardinality_limits.check(problems);
    }
}

impl CardinalityLimits {
    fn check(&self, problems: &mut ConfigError) {
        let limits = self;
        let of_types = [
            limits.counter,
            limits.gauge,
            limits.histogram,
            limits.observable_counter,
            limits.observable_gauge,
            limits.observable_up_down_counter,
            limits.up_down_counter,
        ];
        of_types.into_iter().chain([Some(limits.default)]).flatten().for_each(|limit| cardinality(limit, problems));
    }
}

/// The SDK makes room for this many at once, so an absurd limit would take all memory.
const LARGEST: usize = 1 << 20;

fn cardinality(limit: usize, problems: &mut ConfigError) {
    if !(1..=LARGEST).contains(&limit) {
        problems.push(format_args!("a cardinality limit of metrics is {limit}; expected 1 to {LARGEST}"));
    }
}

impl View {
    fn check(&self, problems: &mut ConfigError) {
        let stream = &self.stream;
        if let Some(name) = &stream.name
            && self.selector.is_of_many()
        {
            let selector = self.selector.instrument_name.as_deref().unwrap_or("*");
            problems.push(format_args!(
                "the view of `{selector}` names its stream `{name}`; expected a selector of one instrument, because streams of \
                 one name could not be told apart"
            ));
        }
        stream.cardinality_limit.into_iter().for_each(|limit| cardinality(limit, problems));
        match &stream.aggregation {
            Aggregation::ExplicitBuckets { boundaries, .. } => {
                let is_increasing = boundaries.is_sorted_by(|a, b| a < b);
                if !is_increasing || boundaries.iter().any(|boundary| !boundary.is_finite()) {
                    problems.push(format_args!(
                        "the boundaries of a view are {boundaries:?}; expected finite numbers, each larger than the one before"
                    ));
                }
            }
            Aggregation::Base2Exponential { max_scale, max_size, .. } => {
                if !(-10..=20).contains(max_scale) {
                    problems.push(format_args!("`max_scale` of a view is {max_scale}; expected -10 to 20"));
                }
                if !(2..=65_536).contains(max_size) {
                    problems.push(format_args!("`max_size` of a view is {max_size}; expected 2 to 65536"));
                }
            }
            Aggregation::Default | Aggregation::Drop | Aggregation::Sum | Aggregation::LastValue => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ViewSelector;
    use super::*;
    use std::time::Duration;

    #[cfg(feature = "metrics")]
    fn problems(metrics: Metrics) -> Vec<crate::Problem> {
        let mut problems = ConfigError::default();
        metrics.check(&mut problems);
        problems.problems().to_vec()
    }

    #[cfg(feature = "metrics")]
    #[test]
    fn every_mistake_is_said_at_once() {
        let limits = CardinalityLimits { gauge: Some(0), ..CardinalityLimits::default() };
        let reader = MetricReader::console().with_interval(Duration::ZERO).with_cardinality_limits(limits);
        let all = || View::of(ViewSelector::default());
        let metrics = Metrics::from(reader)
            .with_view(View::of(ViewSelector::name("http.*")).with_name("one"))
            .with_view(all().with_aggregation(Aggregation::explicit_buckets([1.0, 1.0])))
            .with_view(all().with_aggregation(Aggregation::explicit_buckets([f64::NAN])))
            .with_view(all().with_aggregation(Aggregation::Base2Exponential {
                max_scale: 21,
                max_size: 1,
                record_min_max: true,
            }))
            .with_view(all().with_cardinality_limit(usize::MAX));
        let found = problems(metrics);
        assert_eq!(found.len(), 8, "{found:#?}");
        assert_eq!(found[0], "the export interval of metrics is 0; expected at least 1 ms");
        assert!(
            found[2]
                .sentence()
                .starts_with("the view of `http.*` names its stream `one`; expected a selector of one instrument")
        );
    }

    #[cfg(not(feature = "metrics"))]
    #[test]
    fn readers_need_the_feature() {
        let _ = (CardinalityLimits::default(), ViewSelector::default(), Duration::ZERO);
        let mut problems = ConfigError::default();
        Metrics::from(MetricReader::console()).check(&mut problems);
        assert!(problems.problems()[0].sentence().contains("without the feature `metrics`"));
    }
}
