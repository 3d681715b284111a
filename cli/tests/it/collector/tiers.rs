//! `otelier generate collector` as a user runs it.

use super::{assert_has, checker::mistakes, file, with_exporter, words_of_comments};
use std::process::{Command, Output};

const TAIL: &str = "distribution:\n  otelier:\n    tail_sampling: {failed: true, slower_than: 250, ratio: 0.1}\n";

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otelier"));
    command.args(["generate", "collector"]).args(arguments).env_clear().output().expect("the binary runs")
}

/// What is printed, once the checker has found nothing in it, and what is said beside it.
#[track_caller]
fn written(arguments: &[&str]) -> (String, String) {
    let output = run(arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(mistakes(&text), [""; 0], "{text}");
    (text, said)
}

#[track_caller]
fn refused(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(2), true));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn settings(test: &str, rest: &str) -> String {
    file(test, &with_exporter("{otlp_http: {endpoint: \"https://a.example/v1/traces\"}}", rest))
}

#[test]
fn both_tiers_are_written_into_a_directory_and_what_differs_is_said() {
    let sampler = "  sampler: {trace_id_ratio_based: {ratio: 0.5}}\n";
    let settings = settings("tiers", &format!("{sampler}{TAIL}"));
    let folder = crate::folder("tiers-out");
    let output = run(&[&settings, "--out", folder.to_str().unwrap()]);
    let (out, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{said}");
    let read = |name: &str| {
        assert!(out.contains(&format!("wrote {}\n", folder.join(name).display())), "{out}");
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        assert_eq!(mistakes(&text), [""; 0], "{text}");
        text
    };
    let (front, sampling) = (read("front.yaml"), read("sampling.yaml"));
    assert_has(
        &front,
        &[
            "    routing_key: traceID\n    resolver:\n      dns:\n        hostname: otel-sampling\n        port: \"4317\"\n",
            "processors: [memory_limiter, probabilistic_sampler]\n      exporters: [load_balancing]\n",
            "#     sampler: {parent_based: {root: {always_on: }}}\n# and without `distribution.otelier.tail_sampling`",
        ],
    );
    assert_has(
        &sampling,
        &[
            "needs the Collector 0.154 or later",
            "    decision_wait: 30s\n    # Twice 400 new traces a second, held for 30s.\n    num_traces: 24000\n",
            "          span: [\"span.status.code == STATUS_CODE_ERROR\"]\n",
            "          span: [\"span.end_time_unix_nano - span.start_time_unix_nano >= 250000000\"]\n",
            "          span: [\"Substring(span.trace_id.string, 18, 14) >= \\\"e6660000000000\\\"\"]\n",
            "processors: [memory_limiter, tail_sampling]\n      exporters: [otlp_http/traces]\n",
        ],
    );
    assert!(!sampling.contains("http:\n        endpoint") && !sampling.contains("probabilistic"), "{sampling}");
    // Whatever is said stands in a file, too.
    let both = format!("{} {}", words_of_comments(&front), words_of_comments(&sampling));
    for note in said.lines() {
        let note = note.strip_prefix("note: ").and_then(|note| note.split_once(".yaml: ")).expect(note).1;
        assert!(both.contains(note), "{note}");
    }
    assert!(said.contains("sampling.yaml: spans that are kept do not say why"), "{said}");
}

#[test]
fn one_tier_is_printed_as_the_user_asks() {
    let settings = settings("tier", &format!("  sampler: {{otelier/rate_limit: {{traces_per_second: 5}}}}\n{TAIL}"));
    let arguments = ["--tier", "front", "--resolver", "static", "--backends", "a:1,b"];
    let (front, said) = written(&[&[&*settings], &arguments[..]].concat());
    assert_has(&front, &["      static:\n        hostnames: [\"a:1\", \"b:4317\"]\n"]);
    assert!(said.contains("the sampler stays in the programs: it counts traces in a second"), "{said}");
    assert!(!front.contains("always_on"), "{front}");
    let arguments = ["--tier", "front", "--resolver", "k8s", "--backends", "tier.telemetry"];
    let (front, _) = written(&[&[&*settings], &arguments[..]].concat());
    assert_has(&front, &["      k8s:\n        service: tier.telemetry\n        ports: [4317]\n"]);
    let arguments = ["--tier", "front", "--resolver", "aws_cloud_map", "--backends", "shop.local/tier:4400"];
    let (front, said) = written(&[&[&*settings], &arguments[..]].concat());
    let place = "      aws_cloud_map:\n        namespace: shop.local\n        service_name: tier\n        port: 4400\n";
    assert_has(&front, &[place]);
    assert!(said.contains("`servicediscovery:DiscoverInstances`"), "{said}");
    let arguments = ["--tier", "sampling", "--traces-per-second", "100000", "--sampling-port", "4327"];
    let (sampling, said) = written(&[&[&*settings], &arguments[..]].concat());
    assert_has(&sampling, &["endpoint: \"0.0.0.0:4327\"", "num_traces: 6000000\n"]);
    assert!(said.contains("about 58593 MiB wait to be decided"), "{said}");
}

#[test]
fn rules_of_a_sampler_are_in_the_second_tier_or_stay_in_the_programs() {
    let rules = "  sampler:\n    composite/development:\n      rule_based:\n        rules:\n          - attribute_values: {key: a, \
                 values: [b]}\n            sampler: {always_on: }\n";
    let settings = settings("tier-rules", &format!("{rules}{TAIL}"));
    let (sampling, said) = written(&[&settings, "--tier", "sampling"]);
    assert_has(&sampling, &["processors: [memory_limiter, tail_sampling]\n", "- name: \"no rule of the sampler\"\n"]);
    assert_eq!(sampling.matches("decision_wait: ").count(), 1, "a trace waits once\n{sampling}");
    assert!(
        said.contains("are asked of the first span of a trace, with the attributes that it has at its end"),
        "{said}"
    );
    let (sampling, said) = written(&[&settings, "--tier", "sampling", "--head", "program"]);
    assert_has(&sampling, &["processors: [memory_limiter, tail_sampling]\n"]);
    assert!(said.contains("the sampler stays in the programs, as `--head` says"), "{said}");
}

#[test]
fn a_priority_is_the_names_of_a_package_or_is_left_out_with_what_to_do() {
    let rules = "distribution:\n  otelier:\n    tail_sampling:\n      rules: [{name: vip, keep: always, priority: high}]\n      ratio: 0.1\n";
    let settings = settings("tier-priority", rules);
    let (sampling, said) = written(&[&settings, "--tier", "sampling"]);
    let why = "rule `vip` is left out: it asks for `priority: high`, which annotations say and spans do not; `--package NAME` takes";
    assert!(said.contains(why) && !sampling.contains("- name: vip\n"), "{said}");
    // With the environment, in which cargo is.
    let manifest = crate::shop::manifest();
    let of_package = |settings: &str, name: &str| {
        let package = ["--package", name, "--manifest-path", &manifest];
        let output =
            crate::otelier(&[&["generate", "collector", settings, "--tier", "sampling"], &package[..]].concat());
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, sampling, said) = of_package(&settings, "shop");
    assert_eq!((code, mistakes(&sampling)), (Some(0), Vec::new()), "{said}");
    let condition = "span.kind == SPAN_KIND_CLIENT and IsMatch(span.name, \\\"(?s)^(?:sell|sell .*)$$\\\")";
    assert_has(&sampling, &["- name: vip\n", condition]);
    assert!(said.contains("the annotations of the package `shop` have now"), "{said}");
    let (code, _, said) = of_package(&settings, "shpo");
    assert_eq!(code, Some(2));
    assert!(said.contains("there is no package `shpo` in the workspace; did you mean `shop`?"), "{said}");
    let plain = self::settings("tier-no-priority", TAIL);
    let (_, _, said) = of_package(&plain, "shop");
    assert!(said.contains("note: `--package` says nothing here: no rule asks for a `priority`"), "{said}");
}

#[test]
fn what_makes_no_tiers_is_refused_with_what_to_say() {
    let settings = |test: &str, rest: &str| self::settings(&format!("tiers-refused-{test}"), rest);
    let right = settings("right", TAIL);
    for (arguments, part) in [
        (vec![&*right], "expected `--out DIRECTORY` for both, or `--tier front`"),
        (vec![&*right, "--tier", "front", "--backends", "a,b"], "`--backends` has 2 names, and one stands for all"),
        (
            vec![&*right, "--tier", "front", "--backends", "http://a"],
            "`--backends` has `http://a`, which is a URL; expected `host`",
        ),
        (
            vec![&*right, "--tier", "sampling", "--backends", "localhost", "--resolver", "static"],
            "traces go to localhost:4317, where this Collector will listen",
        ),
        (
            vec![&*right, "--tier", "front", "--sampling-listen", "a/b"],
            "`--sampling-listen` is `a/b`, which is no name of a host",
        ),
        (
            vec![&*right, "--tier", "front", "--listen", "a\n- b"],
            "`--listen` is `a\\n- b`, which is no name of a host; expected",
        ),
        (vec![&*right, "--tier", "front", "--listen", "${env:HOME}"], "which is no name of a host"),
        (vec![&*right, "--tier", "front", "--listen", "10.0.0"], "which is no address of IPv4"),
        (vec![&*right, "--out", ""], "`--out` is empty; expected a directory"),
        (vec![&*right, "--tier", "front", "--resolver", "k8s"], "has `otel-sampling` without a namespace"),
        (vec![&*right, "--tier", "front", "--resolver", "static", "--backends", "a,"], "is empty at place 2"),
        (vec![&*right, "--tier", "front", "--traces-per-second", "0"], "expected a whole number from 1 to 1000000000"),
        (vec![&*right, "--tier", "front", "--traces-per-second", "-5"], "expected a whole number from 1 to 1000000000"),
        (vec![&*right, "--tier", "front", "--spans-per-trace", "many"], "expected a whole number from 1 to 1000000000"),
        (vec![&*right, "--tier", "fornt"], "a similar value exists: 'front'"),
        (vec![&settings("none", ""), "--tier", "front"], "expected `distribution.otelier.tail_sampling`"),
        (
            vec![&settings("all", "distribution: {otelier: {tail_sampling: {ratio: 1}}}\n"), "--tier", "front"],
            "keeps every trace",
        ),
    ] {
        let said = refused(&arguments);
        assert!(said.contains(part), "{part}\nis not in\n{said}");
    }
}

#[test]
fn no_file_is_written_over_that_somebody_else_wrote() {
    let folder = crate::folder("tiers-over");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    // Settings have this name, too.
    let own = settings("tiers-over-own", TAIL);
    let (theirs, text) = (path("sampling.yaml"), std::fs::read_to_string(own).unwrap());
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(&theirs, &text).unwrap();
    let said = refused(&[&theirs, "--out", folder.to_str().unwrap()]);
    assert!(said.contains("sampling.yaml` is there, and was not written by this command"), "{said}");
    assert!(!folder.join("front.yaml").exists(), "one of two was written");
    assert_eq!(std::fs::read_to_string(&theirs).unwrap(), text);
    assert!(refused(&[&theirs, "--out", &theirs]).contains("` is a file; expected a directory behind `--out`"));
    let new = path("collectors");
    for _ in 0..2 {
        assert_eq!(run(&[&theirs, "--out", &new]).status.code(), Some(0), "its own files are written anew");
    }
}
