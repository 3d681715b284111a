//! What the example prints.

use std::process::Command;

/// The tree without what differs from run to run: ids, times and bars.
fn shape(tree: &str) -> Vec<String> {
    tree.lines()
        .map(|line| line.split("  ").next().unwrap_or_default())
        .map(|line| if line.starts_with("trace ") { "trace".to_owned() } else { line.to_owned() })
        .filter(|line| !line.is_empty())
        .collect()
}

#[test]
fn the_example_prints_both_traces_as_trees() {
    let output = Command::new(env!("CARGO_BIN_EXE_quickstart")).env("COLUMNS", "120").output().expect("it runs");
    assert!(output.status.success());
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(printed, "total 42\norder 8 was refused: invalid digit found in string\n");
    let tree = String::from_utf8_lossy(&output.stderr);
    let first = "trace|accept id=7 total=42|├─ price line=12|╰─ price line=30";
    let second = "trace|accept id=8|├─ price line=12|╰─ price line=thirty";
    let shape: Vec<String> =
        shape(&tree).into_iter().filter(|line| !line.trim_start().starts_with(['·', '✗'])).collect();
    assert_eq!(shape.join("|"), format!("{first}|{second}"), "{tree}");
    assert_eq!(tree.matches("✗ core::num::error::ParseIntError: invalid digit found in string").count(), 2, "{tree}");
    assert_eq!(tree.matches("· order_received lines=2").count(), 2, "{tree}");
}

#[test]
fn spans_of_three_makers_and_three_threads_are_one_trace() {
    let output = Command::new(env!("CARGO_BIN_EXE_both_ways")).env("COLUMNS", "120").output().expect("it runs");
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "14 rows, 8 spans\n");
    let tree = String::from_utf8_lossy(&output.stderr);
    let branches = ['│', '├', '╰', '─', ' '];
    let names =
        tree.lines().skip(1).map(|line| line.trim_start_matches(branches).split("  ").next().unwrap_or_default());
    let mut names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
    assert_eq!(names[..2], ["day day=2026-01-05 rows=14", "collect source=replay"], "{tree}");
    names[2..].sort_unstable();
    let rest = ["load", "load", "parse symbol=BTCUSDT", "parse symbol=ETHUSDT", "validate rows=7", "validate rows=7"];
    assert_eq!(names[2..], rest, "{tree}");
}

#[test]
fn spans_of_a_library_that_speaks_to_tracing_are_in_the_trace_of_its_callers() {
    let output = Command::new(env!("CARGO_BIN_EXE_tracing_in")).env("COLUMNS", "160").output().expect("it runs");
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "7 rows, 4 spans\n");
    let tree = String::from_utf8_lossy(&output.stderr);
    let names = tree.lines().map(|line| line.trim_start_matches(['╰', '─', ' ']));
    let names: Vec<_> = names.filter(|line| !line.is_empty() && !line.starts_with('·')).collect();
    for (name, wanted) in names[1..].iter().zip(["request ", "load symbol=BTCUSDT", "SELECT prices ", "decode rows=7"])
    {
        assert!(name.starts_with(wanted), "{name} is not {wanted} in\n{tree}");
    }
    assert_eq!(names.len(), 5, "{tree}");
    for event in ["· sent ", "· no price "] {
        assert!(tree.contains(event), "{event} is not in\n{tree}");
    }
    assert!(!tree.contains("left out"), "{tree}");
}

#[test]
fn annotations_of_ones_own_schemas_are_recorded() {
    let output = Command::new(env!("CARGO_BIN_EXE_schemas")).env("COLUMNS", "400").output().expect("it runs");
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "42.00\n90.00\n");
    let tree = String::from_utf8_lossy(&output.stderr);
    for part in [
        "checkout store currency=EUR waited=2.5 x-till=[\"4\"] ",
        " tier=basic lines=2 ",
        "checkout web currency=USD tier=gold lines=1 ",
        "· shop.discounted discount=10 ",
    ] {
        assert!(tree.contains(part), "{part} is not in\n{tree}");
    }
    assert!(!tree.contains("4711"), "the customer is named: {tree}");
}

#[test]
fn the_examples_schemas_say_what_they_declare() {
    use otelier::schema::{EventSchema, Schema};
    let checkout = shop::Checkout::DEF;
    assert_eq!((checkout.id, checkout.name), ("shop.checkout", "checkout {shop.channel}"));
    assert_eq!(shop::GoldCheckout::DEF.attributes.len(), checkout.attributes.len());
    assert_eq!(shop::Discounted::DEF.attributes[0].unit, "%");
}

#[test]
fn domain_macros_fill_in_names_and_results() {
    let output = Command::new(env!("CARGO_BIN_EXE_domains")).env("COLUMNS", "400").output().expect("it runs");
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "42.00\ntrue\n");
    let tree = String::from_utf8_lossy(&output.stderr);
    for part in [
        "startup.initialize ",
        "├─ startup.config.load ",
        "╰─ startup.resources.initialize ",
        "job close_day ",
        "├─ SELECT sales ",
        "╰─ gold sum_sales ",
        "step write_constants ",
        "result=failure",
        "test domains::sums_are_exact ",
        "status=pass",
        "benchmark sums ",
    ] {
        assert!(tree.contains(part), "{part} is not in\n{tree}");
    }
}

#[test]
fn every_shape_of_code_is_printed_in_one_tree() {
    let output = Command::new(env!("CARGO_BIN_EXE_shapes")).env("COLUMNS", "400").output().expect("it runs");
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "27 spans\n");
    let tree = String::from_utf8_lossy(&output.stderr);
    assert_eq!(tree.lines().filter(|line| line.starts_with("trace ")).count(), 3, "{tree}");
    for part in [
        "├─ Warehouse::reserve town=Jena wanted=2 stock=1 ",
        "│  ├─ choose box sizes=3 ",
        "✗ carrier_busy: the carrier is busy",
        "· retry.scheduled attempt=1 ",
        "✗ panic: attempt to divide by zero",
        "✗ cancelled: dropped before it was ready",
        "accept (parent elsewhere) ",
    ] {
        assert!(tree.contains(part), "{part} is not in\n{tree}");
    }
    assert!(!tree.contains("health"), "{tree}");
}

#[test]
fn the_example_of_an_outage_ends_with_every_span_once() {
    let output = Command::new(env!("CARGO_BIN_EXE_outage")).output().expect("it runs");
    let (printed, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{printed}{errors}");
    let expected = "1. A receiver is away, and comes back.
   away: 1000 spans made, 1000 wait, 0 lost
   back: 1000 exported, 0 lost; it has 1000 spans, 0 of them twice
2. A second receiver stands in.
   away: the second has 1000 spans, 0 of them twice; the first one's breaker is open
   back: the first one's breaker is closed, and it gets what comes
   4000 spans made, 4000 arrived, 0 lost
3. A process is killed during the outage; the next one sends what it left.
   killed: 1000 spans made, 1000 on disk, 0 in memory
   next:   1000 of an earlier process exported; the receiver has 1000 spans, 0 of them twice
";
    assert_eq!(printed, expected, "{errors}");
}

#[test]
fn log_lines_have_the_ids_of_their_spans_and_the_correlation_id_in_text_and_json() {
    let run = |words: &str| {
        // Colours and lines of OpenTelemetry's own come and go with features of libraries.
        let mut command = Command::new(env!("CARGO_BIN_EXE_correlation"));
        let output = command.arg(words).env("NO_COLOR", "1").output().expect("it runs");
        assert!(output.status.success());
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        printed
            .lines()
            .filter(|line| !line.contains("opentelemetry"))
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    };
    let text = run("text");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(lines[0].starts_with("correlation_id=shop-7 ") && lines[0].ends_with("a request came in"), "{text}");
    for line in &lines[1..3] {
        assert!(
            line.starts_with("trace_id=") && line.contains(" span_id=") && line.contains(" correlation_id=shop-7 ")
        );
    }
    let of = |line: &str, name: &str| {
        let (_, rest) = line.split_once(&format!("{name}=")).expect("it is there");
        rest.split(' ').next().unwrap_or_default().to_owned()
    };
    assert_eq!(of(lines[1], "trace_id"), of(lines[2], "trace_id"));
    assert_ne!(of(lines[1], "span_id"), of(lines[2], "span_id"));
    assert!(!lines[3].contains("trace_id") && lines[3].ends_with("outside id=\"shop-7\""), "{text}");
    let json = run("json");
    let lines: Vec<_> = json.lines().collect();
    assert_eq!(lines.len(), 4, "{json}");
    assert!(lines[1].starts_with("{\"trace_id\":\"") && lines[1].contains(",\"correlation.id\":\"shop-7\","), "{json}");
    assert!(lines[1].contains("sending the receipt of \\\"order-42\\\""), "{json}");
    assert!(lines[0].starts_with("{\"correlation.id\":\"shop-7\",\"timestamp\":"), "{json}");
}

/// What `sampling` prints with these arguments.
fn sampling(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_sampling")).args(arguments).output().expect("it runs");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    printed
}

#[test]
fn the_shop_keeps_what_matters_and_says_why_by_rules_in_code_and_in_a_file() {
    let printed = sampling(&[]);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/sampling.yaml");
    assert_eq!(printed, sampling(&["--rules", file]));
    for line in [
        "where traces begin: 1800 kept, 200 refused by rules, 5 by hints",
        "where they are over: 178 kept, 1623 dropped",
        "   errors                  20 kept      0 dropped",
        "   slow                    10 kept      0 dropped",
        "   critical customers       2 kept      0 dropped",
        "   large orders             5 kept      0 dropped",
        "   important work           1 kept      0 dropped",
        "   good customers          62 kept     38 dropped",
        "   ratio                   78 kept   1585 dropped",
        "5381 spans begun, 512 exported",
        "   62 × reason=tail.rule rule=good customers probability=0.5",
        "   10 × reason=tail.rule rule=slow probability=1",
    ] {
        assert!(printed.lines().any(|found| found == line), "{line} is not in\n{printed}");
    }
}

#[test]
fn what_the_shop_records_is_input_for_a_simulation_with_rules_of_the_file() {
    use otelier::config::{Document, Settings, Variables};
    let directory = std::env::temp_dir().join(format!("otelier-sampling-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("it can be made");
    let spans = directory.join("spans.jsonl");
    let printed = sampling(&["--spans", spans.to_str().expect("it is text")]);
    assert!(printed.starts_with("5581 spans in "), "{printed}");
    let lines = std::fs::read_to_string(&spans).expect("it was written");
    // Each span once, in lines of the format that `otelier sampling simulate` takes.
    assert_eq!(lines.matches("\"spanId\"").count(), 5581);
    assert!(lines.lines().all(|line| line.starts_with("{\"resourceSpans\":[")));
    std::fs::remove_dir_all(&directory).expect("it can be removed");
    // The rules of the file are those that the simulation takes.
    let rules = Document::parse("sampling.yaml", include_str!("../sampling.yaml"), &Variables::of([]));
    let settings = rules.and_then(Settings::from_document).expect("it is right");
    assert_eq!(settings.telemetry.tail_sampling.map(|tail| tail.rules.len()), Some(6));
}
