//! Whole files of both tiers, judged by facts about the Collector's components.

use super::super::{Balancing, Options, Resolver, Role, Sizes, written};
use super::{HOSTILE, changed, checker, conditions, rule};
use otelier::config::{Keep, Settings, TailSampling, Variables};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

const BASE: &str = r#"file_format: "1.1"
tracer_provider:
  processors:
    - batch: {exporter: {otlp_http: {endpoint: "https://a.example/v1/traces", headers: [{name: api-key, value: "$$secret"}]}}}
  sampler: {parent_based: {root: {trace_id_ratio_based: {ratio: 0.5}}}}
meter_provider:
  readers: [{periodic: {exporter: {otlp_grpc: {endpoint: "https://b.example:4317"}}}}]
"#;

pub(super) fn settings(tail: TailSampling) -> Settings {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("otelier-tiers-{}-{number}.yaml", std::process::id()));
    std::fs::write(&path, BASE).unwrap();
    let mut settings = Settings::from_file(path.to_str().unwrap(), &Variables::of_the_process()).unwrap();
    std::fs::remove_file(&path).unwrap();
    settings.telemetry.tail_sampling = Some(tail);
    settings
}

pub(super) fn options(role: Role) -> Options {
    let is_front = matches!(role, Role::Front(_));
    Options {
        role,
        listen: "localhost".to_owned(),
        grpc_port: 4317,
        http_port: is_front.then_some(4318),
        failover_port: 4319,
        memory: 512,
        storage: "/var/lib/otelcol".to_owned(),
        samples: true,
        call_sites: None,
    }
}

fn tails() -> Vec<TailSampling> {
    let keeps = [Keep::Always, Keep::Never, Keep::Ratio(0.1), Keep::RateLimit(0.001)];
    let of_all = |keep: Keep| {
        // One without conditions would end the list.
        let rules = conditions()
            .into_iter()
            .filter(|rule| rule.priority.is_none())
            .map(|rule| changed(rule, |rule| rule.keep = keep));
        rules.fold(TailSampling::new(0.01), TailSampling::with_rule)
    };
    let hostile = HOSTILE.into_iter().enumerate().fold(TailSampling::failed(), |tail, (number, name)| {
        tail.with_rule(changed(rule(number, keeps[number % 4]), |rule| rule.name = name.to_owned()))
    });
    let mut tails: Vec<TailSampling> = keeps.into_iter().map(of_all).collect();
    tails.extend([hostile, TailSampling::failed(), TailSampling::new(0.0), TailSampling::new(0.5)]);
    tails
}

#[test]
fn both_tiers_are_what_a_collector_takes_whatever_the_rules_are() {
    for tail in tails() {
        let settings = settings(tail);
        for sizes in [(1, 1), (1000, 10), (1_000_000_000, 1_000_000_000)] {
            let sizes = Sizes { traces_per_second: sizes.0, spans_per_trace: sizes.1 };
            let (text, notes) = written(&settings, &options(Role::Sampling(sizes))).unwrap();
            assert_eq!(checker::mistakes(&text), [""; 0], "{text}");
            assert!(!text.contains("secret") && text.contains("${env:OTELIER_HEADER_API_KEY}"), "{text}");
            assert!(notes.iter().any(|note| note.contains("`otelier.sampler.reason`")));
        }
        for (resolver, backends) in [
            (Resolver::Dns, "tier"),
            (Resolver::Static, "a:1,[::1]:2"),
            (Resolver::Kubernetes, "tier.telemetry:4400"),
            (Resolver::CloudMap, "#shop[$local]/tier:1"),
        ] {
            let balancing = Balancing::new(resolver, backends, 4317).unwrap();
            let (text, _) = written(&settings, &options(Role::Front(balancing))).unwrap();
            assert_eq!(checker::mistakes(&text), [""; 0], "{text}");
            assert!(text.contains("processors: [memory_limiter, probabilistic_sampler]"), "{text}");
        }
    }
}

/// The same by the Collector itself: `OTELIER_TEST_OTELCOL` names an `otelcol-contrib` of release 0.154 or later.
#[test]
fn a_real_collector_takes_both_tiers() {
    let Some(binary) = std::env::var_os("OTELIER_TEST_OTELCOL") else {
        // Past the test runner, which keeps for itself what a test that passes prints.
        crate::say("skipped: OTELIER_TEST_OTELCOL does not name an otelcol-contrib of release 0.154 or later");
        return;
    };
    let path = std::env::temp_dir().join(format!("otelier-collector-{}.yaml", std::process::id()));
    for tail in tails() {
        let settings = settings(tail);
        let balancing = Balancing::new(Resolver::Static, "a:1,b:2", 4317).unwrap();
        for role in [Role::Front(balancing), Role::Sampling(Sizes::default())] {
            let (text, _) = written(&settings, &options(role)).unwrap();
            std::fs::write(&path, &text).unwrap();
            let mut command = Command::new(&binary);
            command.arg("validate").arg(format!("--config={}", path.display())).env("OTELIER_HEADER_API_KEY", "x");
            let output = command.output().expect("the Collector runs");
            assert!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&output.stderr));
        }
    }
    std::fs::remove_file(&path).unwrap();
}
