//! Words and ranges that several keys share.

use super::super::describe::{Type, Word};

/// A whole number that is not negative.
pub(crate) const COUNT: Type = Type::Integer { min: 0, max: i64::MAX };

/// A whole number above 0.
pub(crate) const POSITIVE: Type = Type::Integer { min: 1, max: i64::MAX };

/// Any number.
pub(crate) const NUMBER: Type = Type::Number { min: f64::MIN, max: f64::MAX, above_min: false, below_max: false };

/// A share.
pub(crate) const RATIO: Type = Type::Number { min: 0.0, max: 1.0, above_min: false, below_max: false };

/// What an attribute holds.
pub(crate) const ATTRIBUTE_VALUE: Type = Type::Either(&[
    Type::Text,
    NUMBER,
    Type::Bool,
    Type::List { of: &Type::Text, min: 1 },
    Type::List { of: &Type::Bool, min: 1 },
    Type::List { of: &NUMBER, min: 1 },
]);

/// The versions of the format that are read.
pub(crate) const FILE_FORMAT: &[Word] =
    &[Word { word: "1.0", doc: "The first stable version" }, Word { word: "1.1", doc: "Further keys" }];

pub(crate) const ATTRIBUTE_TYPE: &[Word] = &[
    Word { word: "string", doc: "A text" },
    Word { word: "bool", doc: "A truth value" },
    Word { word: "int", doc: "A whole number" },
    Word { word: "double", doc: "A number" },
    Word { word: "string_array", doc: "A list of texts" },
    Word { word: "bool_array", doc: "A list of truth values" },
    Word { word: "int_array", doc: "A list of whole numbers" },
    Word { word: "double_array", doc: "A list of numbers" },
];

pub(crate) const EXEMPLAR_FILTER: &[Word] = &[
    Word { word: "always_on", doc: "Every measurement" },
    Word { word: "always_off", doc: "No measurement" },
    Word { word: "trace_based", doc: "Measurements in a sampled span" },
];

pub(crate) const EXPERIMENTAL_PROMETHEUS_TRANSLATION_STRATEGY: &[Word] = &[
    Word {
        word: "underscore_escaping_with_suffixes",
        doc: "Other characters become underscores; types and units are added",
    },
    Word { word: "underscore_escaping_without_suffixes/development", doc: "Other characters become underscores" },
    Word { word: "no_utf8_escaping_with_suffixes/development", doc: "Types and units are added" },
    Word { word: "no_translation/development", doc: "Names stay as they are" },
];

pub(crate) const EXPERIMENTAL_SPAN_PARENT: &[Word] = &[
    Word { word: "none", doc: "There is no parent" },
    Word { word: "remote", doc: "The parent is in another process" },
    Word { word: "local", doc: "The parent is in this process" },
];

pub(crate) const EXPORTER_DEFAULT_HISTOGRAM_AGGREGATION: &[Word] = &[
    Word { word: "explicit_bucket_histogram", doc: "Buckets with given boundaries" },
    Word { word: "base2_exponential_bucket_histogram", doc: "Buckets that grow by powers of two" },
];

pub(crate) const EXPORTER_TEMPORALITY_PREFERENCE: &[Word] = &[
    Word { word: "cumulative", doc: "From the start of the program" },
    Word { word: "delta", doc: "From the export before, except of instruments that go up and down" },
    Word { word: "low_memory", doc: "From the export before, of synchronous counters and histograms only" },
];

pub(crate) const INSTRUMENT_TYPE: &[Word] = &[
    Word { word: "counter", doc: "A counter" },
    Word { word: "gauge", doc: "A gauge" },
    Word { word: "histogram", doc: "A histogram" },
    Word { word: "observable_counter", doc: "A counter that is asked" },
    Word { word: "observable_gauge", doc: "A gauge that is asked" },
    Word { word: "observable_up_down_counter", doc: "A sum that is asked" },
    Word { word: "up_down_counter", doc: "A sum that goes up and down" },
];

pub(crate) const OTLP_HTTP_ENCODING: &[Word] =
    &[Word { word: "protobuf", doc: "Binary protobuf" }, Word { word: "json", doc: "JSON" }];

pub(crate) const SEVERITY_NUMBER: &[Word] = &[
    Word { word: "trace", doc: "Severity number 1" },
    Word { word: "trace2", doc: "Severity number 2" },
    Word { word: "trace3", doc: "Severity number 3" },
    Word { word: "trace4", doc: "Severity number 4" },
    Word { word: "debug", doc: "Severity number 5" },
    Word { word: "debug2", doc: "Severity number 6" },
    Word { word: "debug3", doc: "Severity number 7" },
    Word { word: "debug4", doc: "Severity number 8" },
    Word { word: "info", doc: "Severity number 9" },
    Word { word: "info2", doc: "Severity number 10" },
    Word { word: "info3", doc: "Severity number 11" },
    Word { word: "info4", doc: "Severity number 12" },
    Word { word: "warn", doc: "Severity number 13" },
    Word { word: "warn2", doc: "Severity number 14" },
    Word { word: "warn3", doc: "Severity number 15" },
    Word { word: "warn4", doc: "Severity number 16" },
    Word { word: "error", doc: "Severity number 17" },
    Word { word: "error2", doc: "Severity number 18" },
    Word { word: "error3", doc: "Severity number 19" },
    Word { word: "error4", doc: "Severity number 20" },
    Word { word: "fatal", doc: "Severity number 21" },
    Word { word: "fatal2", doc: "Severity number 22" },
    Word { word: "fatal3", doc: "Severity number 23" },
    Word { word: "fatal4", doc: "Severity number 24" },
];

pub(crate) const SPAN_KIND: &[Word] = &[
    Word { word: "internal", doc: "Inside one process" },
    Word { word: "server", doc: "Answers a request" },
    Word { word: "client", doc: "Makes a request" },
    Word { word: "producer", doc: "Sends a message" },
    Word { word: "consumer", doc: "Takes a message" },
];
