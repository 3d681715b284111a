//! Settings that change while the pipeline runs.

use crate::support::{PATIENCE, Recorder, wait_until};
use otelier::config::{LogLevel, Sampler, TailSampling};
use otelier::health::Status;
use otelier::prelude::*;
use otelier::{ConfigError, ReloadError};
use std::path::PathBuf;
use std::time::Duration;

#[trace(app.number = number)]
fn leaf(number: usize) {}

#[test]
fn the_sampler_the_limits_and_the_log_level_change_at_once() {
    let settings = Telemetry::default();
    let recorder = Recorder::with(settings.clone());
    let telemetry = recorder.telemetry();
    leaf(1);
    telemetry.reload(&settings.clone().with_sampler(Sampler::AlwaysOff)).expect("the sampler can change");
    leaf(2);
    let mut limits = settings.limits.clone();
    limits.events = 0;
    telemetry.reload(&settings.clone().with_limits(limits).with_log_level(LogLevel::Error)).expect("they can change");
    assert_eq!(otelier::diagnostics::log_level(), LogLevel::Error);
    trace_block!(name = "limited", { event!("told") });
    let slow = TailSampling::failed().or_slower_than(Duration::from_secs(3600));
    telemetry.reload(&settings.clone().with_tail_sampling(slow)).expect("tail sampling can change");
    leaf(4);
    telemetry.reload(&settings).expect("and back");
    assert_eq!(otelier::diagnostics::log_level(), LogLevel::Info);
    leaf(5);
    let (spans, stats) = recorder.finish();
    assert_eq!(stats.dropped_by_tail_sampling, 1);
    crate::support::expect(spans, &["leaf app.number=1", "limited", "leaf app.number=5"]);
}

#[test]
fn what_cannot_change_is_named_and_nothing_else_changes() {
    let recorder = Recorder::start();
    let telemetry = recorder.telemetry();
    let mut other = Telemetry::default()
        .with_sampler(Sampler::AlwaysOff)
        .with_service_name("other")
        .with_max_queue_size(4096)
        .with_console(true);
    let error = telemetry.reload(&other).expect_err("some cannot change");
    let ReloadError::CannotChange(sentences) = &error else { panic!("{error}") };
    let starts: Vec<_> = sentences.iter().filter_map(|sentence| sentence.split('`').nth(1)).collect();
    assert_eq!(starts, ["service_name", "batch", "exporters"], "{error}");
    let health = telemetry.health();
    assert_eq!((health.status, health.configuration.reload_problem), (Status::Degraded, Some(error.to_string())));
    other = Telemetry::default().with_sampler(Sampler::TraceIdRatio(2.0));
    assert!(matches!(telemetry.reload(&other), Err(ReloadError::Config(_))));
    leaf(1);
    telemetry.reload(&Telemetry::default()).expect("nothing changes");
    assert_eq!(telemetry.health().status, Status::Ok);
    recorder.expect(&["leaf app.number=1"]);
}

/// A file that is removed when the test ends.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let file = Self(std::env::temp_dir().join(format!("otelier-{name}-{}", std::process::id())));
        file.write(text);
        file
    }

    /// As editors do: the file is replaced.
    fn write(&self, text: &str) {
        let new = self.0.with_extension("new");
        std::fs::write(&new, text).and_then(|()| std::fs::rename(new, &self.0)).expect("a file can be written");
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn load(text: &str) -> Result<Telemetry, ConfigError> {
    match text {
        "off" => Ok(Telemetry::default().with_sampler(Sampler::AlwaysOff)),
        "on" => Ok(Telemetry::default()),
        "panic" => panic!("on purpose"),
        "other" => Ok(Telemetry::default().with_service_name("other")),
        _ => Telemetry::from_variables(&otelier::config::Variables::of([("OTEL_TRACES_SAMPLER", "xray")])),
    }
}

#[test]
fn a_file_that_changes_is_applied_and_one_that_became_unusable_keeps_the_old_settings() {
    let recorder = Recorder::start();
    let telemetry = recorder.telemetry();
    let file = File::new("reload", "on");
    let path = file.0.clone();
    let watch = telemetry
        .reload_when_changed(&file.0, Duration::from_millis(10), move || {
            load(&std::fs::read_to_string(&path).unwrap_or_default())
        })
        .expect("the file is there");
    let sampler = || telemetry.health().sampler;
    let problem = || telemetry.health().configuration.reload_problem.unwrap_or_default();
    file.write("off");
    wait_until("the change", || sampler() == Sampler::AlwaysOff);
    leaf(1);
    for (text, says) in
        [("broken", "OTEL_TRACES_SAMPLER"), ("panic", "panicked"), ("other", "`service_name` cannot change")]
    {
        file.write(text);
        wait_until(text, || problem().contains(says));
        assert_eq!(sampler(), Sampler::AlwaysOff, "the old settings are in force");
    }
    std::fs::remove_file(&file.0).expect("it is there");
    wait_until("the file to be missed", || problem().contains("otelier-reload"));
    #[cfg(unix)]
    {
        // Opening it would wait for somebody who writes.
        let made = std::process::Command::new("mkfifo").arg(&file.0).status();
        assert!(made.is_ok_and(|status| status.success()), "a pipe can be made");
        wait_until("the pipe to be refused", || problem().contains("no regular file"));
    }
    file.write("on");
    wait_until("the file to be back", || sampler() == Sampler::default() && problem().is_empty());
    leaf(2);
    drop(watch);
    file.write("off");
    std::thread::sleep(Duration::from_millis(50));
    leaf(3);
    recorder.expect(&["leaf app.number=2", "leaf app.number=3"]);
}

#[test]
fn a_file_that_is_not_there_from_the_start_is_an_error_that_names_it() {
    let recorder = Recorder::start();
    let telemetry = recorder.telemetry();
    let error = telemetry
        .reload_when_changed("no/such/file.yaml", PATIENCE, || Ok(Telemetry::default()))
        .expect_err("it is not there");
    assert!(error.to_string().starts_with("no/such/file.yaml: "), "{error}");
    recorder.expect(&[]);
}
