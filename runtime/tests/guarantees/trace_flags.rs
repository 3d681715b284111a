//! What spans say of their trace to others: whether it is sampled, and whether its id is random (W3C trace context, level 2).

use crate::support::Recorder;
use opentelemetry::Context;
use opentelemetry::trace::{TraceContextExt, Tracer, TracerProvider};
use otelier::bridge::{self, current_span_context};
use otelier::config::{Hooks, Sampler};
use otelier::{Span, Telemetry, trace};

#[trace(parent = parent)]
fn below(parent: Option<&str>) -> [u8; 3] {
    [current_span_context().trace_flags().to_u8(), lazy(), attached()]
}

#[trace]
fn lazy() -> u8 {
    current_span_context().trace_flags().to_u8()
}

#[trace(kind = client)]
fn attached() -> u8 {
    Context::current().span().span_context().trace_flags().to_u8()
}

fn parent(flags: &str) -> String {
    format!("00-80f198ee56343ba864fe8b2a57d3eff7-000000000000000a-{flags}")
}

#[test]
fn a_trace_that_begins_here_has_a_random_id_and_says_so() {
    for hooks in [Hooks::Global, Hooks::None] {
        let recorder = Recorder::with(Telemetry::default().with_hooks(hooks));
        assert_eq!(below(None), [3, 3, 3]);
        assert_eq!(Span::start("by hand").span_context().trace_flags().to_u8(), 3);
        let tracer = bridge::TracerProvider::new().tracer("a library");
        tracer.in_span("of the API", |context| assert_eq!(context.span().span_context().trace_flags().to_u8(), 3));
        recorder.spans();
    }
}

#[test]
fn a_trace_goes_on_with_the_flag_it_came_with_and_with_no_flag_that_is_not_known() {
    for (came, goes) in [("01", 1), ("03", 3), ("ff", 3), ("05", 1)] {
        let recorder = Recorder::with(Telemetry::default());
        assert_eq!(below(Some(&parent(came))), [goes; 3], "{came}");
        recorder.spans();
    }
}

#[test]
fn a_trace_that_is_not_sampled_keeps_the_flag_too() {
    for (came, goes) in [("00", 0), ("02", 2)] {
        let recorder = Recorder::with(Telemetry::default());
        assert_eq!(below(Some(&parent(came))), [goes; 3], "{came}");
        recorder.spans();
    }
    let recorder = Recorder::with(Telemetry::default().with_sampler(Sampler::AlwaysOff));
    assert_eq!(below(None), [2; 3]);
    recorder.spans();
}

#[tokio::test]
async fn futures_and_tasks_keep_the_flag() {
    #[trace(parent = parent)]
    async fn outer(parent: String) -> [u8; 2] {
        let task = otelier::spawn(async { lazy() });
        [lazy(), task.await.unwrap_or_default()]
    }
    let recorder = Recorder::with(Telemetry::default());
    assert_eq!(outer(parent("01")).await, [1, 1]);
    assert_eq!(outer(parent("03")).await, [3, 3]);
    recorder.spans();
}
