//! What a struct with settings reads.

use crate::Secret;
use crate::config::{Loaded, Sources, TelemetryConfig, Variables};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

/// The lakehouse's settings.
#[derive(Debug, TelemetryConfig)]
#[config(section = "lakehouse")]
struct Lakehouse {
    /// Symbols that are collected.
    #[config(env = "LAKEHOUSE_SYMBOLS", default = ["BTCUSDT", "ETHUSDT"])]
    symbols: Vec<String>,
    /// Share of the CPU above which work is shed.
    #[config(env = "LAKEHOUSE_CPU_THRESHOLD", default = 80.0, range = 0.0..=100.0, unit = "%")]
    cpu_threshold: f64,
    /// How long one request may take.
    #[config(default = "2s", range = "10ms"..="1m", unit = "ms", old_key = "request_timeout", old_env = "LAKEHOUSE_MS")]
    timeout: Duration,
    /// The key of the exchange's API.
    #[config(env = "EXCHANGE_API_KEY")]
    api_key: Secret<String>,
    /// Which market.
    #[config(env = ["LAKEHOUSE_MARKET", "OTEL_MARKET"], default = "spot")]
    market: Market,
    /// Where the files go.
    storage: Storage,
    #[config(flatten)]
    retry: Retry,
    /// A second place.
    mirror: Option<Storage2>,
}

#[derive(Clone, Copy, Debug, PartialEq, TelemetryConfig)]
enum Market {
    /// Bought and sold at once.
    Spot,
    /// Without an end.
    #[config(value = "perpetual")]
    Swap,
    CoinMargined,
}

/// Where the files go.
#[derive(Debug, PartialEq, TelemetryConfig)]
struct Storage {
    /// The folder.
    #[config(env = "LAKEHOUSE_PATH", default = "data")]
    path: PathBuf,
    /// How large a file gets.
    #[config(env = "LAKEHOUSE_FILE_SIZE", default = "16MiB", range = "1MiB"..="1GiB", unit = "By")]
    file_size: u64,
}

/// A second place.
#[derive(Debug, PartialEq, TelemetryConfig)]
struct Storage2 {
    /// The folder.
    #[config(env = "MIRROR_PATH")]
    path: PathBuf,
}

/// How often something is tried.
#[derive(Debug, PartialEq, TelemetryConfig)]
struct Retry {
    /// How often.
    #[config(env = "LAKEHOUSE_ATTEMPTS", default = 3, range = 1..=10)]
    attempts: u8,
}

const KEY: (&str, &str) = ("EXCHANGE_API_KEY", "hush");

fn of<const N: usize>(variables: [(&str, &str); N]) -> Sources {
    Sources::default().with_variables(Variables::of(variables))
}

#[track_caller]
fn problems<T: TelemetryConfig + std::fmt::Debug>(sources: &Sources) -> Vec<String> {
    let error = T::load_from(sources).expect_err("something is wrong");
    error.problems().iter().map(|problem| problem.sentence().to_owned()).collect()
}

#[test]
fn without_any_source_the_defaults_count() {
    let lakehouse = Lakehouse::load_from(&of([KEY])).unwrap();
    assert_eq!(lakehouse.symbols, ["BTCUSDT", "ETHUSDT"]);
    assert_eq!((lakehouse.cpu_threshold, lakehouse.timeout), (80.0, Duration::from_secs(2)));
    assert_eq!((lakehouse.market, lakehouse.retry.attempts), (Market::Spot, 3));
    assert_eq!(lakehouse.storage, Storage { path: "data".into(), file_size: 16 << 20 });
    assert_eq!(lakehouse.mirror, None);
    assert_eq!(lakehouse.api_key.expose(), "hush");
    assert!(!format!("{lakehouse:?}").contains("hush"));
}

const FILE: &str = "\
file_format: \"1.0\"
lakehouse:
  symbols: [SOLUSDT]
  cpu_threshold: 50
  timeout: 250
  api_key: filed
  market: perpetual
  attempts: 5
  storage:
    path: /var/lake
    file_size: 64MiB
  mirror:
    path: /mnt
";

#[test]
fn the_file_wins_over_defaults() {
    let lakehouse = Lakehouse::load_from(&of([]).with_text("otel.yaml", FILE)).unwrap();
    assert_eq!(lakehouse.symbols, ["SOLUSDT"]);
    assert_eq!((lakehouse.cpu_threshold, lakehouse.timeout), (50.0, Duration::from_millis(250)));
    assert_eq!((lakehouse.market, lakehouse.retry.attempts), (Market::Swap, 5));
    assert_eq!(lakehouse.storage, Storage { path: "/var/lake".into(), file_size: 64 << 20 });
    assert_eq!(lakehouse.mirror, Some(Storage2 { path: "/mnt".into() }));
    assert_eq!(lakehouse.api_key.expose(), "filed");
}

#[test]
fn variables_win_over_the_file() {
    let sources = of([
        KEY,
        ("LAKEHOUSE_SYMBOLS", "A, B,,C"),
        ("LAKEHOUSE_CPU_THRESHOLD", "12.5"),
        ("LAKEHOUSE_MARKET", "coin_margined"),
        ("LAKEHOUSE_PATH", "/tmp"),
        ("LAKEHOUSE_ATTEMPTS", " 7 "),
        ("LAKEHOUSE_FILE_SIZE", "2097152"),
        ("MIRROR_PATH", ""),
    ]);
    let lakehouse = Lakehouse::load_from(&sources.with_text("otel.yaml", FILE)).unwrap();
    assert_eq!(lakehouse.symbols, ["A", "B", "C"]);
    assert_eq!((lakehouse.cpu_threshold, lakehouse.timeout), (12.5, Duration::from_millis(250)));
    assert_eq!((lakehouse.market, lakehouse.retry.attempts), (Market::CoinMargined, 7));
    assert_eq!(lakehouse.storage, Storage { path: "/tmp".into(), file_size: 2 << 20 });
    assert_eq!((lakehouse.mirror.unwrap().path, lakehouse.api_key.expose()), ("/mnt".into(), &"hush".to_owned()));
}

#[test]
fn an_optional_section_is_there_if_a_variable_sets_one_of_its_fields() {
    let lakehouse = Lakehouse::load_from(&of([KEY, ("MIRROR_PATH", "/m")])).unwrap();
    assert_eq!(lakehouse.mirror, Some(Storage2 { path: "/m".into() }));
}

#[test]
fn a_password_in_a_value_that_cannot_be_used_is_not_said() {
    let sources = of([("LAKEHOUSE_FILE_SIZE", "http://user:hunter2@host\u{1b}[2J")]);
    let found = problems::<Lakehouse>(&sources).concat();
    assert!(found.contains("`http://************@host [2J`"), "{found}");
}

#[test]
fn every_mistake_is_told_at_once_with_its_name_and_what_is_expected() {
    let sources = of([
        ("LAKEHOUSE_CPU_THRESHOLD", "120"),
        ("LAKEHOUSE_MARKET", "spott"),
        ("LAKEHOUSE_ATTEMPTS", "many"),
        ("LAKEHOUSE_FILE_SIZE", "1kB"),
        ("LAKEHOUSE_MS", "5"),
    ]);
    assert_eq!(
        problems::<Lakehouse>(&sources),
        [
            "`LAKEHOUSE_CPU_THRESHOLD` is `120`; expected 0.0 to 100.0",
            "`LAKEHOUSE_MS` is `5`; expected a length of time such as `250ms`, or a number in `ms`, from 10ms to 1m",
            "`lakehouse.api_key` is not set; expected a text",
            "`LAKEHOUSE_MARKET` is `spott`; expected `spot`, `perpetual` or `coin_margined`",
            "`LAKEHOUSE_FILE_SIZE` is `1kB`; expected a size such as `16MiB`, from 1MiB to 1GiB",
            "`LAKEHOUSE_ATTEMPTS` is `many`; expected a whole number from 1 to 10",
        ]
    );
}

#[test]
fn mistakes_in_a_file_have_their_place_and_unknown_keys_a_suggestion() {
    let text = "\
lakehouse:
  symbls: [A]
  symbols: [A, 7]
  cpu_threshold: lots
  timeout: 2m
  api_key: x
  frobnicate: 1
  attempts: 0
  storage:
    file_size: 1.5
    pth: x
  mirror: 3
tracer_provider: 1
";
    let error = Lakehouse::load_from(&of([]).with_text("otel.yaml", text)).unwrap_err();
    let told: Vec<String> = error
        .problems()
        .iter()
        .map(|problem| format!("{}: {}", problem.place().map_or(0, |place| place.line), problem.sentence()))
        .collect();
    assert_eq!(
        told,
        [
            "3: `lakehouse.symbols[1]` is `7`; expected a text",
            "4: `lakehouse.cpu_threshold` is `lots`; expected 0.0 to 100.0",
            "5: `lakehouse.timeout` is `2m`; expected a length of time such as `250ms`, or a number in `ms`, from 10ms \
             to 1m",
            "10: `lakehouse.storage.file_size` is `1.5`; expected a size such as `16MiB`, from 1MiB to 1GiB",
            "11: unknown key `lakehouse.storage.pth`; did you mean `path`?",
            "8: `lakehouse.attempts` is `0`; expected a whole number from 1 to 10",
            "12: `lakehouse.mirror` is `3`; expected a mapping with `path`",
            "2: unknown key `lakehouse.symbls`; did you mean `symbols`?",
            "7: unknown key `lakehouse.frobnicate`; expected `symbols`, `cpu_threshold`, `timeout`, `api_key`, `market`, \
             `storage`, `attempts` or `mirror`",
        ]
    );
}

#[test]
fn a_misspelt_section_is_told_and_those_of_others_are_not() {
    let text = "lakehous:\n  attempts: 2\nwarehouse:\n  x: 1\n";
    assert_eq!(
        problems::<Lakehouse>(&of([KEY]).with_text("otel.yaml", text)),
        ["unknown key `lakehous`; did you mean `lakehouse`?"]
    );
}

#[test]
fn a_secret_is_in_no_problem() {
    let text = "lakehouse:\n  api_key: [hushhush]\n";
    let error = Lakehouse::load_from(&of([]).with_text("otel.yaml", text)).unwrap_err();
    let told = error.to_string();
    assert!(told.contains("`lakehouse.api_key` is a secret that cannot be used; expected a text"), "{told}");
    assert!(!told.contains("hushhush") && !format!("{error:?}").contains("hushhush"), "{told}");
}

#[test]
fn old_names_still_count_with_a_warning() {
    let text = "lakehouse:\n  request_timeout: 1s\n";
    let Loaded { value, warnings, .. } = Lakehouse::load_with_report(&of([KEY]).with_text("otel.yaml", text)).unwrap();
    assert_eq!(value.timeout, Duration::from_secs(1));
    assert_eq!(warnings, ["the key `lakehouse.request_timeout` is old; use `lakehouse.timeout`"]);
    assert_eq!(warnings[0].place().unwrap().line, 2);

    let Loaded { value, warnings, .. } = Lakehouse::load_with_report(&of([KEY, ("LAKEHOUSE_MS", "70")])).unwrap();
    assert_eq!(value.timeout, Duration::from_millis(70));
    assert_eq!(warnings, ["the variable `LAKEHOUSE_MS` is old; use the key `lakehouse.timeout`"]);

    let both = "lakehouse:\n  request_timeout: 1s\n  timeout: 2s\n";
    assert_eq!(
        problems::<Lakehouse>(&of([KEY]).with_text("otel.yaml", both)),
        ["`lakehouse.request_timeout` and `lakehouse.timeout` are the same setting"]
    );
}

#[test]
fn variables_of_the_specification_do_not_count_beside_a_file() {
    let variables = [KEY, ("OTEL_MARKET", "perpetual")];
    assert_eq!(Lakehouse::load_from(&of(variables)).unwrap().market, Market::Swap);
    let Loaded { value, warnings, .. } =
        Lakehouse::load_with_report(&of(variables).with_text("otel.yaml", "lakehouse:\n  attempts: 1\n")).unwrap();
    assert_eq!(value.market, Market::Spot);
    assert_eq!(warnings, ["`OTEL_MARKET` has no effect, because settings come from a file"]);
    assert_eq!(warnings[0].helps(), ["write `market: ${OTEL_MARKET}` in the file"]);
}

#[test]
fn every_value_says_where_it_comes_from() {
    let Loaded { origins, .. } = Lakehouse::load_with_report(
        &of([KEY, ("LAKEHOUSE_SYMBOLS", "A")]).with_text("otel.yaml", "lakehouse:\n  storage:\n    path: x\n"),
    )
    .unwrap();
    let origins: Vec<_> = origins.iter().map(|(key, origin)| format!("{key}: {origin}")).collect();
    assert_eq!(
        origins,
        [
            "lakehouse.symbols: $LAKEHOUSE_SYMBOLS",
            "lakehouse.cpu_threshold: default",
            "lakehouse.timeout: default",
            "lakehouse.api_key: $EXCHANGE_API_KEY",
            "lakehouse.market: default",
            "lakehouse.storage.path: otel.yaml:3:11",
            "lakehouse.storage.file_size: default",
            "lakehouse.attempts: default",
        ]
    );
}

/// Every other type.
#[derive(Debug, TelemetryConfig)]
struct Types {
    /// A truth value.
    #[config(env = "T_BOOL", default = false)]
    on: bool,
    /// Small.
    #[config(env = "T_SMALL", default = -3)]
    small: i8,
    /// Large.
    #[config(env = "T_LARGE")]
    large: Option<u64>,
    /// Not zero.
    #[config(env = "T_WORKERS", default = 4)]
    workers: NonZero<usize>,
    /// Half.
    #[config(env = "T_HALF", default = 0.5, range = 0.0..1.0)]
    half: f32,
    /// An address.
    #[config(env = "T_LISTEN", default = "127.0.0.1:4318")]
    listen: SocketAddr,
    /// A set.
    #[config(env = "T_PORTS", default = [1, 2])]
    ports: BTreeSet<u16>,
    /// Pairs.
    #[config(env = "T_LABELS", default = [])]
    labels: BTreeMap<String, f64>,
    /// Parsed.
    #[config(env = "T_VERSION", parse)]
    version: Option<Version>,
    /// Parsed, all of them.
    #[config(env = "T_VERSIONS", parse, default = ["1.2"])]
    versions: Vec<Version>,
    /// A wait.
    #[config(env = "T_WAIT", default = "1m 30s")]
    wait: Duration,
    /// Each place.
    #[config(default = [])]
    places: Vec<Place>,
    /// Waits.
    #[config(env = "T_WAITS", default = ["1s"])]
    waits: Vec<Duration>,
}

/// One place.
#[derive(Debug, PartialEq, TelemetryConfig)]
struct Place {
    /// Its name.
    name: String,
    /// Its weight.
    #[config(default = 1)]
    weight: u32,
}

#[derive(Debug, PartialEq)]
struct Version(u8, u8);

impl std::str::FromStr for Version {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (major, minor) = text.split_once('.').ok_or("it has no point")?;
        let number = |text: &str| text.parse().map_err(|_| "it has no numbers");
        Ok(Self(number(major)?, number(minor)?))
    }
}

#[test]
fn values_of_every_type_are_read_from_variables() {
    let types = Types::load_from(&of([
        ("T_BOOL", "TRUE"),
        ("T_SMALL", "-128"),
        ("T_LARGE", "9007199254740993"),
        ("T_WORKERS", "1"),
        ("T_HALF", "0.25"),
        ("T_LISTEN", "[::1]:80"),
        ("T_PORTS", "80,443,80"),
        ("T_LABELS", "a=1, b = 2.5"),
        ("T_VERSION", "3.4"),
        ("T_VERSIONS", "3.4,5.6"),
        ("T_WAIT", "250ms"),
        ("T_WAITS", "1s,2s"),
    ]))
    .unwrap();
    assert_eq!((types.on, types.small, types.large), (true, -128, Some(9_007_199_254_740_993)));
    assert_eq!((types.workers.get(), types.half, types.listen), (1, 0.25, "[::1]:80".parse().unwrap()));
    assert_eq!(types.ports.into_iter().collect::<Vec<_>>(), [80, 443]);
    assert_eq!(types.labels, BTreeMap::from([("a".to_owned(), 1.0), ("b".to_owned(), 2.5)]));
    assert_eq!((types.version, types.versions), (Some(Version(3, 4)), vec![Version(3, 4), Version(5, 6)]));
    assert_eq!(types.wait, Duration::from_millis(250));
    assert_eq!((types.waits.len(), types.places), (2, Vec::new()));
}

#[test]
fn values_that_are_none_of_their_type_are_refused() {
    let sources = of([
        ("T_BOOL", "1"),
        ("T_SMALL", "128"),
        ("T_LARGE", "-1"),
        ("T_WORKERS", "0"),
        ("T_HALF", "1"),
        ("T_LISTEN", "localhost:80"),
        ("T_PORTS", "80,70000"),
        ("T_LABELS", "a"),
        ("T_VERSION", "3"),
        ("T_VERSIONS", "x.y"),
        ("T_WAIT", "5"),
        ("T_WAITS", "1s,never"),
    ]);
    assert_eq!(
        problems::<Types>(&sources),
        [
            "`T_BOOL` is `1`; expected `true` or `false`",
            "`T_SMALL` is `128`; expected a whole number from -128 to 127",
            "`T_LARGE` is `-1`; expected a whole number from 0",
            "`T_WORKERS` is `0`; expected a whole number from 1",
            "`T_HALF` is `1`; expected 0.0 to below 1.0",
            "`T_LISTEN` is `localhost:80`; expected an IP address and a port such as `127.0.0.1:4318` or `[::1]:4318`",
            "`T_PORTS` is `70000`; expected a whole number from 0 to 65535",
            "`T_LABELS` is `a`; expected pairs such as `key=value`, with commas between them",
            "`T_VERSION` is `3`; it has no point",
            "`T_VERSIONS` is `x.y`; it has no numbers",
            "`T_WAIT` is `5`; expected a length of time such as `250ms`",
            "`T_WAITS` is `never`; expected a length of time such as `250ms`",
        ]
    );
}

#[test]
fn structs_without_a_section_stand_at_the_root_beside_the_keys_of_the_specification() {
    let text = "\
file_format: \"1.0\"
disabled: true
places:
  - name: a
  - name: b
    weight: 2
  - weight: x
    nme: c
onn: true
";
    assert_eq!(
        problems::<Types>(&of([]).with_text("a.yaml", text)),
        [
            "`places[2].name` is not set; expected a text",
            "`places[2].weight` is `x`; expected a whole number from 0 to 4294967295",
            "unknown key `places[2].nme`; did you mean `name`?",
            "unknown key `onn`; did you mean `on`?",
        ]
    );
}

/// An application with its pipeline.
#[derive(Debug, TelemetryConfig)]
#[config(section = "app")]
struct App {
    /// How many.
    #[config(env = "APP_COUNT", default = 1)]
    count: u8,
    #[config(flatten)]
    telemetry: crate::Telemetry,
    #[config(flatten)]
    other: Elsewhere,
}

/// It has a place of its own.
#[derive(Debug, TelemetryConfig)]
#[config(section = "elsewhere")]
struct Elsewhere {
    /// How many.
    #[config(default = 2)]
    count: u8,
}

#[test]
fn the_pipelines_settings_are_read_with_the_programs_own() {
    let variables = [("OTEL_SERVICE_NAME", "shop"), ("APP_COUNT", "3")];
    let app = App::load_from(&of(variables)).unwrap();
    assert_eq!((app.count, app.telemetry.service_name.as_deref(), app.other.count), (3, Some("shop"), 2));
    let wrong = [("OTEL_TRACES_EXPORTER", "xyz"), ("APP_COUNT", "x")];
    assert_eq!(
        problems::<App>(&of(wrong)),
        [
            "`APP_COUNT` is `x`; expected a whole number from 0 to 255",
            "`OTEL_TRACES_EXPORTER` has `xyz`; expected a list of `otlp`, `console`, `none` or `zipkin`",
        ]
    );
}

#[test]
fn a_file_that_cannot_be_read_is_the_only_problem() {
    let sources = of([("OTEL_CONFIG_FILE", "nowhere.yaml")]);
    assert_eq!(
        problems::<Lakehouse>(&sources),
        ["`nowhere.yaml` cannot be read: No such file or directory (os error 2)"]
    );
}

#[test]
fn the_table_has_every_key() {
    let wanted = "\
| key | variable | type | unit | default | range | what |
|-|-|-|-|-|-|-|
| `lakehouse.symbols` | `LAKEHOUSE_SYMBOLS` | list of texts | | `[\"BTCUSDT\", \"ETHUSDT\"]` | | Symbols that are collected. |
| `lakehouse.cpu_threshold` | `LAKEHOUSE_CPU_THRESHOLD` | number | `%` | `80.0` | 0.0 to 100.0 | Share of the CPU above which work is shed. |
| `lakehouse.timeout` | | length of time | `ms` | `2s` | from 10ms to 1m | How long one request may take. Old: `request_timeout`, `LAKEHOUSE_MS`. |
| `lakehouse.api_key` | `EXCHANGE_API_KEY` | text | | required | | The key of the exchange's API. A secret: it is never shown. |
| `lakehouse.market` | `LAKEHOUSE_MARKET`, `OTEL_MARKET` | word | | `spot` | `spot`, `perpetual`, `coin_margined` | Which market. |
| `lakehouse.storage.path` | `LAKEHOUSE_PATH` | text | | `data` | | The folder. |
| `lakehouse.storage.file_size` | `LAKEHOUSE_FILE_SIZE` | size | `By` | `16MiB` | from 1MiB to 1GiB | How large a file gets. |
| `lakehouse.attempts` | `LAKEHOUSE_ATTEMPTS` | whole number | | `3` | from 1 to 10 | How often. |
| `lakehouse.mirror.path` | `MIRROR_PATH` | text | | required | | The folder. |
";
    assert_eq!(Lakehouse::reference(), wanted);
    assert!(App::reference().ends_with("| `elsewhere.count` | | whole number | | `2` | from 0 to 255 | How many. |\n"));
}

#[test]
fn the_schema_has_every_key_below_the_section() {
    let schema = Lakehouse::json_schema();
    for part in [
        r#""title":"Lakehouse","type":"object","properties":{"lakehouse":{"description":"The lakehouse's settings.""#,
        r#""symbols":{"description":"Symbols that are collected.","default":["BTCUSDT", "ETHUSDT"],"#,
        r#"{"type":"number","minimum":0.0,"maximum":100.0}"#,
        r#""request_timeout":{"description":"How long one request may take.","default":"2s","deprecated":true"#,
        r#"{"enum":["spot","perpetual","coin_margined"]}"#,
        r#""additionalProperties":false"#,
    ] {
        assert!(schema.contains(part), "{part} is not in {schema}");
    }
    assert!(schema.ends_with("\"additionalProperties\":true}\n"), "{schema}");
}

#[test]
fn one_file_has_the_programs_settings_and_the_pipelines() {
    let text = "\
file_format: \"1.1\"
resource: {attributes: [{name: service.name, value: \"${NAME:-lake}\"}]}
tracer_provider:
  processors: [{simple: {exporter: {console: null}}}]
  sampler: {parent_based: {root: {trace_id_ratio_based: {ratio: 0.25}}}}
app: {count: 7}
";
    let app = App::load_from(&of([("APP_COUNT", "8")]).with_text("app.yaml", text)).unwrap();
    assert_eq!((app.count, app.telemetry.service_name.as_deref()), (8, Some("lake")));
    assert_eq!(app.telemetry.sampler, crate::config::Sampler::parent_based(0.25));
    assert_eq!(app.telemetry.exporters.len(), 1);
    // What a file does not ask for is not there.
    assert!(app.telemetry.propagators.is_empty() && app.telemetry.resource.detectors.is_empty());

    let wrong =
        text.replace("ratio: 0.25", "ratio: 25").replace("count: 7", "cont: 7").replace("resource:", "resources:");
    let error = App::load_from(&of([]).with_text("app.yaml", wrong)).unwrap_err();
    let mut lines: Vec<_> = error.problems().iter().map(|problem| problem.place().map(|place| place.line)).collect();
    lines.sort();
    assert_eq!(lines, [Some(2), Some(5), Some(6)], "{error}");
}

#[test]
fn the_schema_of_a_program_has_the_specifications_keys_beside_its_own() {
    let schema = App::json_schema();
    for part in
        ["\"app\":", "\"tracer_provider\":", "\"#/$defs/TracerProvider\"", "\"$defs\":", "\"BatchSpanProcessor\":"]
    {
        assert!(schema.contains(part), "{part} is not in {schema}");
    }
    assert!(App::reference().contains("`app.count`"));
}
