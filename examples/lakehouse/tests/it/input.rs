//! Input that cannot be used: one clear sentence, and exit code 2.

use std::net::TcpListener;
use std::path::Path;

use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::support::{Finished, Scratch, lakehouse};

fn refused(args: &[&str]) -> Finished {
    let run = lakehouse(&Scratch::new(), args, &[]);
    assert_eq!(run.code, Some(2), "{args:?}: {}", run.err);
    assert_eq!(run.out, "", "{args:?}");
    run
}

/// A recording of one symbol, with a line in the middle that is cut off.
fn damaged(dir: &Path) {
    let lines = concat!(
        r#"{"t":"header","exchange":"BINANCE"}"#,
        "\n",
        r#"{"t":"recv","data":"{\"stream\":"#,
        "\n",
        r#"{"t":"http","url":"https://h/api/v3/depth?symbol=BLZETH&limit=5","data":"{\"lastUpdateId\":5,\"bids\":[[\"0.1\",\"2\"]],\"asks\":[[\"0.2\",\"3\"]]}"}"#,
        "\n"
    );
    std::fs::create_dir_all(dir).expect("the scratch directory is writable");
    let packed = compress_to_vec(lines.as_bytes(), CompressionLevel::Fastest);
    std::fs::write(dir.join("BINANCE.jsonl.zst"), packed).expect("the file can be written");
}

#[test]
fn a_data_directory_that_cannot_be_read_is_one_sentence() {
    let missing = refused(&["--data", "no-such-directory"]).err;
    assert!(missing.starts_with("error: cannot read --data directory `no-such-directory`: "), "{missing}");
    assert_eq!(missing.lines().count(), 1);

    let scratch = Scratch::new();
    std::fs::create_dir_all(scratch.path("empty")).expect("the scratch directory is writable");
    let empty = refused(&["--data", scratch.path("empty").to_str().expect("a plain path")]).err;
    assert!(empty.contains("holds no recordings; expected *.jsonl.zst or *.yml files"), "{empty}");
    assert_eq!(empty.lines().count(), 1);
}

#[test]
fn a_corrupt_line_is_one_warning_and_the_rest_is_used() {
    let scratch = Scratch::new();
    let dir = scratch.path("recorded");
    damaged(&dir);
    let run = lakehouse(&scratch, &["--data", dir.to_str().expect("a plain path")], &[]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert_eq!(run.err.lines().count(), 1, "{}", run.err);
    assert!(run.err.starts_with("warning: ") && run.err.contains("BINANCE.jsonl.zst line 2: "), "{}", run.err);
    assert!(run.err.trim_end().ends_with("the line is skipped"), "{}", run.err);
    assert!(run.out.contains("1 damaged parts skipped"), "{}", run.out);
    assert!(run.summary("result").starts_with("success: 1 of 1"), "{}", run.out);
}

#[test]
fn an_occupied_port_is_one_sentence_that_says_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let err = refused(&["--port", &port]).err;
    assert!(err.starts_with(&format!("error: cannot listen on 127.0.0.1:{port}: ")), "{err}");
    assert!(err.contains("choose another --port"), "{err}");
    assert_eq!(err.lines().count(), 1);
}

#[test]
fn values_that_cannot_be_used_are_refused_with_those_that_can() {
    for (args, accepted) in [
        (["--fail-rate", "1.5"], "from 0.0 (nothing fails) to 1.0 (everything fails)"),
        (["--fail-rate", "often"], "from 0.0 (nothing fails) to 1.0 (everything fails)"),
        (["--rate-limit", "0"], "1..=1000000"),
        (["--concurrency", "0"], "1..=64"),
        (["--deadline", "0"], "seconds from 0.001 to 3600"),
        (["--symbols", "BTC/USDT"], "2 to 20 letters and digits, such as BTCUSDT"),
        (["--port", "70000"], "0..=65535"),
    ] {
        let err = refused(&args).err;
        assert!(err.contains(args[1]) && err.contains(accepted), "{args:?}: {err}");
    }
}

#[test]
fn places_that_cannot_be_written_are_named_before_anything_runs() {
    let scratch = Scratch::new();
    let page = scratch.path("no/such/directory/page.html");
    let err = refused(&["--html", page.to_str().expect("a plain path")]).err;
    assert!(err.starts_with("error: --html: cannot write `") && err.contains("page.html"), "{err}");

    std::fs::write(scratch.path("lake"), b"a file").expect("the scratch directory is writable");
    let run = lakehouse(&scratch, &[], &[]);
    assert_eq!(run.code, Some(2), "{}", run.err);
    assert!(run.err.starts_with("error: --out: cannot use directory `"), "{}", run.err);
}
