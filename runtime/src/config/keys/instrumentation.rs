//! Settings of libraries that make telemetry.

use super::super::describe::{Count, Field, Others, Section, Type};
use super::words::COUNT;

/// Settings of libraries that make telemetry.
pub static EXPERIMENTAL_INSTRUMENTATION: Section = Section {
    name: "ExperimentalInstrumentation",
    doc: "Settings of libraries that make telemetry.",
    fields: &[
        Field {
            doc: "For all languages.",
            nullable: false,
            ..Field::new("general", Type::Section(&EXPERIMENTAL_GENERAL_INSTRUMENTATION))
        },
        Field {
            doc: "Libraries of C++.",
            nullable: false,
            ..Field::new("cpp", Type::Section(&EXPERIMENTAL_LANGUAGE_SPECIFIC_INSTRUMENTATION))
        },
        Field {
            doc: "Libraries of .NET.",
            nullable: false,
            ..Field::new("dotnet", Type::Section(&EXPERIMENTAL_LANGUAGE_SPECIFIC_INSTRUMENTATION))
        },
        Field {
            doc: "Libraries of Erlang.",
            nullable: false,
            ..Field::new("erlang", Type::Section(&EXPERIMENTAL_LANGUAGE_SPECIFIC_INSTRUMENTATION))
        },
        Field {
            doc: "Libraries of Go.",
            nullable: false,
            ..Field::new("go", Type::Section(&EXPERIMENTAL_LANGUAGE_SPECIFIC_INSTRUMENTATION))
        },
        Field {
            doc: "Libraries of Java.",
            nullable: false,
            ..Field::new("java", Type::Section(&EXPERIMENTAL_LANGUAGE_SPECIFIC_INSTRUMENTATION))
        },
        Field {
            doc: "Libraries of JavaScript.",
            nullable: false,
            ..Field::new("js", Type::Section(&EXPERIMENTAL_LANGUAGE_SPECIFIC_INSTRUMENTATION))
        },
        Field {
            doc: "Libraries of PHP.",
            nullable: false,
            ..Field::new("php", Type::Section(&EXPERIMENTAL_LANGUAGE_SPECIFIC_INSTRUMENTATION))
        },
        Field {
            doc: "Libraries of Python.",
            nullable: false,
            ..Field::new("python", Type::Section(&EXPERIMENTAL_LANGUAGE_SPECIFIC_INSTRUMENTATION))
        },
        Field {
            doc: "Libraries of Ruby.",
            nullable: false,
            ..Field::new("ruby", Type::Section(&EXPERIMENTAL_LANGUAGE_SPECIFIC_INSTRUMENTATION))
        },
        Field {
            doc: "Libraries of Rust.",
            nullable: false,
            ..Field::new("rust", Type::Section(&EXPERIMENTAL_LANGUAGE_SPECIFIC_INSTRUMENTATION))
        },
        Field {
            doc: "Libraries of Swift.",
            nullable: false,
            ..Field::new("swift", Type::Section(&EXPERIMENTAL_LANGUAGE_SPECIFIC_INSTRUMENTATION))
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// Libraries by name, with their own settings.
pub static EXPERIMENTAL_LANGUAGE_SPECIFIC_INSTRUMENTATION: Section = Section {
    name: "ExperimentalLanguageSpecificInstrumentation",
    doc: "Libraries by name, with their own settings.",
    fields: &[],
    count: Count::Any,
    others: Others::Free(&Type::Map(&Type::Any)),
};

/// Settings of libraries in all languages.
pub static EXPERIMENTAL_GENERAL_INSTRUMENTATION: Section = Section {
    name: "ExperimentalGeneralInstrumentation",
    doc: "Settings of libraries in all languages.",
    fields: &[
        Field {
            doc: "HTTP clients and servers.",
            nullable: false,
            ..Field::new("http", Type::Section(&EXPERIMENTAL_HTTP_INSTRUMENTATION))
        },
        Field {
            doc: "Attributes of code.",
            nullable: false,
            ..Field::new("code", Type::Section(&EXPERIMENTAL_CODE_INSTRUMENTATION))
        },
        Field {
            doc: "Databases.",
            nullable: false,
            ..Field::new("db", Type::Section(&EXPERIMENTAL_DB_INSTRUMENTATION))
        },
        Field {
            doc: "Generative AI.",
            nullable: false,
            ..Field::new("gen_ai", Type::Section(&EXPERIMENTAL_GEN_AI_INSTRUMENTATION))
        },
        Field {
            doc: "Messaging.",
            nullable: false,
            ..Field::new("messaging", Type::Section(&EXPERIMENTAL_MESSAGING_INSTRUMENTATION))
        },
        Field {
            doc: "Remote procedure calls.",
            nullable: false,
            ..Field::new("rpc", Type::Section(&EXPERIMENTAL_RPC_INSTRUMENTATION))
        },
        Field {
            doc: "What is removed from values.",
            nullable: false,
            ..Field::new("sanitization", Type::Section(&EXPERIMENTAL_SANITIZATION))
        },
        Field {
            doc: "Which stable conventions are used already, as `OTEL_SEMCONV_STABILITY_OPT_IN` has it: `http,database/dup`.",
            ..Field::new("stability_opt_in_list", Type::Text)
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// Telemetry of HTTP.
pub static EXPERIMENTAL_HTTP_INSTRUMENTATION: Section = Section {
    name: "ExperimentalHttpInstrumentation",
    doc: "Telemetry of HTTP.",
    fields: &[
        Field {
            doc: "Which version of the semantic conventions spans of HTTP follow; wins over `stability_opt_in_list`.",
            nullable: false,
            ..Field::new("semconv", Type::Section(&EXPERIMENTAL_SEMCONV_CONFIG))
        },
        Field {
            doc: "Outgoing requests.",
            nullable: false,
            ..Field::new("client", Type::Section(&EXPERIMENTAL_HTTP_CLIENT_INSTRUMENTATION))
        },
        Field {
            doc: "Incoming requests.",
            nullable: false,
            ..Field::new("server", Type::Section(&EXPERIMENTAL_HTTP_SERVER_INSTRUMENTATION))
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// Outgoing HTTP requests.
pub static EXPERIMENTAL_HTTP_CLIENT_INSTRUMENTATION: Section = Section {
    name: "ExperimentalHttpClientInstrumentation",
    doc: "Outgoing HTTP requests.",
    fields: &[
        Field {
            doc: "Headers of requests that are recorded.",
            nullable: false,
            ..Field::new("request_captured_headers", Type::List { of: &Type::Text, min: 1 })
        },
        Field {
            doc: "Headers of responses that are recorded.",
            nullable: false,
            ..Field::new("response_captured_headers", Type::List { of: &Type::Text, min: 1 })
        },
        Field {
            doc: "The HTTP methods that are recorded by name, in place of the default list; others become `_OTHER`.",
            nullable: false,
            ..Field::new("known_methods", Type::List { of: &Type::Text, min: 0 })
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// Incoming HTTP requests.
pub static EXPERIMENTAL_HTTP_SERVER_INSTRUMENTATION: Section = Section {
    name: "ExperimentalHttpServerInstrumentation",
    doc: "Incoming HTTP requests.",
    fields: &[
        Field {
            doc: "Headers of requests that are recorded.",
            nullable: false,
            ..Field::new("request_captured_headers", Type::List { of: &Type::Text, min: 1 })
        },
        Field {
            doc: "Headers of responses that are recorded.",
            nullable: false,
            ..Field::new("response_captured_headers", Type::List { of: &Type::Text, min: 1 })
        },
        Field {
            doc: "The HTTP methods that are recorded by name, in place of the default list; others become `_OTHER`.",
            nullable: false,
            ..Field::new("known_methods", Type::List { of: &Type::Text, min: 0 })
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// Telemetry about code.
pub static EXPERIMENTAL_CODE_INSTRUMENTATION: Section = Section {
    name: "ExperimentalCodeInstrumentation",
    doc: "Telemetry about code.",
    fields: &[Field {
        doc: "Which version of the semantic conventions attributes of code follow; wins over `stability_opt_in_list`.",
        nullable: false,
        ..Field::new("semconv", Type::Section(&EXPERIMENTAL_SEMCONV_CONFIG))
    }],
    count: Count::Any,
    others: Others::Refused,
};

/// Telemetry of database clients.
pub static EXPERIMENTAL_DB_INSTRUMENTATION: Section = Section {
    name: "ExperimentalDbInstrumentation",
    doc: "Telemetry of database clients.",
    fields: &[Field {
        doc: "Which version of the semantic conventions spans of databases follow; wins over `stability_opt_in_list`.",
        nullable: false,
        ..Field::new("semconv", Type::Section(&EXPERIMENTAL_SEMCONV_CONFIG))
    }],
    count: Count::Any,
    others: Others::Refused,
};

/// Telemetry of generative AI.
pub static EXPERIMENTAL_GEN_AI_INSTRUMENTATION: Section = Section {
    name: "ExperimentalGenAiInstrumentation",
    doc: "Telemetry of generative AI.",
    fields: &[Field {
        doc: "Which version of the semantic conventions spans of generative AI follow; wins over `stability_opt_in_list`.",
        nullable: false,
        ..Field::new("semconv", Type::Section(&EXPERIMENTAL_SEMCONV_CONFIG))
    }],
    count: Count::Any,
    others: Others::Refused,
};

/// Telemetry of messaging.
pub static EXPERIMENTAL_MESSAGING_INSTRUMENTATION: Section = Section {
    name: "ExperimentalMessagingInstrumentation",
    doc: "Telemetry of messaging.",
    fields: &[Field {
        doc: "Which version of the semantic conventions spans of messaging follow; wins over `stability_opt_in_list`.",
        nullable: false,
        ..Field::new("semconv", Type::Section(&EXPERIMENTAL_SEMCONV_CONFIG))
    }],
    count: Count::Any,
    others: Others::Refused,
};

/// Telemetry of remote procedure calls.
pub static EXPERIMENTAL_RPC_INSTRUMENTATION: Section = Section {
    name: "ExperimentalRpcInstrumentation",
    doc: "Telemetry of remote procedure calls.",
    fields: &[Field {
        doc: "Which version of the semantic conventions spans of remote procedure calls follow; wins over `stability_opt_in_list`.",
        nullable: false,
        ..Field::new("semconv", Type::Section(&EXPERIMENTAL_SEMCONV_CONFIG))
    }],
    count: Count::Any,
    others: Others::Refused,
};

/// A version of the semantic conventions.
pub static EXPERIMENTAL_SEMCONV_CONFIG: Section = Section {
    name: "ExperimentalSemconvConfig",
    doc: "A version of the semantic conventions.",
    fields: &[
        Field { doc: "The major version. Default: the latest that is stable.", ..Field::new("version", COUNT) },
        Field {
            doc: "Whether conventions that are not stable are used.",
            default: Some("false"),
            ..Field::new("experimental", Type::Bool)
        },
        Field {
            doc: "Whether the names of the version before are exported, too.",
            default: Some("false"),
            ..Field::new("dual_emit", Type::Bool)
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// What is removed from values.
pub static EXPERIMENTAL_SANITIZATION: Section = Section {
    name: "ExperimentalSanitization",
    doc: "What is removed from values.",
    fields: &[Field {
        doc: "From URLs.",
        nullable: false,
        ..Field::new("url", Type::Section(&EXPERIMENTAL_URL_SANITIZATION))
    }],
    count: Count::Any,
    others: Others::Refused,
};

/// What is removed from URLs.
pub static EXPERIMENTAL_URL_SANITIZATION: Section = Section {
    name: "ExperimentalUrlSanitization",
    doc: "What is removed from URLs.",
    fields: &[Field {
        doc: "Query parameters whose values are redacted, in place of the default list; an empty list redacts none.",
        nullable: false,
        ..Field::new("sensitive_query_parameters", Type::List { of: &Type::Text, min: 0 })
    }],
    count: Count::Any,
    others: Others::Refused,
};
