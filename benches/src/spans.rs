//! The spans of every peer in one form, so that they can be compared, and the exporter that counts or keeps them.

use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::time::{SystemTime, UNIX_EPOCH};

/// Spans that reached an exporter in this process.
pub(crate) static EXPORTED: AtomicU64 = AtomicU64::new(0);

/// What a keeping exporter got.
pub(crate) static KEPT: Mutex<Vec<Span>> = Mutex::new(Vec::new());

/// A finished span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) trace: u128,
    pub(crate) id: u64,
    /// 0 if there is none.
    pub(crate) parent: u64,
    pub(crate) name: String,
    /// Nanoseconds since 1970.
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// `unset`, `ok` or `error:` and the description.
    pub(crate) status: String,
    pub(crate) attributes: Attributes,
    /// Names and attributes.
    pub(crate) events: Vec<(String, Attributes)>,
}

/// Keys, and values as `type:value`.
pub(crate) type Attributes = Vec<(String, String)>;

// Separators that no key, name or value of the benchmark has.
const FIELD: char = '\t';
const ATTRIBUTE: char = '\u{1}';
const EVENT_ATTRIBUTES: char = '\u{2}';
const EVENT: char = '\u{3}';

impl Span {
    /// The span as one line, which a child process prints for its parent.
    pub(crate) fn to_line(&self) -> String {
        let attributes = |attributes: &Attributes| {
            let pairs: Vec<String> = attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
            pairs.join(&ATTRIBUTE.to_string())
        };
        let events: Vec<String> =
            self.events.iter().map(|(name, own)| format!("{name}{EVENT_ATTRIBUTES}{}", attributes(own))).collect();
        let fields = [
            self.trace.to_string(),
            self.id.to_string(),
            self.parent.to_string(),
            self.name.clone(),
            self.start.to_string(),
            self.end.to_string(),
            self.status.clone(),
            attributes(&self.attributes),
            events.join(&EVENT.to_string()),
        ];
        fields.join(&FIELD.to_string())
    }

    /// The span of a line; `None` if it is not one.
    pub(crate) fn from_line(line: &str) -> Option<Self> {
        let attributes = |text: &str| -> Option<Attributes> {
            let pairs = text.split(ATTRIBUTE).filter(|pair| !pair.is_empty());
            pairs.map(|pair| pair.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()))).collect()
        };
        let event = |text: &str| {
            let (name, own) = text.split_once(EVENT_ATTRIBUTES)?;
            Some((name.to_owned(), attributes(own)?))
        };
        let fields: Vec<&str> = line.split(FIELD).collect();
        let [trace, id, parent, name, start, end, status, own, events] = *fields else { return None };
        Some(Self {
            trace: trace.parse().ok()?,
            id: id.parse().ok()?,
            parent: parent.parse().ok()?,
            name: name.to_owned(),
            start: start.parse().ok()?,
            end: end.parse().ok()?,
            status: status.to_owned(),
            attributes: attributes(own)?,
            events: events.split(EVENT).filter(|text| !text.is_empty()).map(event).collect::<Option<_>>()?,
        })
    }

    /// The value of an attribute, as `type:value`.
    pub(crate) fn attribute(&self, key: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| own == key).map(|(_, value)| value.as_str())
    }
}

fn nanos(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

/// A module with an exporter for one version of the SDK.
macro_rules! exporter {
    ($(#[$attribute:meta])* $module:ident, $api:ident, $sdk:ident) => {
        $(#[$attribute])*
        pub(crate) mod $module {
            use super::{Attributes, EXPORTED, KEPT, Span, nanos};
            use std::sync::atomic::Ordering::Relaxed;
            use $api::trace::Status;
            use $api::{KeyValue, Value};
            use $sdk::error::OTelSdkResult;
            use $sdk::trace::{SpanData, SpanExporter};

            /// Counts spans and drops them, or keeps them as well.
            #[derive(Clone, Copy, Debug)]
            pub(crate) struct Counting {
                pub(crate) keep: bool,
            }

            impl SpanExporter for Counting {
                async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
                    EXPORTED.fetch_add(batch.len() as u64, Relaxed);
                    if self.keep {
                        KEPT.lock().expect("nobody panics with it").extend(batch.iter().map(span));
                    }
                    Ok(())
                }
            }

            fn value(value: &Value) -> String {
                match value {
                    Value::Bool(value) => format!("bool:{value}"),
                    Value::I64(value) => format!("i64:{value}"),
                    Value::F64(value) => format!("f64:{value}"),
                    Value::String(value) => format!("str:{}", value.as_str()),
                    other => format!("other:{other}"),
                }
            }

            fn attributes<'a>(pairs: impl IntoIterator<Item = &'a KeyValue>) -> Attributes {
                pairs.into_iter().map(|pair| (pair.key.to_string(), value(&pair.value))).collect()
            }

            fn span(data: &SpanData) -> Span {
                Span {
                    trace: u128::from_be_bytes(data.span_context.trace_id().to_bytes()),
                    id: u64::from_be_bytes(data.span_context.span_id().to_bytes()),
                    parent: u64::from_be_bytes(data.parent_span_id.to_bytes()),
                    name: data.name.to_string(),
                    start: nanos(data.start_time),
                    end: nanos(data.end_time),
                    status: match &data.status {
                        Status::Unset => "unset".to_owned(),
                        Status::Ok => "ok".to_owned(),
                        Status::Error { description } => format!("error:{description}"),
                    },
                    attributes: attributes(&data.attributes),
                    events: data.events.iter().map(|event| (event.name.to_string(), attributes(&event.attributes))).collect(),
                }
            }
        }
    };
}

exporter!(v33, opentelemetry, opentelemetry_sdk);
exporter!(
    /// For `logfire`, which is built on an earlier version.
    #[cfg(feature = "peers")]
    v32,
    opentelemetry_032,
    opentelemetry_sdk_032
);
