//! Structs whose fields are attributes, and enums whose variants are values.

use crate::support::*;
use opentelemetry::Value;
use otelier::Span;
use otelier::attribute::{AttributeSink, EnumAttribute, FieldDef, Mask, Sensitivity, SpanAttributes as _};
use otelier::config::{Limits, Sampler};
use otelier::prelude::*;
use otelier::private::{Callsite, Guard};
use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

#[derive(AttributeEnum)]
#[attribute(rename_all = "kebab-case")]
enum Channel {
    /// The shop.
    WebShop,
    #[attribute(value = "phone")]
    Call,
    #[attribute(other)]
    Other(Cow<'static, str>),
}

#[derive(Clone, Copy, Hash, AttributeEnum)]
enum Plan {
    Free,
}

#[derive(SpanAttributes)]
#[attributes(prefix = "app.address")]
struct Address {
    city: String,
    #[attribute(name = "geo.zone")]
    zone: u8,
    #[attribute(nested)]
    street: Option<Box<Street>>,
}

#[derive(SpanAttributes)]
#[attributes(prefix = "app.street")]
struct Street {
    number: i128,
    #[attribute(flatten)]
    tenant: Option<Tenant>,
}

#[derive(SpanAttributes)]
#[attributes(prefix = "app.tenant")]
struct Tenant {
    id: u32,
}

struct Loud<'a>(&'a str);

impl fmt::Display for Loud<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            write!(f, "{}", c.to_uppercase())?;
        }
        Ok(())
    }
}

/// The attributes of the one span, as text.
fn recorded(spans: &[opentelemetry_sdk::trace::SpanData]) -> Vec<String> {
    let [span] = spans else { panic!("one span, not {}", spans.len()) };
    span.attributes.iter().map(|item| format!("{}={}", item.key, item.value)).collect()
}

fn by_hand(of: &impl otelier::attribute::SpanAttributes) -> Vec<String> {
    let recorder = Recorder::start();
    Span::start("by hand").set_attributes(of);
    recorded(&recorder.spans())
}

#[test]
fn values_of_every_type_arrive_under_their_names() {
    #[derive(SpanAttributes)]
    #[attributes(prefix = "app.order")]
    struct Order<'a, T> {
        id: u64,
        total: f32,
        paid: bool,
        r#type: &'a str,
        #[attribute(name = "count")]
        number: Option<Box<u8>>,
        #[attribute(name = "user.name")]
        user: &'a Option<String>,
        nobody: Option<&'a str>,
        channel: Channel,
        plan: Option<Plan>,
        plans: Vec<Plan>,
        list: Vec<T>,
        #[attribute(name = "slice")]
        borrowed: &'a [&'a str],
        pair: [i64; 2],
        shared: std::sync::Arc<str>,
    }
    let order = Order {
        id: 7,
        total: 0.5,
        paid: true,
        r#type: "sale",
        number: Some(Box::new(3)),
        user: &Some("ada".to_owned()),
        nobody: None,
        channel: Channel::WebShop,
        plan: Some(Plan::Free),
        plans: vec![Plan::Free; 2],
        list: vec!["a".to_owned()],
        borrowed: &["b", "c"],
        pair: [1, 2],
        shared: "all".into(),
    };
    let wanted = [
        "app.order.id=7",
        "app.order.total=0.5",
        "app.order.paid=true",
        "app.order.type=sale",
        "app.order.count=3",
        "user.name=ada",
        "app.order.channel=web-shop",
        "app.order.plan=free",
        "app.order.plans=[\"free\",\"free\"]",
        "app.order.list=[\"a\"]",
        "app.order.slice=[\"b\",\"c\"]",
        "app.order.pair=[1,2]",
        "app.order.shared=all",
    ];
    assert_eq!(by_hand(&order), wanted);
}

#[test]
fn nested_structs_take_the_name_of_their_field_and_flattened_ones_keep_theirs() {
    #[derive(SpanAttributes)]
    #[attributes(prefix = "app.order")]
    struct Order {
        #[attribute(nested)]
        shipping: Address,
        #[attribute(nested, name = "app.payer")]
        billing: Address,
        #[attribute(flatten)]
        other: Address,
        id: u8,
    }
    let street = |number| Some(Box::new(Street { number, tenant: Some(Tenant { id: 9 }) }));
    let order = Order {
        shipping: Address { city: "Rome".to_owned(), zone: 1, street: street(4) },
        billing: Address { city: "Bern".to_owned(), zone: 2, street: None },
        other: Address { city: "Oslo".to_owned(), zone: 3, street: street(5) },
        id: 6,
    };
    let wanted = [
        "app.order.shipping.city=Rome",
        "geo.zone=3",
        "app.order.shipping.street.number=4",
        "app.tenant.id=9",
        "app.payer.city=Bern",
        "app.address.city=Oslo",
        "app.address.street.number=5",
        "app.order.id=6",
    ];
    assert_eq!(by_hand(&order), wanted);
    let [shipping, billing, other, id] = Order::ATTRIBUTES else { panic!("four fields") };
    assert_eq!((shipping.name, shipping.local, shipping.parts.len()), ("app.order.shipping", "shipping", 3));
    assert_eq!((billing.name, billing.local), ("app.payer", ""));
    assert_eq!((other.name, other.parts[1].name, id.name), ("", "geo.zone", "app.order.id"));
}

#[test]
fn what_must_not_be_seen_is_masked() {
    #[derive(SpanAttributes)]
    #[attributes(prefix = "app.user")]
    struct User<'a> {
        /// Where to write.
        #[attribute(hash)]
        email: &'a str,
        #[attribute(personal)]
        name: Option<String>,
        #[attribute(sensitive, redact)]
        income: u32,
        #[attribute(secret)]
        password: &'a str,
        #[attribute(redact)]
        card: Option<&'a str>,
        #[attribute(public)]
        page_token: &'a str,
        #[attribute(hash)]
        nothing: Option<u8>,
    }
    let user = User {
        email: "a@b",
        name: Some("Ada".to_owned()),
        income: 5,
        password: "x",
        card: None,
        page_token: "p7",
        nothing: None,
    };
    let recorder = Recorder::start();
    let span = Span::start("by hand");
    span.set_attributes(&user);
    span.set_attribute("app.wanted.email", hash("a@b"));
    span.set_attribute("app.wanted.name", hash("Ada"));
    drop(span);
    let spans = recorder.spans();
    assert_eq!(attribute(&spans[0], "app.user.email"), attribute(&spans[0], "app.wanted.email"));
    assert_eq!(attribute(&spans[0], "app.user.name"), attribute(&spans[0], "app.wanted.name"));
    let recorded = recorded(&spans);
    let wanted = ["app.user.income=[redacted]", "app.user.password=[redacted]", "app.user.page_token=p7"];
    assert_eq!(recorded[2..recorded.len() - 2], wanted);
    let [email, _, income, password, .., nothing] = User::ATTRIBUTES else { panic!("seven fields") };
    assert_eq!((email.sensitivity, email.mask, email.doc), (Sensitivity::Public, Mask::Hash, "Where to write."));
    assert_eq!((income.sensitivity, income.mask), (Sensitivity::Sensitive, Mask::Redact));
    assert_eq!((password.sensitivity, password.mask), (Sensitivity::Secret, Mask::Redact));
    assert_eq!(nothing.mask, Mask::Hash);
}

#[test]
fn texts_are_cut_after_so_many_characters_whatever_they_are_made_of() {
    #[derive(SpanAttributes)]
    #[attributes(prefix = "app.note")]
    struct Note<'a, D> {
        #[attribute(max_length = 3)]
        text: Cow<'a, str>,
        #[attribute(max_length = 10)]
        short: Option<String>,
        #[attribute(display, max_length = 4)]
        loud: D,
        #[attribute(debug, max_length = 1_0)]
        raw: Option<Vec<u8>>,
        #[attribute(display)]
        whole: Option<Loud<'a>>,
    }
    let note = Note {
        text: "äöüß".into(),
        short: Some("short".to_owned()),
        loud: Loud("abcäöü"),
        raw: Some(vec![1; 100]),
        whole: Some(Loud("x")),
    };
    let wanted = [
        "app.note.text=äöü",
        "app.note.short=short",
        "app.note.loud=ABCÄ",
        "app.note.raw=[1, 1, 1, ",
        "app.note.whole=X",
    ];
    assert_eq!(by_hand(&note), wanted);
    assert_eq!(Note::<Loud<'_>>::ATTRIBUTES[0].max_length, Some(3));
}

/// Says whether somebody looked at it.
#[derive(Default)]
struct Watched(Cell<u32>);

impl otelier::attribute::SpanAttributes for Watched {
    const ATTRIBUTES: &'static [FieldDef] = &[FieldDef::new("app.looked")];

    fn record_attributes(&self, to: &mut AttributeSink<'_>) {
        self.0.set(self.0.get() + 1);
        to.attribute("app.looked", &self.0.get());
    }
}

#[test]
fn nobody_looks_at_the_struct_unless_the_span_is_recorded() {
    let watched = Watched::default();
    let turn = turn();
    Span::start("nobody").set_attributes(&watched);
    drop(turn);
    let recorder = Recorder::with(Telemetry::default().with_sampler(Sampler::AlwaysOff));
    Span::start("unsampled").set_attributes(&watched);
    let mut guard = Guard::new();
    guard.attributes(&watched);
    guard.enter(&SITE);
    guard.attributes(&watched);
    drop(guard);
    recorder.expect(&[]);
    assert_eq!(watched.0.get(), 0);
    assert_eq!(by_hand(&watched), ["app.looked=1"]);
}

static SITE: Callsite =
    Callsite { keys: &["app.own", "step"], ..Callsite::new("site", otelier::schema::Kind::Internal) };

/// A value whose text comes from a function that has a span, and struct attributes, of its own.
struct Traced;

impl fmt::Display for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("before ")?;
        let mut guard = Guard::new();
        guard.enter(&SITE);
        guard.attributes(&Tenant { id: 8 });
        drop(guard);
        f.write_str("after")
    }
}

#[derive(SpanAttributes)]
#[attributes(prefix = "app.outer")]
struct Outer {
    first: u8,
    #[attribute(display)]
    traced: Traced,
    last: u8,
}

const OUTER: Outer = Outer { first: 1, traced: Traced, last: 2 };

#[test]
fn annotated_functions_record_structs_beside_what_they_record_themselves() {
    let recorder = Recorder::start();
    let mut guard = Guard::new();
    guard.enter(&SITE);
    if let Some(slot) = guard.slot(0) {
        slot.int(5);
    }
    guard.attributes(&OUTER);
    if let Some(event) = guard.event(1) {
        event.attributes(&OUTER);
        if let Some(slot) = event.slot(0) {
            slot.int(6);
        }
    }
    guard.attributes(&Tenant { id: 1 });
    guard.attributes(&Tenant { id: 2 });
    drop(guard);
    recorder.expect(&[
        "site app.own=5 app.outer.first=1 app.outer.traced=before after app.outer.last=2 app.tenant.id=2",
        "  * step app.outer.first=1 app.outer.traced=before after app.outer.last=2 app.own=6",
        "  site app.tenant.id=8",
        "  site app.tenant.id=8",
    ]);
}

#[test]
fn asynchronous_functions_record_structs_on_whatever_thread_they_run() {
    #[trace]
    async fn work() {
        let body = ();
        let span = otelier::private::span_ref(&body);
        span.attributes(&OUTER);
        tokio::task::yield_now().await;
        span.attributes(&Tenant { id: 4 });
        if let Some(event) = span.event(0) {
            event.attributes(&Tenant { id: 5 });
        }
    }
    let recorder = Recorder::start();
    many_threads().block_on(async { tokio::spawn(work()).await.expect("no panic") });
    let spans = recorder.spans();
    let found: Vec<_> = named(&spans, "work").attributes.iter().map(|item| item.value.to_string()).collect();
    assert_eq!(found, ["1", "before after", "2", "4"]);
    assert_eq!(named(&spans, "site").parent_span_id, named(&spans, "work").span_context.span_id());
}

#[test]
fn structs_are_recorded_on_an_outer_span_while_an_inner_one_is_open() {
    let recorder = Recorder::start();
    let (mut outer, mut inner) = (Guard::new(), Guard::new());
    outer.enter(&SITE);
    inner.enter(&SITE);
    inner.attributes(&Tenant { id: 1 });
    outer.attributes(&OUTER);
    outer.attributes(&Tenant { id: 2 });
    inner.attributes(&Tenant { id: 3 });
    drop(inner);
    drop(outer);
    recorder.expect(&[
        "site app.outer.first=1 app.outer.traced=before after app.outer.last=2 app.tenant.id=2",
        "  site app.tenant.id=3",
        "    site app.tenant.id=8",
    ]);
}

#[test]
fn a_panic_in_a_value_takes_that_attribute_only() {
    struct Bad;
    impl fmt::Display for Bad {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("half")?;
            panic!("no");
        }
    }
    #[derive(SpanAttributes)]
    #[attributes(prefix = "app.bad")]
    struct Holder {
        first: u8,
        #[attribute(display)]
        bad: Bad,
        last: u8,
    }
    let recorder = Recorder::start();
    let holder = Holder { first: 1, bad: Bad, last: 2 };
    let mut guard = Guard::new();
    guard.enter(&SITE);
    for inner_is_open in [false, true] {
        let mut inner = Guard::new();
        if inner_is_open {
            inner.enter(&SITE);
        }
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| guard.attributes(&holder)));
        assert!(result.is_err());
        drop(inner);
    }
    guard.attributes(&Tenant { id: holder.last.into() });
    drop(guard);
    recorder.expect(&["site app.bad.first=1 app.tenant.id=2", "  site"]);
}

#[test]
fn limits_hold_for_the_attributes_of_structs() {
    let mut limits = Limits::default();
    (limits.attributes, limits.attribute_value_length) = (2, 6);
    let recorder = Recorder::with(Telemetry::default().with_limits(limits));
    let mut guard = Guard::new();
    guard.enter(&SITE);
    guard.attributes(&OUTER);
    guard.attributes(&OUTER);
    drop(guard);
    let spans = recorder.spans();
    let span = spans.iter().find(|span| span.parent_span_id == opentelemetry::trace::SpanId::INVALID).expect("a root");
    assert_eq!((span.attributes.len(), span.dropped_attributes_count), (2, 2));
    assert_eq!(attribute(span, "app.outer.traced"), Some(&Value::from("before")));
}

#[test]
fn the_set_of_an_enum_is_known_with_what_its_values_mean() {
    assert_eq!(Channel::VALUES, ["web-shop", "phone"]);
    assert_eq!(Channel::DOCS, ["The shop.", ""]);
    assert_eq!(Plan::DOCS, [""; 0]);
    assert_eq!((Channel::OPEN, Plan::OPEN), (true, false));
    let values = [Channel::WebShop, Channel::Call, Channel::Other("fax".into())];
    assert_eq!(values.map(|value| format!("{value:>8}")), ["web-shop", "   phone", "     fax"]);
}
