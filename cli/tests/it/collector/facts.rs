//! What the Collector's components take: their keys, and what stands there. Facts, written down by hand, with the keys that
//! are of no use here left out.
//!
//! Of the core components (receiver, OTLP exporters, `memory_limiter`, queue, retries, TLS, service) at v1.65.0/v0.159.0, commit
//! 934999fb of 2026-08-21. Of the contrib components as their `config.go` or `config.schema.yaml` says in the versions that could
//! be had, of 2025 and 2026, and as descriptions of 0.160 say; no single release was at hand.

/// What stands at a key.
pub enum Is {
    Bool,
    /// A whole number, from the first to the second.
    Integer(i64, i64),
    /// A number, from the first to the second.
    Number(f64, f64),
    /// Text that is not empty.
    Text,
    /// A number and a unit, as Go reads it, of at least so many nanoseconds.
    Duration(u128),
    Word(&'static [&'static str]),
    /// `host:port`.
    Address,
    /// The name of something that is said elsewhere.
    Reference,
    /// Not empty.
    List(&'static Is),
    /// Names of somebody's own choice.
    Map(&'static Is),
    Keys(&'static [(&'static str, Is)]),
}

use Is::{Address, Bool, Duration, Integer, Keys, List, Map, Number, Reference, Text, Word};

const ANY: i64 = i64::MAX;
const LATER: Is = Duration(1);
const PERCENTAGE: Is = Number(0.0, 100.0);
const COMPRESSIONS: Is = Word(&["gzip", "zlib", "deflate", "snappy", "x-snappy-framed", "zstd", "lz4", "none"]);

/// `configretry`.
const RETRY: Is = Keys(&[
    ("enabled", Bool),
    ("initial_interval", Duration(0)),
    ("randomization_factor", Number(0.0, 1.0)),
    ("multiplier", Number(0.0, f64::MAX)),
    ("max_interval", Duration(0)),
    ("max_elapsed_time", Duration(0)),
]);

/// `exporterhelper`.
const QUEUE: Is = Keys(&[
    ("enabled", Bool),
    ("wait_for_result", Bool),
    ("sizer", Word(&["requests", "items", "bytes"])),
    ("queue_size", Integer(1, ANY)),
    ("block_on_overflow", Bool),
    ("storage", Reference),
    ("num_consumers", Integer(1, ANY)),
    (
        "batch",
        Keys(&[
            ("flush_timeout", LATER),
            ("sizer", Word(&["items", "bytes"])),
            ("min_size", Integer(0, ANY)),
            ("max_size", Integer(0, ANY)),
        ]),
    ),
]);

/// `configtls`, of clients.
const TLS: Is = Keys(&[
    ("ca_file", Text),
    ("cert_file", Text),
    ("key_file", Text),
    ("insecure", Bool),
    ("insecure_skip_verify", Bool),
    ("include_system_ca_certs_pool", Bool),
    ("server_name_override", Text),
    ("min_version", Text),
    ("max_version", Text),
    ("reload_interval", Duration(0)),
]);

const OTLP_GRPC: Is = Keys(&[
    ("endpoint", Address),
    ("compression", COMPRESSIONS),
    ("timeout", Duration(0)),
    ("headers", Map(&Text)),
    ("tls", TLS),
    ("retry_on_failure", RETRY),
    ("sending_queue", QUEUE),
]);

const OTLP_HTTP: Is = Keys(&[
    ("endpoint", Text),
    ("traces_endpoint", Text),
    ("metrics_endpoint", Text),
    ("logs_endpoint", Text),
    ("encoding", Word(&["proto", "json"])),
    ("compression", COMPRESSIONS),
    ("timeout", Duration(0)),
    ("headers", Map(&Text)),
    ("tls", TLS),
    ("retry_on_failure", RETRY),
    ("sending_queue", QUEUE),
]);

const ZIPKIN: Is = Keys(&[
    ("endpoint", Text),
    ("format", Word(&["json", "proto"])),
    ("default_service_name", Text),
    ("compression", COMPRESSIONS),
    ("timeout", Duration(0)),
    ("headers", Map(&Text)),
    ("tls", TLS),
    ("retry_on_failure", RETRY),
    ("sending_queue", QUEUE),
]);

const FILE: Is = Keys(&[
    ("path", Text),
    ("format", Word(&["json", "proto"])),
    ("append", Bool),
    ("create_directory", Bool),
    ("directory_permissions", Text),
    ("flush_interval", LATER),
    ("compression", Word(&["zstd"])),
    (
        "rotation",
        Keys(&[
            ("max_megabytes", Integer(1, ANY)),
            ("max_days", Integer(0, ANY)),
            ("max_backups", Integer(0, ANY)),
            ("localtime", Bool),
        ]),
    ),
]);

const RECEIVER: Is = Keys(&[(
    "protocols",
    Keys(&[
        (
            "grpc",
            Keys(&[
                ("endpoint", Address),
                ("max_recv_msg_size_mib", Integer(1, ANY >> 20)),
                ("include_metadata", Bool),
            ]),
        ),
        (
            "http",
            Keys(&[("endpoint", Address), ("max_request_body_size", Integer(1, ANY)), ("include_metadata", Bool)]),
        ),
    ]),
)]);

const MEMORY: Is = Keys(&[
    ("check_interval", LATER),
    ("limit_mib", Integer(1, u32::MAX as i64)),
    ("spike_limit_mib", Integer(0, u32::MAX as i64)),
    ("limit_percentage", Integer(1, 100)),
    ("spike_limit_percentage", Integer(0, 100)),
]);

const PROBABILISTIC: Is = Keys(&[
    ("mode", Word(&["hash_seed", "proportional", "equalizing"])),
    ("sampling_percentage", PERCENTAGE),
    ("hash_seed", Integer(0, u32::MAX as i64)),
    ("fail_closed", Bool),
    ("sampling_precision", Integer(1, 14)),
]);

const POLICY_TYPES: Is = Word(&[
    "always_sample",
    "latency",
    "probabilistic",
    "status_code",
    "string_attribute",
    "rate_limiting",
    "ottl_condition",
    "numeric_attribute",
    "boolean_attribute",
    "span_count",
    "trace_state",
    "trace_flags",
    "bytes_limiting",
    "composite",
    "and",
    "not",
    "drop",
]);
const LATENCY: Is = Keys(&[("threshold_ms", Integer(0, ANY)), ("upper_threshold_ms", Integer(0, ANY))]);
const SHARE: Is = Keys(&[("sampling_percentage", PERCENTAGE), ("hash_salt", Text)]);
const STATUS: Is = Keys(&[("status_codes", List(&Word(&["OK", "ERROR", "UNSET"])))]);
const STRING: Is = Keys(&[
    ("key", Text),
    ("values", List(&Text)),
    ("enabled_regex_matching", Bool),
    ("cache_max_size", Integer(0, ANY)),
    ("invert_match", Bool),
]);

const RATE: Is = Keys(&[("spans_per_second", Integer(1, ANY)), ("burst_capacity", Integer(0, ANY))]);
/// Any one of the conditions is enough.
const OTTL: Is = Keys(&[
    ("error_mode", Word(&["ignore", "silent", "propagate"])),
    ("span", List(&Text)),
    ("spanevent", List(&Text)),
]);

/// Below `not`.
const SIMPLE_POLICY: Is = Keys(&[
    ("name", Text),
    ("type", POLICY_TYPES),
    ("latency", LATENCY),
    ("probabilistic", SHARE),
    ("status_code", STATUS),
    ("string_attribute", STRING),
    ("rate_limiting", RATE),
    ("ottl_condition", OTTL),
]);

const NOT: Is = Keys(&[("not_sub_policy", SIMPLE_POLICY)]);

/// Below `and` and `drop`; `not` is there since 0.154 (pull request 47382).
const SUB_POLICY: Is = Keys(&[
    ("name", Text),
    ("type", POLICY_TYPES),
    ("latency", LATENCY),
    ("probabilistic", SHARE),
    ("status_code", STATUS),
    ("string_attribute", STRING),
    ("rate_limiting", RATE),
    ("ottl_condition", OTTL),
    ("not", NOT),
]);

/// Any policy that drops wins, and ends the asking; else one that samples is enough. Parts of `and` and `drop` are asked in their
/// order, until one says no. `invert_match` of policies by themselves is deprecated. Since: `decision_wait_after_root_received`
/// 0.144, `sampling_strategy` 0.149, `not` below `and` and `drop` 0.154, `num_shards` 0.159; `tail_storage` needs a feature gate.
const TAIL: Is = Keys(&[
    ("sampling_strategy", Word(&["trace-complete", "span-ingest"])),
    ("decision_wait", LATER),
    ("decision_wait_after_root_received", Duration(0)),
    ("num_traces", Integer(1, ANY)),
    ("expected_new_traces_per_sec", Integer(0, ANY)),
    ("maximum_trace_size_bytes", Integer(0, ANY)),
    ("num_shards", Integer(1, 256)),
    ("tail_storage", Reference),
    ("block_on_overflow", Bool),
    ("sample_on_first_match", Bool),
    ("drop_pending_traces_on_shutdown", Bool),
    ("decision_cache", Keys(&[("sampled_cache_size", Integer(0, ANY)), ("non_sampled_cache_size", Integer(0, ANY))])),
    (
        "policies",
        List(&Keys(&[
            ("name", Text),
            ("type", POLICY_TYPES),
            ("latency", LATENCY),
            ("probabilistic", SHARE),
            ("status_code", STATUS),
            ("string_attribute", STRING),
            ("rate_limiting", RATE),
            ("ottl_condition", OTTL),
            ("not", NOT),
            ("and", Keys(&[("and_sub_policy", List(&SUB_POLICY))])),
            ("drop", Keys(&[("drop_sub_policy", List(&SUB_POLICY))])),
        ])),
    ),
]);

/// Called `loadbalancing` before 0.153. The exporter it is a template for has its endpoint from the resolver.
const BALANCING: Is = Keys(&[
    ("routing_key", Word(&["traceID", "service", "attributes", "resource", "metric", "streamID"])),
    (
        "resolver",
        Keys(&[
            ("dns", Keys(&[("hostname", Text), ("port", Text), ("interval", Duration(0)), ("timeout", Duration(0))])),
            ("static", Keys(&[("hostnames", List(&Address))])),
            (
                "k8s",
                Keys(&[
                    ("service", Text),
                    ("ports", List(&Integer(1, 65535))),
                    ("timeout", Duration(0)),
                    ("return_hostnames", Bool),
                ]),
            ),
            (
                "aws_cloud_map",
                Keys(&[
                    ("namespace", Text),
                    ("service_name", Text),
                    ("port", Integer(1, 65535)),
                    ("health_status", Word(&["HEALTHY", "UNHEALTHY", "ALL", "HEALTHY_OR_ELSE_ALL"])),
                    ("interval", Duration(0)),
                    ("timeout", Duration(0)),
                ]),
            ),
        ]),
    ),
    (
        "protocol",
        Keys(&[(
            "otlp",
            Keys(&[
                ("compression", COMPRESSIONS),
                ("timeout", Duration(0)),
                ("headers", Map(&Text)),
                ("tls", TLS),
                ("retry_on_failure", RETRY),
                ("sending_queue", QUEUE),
            ]),
        )]),
    ),
    ("timeout", Duration(0)),
    ("retry_on_failure", RETRY),
    ("sending_queue", QUEUE),
]);

const FAILOVER: Is = Keys(&[
    ("priority_levels", List(&List(&Reference))),
    ("retry_interval", LATER),
    // Its own queue has no retries, and is on by default.
    ("sending_queue", QUEUE),
]);

const STORAGE: Is = Keys(&[
    ("directory", Text),
    ("timeout", Duration(0)),
    ("create_directory", Bool),
    ("directory_permissions", Text),
    ("fsync", Bool),
    (
        "compaction",
        Keys(&[
            ("directory", Text),
            ("on_start", Bool),
            ("on_rebound", Bool),
            ("cleanup_on_start", Bool),
            ("rebound_needed_threshold_mib", Integer(0, ANY)),
            ("rebound_trigger_threshold_mib", Integer(0, ANY)),
            ("max_transaction_size", Integer(0, ANY)),
            ("check_interval", LATER),
        ]),
    ),
]);

const HEALTH: Is = Keys(&[("endpoint", Address), ("path", Text)]);

/// Components: the section, the type, whether only the distribution contrib has it, and its keys.
pub const COMPONENTS: &[(&str, &str, bool, Is)] = &[
    ("receivers", "otlp", false, RECEIVER),
    ("processors", "memory_limiter", false, MEMORY),
    ("processors", "probabilistic_sampler", false, PROBABILISTIC),
    ("processors", "tail_sampling", true, TAIL),
    ("exporters", "otlp_grpc", false, OTLP_GRPC),
    ("exporters", "otlp_http", false, OTLP_HTTP),
    ("exporters", "zipkin", false, ZIPKIN),
    ("exporters", "file", false, FILE),
    ("exporters", "load_balancing", true, BALANCING),
    ("connectors", "failover", true, FAILOVER),
    ("extensions", "health_check", false, HEALTH),
    ("extensions", "file_storage", true, STORAGE),
];

/// What runs the components. The readers of its own metrics are OpenTelemetry's declarative configuration, 0.3.0.
pub const SERVICE: Is = Keys(&[
    ("extensions", List(&Reference)),
    (
        "telemetry",
        Keys(&[
            ("logs", Keys(&[("level", Word(&["debug", "info", "warn", "error"])), ("encoding", Text)])),
            (
                "metrics",
                Keys(&[
                    ("level", Word(&["none", "basic", "normal", "detailed"])),
                    (
                        "readers",
                        List(&Keys(&[(
                            "pull",
                            Keys(&[(
                                "exporter",
                                Keys(&[("prometheus", Keys(&[("host", Text), ("port", Integer(1, 65535))]))]),
                            )]),
                        )])),
                    ),
                ]),
            ),
        ]),
    ),
    (
        "pipelines",
        Map(&Keys(&[
            ("receivers", List(&Reference)),
            ("processors", List(&Reference)),
            ("exporters", List(&Reference)),
        ])),
    ),
]);
