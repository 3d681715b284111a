//! Our own export does not feed itself: the threads that export make no spans, whatever their libraries say to `tracing`.
//!
//! Alone in its process, because threads of others see only a subscriber that is the default of all.

use otelier::config::{Otlp, Protocol, Retry};
use otelier::prelude::*;
use otelier::{Pipeline, Telemetry};
use otelier_tests::{Behaviour, Receiver};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tracing::Subscriber;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

const PATIENCE: Duration = Duration::from_secs(20);

/// Counts what the pipeline's threads say to `tracing`, to be sure that there is something to keep out.
struct Counting(Arc<AtomicUsize>);

impl<S: Subscriber> Layer<S> for Counting {
    fn on_new_span(&self, _: &tracing::span::Attributes<'_>, _: &tracing::span::Id, _: Context<'_, S>) {
        if is_thread(|name| name.starts_with("otelier")) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn is_thread(wanted: impl Fn(&str) -> bool) -> bool {
    std::thread::current().name().is_some_and(wanted)
}

#[test]
fn an_export_by_grpc_below_a_layer_at_trace_level_makes_no_spans_of_itself() {
    let seen = Arc::new(AtomicUsize::new(0));
    // The receiver is a server in this process, on a thread without a name, and would be traced as any other.
    let ours = otelier::tracing::layer().with_filter(dynamic_filter_fn(|_, _| is_thread(|_| true)));
    let layers = tracing_subscriber::registry().with(ours).with(Counting(Arc::clone(&seen)));
    tracing::subscriber::set_global_default(layers).expect("no other test sets it");
    let receiver = Receiver::grpc(Behaviour::Accept).expect("loopback has a free port");
    let otlp = Otlp::to(receiver.endpoint()).with_protocol(Protocol::Grpc);
    let settings = Telemetry::default().with_service_name("it").with_otlp(otlp).with_retry(Retry::never());
    let guard = Pipeline::new(settings).start().expect("the pipeline starts");
    for _ in 0..5 {
        tracing::info_span!("work").in_scope(|| {
            trace_block!(name = "inside", { guard.force_flush(PATIENCE).expect("it is exported") });
        });
    }
    let stats = guard.shutdown().expect("the pipeline ends in time");
    assert_eq!((stats.started, stats.dropped()), (10, 0), "{stats}");
    assert_eq!(receiver.spans().len(), 10);
    let said = seen.load(Ordering::Relaxed);
    assert!(said > 50, "the libraries of the export have made {said} spans only: nothing was kept out");
}
