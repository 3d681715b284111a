//! How a case runs: spans of OpenTelemetry's API and annotated functions, with what they have to give.

use super::*;

#[derive(Debug)]
pub(super) struct Text<'a>(pub(super) &'a str);

impl std::fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // In pieces, because that is how values are displayed.
        self.0.char_indices().try_for_each(|(at, char)| f.write_str(&self.0[at..at + char.len_utf8()]))
    }
}

impl std::error::Error for Text<'_> {}

#[derive(Debug)]
pub(super) struct Displayed(pub(super) String);

impl std::fmt::Display for Displayed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Debug)]
pub(super) struct Classified {
    pub(super) class: Cow<'static, str>,
    pub(super) message: String,
    pub(super) expected: bool,
}

impl std::fmt::Display for Classified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl ErrorClass for Classified {
    fn error_type(&self) -> Cow<'static, str> {
        self.class.clone()
    }

    fn is_expected(&self) -> bool {
        self.expected
    }
}

#[derive(Debug)]
pub(super) struct Opaque;

/// The errors of a shape, made from what an outcome says.
pub(super) trait Failure: Sized {
    fn fail(outcome: &Outcome) -> Result<(), Self>;
    /// Type, message and whether it is expected.
    fn seen(class: &str, message: &str, expected: bool) -> (String, Option<String>, bool);
}

pub(super) fn failed(outcome: &Outcome) -> Option<(Cow<'static, str>, String, bool)> {
    match outcome {
        Outcome::Error { class, message, expected } => Some((class.clone(), message.clone(), *expected)),
        _ => None,
    }
}

impl Failure for Displayed {
    fn fail(outcome: &Outcome) -> Result<(), Self> {
        failed(outcome).map_or(Ok(()), |(_, message, _)| Err(Self(message)))
    }

    fn seen(_: &str, message: &str, _: bool) -> (String, Option<String>, bool) {
        (std::any::type_name::<Self>().to_owned(), Some(message.to_owned()), false)
    }
}

impl Failure for Classified {
    fn fail(outcome: &Outcome) -> Result<(), Self> {
        failed(outcome).map_or(Ok(()), |(class, message, expected)| Err(Self { class, message, expected }))
    }

    fn seen(class: &str, message: &str, expected: bool) -> (String, Option<String>, bool) {
        (class.to_owned(), Some(message.to_owned()), expected)
    }
}

impl Failure for Opaque {
    fn fail(outcome: &Outcome) -> Result<(), Self> {
        failed(outcome).map_or(Ok(()), |_| Err(Self))
    }

    fn seen(_: &str, _: &str, _: bool) -> (String, Option<String>, bool) {
        (std::any::type_name::<Self>().to_owned(), None, false)
    }
}

/// A case that runs, and the spans that it has to make.
pub(super) struct Run {
    pub(super) limits: Limits,
    pub(super) expected: Vec<Expected>,
}

/// What a span of an annotated function says of itself.
pub(super) struct Site {
    pub(super) kind: SpanKind,
    pub(super) name: Name,
    pub(super) attributes: Vec<(&'static str, Value)>,
    /// Whether OpenTelemetry's API reaches the span in every case.
    pub(super) is_attached: bool,
}

/// Where a node runs.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) parent: SpanContext,
    pub(super) is_traced: bool,
}

impl Place {
    pub(super) fn none() -> Self {
        Self { parent: SpanContext::NONE, is_traced: false }
    }
}

/// An open span of an annotated function.
pub(super) struct Opened {
    pub(super) number: usize,
    pub(super) place: Place,
    /// Whether OpenTelemetry's API reaches it.
    pub(super) reaches: bool,
}

impl Run {
    pub(super) fn nodes(&mut self, nodes: &[Node], place: &Place) {
        nodes.iter().for_each(|node| self.node(node, place));
    }

    pub(super) fn node(&mut self, node: &Node, place: &Place) {
        match node {
            Node::Api(span) => self.api(span, place),
            Node::Traced(call) => match &call.parent {
                None => self.traced(call, place),
                Some(parent) => {
                    let _attached = Context::new().with_remote_span_context(parent.clone()).attach();
                    self.traced(call, &Place { parent: parent.clone(), is_traced: false });
                }
            },
        }
    }

    /// A span whose place in the tree is known and that has nothing in it yet.
    pub(super) fn expect(&mut self, context: &SpanContext, parent: &SpanContext, before: u64) -> &mut Expected {
        assert!(context.is_valid() && context.is_sampled() && !context.is_remote(), "{context:?}");
        let is_root = !parent.is_valid();
        if !is_root {
            assert_eq!(context.trace_id(), parent.trace_id());
        }
        // The state of a context that is not valid belongs to no trace.
        let none = TraceState::NONE;
        assert_eq!(context.trace_state(), if is_root { &none } else { parent.trace_state() });
        assert_ne!(context.span_id(), parent.span_id());
        let version = env!("CARGO_PKG_VERSION");
        self.expected.push(Expected {
            context: context.clone(),
            parent: if is_root { SpanId::INVALID } else { parent.span_id() },
            parent_is_remote: !is_root && parent.is_remote(),
            name: Name::Fixed(String::new()),
            kind: SpanKind::Internal,
            scope: InstrumentationScope::builder("otelier").with_version(version).build(),
            start: When::Between(before, now()),
            end: When::Exactly(0),
            attributes: Attributes::default(),
            events: Bounded(Vec::new(), 0),
            links: Bounded(Vec::new(), 0),
            status: Status::Unset,
            annotated: false,
        });
        self.expected.last_mut().expect("just pushed")
    }

    pub(super) fn api(&mut self, node: &ApiSpan, place: &Place) {
        let limits = self.limits.clone();
        let mut builder = SpanBuilder::from_name(node.name.clone());
        builder.span_kind = node.kind.clone();
        builder.start_time = node.start.map(Moment::time);
        builder.attributes = node.attributes.clone();
        let event = |(name, time, list): &(String, Moment, Vec<KeyValue>)| {
            Event::new(name.clone(), time.time(), list.clone(), 0)
        };
        builder.events = node.events.as_ref().map(|events| events.iter().map(event).collect());
        let link = |(to, list): &(SpanContext, Vec<KeyValue>)| Link::new(to.clone(), list.clone(), 0);
        builder.links = node.links.as_ref().map(|links| links.iter().map(link).collect());
        let parent = match &node.parent {
            Parent::Current => current_context(),
            Parent::None => Context::new(),
            Parent::Given(parent) => Context::new().with_remote_span_context(parent.clone()),
        };
        let parent_context = match &node.parent {
            Parent::Current => place.parent.clone(),
            Parent::None => SpanContext::NONE,
            Parent::Given(parent) => parent.clone(),
        };
        let before = now();
        let scope = scopes()[node.scope].clone();
        let span: OtelSpan =
            TracerProvider::new().tracer_with_scope(scope.clone()).build_with_context(builder, &parent);
        let context = span.span_context().clone();
        let number = self.expected.len();
        let expected = self.expect(&context, &parent_context, before);
        expected.name = Name::Fixed(node.name.clone());
        expected.kind = node.kind.clone().unwrap_or(SpanKind::Internal);
        expected.scope = scope;
        if let Some(start) = node.start {
            expected.start = When::Exactly(start.nanos());
        }
        for item in node.attributes.iter().flatten() {
            expected.attributes.set(item.key.as_str(), item.value.clone(), &limits);
        }
        for (name, time, list) in node.events.iter().flatten() {
            let time = When::Exactly(time.nanos());
            expected.event(name, time, list.clone(), &limits);
        }
        for (to, list) in node.links.iter().flatten() {
            expected.link(to, list, &limits);
        }
        let with_span = parent.with_span(span);
        let here = Place { parent: context, is_traced: false };
        {
            let _attached = with_span.clone().attach();
            for step in &node.body {
                match step {
                    Step::Api(op) => {
                        let before = now();
                        apply(&with_span, op);
                        self.expected[number].op(op, before, &limits);
                    }
                    Step::Child(child) => self.node(child, &here),
                    Step::Record(..) | Step::Event(..) => {}
                }
            }
        }
        assert!(with_span.span().is_recording());
        let before = now();
        match node.end {
            End::Dropped => {}
            End::Now => with_span.span().end(),
            End::At(time) => with_span.span().end_with_timestamp(time.time()),
        }
        if !matches!(node.end, End::Dropped) {
            assert!(!with_span.span().is_recording());
            node.after.iter().for_each(|op| apply(&with_span, op));
            // Only the first end counts.
            with_span.span().end_with_timestamp(UNIX_EPOCH + Duration::from_secs(1));
        }
        drop(with_span);
        let expected = &mut self.expected[number];
        expected.end = match node.end {
            End::At(time) => When::Exactly(time.nanos()),
            End::Dropped | End::Now => When::Between(before, now()),
        };
    }

    pub(super) fn traced(&mut self, call: &Traced, place: &Place) {
        let before = now();
        let number = self.expected.len();
        // Every step of an asynchronous function is polled once; what is left then is cancelled.
        let polls = call.body.len() + 1;
        let ended = catch_unwind(AssertUnwindSafe(|| match call.shape {
            Shape::Internal => Ok(internal(self, call, place, before).is_ok()),
            Shape::Server => Ok(server(self, call, place, before).is_ok()),
            Shape::ExchangeApi => Ok(exchange_api(self, call, place, before).is_ok()),
            Shape::InternalAsync => poll(polls, internal_async(self, call, place, before)).map(|ended| ended.is_ok()),
            Shape::WorkflowAsync => poll(polls, workflow_async(self, call, place, before)).map(|ended| ended.is_ok()),
        }));
        let limits = self.limits.clone();
        let expected = &mut self.expected[number];
        match ended {
            Ok(Ok(_)) => {}
            Ok(Err(Pending)) => expected.attributes.set("otelier.cancelled", true.into(), &limits),
            Err(_) => {
                assert!(matches!(call.outcome, Outcome::Panic), "an assertion failed");
                // Nobody foresees a panic, so it overwrites what was said of the error.
                expected.attributes.set("error.type", "panic".into(), &limits);
                if expected.status == Status::Unset {
                    expected.status = Status::error("panicked");
                }
            }
        }
        expected.end = When::Between(before, now());
    }

    /// Opens the expectation of the span of an annotated function, which is the active one.
    pub(super) fn enter(&mut self, site: Site, place: &Place, before: u64) -> Opened {
        let context = current_context().span().span_context().clone();
        let limits = self.limits.clone();
        let number = self.expected.len();
        let expected = self.expect(&context, &place.parent, before);
        expected.annotated = true;
        expected.kind = site.kind;
        expected.name = site.name;
        for (key, value) in site.attributes {
            expected.attributes.set(key, value, &limits);
        }
        let reaches = site.is_attached || !place.is_traced;
        Opened { number, place: Place { parent: context, is_traced: true }, reaches }
    }

    /// A step that needs no macro.
    pub(super) fn step(&mut self, opened: &Opened, step: &Step) {
        match step {
            Step::Api(Op::Name(_)) | Step::Record(..) | Step::Event(..) => {}
            Step::Api(op) if opened.reaches => {
                let before = now();
                apply(&Context::current(), op);
                let limits = self.limits.clone();
                self.expected[opened.number].op(op, before, &limits);
            }
            Step::Api(_) => {}
            Step::Child(child) => self.node(child, &opened.place),
        }
    }

    pub(super) fn recorded(&mut self, opened: &Opened, key: &str, value: &Value) {
        self.expected[opened.number].attributes.set(key, value.clone(), &self.limits);
    }

    pub(super) fn told(&mut self, opened: &Opened, before: u64, value: &Value, text: &Option<String>) {
        let mut attributes = vec![KeyValue::new("app.value", value.clone())];
        attributes.extend(text.as_ref().map(|text| KeyValue::new("app.text", text.clone())));
        let limits = self.limits.clone();
        self.expected[opened.number].event("told", When::Between(before, now()), attributes, &limits);
    }

    /// The end of a function's body.
    pub(super) fn leave<E: Failure>(&mut self, opened: &Opened, outcome: &Outcome) -> Result<(), E> {
        if let Outcome::Error { class, message, expected: is_expected } = outcome {
            let (class, message, is_expected) = E::seen(class, message, *is_expected);
            let limits = self.limits.clone();
            let expected = &mut self.expected[opened.number];
            let mut attributes = vec![KeyValue::new("exception.type", std::any::type_name::<E>())];
            attributes.extend(message.as_ref().map(|text| KeyValue::new("exception.message", text.clone())));
            let time = When::Between(now(), now() + 1_000_000_000);
            expected.event("exception", time, attributes, &limits);
            if !expected.attributes.kept.contains_key("error.type") {
                expected.attributes.set("error.type", class.into(), &limits);
            }
            // What was said by hand weighs more; the message is what the exception keeps of it.
            if expected.status == Status::Unset && !is_expected {
                expected.status = Status::error(cut_text(&message.unwrap_or_default(), &limits));
            }
        }
        if let Outcome::Panic = outcome {
            // Without a word on standard error.
            resume_unwind(Box::new(()));
        }
        E::fail(outcome)
    }
}

pub(super) fn apply(context: &Context, op: &Op) {
    let span = context.span();
    match op.clone() {
        Op::Attribute(item) => span.set_attribute(item),
        Op::Event(name, None, list) => span.add_event(name, list),
        Op::Event(name, Some(time), list) => span.add_event_with_timestamp(name, time.time(), list),
        Op::Link(to, list) => span.add_link(to, list),
        Op::Status(status) => span.set_status(status),
        Op::Name(name) => span.update_name(name),
        Op::Error(message) => span.record_error(&Text(&message)),
    }
}

/// The future was not ready in time.
pub(super) struct Pending;

/// Polls so many times at most.
pub(super) fn poll<T>(times: usize, future: impl Future<Output = T>) -> Result<T, Pending> {
    let mut future = pin!(future);
    let mut context = std::task::Context::from_waker(Waker::noop());
    for _ in 0..times {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Ok(output);
        }
    }
    Err(Pending)
}

pub(super) async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|_| if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

pub(super) fn int(value: &Value) -> Option<i64> {
    if let Value::I64(value) = value { Some(*value) } else { None }
}

#[trace(
    app.value = call.value,
    app.text = call.text,
    app.shown = %Text(&call.text),
    app.optional = call.optional,
    app.constant = "constant ä",
    app.number = 7
)]
pub(super) fn internal(run: &mut Run, call: &Traced, place: &Place, before: u64) -> Result<(), Displayed> {
    let opened = run.enter(plain_site("internal", call, false), place, before);
    for step in &call.body {
        match step {
            Step::Record(0, value) => {
                record!(app.value = value);
                run.recorded(&opened, "app.value", value);
            }
            Step::Record(1, value) => {
                record!(app.late = value);
                run.recorded(&opened, "app.late", value);
            }
            Step::Record(_, value) => {
                record!("error.type" = value);
                run.recorded(&opened, "error.type", value);
            }
            Step::Event(value, text) => {
                let before = now();
                event!("told", app.value = value, app.text = text);
                run.told(&opened, before, value, text);
            }
            step => run.step(&opened, step),
        }
    }
    run.leave(&opened, &call.outcome)
}

#[trace(
    app.value = call.value,
    app.text = call.text,
    app.shown = %Text(&call.text),
    app.optional = call.optional,
    app.constant = "constant ä",
    app.number = 7
)]
pub(super) async fn internal_async(run: &mut Run, call: &Traced, place: &Place, before: u64) -> Result<(), Classified> {
    let opened = run.enter(plain_site("internal_async", call, true), place, before);
    for step in &call.body {
        match step {
            Step::Record(0, value) => {
                record!(app.value = value);
                run.recorded(&opened, "app.value", value);
            }
            Step::Record(1, value) => {
                record!(app.late = value);
                run.recorded(&opened, "app.late", value);
            }
            Step::Record(_, value) => {
                record!("error.type" = value);
                run.recorded(&opened, "error.type", value);
            }
            Step::Event(value, text) => {
                let before = now();
                event!("told", app.value = value, app.text = text);
                run.told(&opened, before, value, text);
            }
            step => run.step(&opened, step),
        }
        yield_once().await;
    }
    if let Outcome::Cancelled = call.outcome {
        std::future::pending::<()>().await;
    }
    run.leave(&opened, &call.outcome)
}

pub(super) fn plain_site(name: &'static str, call: &Traced, is_attached: bool) -> Site {
    // What is known at compile time comes first.
    let mut attributes = vec![
        ("app.constant", "constant ä".into()),
        ("app.number", Value::I64(7)),
        ("app.value", call.value.clone()),
        ("app.text", call.text.clone().into()),
        ("app.shown", call.text.clone().into()),
    ];
    attributes.extend(call.optional.map(|value| ("app.optional", value.into())));
    Site { kind: SpanKind::Internal, name: Name::Fixed(name.to_owned()), attributes, is_attached }
}

#[trace(name = "a name ä", kind = server, app.value = call.value)]
pub(super) fn server(run: &mut Run, call: &Traced, place: &Place, before: u64) -> Result<(), Opaque> {
    let site = Site {
        kind: SpanKind::Server,
        name: Name::Fixed("a name ä".to_owned()),
        attributes: vec![("app.value", call.value.clone())],
        is_attached: true,
    };
    let opened = run.enter(site, place, before);
    for step in &call.body {
        match step {
            Step::Record(_, value) => {
                record!(app.value = value);
                run.recorded(&opened, "app.value", value);
            }
            Step::Event(value, text) => {
                let before = now();
                event!("told", app.value = value, app.text = text);
                run.told(&opened, before, value, text);
            }
            step => run.step(&opened, step),
        }
    }
    run.leave(&opened, &call.outcome)
}

#[trace_exchange_api(crypto.market = Market::Kraken, url.template = call.text, "app.value" = call.value)]
pub(super) fn exchange_api(run: &mut Run, call: &Traced, place: &Place, before: u64) -> Result<(), Classified> {
    let site = Site {
        kind: SpanKind::Client,
        name: Name::Pattern("{crypto.market} {url.template}", "crypto.exchange_api"),
        attributes: vec![
            ("crypto.operation_type", "api_call".into()),
            ("crypto.market", "kraken".into()),
            ("url.template", call.text.clone().into()),
            ("app.value", call.value.clone()),
        ],
        is_attached: true,
    };
    let opened = run.enter(site, place, before);
    for step in &call.body {
        match step {
            Step::Record(0, Value::I64(value)) => {
                record!(crypto.record_count = value);
                run.recorded(&opened, "crypto.record_count", &Value::I64(*value));
            }
            Step::Record(_, Value::String(value)) => {
                record!(url.template = value.as_str());
                run.recorded(&opened, "url.template", &Value::String(value.clone()));
            }
            Step::Event(value, text) => {
                let before = now();
                event!("told", app.value = value, app.text = text);
                run.told(&opened, before, value, text);
            }
            step => run.step(&opened, step),
        }
    }
    run.leave(&opened, &call.outcome)
}

#[trace_workflow(
    crypto.workflow_name = call.text,
    crypto.workflow_type = WorkflowType::Batch,
    crypto.symbol_count = int(&call.value)
)]
pub(super) async fn workflow_async(run: &mut Run, call: &Traced, place: &Place, before: u64) -> Result<(), Opaque> {
    let mut attributes = vec![
        ("crypto.operation_type", "workflow_execution".into()),
        ("crypto.workflow_name", call.text.clone().into()),
        ("crypto.workflow_type", "batch".into()),
    ];
    attributes.extend(int(&call.value).map(|value| ("crypto.symbol_count", value.into())));
    let site = Site {
        kind: SpanKind::Internal,
        name: Name::Pattern("workflow {crypto.workflow_name}", "workflow.run"),
        attributes,
        is_attached: true,
    };
    let opened = run.enter(site, place, before);
    for step in &call.body {
        match step {
            Step::Record(0, Value::I64(value)) => {
                record!(crypto.record_count = value);
                run.recorded(&opened, "crypto.record_count", &Value::I64(*value));
            }
            Step::Record(_, value) => {
                record!("app.value" = value);
                run.recorded(&opened, "app.value", value);
            }
            Step::Event(value, text) => {
                let before = now();
                event!("told", app.value = value, app.text = text);
                run.told(&opened, before, value, text);
            }
            step => run.step(&opened, step),
        }
        yield_once().await;
    }
    if let Outcome::Cancelled = call.outcome {
        std::future::pending::<()>().await;
    }
    run.leave(&opened, &call.outcome)
}
