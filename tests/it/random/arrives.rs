//! What three exporters make of one run, and how it is compared.

use super::*;

/// Sends nothing, but keeps the bytes that `opentelemetry-otlp` would send.
#[derive(Clone, Debug, Default)]
pub(super) struct Captured(pub(super) Arc<Mutex<Vec<Bytes>>>);

#[tonic::async_trait]
impl HttpClient for Captured {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        self.0.lock().expect("nobody panicked").push(request.into_body());
        Ok(Response::new(Bytes::new()))
    }
}

impl Captured {
    pub(super) fn requests(&self) -> Vec<ExportTraceServiceRequest> {
        let bodies = self.0.lock().expect("nobody panicked");
        bodies.iter().map(|body| ExportTraceServiceRequest::decode(&body[..]).expect("it is a request")).collect()
    }
}

/// What the three exporters made of the spans.
pub(super) struct Seen {
    pub(super) ours: Vec<ExportTraceServiceRequest>,
    pub(super) theirs: Vec<ExportTraceServiceRequest>,
    pub(super) memory: Vec<SpanData>,
}

pub(super) fn observe(protocol: Protocol, configure: impl FnOnce(Telemetry) -> Telemetry, work: impl FnOnce()) -> Seen {
    let receiver = receiver(protocol, Behaviour::Accept);
    let (captured, memory) = (Captured::default(), MemoryExporter::new(100_000));
    let theirs = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_http_client(captured.clone())
        .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
        .with_endpoint("http://nowhere.invalid/v1/traces")
        .build()
        .expect("an exporter");
    let settings =
        telemetry(protocol, &receiver.endpoint()).with_sampler(Sampler::AlwaysOn).with_max_queue_size(65_536);
    let pipeline = Pipeline::new(configure(settings)).with_span_exporter(memory.clone()).with_span_exporter(theirs);
    let guard = pipeline.start().expect("it starts");
    work();
    let stats = guard.shutdown().expect("in time");
    let memory = memory.spans();
    assert_eq!((stats.started, stats.dropped()), (memory.len() as u64, 0), "{stats}");
    for exporter in &stats.exporters {
        assert_eq!((exporter.exported, exporter.failed, exporter.rejected), (stats.started, 0, 0), "{stats}");
    }
    // Several of ours are on their way at a time, so one may overtake another.
    let (mut ours, theirs) = (receiver.requests(), captured.requests());
    let place = |request: &ExportTraceServiceRequest| {
        let first = first_id(request);
        theirs.iter().position(|other| first_id(other) == first)
    };
    ours.sort_by_key(place);
    Seen { ours, theirs, memory }
}

fn first_id(request: &ExportTraceServiceRequest) -> Option<&[u8]> {
    let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    scopes.flat_map(|scope| &scope.spans).next().map(|span| &span.span_id[..])
}

/// The only liberties that the two ways to the wire may take:
///
/// * `opentelemetry-proto` writes a status that is unset as an empty message, we write none. OTLP: "Status ... when this
///   field isn't set ... semantically equals to unset".
/// * A resource is a hash map for the SDK, so that its attributes come in any order; OTLP gives the order no meaning.
pub(super) fn normalized(mut request: ExportTraceServiceRequest) -> ExportTraceServiceRequest {
    for resource in &mut request.resource_spans {
        resource.resource.get_or_insert_default().attributes.sort_by(|a, b| a.key.cmp(&b.key));
        for span in resource.scope_spans.iter_mut().flat_map(|scope| &mut scope.spans) {
            span.status.get_or_insert_default();
        }
    }
    request
}

/// The spans of requests by their ids, each with the bytes of its scope and schema URL.
pub(super) fn by_id(requests: &[ExportTraceServiceRequest]) -> BTreeMap<Vec<u8>, (Span, Option<WireScope>, String)> {
    let mut all = BTreeMap::new();
    let resources = requests.iter().flat_map(|request| &request.resource_spans);
    for scope in resources.flat_map(|resource| &resource.scope_spans) {
        for span in &scope.spans {
            let entry = (span.clone(), scope.scope.clone(), scope.schema_url.clone());
            assert!(all.insert(span.span_id.clone(), entry).is_none(), "a span came twice: {span:?}");
        }
    }
    all
}

/// Equal by the bytes, so that every `NaN` counts.
pub(super) fn assert_same<M: Message + std::fmt::Debug>(ours: &M, theirs: &M, whose: &str) {
    assert!(ours.encode_to_vec() == theirs.encode_to_vec(), "ours:\n{ours:#?}\n{whose}:\n{theirs:#?}");
}

impl Seen {
    /// What the three exporters say is the same.
    pub(super) fn check(&self) {
        let ours: Vec<_> = self.ours.iter().cloned().map(normalized).collect();
        let theirs: Vec<_> = self.theirs.iter().cloned().map(normalized).collect();
        assert_eq!(ours.len(), theirs.len());
        let spans = by_id(&ours);
        // One by one first, because that is easier to read when it fails.
        for (id, (span, scope, url)) in by_id(&theirs) {
            let (our_span, our_scope, our_url) = spans.get(&id).unwrap_or_else(|| panic!("we have lost {span:?}"));
            assert_same(our_span, &span, "opentelemetry-otlp");
            assert_same(our_scope.as_ref().expect("a scope"), scope.as_ref().expect("a scope"), "opentelemetry-otlp");
            assert_eq!(*our_url, url);
        }
        for data in &self.memory {
            let url = data.instrumentation_scope.schema_url().unwrap_or_default().to_owned();
            let scope = WireScope::from((&data.instrumentation_scope, None));
            let span = Span::from(data.clone());
            let (our_span, our_scope, our_url) =
                spans.get(&span.span_id).unwrap_or_else(|| panic!("we have lost {span:?}"));
            assert_same(our_span, &span, "opentelemetry-proto");
            assert_same(our_scope.as_ref().expect("a scope"), &scope, "opentelemetry-proto");
            assert_eq!(*our_url, url);
        }
        assert_eq!(spans.len(), self.memory.len());
        for request in &ours {
            assert_eq!(request.resource_spans.len(), 1);
            let scopes = &request.resource_spans[0].scope_spans;
            let of = |scope: &opentelemetry_proto::tonic::trace::v1::ScopeSpans| {
                assert!(!scope.spans.is_empty(), "nothing in {scope:?}");
                (scope.scope.as_ref().expect("a scope").encode_to_vec(), scope.schema_url.clone())
            };
            assert_eq!(scopes.iter().map(of).collect::<BTreeSet<_>>().len(), scopes.len(), "a scope twice");
        }
        // Scopes, their spans, and the resource, in the same order.
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_same(ours, theirs, "opentelemetry-otlp");
        }
    }
}

pub(super) fn nanos(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).expect("after 1970").as_nanos() as u64
}

/// Attributes in a form that tells every `NaN` apart.
pub(super) fn shown<'a>(list: impl IntoIterator<Item = (&'a str, &'a Value)>) -> Vec<String> {
    list.into_iter().map(|(key, value)| format!("{key:?} = {}", crate::notation::seen_value(value))).collect()
}

pub(super) fn shown_list(list: &[KeyValue]) -> Vec<String> {
    shown(list.iter().map(|item| (item.key.as_str(), &item.value)))
}

impl Expected {
    pub(super) fn check(&self, span: &SpanData, limits: &Limits) {
        // What is exported says of the flags whether the trace is sampled, and not whether its id is random.
        let shown = |of: &opentelemetry::trace::SpanContext| {
            (of.trace_id(), of.span_id(), of.is_sampled(), of.is_remote(), of.trace_state().clone())
        };
        assert_eq!(shown(&span.span_context), shown(&self.context));
        assert_eq!((span.parent_span_id, span.parent_span_is_remote), (self.parent, self.parent_is_remote));
        assert_eq!(span.span_kind, self.kind);
        assert_eq!(span.instrumentation_scope, self.scope);
        self.start.check(nanos(span.start_time), "the start");
        self.end.check(nanos(span.end_time), "the end");
        self.check_attributes(span, limits);
        let name = match &self.name {
            Name::Fixed(name) => name.clone(),
            Name::Pattern(pattern, id) => filled(pattern, span).unwrap_or_else(|| (*id).to_owned()),
        };
        assert_eq!(span.name, name);
        assert_eq!(span.status, self.status);

        let events = &self.events;
        let names: Vec<_> = span.events.iter().map(|event| event.name.as_ref()).collect();
        assert_eq!(names, events.0.iter().map(|event| event.name.as_str()).collect::<Vec<_>>());
        assert_eq!(span.events.dropped_count, events.1, "events that were dropped");
        for (seen, expected) in span.events.iter().zip(&events.0) {
            expected.time.check(nanos(seen.timestamp), "the time of an event");
            assert_eq!(shown_list(&seen.attributes), shown_list(&expected.attributes.0), "event {:?}", seen.name);
            assert_eq!(seen.dropped_attributes_count, expected.attributes.1, "attributes of event {:?}", seen.name);
        }
        assert_eq!((span.links.len(), span.links.dropped_count), (self.links.0.len(), self.links.1), "links");
        for (seen, (to, attributes)) in span.links.iter().zip(&self.links.0) {
            assert_eq!(seen.span_context, *to);
            assert_eq!(shown_list(&seen.attributes), shown_list(&attributes.0));
            assert_eq!(seen.dropped_attributes_count, attributes.1, "attributes of a link");
        }
    }

    /// The order of attributes means nothing.
    ///
    /// Where an annotation has more of them than fit, all are recorded at first: what was dropped then counts once for its
    /// key, or each time that it was recorded. "Discarded attributes", as OTLP has it, may be either.
    pub(super) fn check_attributes(&self, span: &SpanData, limits: &Limits) {
        let expected = &self.attributes;
        let mut seen = shown_list(&span.attributes);
        let mut wanted = shown(expected.kept.iter().map(|(key, value)| (key.as_str(), value)));
        seen.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(seen, wanted);
        let dropped = span.dropped_attributes_count;
        if self.annotated && expected.all.len() > limits.attributes {
            let distinct = (expected.all.len() - expected.kept.len()) as u32;
            assert!((distinct..=expected.refused).contains(&dropped), "{dropped} attributes dropped: {expected:?}");
        } else {
            assert_eq!(dropped, expected.refused, "attributes that were dropped");
        }
    }
}

/// A schema's pattern with the values that the span has.
pub(super) fn filled(pattern: &str, span: &SpanData) -> Option<String> {
    let mut name = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        let (key, after) = after.split_once('}').expect("a pattern");
        let value = &span.attributes.iter().find(|item| item.key.as_str() == key)?.value;
        name = name + before + &value.as_str();
        rest = after;
    }
    Some(name + rest)
}

pub(super) fn run(protocol: Protocol, case: &Case) {
    let _turn = turn();
    let mut run = Run { limits: case.limits.clone(), expected: Vec::new() };
    let configure = |settings: Telemetry| {
        let settings = settings.with_limits(case.limits.clone()).with_hooks(case.hooks);
        let settings = settings.with_max_export_batch_size(case.batch);
        case.resource.iter().fold(settings, |settings, (key, value)| settings.with_resource_attribute(key, value))
    };
    let seen = observe(protocol, configure, || run.nodes(&case.trees, &Place::none()));
    seen.check();
    let memory: BTreeMap<_, _> =
        seen.memory.iter().map(|span| (span.span_context.span_id().to_bytes(), span)).collect();
    assert_eq!(memory.len(), run.expected.len());
    for expected in &run.expected {
        let span = memory.get(&expected.context.span_id().to_bytes()).expect("a span that was made");
        expected.check(span, &case.limits);
    }
}

/// Runs so many random cases, or as many as `OTELIER_CASES` says. A failure prints the seed with which `OTELIER_SEED`
/// repeats it.
pub(super) fn check(protocol: Protocol, cases: u32) {
    let number = |name| std::env::var_os(name).and_then(|value| value.to_str()?.parse::<u64>().ok());
    let cases = number("OTELIER_CASES").map_or(cases, |cases| cases as u32);
    let seed = number("OTELIER_SEED").unwrap_or_else(now);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 3000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let result = runner.run(&case(), |case| {
        // Shrinking runs many cases that fail, and only the last one is of interest.
        let result = catch_unwind(AssertUnwindSafe(|| run(protocol, &case)));
        result.map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            TestCaseError::fail(text.unwrap_or_default())
        })
    });
    if let Err(error) = result {
        panic!("OTELIER_SEED={seed}: {error}");
    }
}
