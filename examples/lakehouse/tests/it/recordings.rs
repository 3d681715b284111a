//! The real recordings, where they are at hand.

use std::path::{Path, PathBuf};

use super::support::{Scratch, lakehouse};

/// The directory that `OTELIER_FIXTURES` names, or `shared/fixtures` beside the project.
fn fixtures() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures");
    let dir = std::env::var_os("OTELIER_FIXTURES").map_or(beside, PathBuf::from);
    dir.join("binance-capture").is_dir().then_some(dir)
}

#[test]
fn the_recordings_of_the_exchange_are_archived_completely() {
    let Some(dir) = fixtures() else {
        eprintln!("SKIPPED: no recordings; set OTELIER_FIXTURES to the directory that has `binance-capture`");
        return;
    };
    let scratch = Scratch::new();
    let run = lakehouse(&scratch, &["--data", dir.to_str().expect("a plain path"), "--timeout", "20"], &[]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    assert!(run.out.contains("recorded, from") && !run.out.contains("GENERATED"), "{}", run.out);
    assert!(run.summary("result").starts_with("success: 6 of 6 symbols"), "{}", run.out);
    assert!(run.summary("rate limit").contains("of 1200 request weight"), "{}", run.out);
    assert!(run.summary("records").starts_with("1024 collected, 0 rejected"), "{}", run.out);
    let files = scratch.files();
    for key in [
        "silver/klines/symbol=BNBUSDT/part-0.parquet",
        "silver/klines/symbol=NKNUSDT/part-0.parquet",
        "silver/order_book/symbol=BTCUSDT/part-0.parquet",
        "silver/trades/symbol=LRCBTC/part-0.parquet",
        "gold/ohlcv_1h/part-0.parquet",
    ] {
        assert!(files.iter().any(|file| file == key), "{key} is missing in {files:?}");
    }
}

#[test]
fn a_recorded_symbol_can_be_asked_for_and_an_unrecorded_one_is_unknown() {
    let Some(dir) = fixtures() else {
        eprintln!("SKIPPED: no recordings; set OTELIER_FIXTURES to the directory that has `binance-capture`");
        return;
    };
    let scratch = Scratch::new();
    let data = dir.to_str().expect("a plain path");
    let run = lakehouse(&scratch, &["--data", data, "--symbols", "NKNUSDT,NOSUCHPAIR"], &[]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(run.summary("failed").contains("NOSUCHPAIR: the exchange answered 400 (-1121: Invalid symbol)"));
}
