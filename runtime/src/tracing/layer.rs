//! The layer.

use super::callsites::{self, Shows};
use super::entered;
use super::events;
use super::open::{LibrarySpan, Making};
use super::values::Fields;
use crate::bridge::{current_context, is_of_opentelemetry};
use crate::record::{enabled, may_begin};
use ::tracing::level_filters::LevelFilter;
use ::tracing::span::{Attributes, Id, Record};
use ::tracing::{Dispatch, Event, Metadata, Subscriber};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use std::any::TypeId;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tracing_subscriber::layer;
use tracing_subscriber::registry::LookupSpan;

/// Turns spans and events of `tracing` into ours; made by [`layer`](super::layer()).
///
/// Where a setting has no other default it is off.
#[derive(Debug)]
pub struct Layer {
    number: u64,
    max_level: LevelFilter,
    without: Vec<String>,
    shows: Shows,
    pub(super) threads: bool,
    times: bool,
    pub(super) events: bool,
    pub(super) error_events_as_status: bool,
    pub(super) errors_as_status: bool,
}

impl Layer {
    pub(super) fn new() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self {
            number: LAST.fetch_add(1, Relaxed),
            max_level: LevelFilter::TRACE,
            without: Vec::new(),
            shows: Shows { target: true, level: false, location: true },
            threads: false,
            times: false,
            events: true,
            error_events_as_status: false,
            errors_as_status: false,
        }
    }

    /// Leaves out spans and events of a level below this one. Default: `TRACE`, which leaves out none.
    ///
    /// Other layers of the subscriber see them all the same, as with
    /// [`with_filter`](tracing_subscriber::Layer::with_filter), which takes any filter and also saves `tracing` the work of
    /// making what nobody wants.
    ///
    /// ```
    /// use tracing::level_filters::LevelFilter;
    ///
    /// let layer = otelier::tracing::layer().with_max_level(LevelFilter::INFO);
    /// ```
    pub fn with_max_level(mut self, level: impl Into<LevelFilter>) -> Self {
        self.max_level = level.into();
        self
    }

    /// Leaves out spans and events whose target is one of these modules or lies in one: `h2`, `sqlx::query`.
    ///
    /// ```
    /// let layer = otelier::tracing::layer().without_targets(["h2", "hyper_util::client"]);
    /// ```
    pub fn without_targets(mut self, targets: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.without.extend(targets.into_iter().map(Into::into));
        self
    }

    /// Whether spans have their target as the attribute `target`. Default: yes. Their crate is the instrumentation scope in
    /// any case. Events always have it.
    pub fn with_target(mut self, shown: bool) -> Self {
        self.shows.target = shown;
        self
    }

    /// Whether spans have their level as the attribute `level`. Events always have it.
    pub fn with_level(mut self, shown: bool) -> Self {
        self.shows.level = shown;
        self
    }

    /// Whether spans and events have `code.file.path` and `code.line.number`. Default: yes. Files of dependencies are named
    /// from their package on, without the directories of the machine that built the program.
    pub fn with_location(mut self, shown: bool) -> Self {
        self.shows.location = shown;
        self
    }

    /// Whether spans have `thread.id` and `thread.name` of the thread that made them.
    pub fn with_threads(mut self, shown: bool) -> Self {
        self.threads = shown;
        self
    }

    /// Whether spans have `busy_ns` and `idle_ns`: how long they were entered on any thread, and how long on none, in
    /// nanoseconds.
    pub fn with_busy_and_idle_time(mut self, measured: bool) -> Self {
        self.times = measured;
        self
    }

    /// Whether events of `tracing` become events of the span that is active. Default: yes.
    pub fn with_events(mut self, recorded: bool) -> Self {
        self.events = recorded;
        self
    }

    /// Whether an event of the level `ERROR` sets the span's status to an error. A library also reports errors that its
    /// caller handles, and so nothing but the span itself says that it failed by default.
    pub fn with_error_events_as_status(mut self, set: bool) -> Self {
        self.error_events_as_status = set;
        self
    }

    /// Whether an error in a field of a span or of an event (`error = &error as &dyn Error`) sets the span's status to an
    /// error. It becomes an `exception` event in any case.
    pub fn with_errors_as_status(mut self, set: bool) -> Self {
        self.errors_as_status = set;
        self
    }

    /// Whether spans and events of this call site are looked at, and could be recorded here and now.
    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        // The target comes before what looks at OpenTelemetry's context, which its own lines must not.
        *metadata.level() <= self.max_level && enabled() && self.wants_target(metadata.target()) && may_begin()
    }

    pub(super) fn wants_target(&self, target: &str) -> bool {
        !is_of_opentelemetry(target)
            && !is_within(target, "otelier")
            && !self.without.iter().any(|module| is_within(target, module))
    }

    pub(super) fn shows_location(&self) -> bool {
        self.shows.location
    }

    fn find<S>(&self, id: &Id, registry: &layer::Context<'_, S>) -> Option<Arc<LibrarySpan>>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let span = registry.span(id)?;
        let found = span.extensions().get::<Arc<LibrarySpan>>().cloned();
        found.filter(|found| found.layer == self.number)
    }

    fn make(&self, metadata: &'static Metadata<'static>) -> Making {
        Making {
            layer: self.number,
            callsite: callsites::of(metadata, self.shows),
            name: metadata.name(),
            errors_are_status: self.errors_as_status,
            times: self.times,
        }
    }
}

/// Whether a target is a module or lies in it.
fn is_within(target: &str, module: &str) -> bool {
    target.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

impl<S> layer::Layer<S> for Layer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, registry: layer::Context<'_, S>) {
        if !self.wants(attributes.metadata()) {
            return;
        }
        let explicit = attributes.parent().and_then(|parent| self.find(parent, &registry));
        let parent = match &explicit {
            Some(parent) => parent.begun().map(|begun| begun.context.clone()),
            None if attributes.is_root() => Some(current_context().with_remote_span_context(SpanContext::NONE)),
            None => Some(current_context()),
        };
        let Some(parent) = parent else { return };
        let above = parent.span().span_context().clone();
        let is_refused = above.is_valid() && !above.is_remote() && !above.is_sampled();
        let making = self.make(attributes.metadata());
        let span = if is_refused || parent.is_telemetry_suppressed() || is_suppressed() {
            LibrarySpan::unrecorded(parent, making)
        } else {
            // This runs code of the program, and nothing is locked.
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            let threads = if self.threads { events::thread().into() } else { Vec::new() };
            LibrarySpan::below(parent, making, fields, threads)
        };
        if let Some(registered) = registry.span(id) {
            let mut extensions = registered.extensions_mut();
            // A second layer of ours in one subscriber would make every span twice.
            if extensions.get_mut::<Arc<LibrarySpan>>().is_none() {
                extensions.insert(Arc::new(span));
            }
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, registry: layer::Context<'_, S>) {
        if let Some(span) = self.find(id, &registry)
            && may_begin()
        {
            let mut fields = Fields::default();
            values.record(&mut fields);
            span.record(fields);
        }
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, registry: layer::Context<'_, S>) {
        if let Some(span) = self.find(id, &registry)
            && let Some(follows) = self.find(follows, &registry)
            && may_begin()
            && let Some(begun) = follows.begun()
        {
            let to = begun.context.span().span_context().clone();
            if to.is_valid() {
                span.link(&to, Vec::new());
            }
        }
    }

    fn on_event(&self, event: &Event<'_>, registry: layer::Context<'_, S>) {
        if !self.events || event.is_root() || !self.wants(event.metadata()) {
            return;
        }
        match event.parent() {
            Some(parent) => {
                if let Some(span) = self.find(parent, &registry)
                    && let Some(span) = span.begun().and_then(|begun| begun.span.as_ref())
                {
                    events::on_span(self, event, span);
                }
            }
            None => events::on_current(self, event),
        }
    }

    fn on_enter(&self, id: &Id, registry: layer::Context<'_, S>) {
        if let Some(span) = self.find(id, &registry)
            && may_begin()
            && let Some(begun) = span.begun()
        {
            span.entered();
            entered::enter(self.number, id.into_u64(), begun.context.clone());
        }
    }

    fn on_exit(&self, id: &Id, registry: layer::Context<'_, S>) {
        let panicked = entered::exit(self.number, id.into_u64());
        if (self.times || panicked)
            && let Some(span) = self.find(id, &registry)
        {
            span.exited();
            if panicked {
                span.panicked();
            }
        }
    }

    fn on_close(&self, id: Id, registry: layer::Context<'_, S>) {
        if let Some(span) = self.find(&id, &registry) {
            span.close();
        }
    }

    unsafe fn downcast_raw(&self, id: TypeId) -> Option<*const ()> {
        if id == TypeId::of::<Self>() {
            Some(std::ptr::from_ref(self).cast())
        } else if id == TypeId::of::<Reach>() {
            Some(std::ptr::from_ref(const { &Reach(reach::<S>) }).cast())
        } else {
            None
        }
    }
}

/// The way from a subscriber to our span; asked for by its type.
#[derive(Debug)]
pub(super) struct Reach(fn(&Dispatch, &Id) -> Option<Arc<LibrarySpan>>);

impl Reach {
    pub(super) fn find(&self, dispatch: &Dispatch, id: &Id) -> Option<Arc<LibrarySpan>> {
        (self.0)(dispatch, id)
    }
}

fn reach<S>(dispatch: &Dispatch, id: &Id) -> Option<Arc<LibrarySpan>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let span = dispatch.downcast_ref::<S>()?.span(id)?;
    // The lock ends before the span that it belongs to.
    let extensions = span.extensions();
    extensions.get::<Arc<LibrarySpan>>().cloned()
}

fn is_suppressed() -> bool {
    Context::map_current(Context::is_telemetry_suppressed)
}
