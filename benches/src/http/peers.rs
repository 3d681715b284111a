//! The layers of others, with the SDK's batch processor and the exporter that forgets.

use crate::cost::Mode;
use crate::discard::Discard;
use crate::subject::{Subject, router};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider};
use tracing::Dispatch;
use tracing_subscriber::layer::SubscriberExt;

/// What has to be flushed between the turns.
pub(crate) struct Peers(Option<SdkTracerProvider>);

impl Peers {
    pub(crate) fn flush(&self) {
        if let Some(provider) = &self.0 {
            provider.force_flush().expect("nothing takes so long");
        }
    }
}

/// Everybody, set up for this mode. OpenTelemetry's global provider is theirs from then on; our spans do not ask for it.
pub(crate) fn subjects(mode: Mode, queue: usize) -> (Peers, Vec<Subject>) {
    let provider = (mode != Mode::Off).then(|| {
        let config = BatchConfigBuilder::default().with_max_queue_size(queue).build();
        let processor = BatchSpanProcessor::builder(Discard::default()).with_batch_config(config).build();
        let sampler = if mode == Mode::Sampled { Sampler::AlwaysOn } else { Sampler::AlwaysOff };
        let sampler = Sampler::ParentBased(Box::new(sampler));
        SdkTracerProvider::builder().with_span_processor(processor).with_sampler(sampler).build()
    });
    if let Some(provider) = &provider {
        opentelemetry::global::set_tracer_provider(provider.clone());
    }
    let dispatch = provider.as_ref().map(|provider| {
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("benches"));
        Dispatch::new(tracing_subscriber::registry().with(layer))
    });
    let axum_layer = axum_tracing_opentelemetry::middleware::OtelAxumLayer::default();
    let subjects = vec![
        within(dispatch.clone(), Subject::new("tower-http + tracing-opentelemetry", router().layer(tower_http()))),
        within(dispatch, Subject::new("axum-tracing-opentelemetry", router().layer(axum_layer))),
        Subject::new(
            "opentelemetry-instrumentation-tower",
            router().layer(opentelemetry_instrumentation_tower::http::server::Layer::new()),
        ),
    ];
    (Peers(provider), subjects)
}

type Trace = tower_http::trace::TraceLayer<tower_http::trace::HttpMakeClassifier>;

/// As it comes, with a span that is not below the level of its target.
fn tower_http() -> Trace {
    tower_http::trace::TraceLayer::new_for_http()
}

/// The subject while a subscriber is the thread's default.
fn within(dispatch: Option<Dispatch>, subject: Subject) -> Subject {
    let Some(dispatch) = dispatch else { return subject };
    let Subject { name, mut answer } = subject;
    let answer = Box::new(move |request| tracing::dispatcher::with_default(&dispatch, || answer(request)));
    Subject { name, answer }
}
