//! How fast a log is, for those who ask.

use super::*;

#[test]
#[ignore = "a measurement: `cargo test --release -p otelier --lib -- --ignored --nocapture requests_a_second`"]
fn requests_a_second() {
    let policies = [Sync::Never, Sync::Every(Duration::from_secs(1)), Sync::Always];
    for (sync, count) in policies.into_iter().zip([20_000, 20_000, 1_000]) {
        let scratch = Scratch::new();
        let settings = scratch.settings().with_sync(sync).with_max_bytes(4 << 30);
        let mut log = Log::open(&settings, "spans-1").expect("the log opens");
        let start = Instant::now();
        for number in 0..count {
            append(&mut log, number, 50_000).expect("it is taken");
            if let Some(due) = log.due_sync(&Now::here()) {
                due.sync().expect("the disk keeps it");
            }
        }
        let appended = start.elapsed();
        let start = Instant::now();
        assert_eq!(drain(&mut log).len() as u64, count);
        let rate = |time: Duration| count as f64 / time.as_secs_f64();
        println!("{sync:?}: {:.0} appends/s, {:.0} given and acknowledged/s", rate(appended), rate(start.elapsed()));
    }
}
