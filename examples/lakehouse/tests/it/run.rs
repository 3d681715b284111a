//! What a run shows and writes.

use super::support::{Scratch, lakehouse};

#[test]
fn a_plain_run_archives_three_symbols_and_says_that_the_data_is_generated() {
    let scratch = Scratch::new();
    // A client this patient repeats nothing, however busy the machine is.
    let run = lakehouse(&scratch, &["--timeout", "20"], &[]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{}", run.out);
    assert!(run.out.contains("GENERATED, not real (seed 10)"), "{}", run.out);
    assert!(run.summary("result").starts_with("success: 3 of 3 symbols"), "{}", run.out);
    assert!(run.summary("files").starts_with("21 written (9 bronze, 9 silver, 3 gold)"), "{}", run.out);
    assert!(run.summary("API calls").starts_with("13 requests"), "{}", run.out);
    assert!(run.summary("rate limit").starts_with("22 of 1200"), "{}", run.out);
    assert!(!run.out.contains('\u{1b}'), "no colours where there is no terminal");
}

#[test]
fn the_tree_shows_every_layer_of_the_work_under_its_parent() {
    let scratch = Scratch::new();
    let run = lakehouse(&scratch, &["--symbols", "BTCUSDT", "--timeout", "20"], &[]);
    let mut depths = Vec::new();
    for line in run.out.lines().skip_while(|line| !line.starts_with("trace ")) {
        for name in ["workflow", "stage collect", "ingest klines", "binance /api/v3/klines", "stage store", "put gold"]
        {
            if let Some(at) = line.find(name).filter(|at| line[..*at].chars().all(|c| "│├╰─ ".contains(c))) {
                depths.push((line[..at].chars().count() / 3, name));
            }
        }
    }
    depths.dedup();
    let puts = [(2, "put gold")].repeat(depths.iter().filter(|(_, name)| *name == "put gold").count());
    let mut expected = vec![(0, "workflow"), (1, "stage collect"), (2, "ingest klines"), (3, "binance /api/v3/klines")];
    expected.push((1, "stage store"));
    expected.extend(puts);
    assert_eq!(depths, expected, "{}", run.out);
}

#[test]
fn files_are_sorted_by_layer_table_and_symbol() {
    let scratch = Scratch::new();
    let run = lakehouse(&scratch, &["--symbols", "ethusdt"], &[]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    let expected = [
        "bronze/klines/symbol=ETHUSDT/part-0.parquet",
        "bronze/order_book/symbol=ETHUSDT/part-0.parquet",
        "bronze/trades/symbol=ETHUSDT/part-0.parquet",
        "gold/book_summary/part-0.parquet",
        "gold/ohlcv_1h/part-0.parquet",
        "gold/trade_flow/part-0.parquet",
        "silver/klines/symbol=ETHUSDT/part-0.parquet",
        "silver/order_book/symbol=ETHUSDT/part-0.parquet",
        "silver/trades/symbol=ETHUSDT/part-0.parquet",
    ];
    assert_eq!(scratch.files(), expected);
    for key in expected {
        let bytes = std::fs::read(scratch.path("lake").join(key)).expect("the file is there");
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"), "{key} is no Parquet file");
    }
}

#[test]
fn the_same_seed_gives_the_same_files() {
    let read = || {
        let scratch = Scratch::new();
        lakehouse(&scratch, &["--symbols", "BTCUSDT", "--seed", "3"], &[]);
        std::fs::read(scratch.path("lake/silver/klines/symbol=BTCUSDT/part-0.parquet")).expect("the file is there")
    };
    assert_eq!(read(), read());
}

#[test]
fn the_page_is_written_and_needs_no_network() {
    let scratch = Scratch::new();
    let page = scratch.path("trace.html");
    let run = lakehouse(&scratch, &["--html", page.to_str().expect("a plain path")], &[]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    let html = std::fs::read_to_string(&page).expect("the page is there");
    assert!(html.contains("workflow daily_archive_collection") && html.contains("/api/v3/klines"));
    for outside in ["src=\"http", "href=\"http", "@import", "url(http"] {
        assert!(!html.contains(outside), "the page loads something: {outside}");
    }
}
