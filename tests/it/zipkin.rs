//! Zipkin's JSON, as a real receiver gets it.

use crate::support::{Refused, turn};
use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanContext, SpanId, Status, TraceFlags, TraceId, TraceState};
use otelier::config::{Exporter, Limits, Retry, Settings, Variables, Zipkin};
use otelier::schema::Kind;
use otelier::{ExporterStats, Span, Telemetry, trace, trace_block};
use otelier_tests::{Behaviour, Receiver};
use serde_json::{Map, Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const HOSTILE: &str = "quo\"te \\ back\u{0}\u{1b}[31m\r\n\t\u{7f}\u{2028}😀}],{[:";

fn accepting() -> Receiver {
    Receiver::http(Behaviour::Accept).expect("loopback has a free port")
}

fn to(receiver: &Receiver) -> Telemetry {
    let zipkin = Zipkin::to(format!("{}/api/v2/spans", receiver.endpoint()));
    Telemetry::default().with_service_name("it").with_exporter(Exporter::Zipkin(zipkin))
}

/// Runs `work`, and gives the exporter's numbers.
fn run(settings: Telemetry, work: impl FnOnce()) -> ExporterStats {
    let telemetry = otelier::init(settings).expect("it starts");
    work();
    telemetry.shutdown().expect("in time").exporters.remove(0)
}

/// The spans that arrive of this work.
fn sent(configure: impl FnOnce(Telemetry) -> Telemetry, work: impl FnOnce()) -> Vec<Value> {
    let receiver = accepting();
    let stats = run(configure(to(&receiver)), work);
    let spans: Vec<Value> =
        receiver.zipkin_requests().iter().flat_map(|request| request.as_array().expect("a list")).cloned().collect();
    assert_eq!((stats.exported, stats.failed, stats.last_error), (spans.len() as u64, 0, None));
    assert!(receiver.headers().iter().all(|headers| headers["content-type"] == "application/json"));
    spans
}

/// The span without the tags that every span of this program has, which are given on their own.
fn split(span: &Value) -> (Value, Map<String, Value>) {
    let mut span = span.clone();
    let tags = span["tags"].as_object_mut().expect("tags");
    const SHARED: [&str; 6] = ["process.", "host.", "os.", "service.", "telemetry.", "container."];
    let is_shared = |key: &str| SHARED.iter().any(|prefix| key.starts_with(prefix)) || key.starts_with("otel.");
    let keys: Vec<String> = tags.keys().filter(|key| is_shared(key)).cloned().collect();
    let shared = keys.into_iter().filter_map(|key| tags.remove_entry(&key)).collect();
    (span, shared)
}

fn named<'a>(spans: &'a [Value], name: &str) -> &'a Value {
    spans.iter().find(|span| span["name"] == name).unwrap_or_else(|| panic!("{name} in {spans:?}"))
}

fn at(micros: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(1_700_000_000_000_000 + micros)
}

#[test]
fn a_span_has_every_field_of_zipkin_that_it_can_fill() {
    let _turn = turn();
    let spans = sent(
        |telemetry| {
            telemetry.with_resource_attribute("service.namespace", "shop").with_resource_attribute("app.team", "data")
        },
        || {
            let other =
                SpanContext::new(TraceId::from(1), SpanId::from(2), TraceFlags::SAMPLED, true, TraceState::default());
            let span = Span::builder("call")
                .kind(Kind::Client)
                .child_of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
                .start_time(at(0))
                .attribute("peer.service", "billing")
                .attribute("server.address", "billing.internal")
                .attribute("app.count", i64::MIN)
                .attribute("app.share", 0.5)
                .attribute("app.whole", 3.0)
                .attribute("app.none", f64::NAN)
                .attribute("app.flag", true)
                .attribute("app.list", vec!["a", "\""])
                .attribute("app.numbers", vec![1, -2])
                .attribute("app.team", "own")
                .link(&other, [])
                .start();
            span.add_event_at("started", at(3), []);
            span.add_event_at("put \"x\"", at(5), [KeyValue::new("k\"", HOSTILE), KeyValue::new("n", 7)]);
            span.set_status(Status::error("no \"luck\""));
            span.end_at(at(1234) + Duration::from_nanos(999));
        },
    );
    assert_eq!(spans.len(), 1);
    let (span, shared) = split(&spans[0]);
    let id = span["id"].as_str().expect("an id");
    assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)), "{id}");
    let attributes = json!({"k\"": HOSTILE, "n": 7});
    let value = span["annotations"][1]["value"].as_str().expect("a text");
    let (name, rest) = value.split_at(r#""put \"x\"": "#.len());
    assert_eq!(name, r#""put \"x\"": "#);
    assert_eq!(serde_json::from_str::<Value>(rest).expect("JSON"), attributes);
    assert_eq!(
        span,
        json!({
            "traceId": "0af7651916cd43dd8448eb211c80319c",
            "parentId": "b7ad6b7169203331",
            "id": id,
            "kind": "CLIENT",
            "name": "call",
            "timestamp": 1_700_000_000_000_000_u64,
            "duration": 1234,
            "localEndpoint": {"serviceName": "it"},
            "remoteEndpoint": {"serviceName": "billing"},
            "annotations": [
                {"timestamp": 1_700_000_000_000_003_u64, "value": "started"},
                {"timestamp": 1_700_000_000_000_005_u64, "value": value},
            ],
            "tags": {
                "error": "no \"luck\"",
                "peer.service": "billing",
                "server.address": "billing.internal",
                "app.count": "-9223372036854775808",
                "app.share": "0.5",
                "app.whole": "3.0",
                "app.none": "NaN",
                "app.flag": "true",
                "app.list": "[\"a\",\"\\\"\"]",
                "app.numbers": "[1,-2]",
                "app.team": "own",
            },
        })
    );
    assert_eq!(shared.get("service.namespace"), Some(&json!("shop")));
    assert_eq!(shared.get("telemetry.sdk.language"), Some(&json!("rust")));
    assert_eq!(shared.get("service.name"), None, "it is the local endpoint");
    let otel: Vec<_> = shared.iter().filter(|(key, _)| key.starts_with("otel.")).collect();
    let version = env!("CARGO_PKG_VERSION");
    let expected = json!({
        "otel.status_code": "ERROR",
        "otel.scope.name": "otelier",
        "otel.scope.version": version,
        "otel.library.name": "otelier",
        "otel.library.version": version,
    });
    assert_eq!(otel.len(), 5, "{otel:?}");
    assert!(otel.iter().all(|(key, value)| expected[key.as_str()] == **value), "{otel:?}");
}

#[trace(name = "fetch", kind = client, "server.address" = "exchange", "app.text" = text)]
fn fetch(text: &str, code: u16) -> Result<(), Refused> {
    if code == 200 { Ok(()) } else { Err(Refused(code)) }
}

#[test]
fn a_tree_keeps_its_shape_and_its_errors() {
    let _turn = turn();
    let spans = sent(
        |telemetry| telemetry,
        || {
            trace_block!(name = "root", kind = server, "server.address" = "me", {
                assert!(fetch("", 200).is_ok());
                trace_block!(name = "inner", app.text = HOSTILE, {
                    assert!(fetch(HOSTILE, 418).is_err());
                });
            });
        },
    );
    assert_eq!(spans.len(), 4);
    let (root, inner) = (named(&spans, "root"), named(&spans, "inner"));
    assert!(spans.iter().all(|span| span["traceId"] == root["traceId"] && span["duration"].as_u64() >= Some(1)));
    assert_eq!((root.get("parentId"), &root["kind"]), (None, &json!("SERVER")));
    assert_eq!(root.get("remoteEndpoint"), None, "a server's address is its own");
    assert_eq!((root.get("annotations"), root["tags"].get("error")), (None, None));
    assert_eq!((&inner["parentId"], inner.get("kind")), (&root["id"], None));
    assert_eq!(inner["tags"]["app.text"], HOSTILE);
    let of = |parent: &Value| spans.iter().find(|span| span["parentId"] == parent["id"] && span["name"] == "fetch");
    let (good, bad) = (of(root).expect("a call"), of(inner).expect("a call"));
    assert_eq!(good["remoteEndpoint"], json!({"serviceName": "exchange"}));
    assert_eq!((good["tags"].get("error"), good["tags"].get("otel.status_code")), (None, None));
    assert_eq!(bad["tags"]["error"], "the exchange answered 418");
    assert_eq!((&bad["tags"]["otel.status_code"], &bad["tags"]["error.type"]), (&json!("ERROR"), &json!("418")));
    let exception = bad["annotations"][0]["value"].as_str().expect("a text");
    let attributes = exception.strip_prefix("\"exception\": ").unwrap_or_else(|| panic!("{exception}"));
    let attributes: Value = serde_json::from_str(attributes).expect("JSON");
    assert_eq!(attributes["exception.message"], "the exchange answered 418");
}

#[test]
fn statuses_kinds_and_counts_are_what_the_specification_says() {
    let _turn = turn();
    let limits = |telemetry: Telemetry| {
        let mut limits = Limits::default();
        (limits.attributes, limits.events, limits.links, limits.event_attributes) = (2, 1, 1, 1);
        telemetry.with_limits(limits)
    };
    let spans = sent(limits, || {
        let kinds = [Kind::Internal, Kind::Server, Kind::Client, Kind::Producer, Kind::Consumer];
        for kind in kinds {
            Span::builder(format!("{kind:?}")).kind(kind).start_time(at(7)).start().end_at(at(7));
        }
        let fine = Span::builder("fine").attribute("error", false).start();
        fine.set_status(Status::Ok);
        fine.end();
        Span::builder("said").attribute("error", true).attribute("otel.scope.name", "mine").start().end();
        Span::builder("unsaid").attribute("error", "False").start().end();
        let silent = Span::start("silent");
        silent.set_status(Status::error(""));
        silent.end();
        let to = SpanContext::new(TraceId::from(1), SpanId::from(2), TraceFlags::SAMPLED, true, TraceState::default());
        let full = Span::builder("full").attribute("a", 1).attribute("b", 2).attribute("c", 3).start();
        full.add_event("one", [KeyValue::new("x", 1), KeyValue::new("y", 2)]);
        full.add_event("two", []);
        (0..3).for_each(|_| full.add_link(&to, []));
        full.end();
    });
    for (name, kind) in [
        ("Internal", None),
        ("Server", Some("SERVER")),
        ("Client", Some("CLIENT")),
        ("Producer", Some("PRODUCER")),
        ("Consumer", Some("CONSUMER")),
    ] {
        let span = named(&spans, name);
        assert_eq!(span.get("kind").and_then(Value::as_str), kind);
        assert_eq!((&span["duration"], span.get("remoteEndpoint")), (&json!(1), None), "{name}");
    }
    let tag = |name: &str, key: &str| named(&spans, name)["tags"].get(key).cloned();
    assert_eq!((tag("fine", "otel.status_code"), tag("fine", "error")), (Some(json!("OK")), None));
    assert_eq!((tag("said", "otel.status_code"), tag("said", "error")), (None, Some(json!("true"))));
    assert_eq!(tag("said", "otel.scope.name"), Some(json!("otelier")));
    assert_eq!(tag("unsaid", "error"), None);
    assert_eq!((tag("silent", "otel.status_code"), tag("silent", "error")), (Some(json!("ERROR")), Some(json!(""))));
    assert_eq!((tag("full", "a"), tag("full", "c")), (Some(json!("1")), None));
    for (what, count) in [("attributes", "1"), ("events", "1"), ("links", "2")] {
        assert_eq!(tag("full", &format!("otel.dropped_{what}_count")), Some(json!(count)), "{what}");
        assert_eq!(tag("fine", &format!("otel.dropped_{what}_count")), None, "{what}");
    }
    let annotation = &named(&spans, "full")["annotations"][0]["value"];
    assert_eq!(annotation, r#""one": {"x":1,"otel.dropped_attributes_count":1}"#);
}

#[test]
fn who_was_called_is_the_remote_endpoint() {
    let _turn = turn();
    type Case = (&'static [(&'static str, &'static str)], Option<i64>, Value);
    let cases: [Case; 9] = [
        (&[("db.name", "orders"), ("server.address", "db.internal")], None, json!({"serviceName": "db.internal"})),
        (&[("server.address", "10.0.0.1")], Some(80), json!({"serviceName": "10.0.0.1"})),
        (&[("network.peer.address", "10.0.0.1")], Some(80), json!({"ipv4": "10.0.0.1", "port": 80})),
        (&[("network.peer.address", "2001:db8::1")], None, json!({"ipv6": "2001:db8::1"})),
        (&[("network.peer.address", "10.0.0.1")], Some(65_536), json!({"ipv4": "10.0.0.1"})),
        (&[("network.peer.address", "/run/db.sock")], None, json!({"serviceName": "/run/db.sock"})),
        (&[("peer.service", ""), ("peer.hostname", HOSTILE)], None, json!({"serviceName": HOSTILE})),
        (&[("db.name", "orders")], None, json!({"serviceName": "orders"})),
        (&[("app.peer", "x")], None, Value::Null),
    ];
    let spans = sent(
        |telemetry| telemetry,
        || {
            for (number, (attributes, port, _)) in cases.iter().enumerate() {
                let mut span = Span::builder(number.to_string()).kind(Kind::Producer);
                for (key, value) in *attributes {
                    span = span.attribute(key, *value);
                }
                span.attribute("network.peer.port", *port).start().end();
            }
        },
    );
    for (number, (attributes, _, expected)) in cases.iter().enumerate() {
        let span = named(&spans, &number.to_string());
        assert_eq!(span.get("remoteEndpoint").unwrap_or(&Value::Null), expected, "{attributes:?}");
    }
}

#[test]
fn a_receiver_that_does_not_take_spans_is_counted_and_named() {
    let _turn = turn();
    for (behaviour, expected) in [
        (Behaviour::Accept, ""),
        (Behaviour::Raw(200, Some("application/json"), br#"{"partialSuccess":{"rejectedSpans":"1"}}"#.to_vec()), ""),
        (Behaviour::Raw(400, None, b"trace \x1b[31mid".to_vec()), " answered 400: trace \u{fffd}[31mid"),
        (Behaviour::Raw(413, None, Vec::new()), " answered 413"),
        (Behaviour::Raw(302, None, Vec::new()), " answered 302"),
        (Behaviour::Fail(503), " answered 503: out of \u{fffd}[31morder"),
        (Behaviour::Hang, " did not answer within 1s"),
    ] {
        let receiver = Receiver::http(behaviour.clone()).expect("a port");
        let url = format!("{}/api/v2/spans", receiver.endpoint());
        // Only who never answers is not waited for.
        let timeout = if behaviour == Behaviour::Hang { Duration::from_secs(1) } else { Duration::ZERO };
        let zipkin = Zipkin::to(&url).with_timeout(timeout);
        let settings = Telemetry::default().with_exporter(Exporter::Zipkin(zipkin)).with_retry(Retry::never());
        let stats = run(settings, || trace_block!(name = "x", {}));
        let error = stats.last_error.unwrap_or_default();
        let (failed, named) = if expected.is_empty() { (0, String::new()) } else { (1, format!("{url}{expected}")) };
        assert_eq!(
            (stats.exported, stats.failed, stats.rejected, error),
            (1 - failed, failed, 0, named),
            "{behaviour:?}"
        );
        assert_eq!(stats.name, format!("zipkin {url}"));
        assert_eq!(receiver.zipkin_requests().len(), 1);
    }
}

#[test]
fn variables_send_spans_to_zipkin() {
    let _turn = turn();
    let receiver = accepting();
    let url = format!("{}/api/v2/spans", receiver.endpoint());
    let variables = Variables::of([
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", &url),
        ("OTEL_EXPORTER_ZIPKIN_TIMEOUT", "3000"),
        ("OTEL_METRICS_EXPORTER", "none"),
    ]);
    let settings = Settings::from_variables(&variables).expect("good variables");
    assert!(settings.telemetry.warnings.is_empty(), "{:?}", settings.telemetry.warnings);
    assert_eq!(run(settings.telemetry, || trace_block!(name = "x", {})).exported, 1);
    assert_eq!(receiver.zipkin_requests()[0][0]["name"], "x");
}

#[test]
fn a_file_sends_spans_to_zipkin() {
    let settings = |exporter: &str| {
        let text = format!(
            "file_format: \"1.1\"\ntracer_provider: {{processors: [{{batch: {{exporter: {{otelier/zipkin: {exporter}}}}}}}]}}"
        );
        let document = otelier::config::Document::parse("otel.yaml", &text, &Variables::of([]))?;
        Settings::from_document(document).map(|settings| settings.telemetry.exporters)
    };
    let zipkin = Zipkin::to("http://z:1/spans").with_timeout(Duration::from_millis(7));
    assert_eq!(settings("{endpoint: \"http://z:1/spans\", timeout: 7}"), Ok(vec![Exporter::Zipkin(zipkin)]));
    assert_eq!(settings(""), Ok(vec![Exporter::Zipkin(Zipkin::default())]));
    let error = settings("{endpoint: 5, headers: {}}").expect_err("wrong").to_string();
    assert!(error.contains("otelier/zipkin.endpoint") && error.contains("otelier/zipkin.headers"), "{error}");
}

#[test]
fn an_endpoint_that_cannot_be_used_is_refused() {
    let _turn = turn();
    for (given, expected) in [
        ("localhost:9411", "is `localhost:9411`; expected a URL such as `http://localhost:9411/api/v2/spans`"),
        ("", "is ``; expected a URL such as"),
        ("ftp://host/api", "is `ftp://host/api`; expected a URL such as"),
        ("http://host:99999/", "expected a port from 1 to 65535"),
        ("http://user:secret@host/", "is `http://…@host/`; expected a URL without credentials"),
    ] {
        // Both are wrong in the same way, which is said once.
        let exporter = Exporter::Zipkin(Zipkin::to(given));
        let settings = Telemetry::default().with_exporter(exporter.clone()).with_exporter(exporter);
        let shown = format!("{settings:?}");
        let Err(otelier::Error::Config(error)) = otelier::init(settings) else { panic!("{given} is refused") };
        let [problem] = error.problems() else { panic!("{error}") };
        let sentence = problem.sentence();
        assert!(sentence.starts_with("`otelier/zipkin.endpoint` (`OTEL_EXPORTER_ZIPKIN_ENDPOINT`) is"), "{sentence}");
        assert!(sentence.contains(expected) && !sentence.contains("secret") && !shown.contains("secret"), "{sentence}");
    }
}
