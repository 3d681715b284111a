//! What goes wrong on request, and how it is seen.

use super::support::{Scratch, lakehouse};

#[test]
fn failing_answers_are_repeated_and_every_kind_is_seen() {
    let scratch = Scratch::new();
    let run = lakehouse(&scratch, &["--fail-rate", "0.3"], &[]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(run.summary("result").starts_with("success: 3 of 3"), "{}", run.out);
    for kind in ["503", "invalid_json", "timeout", "cancelled"] {
        assert!(run.summary("errors").contains(kind), "no {kind} in {}", run.summary("errors"));
    }
    assert!(run.out.contains("✗ 503: the exchange answered 503"), "{}", run.out);
    assert!(run.out.contains("hedged_request"), "{}", run.out);
}

#[test]
fn a_small_budget_is_waited_for_and_shown() {
    let scratch = Scratch::new();
    let run = lakehouse(&scratch, &["--rate-limit", "12"], &[]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(run.summary("errors").contains("429"), "{}", run.out);
    assert!(run.summary("rate limit").starts_with("12 of 12"), "{}", run.out);
    assert!(run.out.contains("rate_limited retry_after=1"), "{}", run.out);
}

#[test]
fn a_run_in_which_everything_fails_ends_with_1_and_says_why() {
    let scratch = Scratch::new();
    let run = lakehouse(&scratch, &["--fail-rate", "1"], &[]);
    assert_eq!(run.code, Some(1));
    assert!(run.summary("result").starts_with("failure after"), "{}", run.out);
    assert!(run.err.starts_with("error: the exchange's limits could not be read: "), "{}", run.err);
    assert_eq!(run.err.lines().count(), 1, "{}", run.err);
}

#[test]
fn a_symbol_that_does_not_exist_costs_only_itself() {
    let scratch = Scratch::new();
    let run = lakehouse(&scratch, &["--symbols", "BTCUSDT,BOGUS", "--timeout", "20"], &[]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    assert!(run.summary("result").starts_with("partial success: 1 of 2 symbols"), "{}", run.out);
    assert!(run.summary("failed").contains("of BOGUS: the exchange answered 400 (-1121: Invalid symbol)"));
    assert_eq!(run.summary("errors"), "3 x 400");

    let alone = lakehouse(&scratch, &["--symbols", "BOGUS"], &[]);
    assert_eq!(alone.code, Some(1));
    assert!(alone.err.contains("none of the 3 downloads succeeded; the first: klines of BOGUS"), "{}", alone.err);
}

#[test]
fn downloads_that_pass_the_deadline_are_cancelled() {
    let scratch = Scratch::new();
    // Slow answers come after 20 s, and the client would wait 10 s for each, but the run only waits 0.6 s.
    let run = lakehouse(&scratch, &["--fail-rate", "0.3", "--timeout", "10", "--deadline", "0.6"], &[]);
    assert!(run.summary("errors").contains("cancelled"), "{}", run.out);
    assert!(run.summary("failed").ends_with("cancelled by the deadline of the run"), "{}", run.out);
}

#[test]
fn many_requests_past_the_budget_are_banned_with_418() {
    // exchangeInfo uses the budget up; 60 downloads at once then get more refusals than the exchange puts up with, unless
    // the first refusal is back, and closes the client's gate, before a dozen more requests are under way. How many are is
    // up to the scheduler, so a few runs may be needed until one of them is banned.
    let symbols: Vec<String> = (b'A'..=b'T').map(|letter| format!("{}USDT", char::from(letter))).collect();
    let symbols = symbols.join(",");
    let args = ["--rate-limit", "10", "--concurrency", "64", "--deadline", "1.5", "--symbols", &symbols];
    for _ in 0..5 {
        let scratch = Scratch::new();
        let run = lakehouse(&scratch, &args, &[]);
        let errors = run.summary("errors");
        assert!(errors.contains("x 429"), "{errors}");
        if errors.contains("x 418") {
            assert!(run.out.contains("✗ 418: the exchange answered 418"), "{}", run.out);
            return;
        }
    }
    panic!("no run was banned");
}
