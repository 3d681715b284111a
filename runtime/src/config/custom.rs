//! Samplers of the program's own.

use crate::record::{CustomNode, Tame};
use opentelemetry_sdk::trace::ShouldSample;
use std::sync::Arc;
use std::{fmt, ptr};

/// A sampler that somebody else has written: anything that implements [`ShouldSample`] of `opentelemetry_sdk`. Only in code;
/// no environment variable and no YAML key names one. It follows
/// [`Sampler`](https://opentelemetry.io/docs/specs/otel/trace/sdk/#sampler) of the specification.
///
/// It is asked once for each trace that enters the process, and gets
///
/// - the context with the parent, or `None` where there is none,
/// - the trace's id, and the name and the kind of the trace's first span here,
/// - the attributes that this span has from the start; they are evaluated before it is asked, also for traces that it refuses,
/// - the links that this span has from the start: of its annotation, of a [`SpanBuilder`](crate::SpanBuilder) or OpenTelemetry's,
///   no more than [`Limits::links`](crate::config::Limits::links) of the first two. Those that are added later it does not see.
///
/// A trace is recorded for `RecordAndSample`. It is not for `Drop`, nor for `RecordOnly`: there are no span processors here that
/// would see it. The attributes of its answer go onto the first span, unless that says something itself of the same keys; its
/// trace state is the trace's from here on.
///
/// While it runs, spans that it makes itself are not recorded, and it must not attach a context: the SDK does not allow that
/// either. It may install another sampler. Where it panics, the parent's decision holds, and a trace that begins here is not
/// recorded; [`SamplingCounts::by_panic`](crate::SamplingCounts::by_panic) counts these, and a warning says so once.
///
/// A thread may keep the sampler for some time after another was installed, at the latest until the thread ends. So it is dropped
/// on any thread; its `Drop` may install another sampler, and where it panics, the panic goes no further.
///
/// Two are equal if they share the sampler.
///
/// ```
/// use opentelemetry_sdk::trace::Sampler as SdkSampler;
/// use otelier::config::{CustomSampler, ParentBased, Sampler};
///
/// let theirs = CustomSampler::new(SdkSampler::TraceIdRatioBased(0.25));
/// let sampler = Sampler::ParentBased(Box::new(ParentBased::new(Sampler::Custom(theirs))));
/// # otelier::init(otelier::Telemetry::default().with_sampler(sampler))?.shutdown()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct CustomSampler(Arc<Tame<dyn ShouldSample>>);

impl CustomSampler {
    /// Asks this one.
    pub fn new(sampler: impl ShouldSample + 'static) -> Self {
        Self(Arc::new(Tame::new(sampler)))
    }

    pub(super) fn node(&self) -> CustomNode {
        CustomNode(Arc::clone(&self.0))
    }
}

impl PartialEq for CustomSampler {
    fn eq(&self, other: &Self) -> bool {
        ptr::addr_eq(Arc::as_ptr(&self.0), Arc::as_ptr(&other.0))
    }
}

impl fmt::Debug for CustomSampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for CustomSampler {
    /// As its `Debug` says, which samplers of the SDK have to have.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sampler;
    use opentelemetry_sdk::trace::Sampler as SdkSampler;

    #[test]
    fn it_is_equal_to_what_shares_the_sampler_and_shows_what_that_is() {
        let one = CustomSampler::new(SdkSampler::TraceIdRatioBased(0.5));
        assert_eq!(one, one.clone());
        assert_ne!(one, CustomSampler::new(SdkSampler::TraceIdRatioBased(0.5)));
        assert_eq!(Sampler::Custom(one).to_string(), "custom(TraceIdRatioBased(0.5))");
    }
}
