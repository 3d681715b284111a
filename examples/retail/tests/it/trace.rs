//! What the processes leave behind.

use super::shop::Shop;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use std::collections::HashMap;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

const PARENT: &str = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03\r\n";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The names of a span and all that it is below of, the innermost first.
fn ancestry(spans: &[Span], span: &Span) -> Vec<String> {
    let by_id: HashMap<_, _> = spans.iter().map(|span| (&span.span_id, span)).collect();
    let mut names = vec![span.name.clone()];
    let mut at = span;
    while let Some(parent) = by_id.get(&at.parent_span_id) {
        names.push(parent.name.clone());
        at = parent;
    }
    names
}

fn text(span: &Span, key: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.as_ref()?.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        _ => String::new(),
    }
}

fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let names = || spans.iter().map(|span| span.name.as_str()).collect::<Vec<_>>();
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no span {name} among {:?}", names()))
}

#[test]
fn an_order_is_one_trace_through_three_processes() {
    let mut shop = Shop::open(1);
    let environment = [("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")];
    let customer = shop.customer(&["tea-sencha", "2", "--report"], &environment);
    let told = String::from_utf8_lossy(&customer.stdout).into_owned();
    assert_eq!(told, "order 1: 2 x tea-sencha, 23.00, packed\nsold: 1 orders, 1 packed, 23.00\n", "{customer:?}");
    assert_eq!(shop.close().signal(), Some(15));

    let spans = shop.receiver.spans();
    assert!(spans.iter().all(|span| hex(&span.trace_id) == TRACE), "one trace");
    let ancestry = |name| ancestry(&spans, named(&spans, name)).join(" < ");
    // The customer's process is below the one of its environment, the shop's below the customer's request, the job below
    // the request that made the order, the report's process below the command.
    assert_eq!(hex(&named(&spans, "visit").parent_span_id), "b7ad6b7169203331");
    assert!(
        ancestry("INSERT orders").ends_with("< check_out < POST /orders < POST /orders < buy < visit"),
        "{spans:?}"
    );
    let job = ancestry("job pack_order");
    assert_eq!(job, "job pack_order < send packing < check_out < POST /orders < POST /orders < buy < visit");
    assert_eq!(ancestry("sales"), "sales < report < run_report < POST /reports < POST /reports < visit");
    let command = named(&spans, "report");
    assert_eq!(text(command, "process.exit.code"), "0");
    assert_eq!(text(command, "process.command_args"), "");
    let both_sides = || spans.iter().filter(|span| span.name == "POST /orders");
    assert_eq!(both_sides().count(), 2, "{spans:?}");
    assert!(both_sides().all(|span| text(span, "http.response.status_code") == "201"));
    // One id through the customer, the shop, its job, and the report's process.
    let id = text(named(&spans, "visit"), "correlation.id");
    assert_eq!(id.len(), 36, "{id}");
    let without = spans.iter().filter(|span| text(span, "correlation.id") != id).map(|span| span.name.as_str());
    assert_eq!(without.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn a_traceparent_of_a_stranger_is_continued() {
    let mut shop = Shop::open(1);
    let (status, order) = shop.ask("POST", "/orders", PARENT, r#"{"sku":"tea-earl-grey","quantity":1}"#);
    assert_eq!((status, order["total"].as_i64()), (201, Some(790)), "{order}");
    shop.close();
    let spans = shop.receiver.spans();
    let request = named(&spans, "POST /orders");
    assert_eq!((hex(&request.trace_id).as_str(), hex(&request.parent_span_id).as_str()), (TRACE, "b7ad6b7169203331"));
}

#[test]
fn what_a_customer_does_wrong_is_said_and_is_no_failure_of_the_shop() {
    let mut shop = Shop::open(1);
    for (body, status, error) in [
        (r#"{"sku":"tea-x","quantity":1}"#, 404, "unknown_product"),
        (r#"{"sku":"pot-cast-iron","quantity":2}"#, 409, "out_of_stock"),
        (r#"{"sku":"tea-sencha","quantity":0}"#, 422, "bad_quantity"),
        (r#"{"sku":"tea-sencha","quantity":9223372036854775807}"#, 422, "bad_quantity"),
    ] {
        let (answered, refusal) = shop.ask("POST", "/orders", "", body);
        assert_eq!((answered, refusal["error"].as_str()), (status, Some(error)), "{refusal}");
    }
    assert_eq!(shop.ask("GET", "/orders/7", "", "").0, 404);
    assert_eq!(shop.ask("GET", "/products/pot-cast-iron", "", "").1["stock"], 1, "nothing was taken");
    assert_eq!(shop.ask("POST", "/orders", "", "nonsense").0, 400);
    shop.close();
    let spans = shop.receiver.spans();
    let orders: Vec<_> = spans.iter().filter(|span| span.name == "check_out").collect();
    let mut errors: Vec<_> = orders.iter().map(|span| text(span, "error.type")).collect();
    errors.sort();
    assert_eq!(errors, ["bad_quantity", "bad_quantity", "out_of_stock", "unknown_product"]);
    // They are expected, so nothing here is an error of the shop.
    assert!(spans.iter().all(|span| span.status.as_ref().is_none_or(|status| status.code == 0)));
}

#[test]
fn a_shop_that_is_told_to_end_packs_what_it_accepted_and_sends_all_spans() {
    let mut shop = Shop::open(100);
    for _ in 0..3 {
        assert_eq!(shop.ask("POST", "/orders", "", r#"{"sku":"tea-earl-grey","quantity":1}"#).0, 201);
    }
    assert_eq!(shop.close().signal(), Some(15));
    assert!(shop.said("stdout").ends_with("shop: SIGTERM, ending\n"), "{}", shop.said("stdout"));
    let packed = shop.receiver.spans().iter().filter(|span| span.name == "job pack_order").count();
    assert_eq!(packed, 3);
    let report =
        Command::new(env!("CARGO_BIN_EXE_report")).env_clear().arg(shop.database()).output().expect("it starts");
    assert_eq!(String::from_utf8_lossy(&report.stdout), "{\"orders\":3,\"packed\":3,\"revenue\":2370}\n");
    // Without an endpoint the trace is printed.
    let printed = String::from_utf8_lossy(&report.stderr);
    assert!(printed.contains("sales") && printed.contains("SELECT orders"), "{printed}");
}

#[test]
fn a_customer_without_a_shop_is_told_so() {
    let shop = Shop::open(1);
    let closed = shop.url.clone();
    drop(shop);
    let customer = Command::new(env!("CARGO_BIN_EXE_order"))
        .env_clear()
        .args(["tea-sencha", "--shop", &closed])
        .output()
        .expect("a customer starts");
    assert_eq!(customer.status.code(), Some(1));
    let said = String::from_utf8_lossy(&customer.stderr);
    assert!(said.contains("error: the shop does not answer"), "{said}");
    assert!(said.contains("✗ no_answer"), "{said}");
}
