//! `otelier config collector`, judged by facts about the Collector's components.

mod checker;
mod facts;
mod tiers;

use checker::mistakes;
use std::process::{Command, Output};

/// The example of the documentation: every part of the file is in it.
const EXAMPLE: &str = include_str!("../../../../docs/collector-example.yaml");

fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otelier"));
    command.args(["config", "collector"]).args(arguments).env_clear().envs(variables.iter().copied());
    command.output().expect("the binary runs")
}

/// The file that is written, once the checker has found nothing in it.
#[track_caller]
fn written(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let output = run(arguments, variables);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(mistakes(&text), [""; 0], "{text}");
    let contrib = checker::of_contrib(&text);
    let is_said = text.contains("the distribution contrib, for");
    assert_eq!(is_said, !contrib.is_empty(), "{contrib:?}\n{text}");
    let comment = words_of_comments(&text);
    assert!(contrib.iter().all(|kind| comment.contains(&format!("`{kind}`"))), "{contrib:?}\n{text}");
    text
}

#[track_caller]
fn refused(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let output = run(arguments, variables);
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(2), true));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Comments without their line breaks.
fn words_of_comments(text: &str) -> String {
    let lines = text.lines().filter_map(|line| line.strip_prefix('#'));
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

fn file(test: &str, text: &str) -> String {
    let path = crate::folder(&format!("collector-{test}")).join("otel.yaml");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// A file whose only exporter of spans is this.
fn with_exporter(exporter: &str, rest: &str) -> String {
    format!("file_format: \"1.1\"\ntracer_provider:\n  processors:\n    - batch:\n        exporter: {exporter}\n{rest}")
}

#[track_caller]
fn assert_has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part}\nis not in\n{text}");
    }
}

/// The settings that the example is made of, in the documentation.
fn settings_of_the_example() -> String {
    let docs = include_str!("../../../../docs/collector.md");
    let (_, behind) = docs.split_once("```yaml\n").expect("the settings come first");
    behind.split_once("```\n").expect("they end").0.to_owned()
}

#[test]
fn the_example_of_the_documentation_is_what_is_written() {
    let folder = crate::folder("collector-example");
    std::fs::write(folder.join("otel.yaml"), settings_of_the_example()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_otelier"));
    command.args(["config", "collector", "otel.yaml"]).env_clear().env("API_KEY", "topsecret").current_dir(&folder);
    let output = command.output().expect("the binary runs");
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(mistakes(&text), [""; 0], "{text}");
    assert!(!text.contains("topsecret"), "{text}");
    if std::env::var_os("OTELIER_WRITE_EXAMPLES").is_some() {
        std::fs::write(crate::workspace().join("docs/collector-example.yaml"), &text).unwrap();
        return;
    }
    assert!(text == EXAMPLE, "docs/collector-example.yaml is stale; `OTELIER_WRITE_EXAMPLES=1` writes it\n{text}");
}

#[test]
fn variables_become_a_collector_without_their_secrets() {
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://otel.example"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=topsecret,x-team=a%20b"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://otel.example/x?key=topsecret"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.07"),
        ("OTELIER_DISK_BUFFER", "/var/lib/shop"),
    ];
    let text = written(&[], &variables);
    assert!(!text.contains("topsecret") && !text.contains("a b") && !text.contains("a%20b"), "{text}");
    assert_has(
        &text,
        &[
            "#   OTELIER_HEADER_API_KEY: the header `api-key` of otlp_http/traces, otlp_http/metrics, otlp_http/logs\n",
            "    traces_endpoint: ${env:OTELIER_OTLP_HTTP_TRACES_ENDPOINT}\n",
            "    endpoint: \"https://otel.example\"\n    compression: gzip\n    timeout: 10s\n",
            "      api-key: ${env:OTELIER_HEADER_API_KEY}\n      x-team: ${env:OTELIER_HEADER_X_TEAM}\n",
            "    mode: equalizing\n    sampling_percentage: 7\n",
            "      max_elapsed_time: 86400s\n",
            "      queue_size: 536870912\n      storage: file_storage/otelier\n",
            "#   OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318\n",
            "#   OTEL_TRACES_SAMPLER=parentbased_always_on\n",
            "and these are set no longer: OTEL_EXPORTER_OTLP_HEADERS, OTEL_EXPORTER_OTLP_COMPRESSION, \
             OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_TRACES_SAMPLER_ARG\n",
        ],
    );
}

#[test]
fn every_protocol_and_kind_of_exporter_has_its_component() {
    let processors = r#"
    - batch: {exporter: {otlp_grpc: {endpoint: "http://a:4317", headers: [{name: X-Tenant, value: topsecret}], timeout: 0}}}
    - batch: {exporter: {otlp_grpc: {endpoint: "https://b:4317", compression: gzip, tls: {ca_file: /ca.pem}}}}
    - batch: {exporter: {otlp_http: {endpoint: "https://c/custom", encoding: json, timeout: 250}}, export_timeout: 7000}
    - batch: {exporter: {otelier/zipkin: {endpoint: "http://zipkin:9411/api/v2/spans"}}}
    - batch: {exporter: {otelier/otlp_file: {path: /a/spans.jsonl, max_bytes: 1500KiB, max_files: 4, max_age: 90000s}}}
    - batch: {exporter: {otlp_file/development: {output_stream: "file:///a/all.jsonl"}}}
    - batch: {exporter: {otlp_file/development: {}}}
    - simple: {exporter: {console: }}
"#;
    let text = format!("file_format: \"1.1\"\ntracer_provider:\n  processors:{processors}");
    let text = written(&[&file("every", &text)], &[]);
    assert!(!text.contains("topsecret"), "{text}");
    assert_has(
        &text,
        &[
            "  otlp_grpc/traces:\n    endpoint: \"a:4317\"\n    compression: none\n    timeout: 30s\n    headers:\n      \
             x-tenant: ${env:OTELIER_HEADER_X_TENANT}\n    tls:\n      insecure: true\n",
            "  otlp_grpc/traces_2:\n    endpoint: \"b:4317\"\n    compression: gzip\n    timeout: 10s\n    tls:\n      ca_file: /ca.pem\n",
            "  otlp_http/traces:\n    traces_endpoint: \"https://c/custom\"\n    encoding: json\n    compression: none\n    timeout: 250ms\n",
            "  zipkin/traces:\n    endpoint: \"http://zipkin:9411/api/v2/spans\"\n    format: json\n",
            "    rotation:\n      max_megabytes: 2\n      max_backups: 3\n      max_days: 2\n",
            "    path: /a/all.jsonl\n    format: json\n    append: true\n",
            "# - standard output for traces stays the program's",
            "# - the console for traces stays in the programs",
            "{batch: {exporter: {console: }}}",
        ],
    );
}

#[test]
fn a_failover_has_a_queue_before_it_and_none_behind() {
    let failover = |first: &str| {
        format!(
            "{{otelier/failover: {{exporters: [{{otlp_http: {{endpoint: \"https://{first}/v1/traces\"}}}}, {{otlp_grpc: \
             {{endpoint: \"https://b:4317\", timeout: 4000}}}}]}}}}"
        )
    };
    let rest = format!(
        "    - batch: {{exporter: {}}}\nmeter_provider:\n  readers: [{{periodic: {{exporter: {}}}}}]\ndistribution:\n  otelier:\n    \
         circuit_breaker: {{failures: 3, open_for: 7000, successes: 1}}\n    disk_buffer: {{directory: /var/lib/a}}\n",
        failover("c"),
        failover("d"),
    );
    let file = file("failover", &with_exporter(&failover("a"), &rest));
    let text = written(&[&file], &[]);
    assert_has(
        &text,
        &[
            "  failover/traces:\n    priority_levels: [[traces/failover_1], [traces/failover_2]]\n    retry_interval: 7s\n    \
             sending_queue:\n      enabled: false\n",
            "    retry_on_failure:\n      enabled: false\n    sending_queue:\n      enabled: false\n",
            "  otlp/failover:\n    protocols:\n      grpc:\n        endpoint: \"localhost:4319\"\n",
            "  otlp/failover_2:\n    protocols:\n      grpc:\n        endpoint: \"localhost:4320\"\n",
            "  otlp_grpc/traces_to_failover:\n    endpoint: \"localhost:4319\"\n    compression: none\n    timeout: 14s\n",
            "  otlp_grpc/traces_to_failover_2:\n    endpoint: \"localhost:4320\"\n",
            "  otlp_grpc/metrics_to_failover:\n    endpoint: \"localhost:4319\"\n",
            "      exporters: [otlp_grpc/traces_to_failover, otlp_grpc/traces_to_failover_2]\n    traces/to_failover:\n      \
             receivers: [otlp/failover]\n      exporters: [failover/traces]\n    traces/failover_1:\n      receivers: \
             [failover/traces]\n      exporters: [otlp_http/traces_failover_1]\n",
            "# - `circuit_breaker`: a Collector leaves a receiver at the first failure",
            "otlp_http: {endpoint: \"http://localhost:4318/v1/traces\"}",
        ],
    );
    assert_eq!(text.matches("      storage: file_storage/otelier\n").count(), 3, "{text}");
    let error = refused(&["--storage", "/var/lib/a/", &file], &[]);
    assert!(error.contains("not that of the programs' disk buffer"), "{error}");
    for port in ["4317", "65535"] {
        let error = refused(&["--failover-port", port, &file], &[]);
        assert!(error.contains("expected `--failover-port` from which"), "{error}");
    }
}

#[test]
fn sampling_moves_or_stays_as_the_user_says() {
    let exporter = "{otlp_http: {endpoint: \"https://a/v1/traces\"}}";
    let rest = r#"  sampler:
    composite/development:
      rule_based:
        rules:
          - attribute_values: {key: url.path, values: ["/health", "/$ready"]}
            sampler: {always_off: }
          - sampler: {probability: {ratio: 0.1}}
distribution:
  otelier:
    tail_sampling: {failed: true, slower_than: 45000}
"#;
    let file = file("sampling", &with_exporter(exporter, rest));
    let text = written(&[&file], &[]);
    assert_has(
        &text,
        &[
            "  tail_sampling:\n    decision_wait: 55s\n",
            "      # The rules of the sampler: what they refuse is dropped, whatever the policies behind them say.\n      - name: \"rules[0]\"\n        \
             type: drop\n",
            "(?s)^(?:/health|/\\\\\\\\$$ready)$$",
            "      # The rules of tail sampling: one of these that samples is enough.\n      - name: failed\n",
            "processors: [memory_limiter, tail_sampling]\n",
            "#     sampler: {parent_based: {root: {always_on: }}}\n",
            "# and without `distribution.otelier.tail_sampling`",
        ],
    );
    let text = written(&[&file, "--sampling", "program"], &[]);
    assert_has(&text, &["# - sampling stays in the programs", "processors: [memory_limiter]\n"]);
    assert!(!text.contains("tail_sampling:") && !text.contains("always_on"), "{text}");
    let adaptive = "  sampler: {otelier/adaptive: {}}\n";
    let text = written(&[&self::file("adaptive", &with_exporter(exporter, adaptive))], &[]);
    assert_has(
        &text,
        &["# - the sampler stays in the programs, and so does tail sampling: it follows the load of the program"],
    );
}

#[test]
fn what_has_no_place_in_a_collector_is_named() {
    let exporter = "{otlp_http: {endpoint: \"https://a/v1/traces\", max_request_size: 1048576}}";
    let rest = r#"  limits: {attribute_count_limit: 7}
meter_provider:
  readers:
    - periodic: {exporter: {otlp_http: {endpoint: "https://a/v1/metrics", temporality_preference: delta}}}
    - periodic: {exporter: {console: }}
  views: [{selector: {instrument_name: a}, stream: {name: b}}]
logger_provider:
  processors: [{batch: {exporter: {otlp_http: {endpoint: "https://a/v1/logs"}}}}]
distribution:
  otelier:
    retry: {also_statuses: [500], max_elapsed: 1000, initial_backoff: 200, max_backoff: 30000}
    circuit_breaker: {failures: 3}
    old_names: [retail]
    span_types: true
"#;
    let text = written(&[&file("no-place", &with_exporter(exporter, rest))], &[]);
    let comment = words_of_comments(&text);
    assert_has(
        &comment,
        &[
            "otlp_http/traces: `also_statuses`: ",
            "the console for metrics stays in the programs",
            "`circuit_breaker`: a Collector has none",
            "logs: programs with these settings make none",
            "limits; views; temporality, histograms and cardinality limits of metrics; old names of attributes; span types: \
             programs apply them",
        ],
    );
    assert_has(
        &text,
        &["      initial_interval: 200ms\n      max_interval: 1s\n      multiplier: 2\n      max_elapsed_time: 1s\n"],
    );
}

#[test]
fn hostile_names_do_no_harm() {
    let exporter = r##"{otlp_http: {endpoint: "https://a/v1/traces", headers: [{name: "x\": ${env:HOME}\nservice", value: v}], tls: {ca_file: "/ca ${x}\n'\"#.pem"}}}"##;
    let exporter = exporter.replace("${", "$${");
    let path = "/a: \\\"b\\\"\\n#c $${env:HOME}.jsonl";
    let rest = format!("    - batch: {{exporter: {{otelier/otlp_file: {{path: \"{path}\", max_bytes: 1MiB}}}}}}\n");
    let text = written(&[&file("hostile", &with_exporter(&exporter, &rest))], &[("HOME", "/root")]);
    assert!(text.lines().all(|line| !line.starts_with("service\"")), "{text}");
    assert_has(&text, &[r#"path: "/a: \"b\"\n#c $${env:HOME}.jsonl""#, r##"ca_file: "/ca $${x}\n'\"#.pem""##]);
}

#[test]
fn a_collector_that_would_send_to_itself_is_refused_with_the_place() {
    let error = refused(&[], &[]);
    assert!(error.starts_with("error: traces go to localhost:4318, where this Collector will listen"), "{error}");
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")];
    let error = refused(&[], &variables);
    assert!(error.starts_with("error: $OTEL_EXPORTER_OTLP_ENDPOINT: traces go to 127.0.0.1:4318, "), "{error}");
    let file = file("loop", &with_exporter("{otlp_grpc: {endpoint: \"http://localhost:4317\"}}", ""));
    let error = refused(&[&file], &[]);
    assert!(error.starts_with(&format!("error: {file}:5:42: traces go to localhost:4317, ")), "{error}");
    let text = written(&["--grpc-port", "14317", "--http-port", "14318", &file], &[]);
    assert_has(&text, &["endpoint: \"localhost:14317\"\n", "otlp_grpc: {endpoint: \"http://localhost:14317\"}"]);
    written(&["--http-port", "14318"], &variables);
}

#[test]
fn mistakes_are_told_and_nothing_is_written() {
    for (arguments, part) in [
        (&["--http-port", "4317"][..], "the same port"),
        (&["--http-port", "0"], "--http-port"),
        (&["--listen", "http://a"], "`--listen` is `http://a`"),
        (&["--memory", "1"], "--memory"),
        (&["--sampling", "nowhere"], "--sampling"),
        (&["/nowhere/otel.yaml"], "/nowhere/otel.yaml"),
    ] {
        let error = refused(arguments, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://a")]);
        assert!(error.starts_with("error: ") && error.contains(part), "{error}");
    }
    let nothing =
        [("OTEL_TRACES_EXPORTER", "console"), ("OTEL_METRICS_EXPORTER", "none"), ("OTEL_LOGS_EXPORTER", "none")];
    let error = refused(&[], &nothing);
    assert!(error.contains("send nothing that a Collector could send\n  note: the console for traces"), "{error}");
    let broken = file("broken", &with_exporter("{otlp_http: {endpont: x}}", ""));
    let error = refused(&[&broken], &[]);
    assert!(error.starts_with(&format!("error: {broken}:5:")) && error.contains("did you mean `endpoint`?"), "{error}");
    let socket = file("socket", &with_exporter("{otlp_http: {endpoint: \"unix:///run/otel.sock\"}}", ""));
    let error = refused(&[&socket], &[]);
    assert!(error.contains(":5:42: an exporter of traces: a Collector reaches Unix sockets by gRPC alone"), "{error}");
}

#[test]
fn whatever_is_combined_a_collector_takes_it() {
    let exporters = [
        "{otlp_http: {endpoint: \"https://a/v1/traces\", encoding: json, compression: gzip, timeout: 0}}",
        "{otlp_grpc: {endpoint: \"http://a:1\", tls: {insecure: true}}}",
        "{otelier/failover: {exporters: [{otlp_grpc: {endpoint: \"https://a:1\"}}]}}",
        "{otelier/openobserve: {endpoint: \"https://o\", user: u, password: topsecret}}",
        "{otelier/zipkin: {endpoint: \"https://z/api/v2/spans?key=topsecret\"}}",
        "{otelier/otlp_file: {path: /a.jsonl, max_bytes: 4KiB, max_files: 2, max_age: 1s}}",
    ];
    let samplers = [
        "{always_on: }",
        "{always_off: }",
        "{trace_id_ratio_based: {ratio: 0.000001}}",
        "{probability/development: {ratio: 0.3333333333}}",
        "{otelier/rate_limit: {traces_per_second: 5}}",
        "{composite/development: {rule_based: {rules: [{attribute_patterns: {key: a, included: [\"*.x\"]}, sampler: {always_on: }}]}}}",
    ];
    let own = [
        "retry: {max_elapsed: 0}",
        "retry: {initial_backoff: 1, max_backoff: 1, max_pending_bytes: 1}, tail_sampling: {failed: false, ratio: 0}",
        "disk_buffer: {directory: /d, max_bytes: 1MiB, max_age: 1, sync: always}, tail_sampling: {failed: true, ratio: 1}",
        "disk_buffer: {directory: /d, sync: never}, tail_sampling: {failed: false, slower_than: 1ms, ratio: 0.5}",
    ];
    let mut said = 0;
    for (number, exporter) in exporters.iter().enumerate() {
        for sampler in samplers {
            let own = own[(number + said) % own.len()];
            let rest = format!("  sampler: {sampler}\ndistribution:\n  otelier: {{{own}}}\n");
            let text = written(&[&file("combined", &with_exporter(exporter, &rest))], &[]);
            assert!(!text.contains("topsecret"), "{text}");
            said += 1;
        }
    }
    assert_eq!(said, exporters.len() * samplers.len());
}

#[test]
fn what_programs_would_refuse_is_said_beside_the_file() {
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", "https://a"), ("OTEL_EXPORTER_OTLP_HEADERS", "topsecret,b=c")];
    let output = run(&[], &variables);
    let (text, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(mistakes(&text), [""; 0]);
    assert!(said.starts_with("warning: ") && said.contains("has no `=`"), "{said}");
    assert!(!text.contains("topsecret") && !said.contains("topsecret"), "{said}{text}");
}

#[test]
fn it_listens_where_the_user_says() {
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", "https://a")];
    let text = written(&["--listen", "0.0.0.0", "--memory", "1000"], &variables);
    let parts = [
        "endpoint: \"0.0.0.0:4317\"",
        "limit_mib: 1000\n    spike_limit_mib: 200\n",
        "there is neither TLS nor a password",
    ];
    assert_has(&text.replace("\n#   ", " "), &parts);
    assert_has(&text, &["OTEL_EXPORTER_OTLP_ENDPOINT=http://HOST_OF_THE_COLLECTOR:4318\n"]);
    let text = written(&["--listen", "::1"], &variables);
    assert_has(&text, &["endpoint: \"[::1]:4317\"", "http://[::1]:4318\n"]);
}

#[test]
fn what_programs_are_told_to_set_can_be_used() {
    let settings = settings_of_the_example();
    let text = written(&[&file("told", &settings)], &[("API_KEY", "x")]);
    let lines = text.lines().filter_map(|line| line.strip_prefix("#   ")).filter(|line| !line.starts_with("OTELIER_"));
    let snippet: String =
        lines.take_while(|line| !line.starts_with("another ratio")).map(|line| format!("{line}\n")).collect();
    let told = file("told-programs", &format!("file_format: \"1.1\"\n{snippet}"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_otelier"));
    let output = command.args(["config", "check", &told]).env_clear().output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}\n{snippet}");
}

#[test]
fn a_file_is_written_where_out_says() {
    let path = crate::folder("collector-out").join("new/collector.yaml");
    let path = path.to_str().unwrap();
    let output = run(&["--out", path], &[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://a")]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("wrote {path}\n"));
    assert_eq!(mistakes(&std::fs::read_to_string(path).unwrap()), [""; 0]);
}

#[test]
fn the_judge_finds_what_a_collector_would_refuse() {
    assert_eq!(mistakes(EXAMPLE), [""; 0]);
    for (right, wrong, expected) in [
        ("compression: gzip", "compresion: gzip", "compresion is unknown"),
        ("compression: gzip", "compression: gz", "compression is"),
        ("timeout: 10s", "timeout: 10", "timeout is 10"),
        ("  memory_limiter:", "  memory_limit:", "memory_limit is unknown"),
        ("spike_limit_mib: 102", "spike_limit_mib: 512", "do not go together"),
        ("fsync: true", "fsync: sometimes", "fsync is"),
        ("max_elapsed_time: 86400s", "max_elapsed_time: 1s", "a pause is longer"),
        ("max_size: 512", "max_size: 511", "a batch is smaller"),
        ("storage: file_storage/otelier", "storage: file_storage/other", "no such storage"),
        ("[health_check, file_storage/otelier]", "[health_check]", "is there and not used"),
        ("[[traces/failover_1], ", "[", "leads from"),
        ("type: ottl_condition", "type: status_code", "do not go together"),
        ("error_mode: ignore", "error_mode: ignored", "error_mode is"),
        ("processors: [memory_limiter, ", "processors: [", "`memory_limiter` is"),
        ("exporters: [failover/traces", "exporters: [failover/logs", "is used and not there"),
        ("${env:OTELIER_HEADER_API_KEY}", "${OTHER", "api-key is"),
        ("service:\n", "service:\n  pipeline: {}\n", "service::pipeline is unknown"),
    ] {
        assert!(EXAMPLE.contains(right), "{right}");
        let found = mistakes(&EXAMPLE.replace(right, wrong));
        assert!(found.iter().any(|found| found.contains(expected)), "{right} -> {wrong}: {found:?}");
    }
}
