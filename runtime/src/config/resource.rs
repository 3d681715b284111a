//! Who makes the telemetry: attributes that are given, and those that are detected.

use super::{Telemetry, Variables, percent_decoded};
use crate::ConfigError;
use crate::attribute::{AttributeSink, KeyedTarget, Slot, SpanAttributes};
use crate::record::owned_by;
use opentelemetry::{Array, StringValue, Value};
use otelier_spec::suggest;
use std::borrow::Cow;
use std::cell::RefCell;

/// Who makes the telemetry: the service, and where it runs.
///
/// Of two values for one attribute these win, the strongest first:
///
/// 1. [`Telemetry::service_name`], for `service.name`: from code or `OTEL_SERVICE_NAME`;
/// 2. the later of [`attributes`](Self::attributes): those of code come after those of `OTEL_RESOURCE_ATTRIBUTES`, and those
///    after `OTEL_SERVICE_VERSION`, `DEPLOYMENT_ENV` and `ENVIRONMENT`;
/// 3. what was detected; of two detectors the later one;
/// 4. `unknown_service:` and the name of the executable, for `service.name`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ResourceSettings {
    /// Attributes; of two with one name the later counts. Environment: `OTEL_RESOURCE_ATTRIBUTES`. YAML:
    /// `resource.attributes`, `resource.attributes_list`.
    pub attributes: Vec<(String, ResourceValue)>,
    /// The schema that the attributes follow. YAML: `resource.schema_url`. Default: none is named.
    pub schema_url: Option<String>,
    /// What looks for further attributes when the pipeline starts. Environment: `OTELIER_RESOURCE_DETECTORS`. YAML:
    /// `resource.detection/development.detectors`. Default: [`Detector::ALL`]; in a file that names none: none.
    pub detectors: Vec<Detector>,
    /// Names of detected attributes that are kept, where `?` is one character and `*` any number of them; empty for all.
    /// Environment: `OTELIER_RESOURCE_INCLUDED`. YAML: `resource.detection/development.attributes.included`.
    ///
    /// The arguments of the command may hold secrets, so `process.command_args` and `process.command_line` are detected only
    /// if they stand here by their full names.
    pub included: Vec<String>,
    /// Names of detected attributes that are left out, also of those included. Environment: `OTELIER_RESOURCE_EXCLUDED`.
    /// YAML: `resource.detection/development.attributes.excluded`.
    pub excluded: Vec<String>,
}

impl Default for ResourceSettings {
    fn default() -> Self {
        Self {
            attributes: Vec::new(),
            schema_url: None,
            detectors: Detector::ALL.to_vec(),
            included: Vec::new(),
            excluded: Vec::new(),
        }
    }
}

impl ResourceSettings {
    /// Whether a detected attribute is kept.
    pub(crate) fn keeps(&self, key: &str) -> bool {
        let matches = |pattern: &String| super::wildcard::matches(pattern, key);
        (self.included.is_empty() || self.included.iter().any(matches)) && !self.excluded.iter().any(matches)
    }

    /// Whether an attribute that may hold secrets is asked for.
    pub(crate) fn asks_for(&self, key: &str) -> bool {
        self.included.iter().any(|name| name == key)
    }

    /// What types cannot check.
    pub(super) fn check(&self, problems: &mut ConfigError) {
        if self.attributes.iter().any(|(key, _)| key.trim().is_empty()) {
            problems
                .push("an attribute of the resource has no name; expected one such as `deployment.environment.name`");
        }
        for pattern in self.included.iter().chain(&self.excluded).filter(|pattern| pattern.is_empty()) {
            problems.push(format_args!(
                "`{pattern}` is to include or exclude attributes of the resource; expected a name such as `process.*`"
            ));
        }
    }
}

/// What looks for attributes of the resource when the pipeline starts.
///
/// A detector reads environment variables and small files of the system, never the network; what is not there is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Detector {
    /// `host.name`, `host.id` (outside of containers), `host.arch`, `os.type`, `os.name`, `os.version`, `os.description`
    /// and `os.build_id`.
    Host,
    /// `process.pid`, `process.parent_pid`, `process.executable.name` and `.path`, `process.command`, `process.owner`,
    /// `process.runtime.name`, `.version` and `.description`; `process.command_args` and `process.command_line` if
    /// [`included`](ResourceSettings::included) names them.
    Process,
    /// `container.id`.
    Container,
    /// `k8s.pod.name`, `k8s.pod.uid`, `k8s.pod.ip`, `k8s.namespace.name`, `k8s.node.name`, `k8s.container.name`,
    /// `k8s.deployment.name` and `k8s.cluster.name`, in a pod: from the variables `K8S_POD_NAME`, `POD_NAME` or
    /// `MY_POD_NAME` and their like, the service account's namespace, and the mounts.
    Kubernetes,
    /// `service.instance.id`, a random UUID of this process; `service.name` from `OTEL_SERVICE_NAME`.
    Service,
}

impl Detector {
    /// Every one; those run by default.
    pub const ALL: [Self; 5] = [Self::Host, Self::Process, Self::Container, Self::Kubernetes, Self::Service];

    /// The word for it in the environment. In the declarative file `kubernetes` is `otelier/kubernetes`, because the
    /// specification has no detector of that name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Process => "process",
            Self::Container => "container",
            Self::Kubernetes => "kubernetes",
            Self::Service => "service",
        }
    }

    /// The detector with this name; `setting` is what names it, for the problem that an unknown name is.
    pub(crate) fn named(setting: &str, name: &str, problems: &mut ConfigError) -> Option<Self> {
        let short = name.strip_prefix("otelier/").filter(|name| *name == "kubernetes").unwrap_or(name);
        let found = Self::ALL.into_iter().find(|detector| detector.as_str() == short);
        if found.is_none() {
            let known = suggest::list(Self::ALL.iter().map(|detector| detector.as_str()));
            let closest = suggest::did_you_mean(name, Self::ALL.iter().map(|detector| detector.as_str()));
            let hint = closest.map(|known| format!("; did you mean `{known}`?")).unwrap_or_default();
            problems.push(format_args!("`{setting}` is `{name}`; expected {known}{hint}"));
        }
        found
    }

    /// The detectors of a list with commas; `none` is the empty list.
    pub(crate) fn of_list(setting: &str, list: &str, problems: &mut ConfigError) -> Vec<Self> {
        let names: Vec<&str> = words(list).collect();
        if names == ["none"] {
            return Vec::new();
        }
        names.into_iter().filter_map(|name| Self::named(setting, name, problems)).collect()
    }
}

fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|word| !word.is_empty())
}

/// The value of an attribute of the resource, as the declarative file types them.
///
/// ```
/// use otelier::config::ResourceValue;
///
/// assert_eq!(ResourceValue::from("a"), ResourceValue::String("a".to_owned()));
/// assert_eq!(ResourceValue::from(3_u32), ResourceValue::Int(3));
/// assert_eq!(ResourceValue::from(["a", "b"]), ResourceValue::Strings(vec!["a".to_owned(), "b".to_owned()]));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ResourceValue {
    /// `string`.
    String(String),
    /// `bool`.
    Bool(bool),
    /// `int`.
    Int(i64),
    /// `double`.
    Double(f64),
    /// `string_array`.
    Strings(Vec<String>),
    /// `bool_array`.
    Bools(Vec<bool>),
    /// `int_array`.
    Ints(Vec<i64>),
    /// `double_array`.
    Doubles(Vec<f64>),
}

impl From<&ResourceValue> for Value {
    fn from(value: &ResourceValue) -> Self {
        match value {
            ResourceValue::String(text) => text.clone().into(),
            ResourceValue::Bool(value) => (*value).into(),
            ResourceValue::Int(value) => (*value).into(),
            ResourceValue::Double(value) => (*value).into(),
            ResourceValue::Strings(list) => {
                Self::Array(Array::String(list.iter().map(|text| StringValue::from(text.clone())).collect()))
            }
            ResourceValue::Bools(list) => Self::Array(Array::Bool(list.clone())),
            ResourceValue::Ints(list) => Self::Array(Array::I64(list.clone())),
            ResourceValue::Doubles(list) => Self::Array(Array::F64(list.clone())),
        }
    }
}

impl ResourceValue {
    /// The value of the API as one; `None` if it is of a type that this one does not have.
    fn of(value: Value) -> Option<Self> {
        Some(match value {
            Value::String(text) => Self::String(text.into()),
            Value::Bool(value) => Self::Bool(value),
            Value::I64(value) => Self::Int(value),
            Value::F64(value) => Self::Double(value),
            Value::Array(Array::String(list)) => Self::Strings(list.into_iter().map(String::from).collect()),
            Value::Array(Array::Bool(list)) => Self::Bools(list),
            Value::Array(Array::I64(list)) => Self::Ints(list),
            Value::Array(Array::F64(list)) => Self::Doubles(list),
            _ => return None,
        })
    }
}

/// Takes the attributes of a struct.
#[derive(Default)]
struct Collected(RefCell<Vec<(String, ResourceValue)>>);

impl KeyedTarget for Collected {
    fn keyed(&self, key: &str, write: &mut dyn FnMut(Slot<'_>)) {
        if let Some(value) = owned_by(write).and_then(ResourceValue::of) {
            self.0.borrow_mut().push((key.to_owned(), value));
        }
    }
}

/// One variant from the types that can become it without a loss.
macro_rules! values {
    ($($variant:ident from $($from:ty),+;)+) => {$($(
        impl From<$from> for ResourceValue {
            fn from(value: $from) -> Self {
                Self::$variant(value.into())
            }
        }
    )+)+};
}

values! {
    String from String, &str, &String, Cow<'_, str>, Box<str>, char;
    Bool from bool;
    Int from i64, i32, i16, i8, u32, u16, u8;
    Double from f64, f32;
}

/// Lists of what is a value itself.
macro_rules! lists {
    ($($variant:ident of $element:ty => $($from:ty),+;)+) => {$($(
        impl From<Vec<$from>> for ResourceValue {
            fn from(list: Vec<$from>) -> Self {
                Self::$variant(list.into_iter().map(<$element>::from).collect())
            }
        }

        impl From<&[$from]> for ResourceValue {
            fn from(list: &[$from]) -> Self {
                list.to_vec().into()
            }
        }

        impl<const N: usize> From<[$from; N]> for ResourceValue {
            fn from(list: [$from; N]) -> Self {
                Vec::from(list).into()
            }
        }
    )+)+};
}

lists! {
    Strings of String => String, &str;
    Bools of bool => bool;
    Ints of i64 => i64, i32, u32;
    Doubles of f64 => f64, f32;
}

impl Telemetry {
    /// Adds an attribute to the resource: a text, a number, a boolean, or a list of these. Of two with one name the later
    /// counts, and both win over what is detected.
    ///
    /// ```
    /// let telemetry = otelier::Telemetry::default()
    ///     .with_resource_attribute("deployment.environment.name", "production")
    ///     .with_resource_attribute("app.shards", 4)
    ///     .with_resource_attribute("lakehouse.layers", ["bronze", "silver"]);
    /// assert_eq!(telemetry.resource.attributes.len(), 3);
    /// ```
    #[must_use]
    pub fn with_resource_attribute(mut self, key: impl Into<String>, value: impl Into<ResourceValue>) -> Self {
        self.resource.attributes.push((key.into(), value.into()));
        self
    }

    /// Adds the attributes of a struct to the resource, as [`with_resource_attribute`](Self::with_resource_attribute) adds
    /// one. Texts are cut as in spans, and what is sensitive is masked.
    ///
    /// The names of the ready schemas for the resource of a lakehouse are in [`lakehouse::Resource`]; systems that gave them
    /// other names get those, too, by [`with_old_names`](Self::with_old_names).
    ///
    /// ```
    /// use otelier::SpanAttributes;
    /// use otelier::schema::crypto::Market;
    ///
    /// #[derive(SpanAttributes)]
    /// struct Lakehouse {
    ///     #[attribute(name = "crypto.market")]
    ///     market: Market,
    ///     #[attribute(name = "crypto.data_types")]
    ///     data_types: Vec<&'static str>,
    ///     #[attribute(name = "lakehouse.layers")]
    ///     layers: Vec<&'static str>,
    ///     #[attribute(name = "lakehouse.storage_backend")]
    ///     backend: &'static str,
    /// }
    ///
    /// let telemetry = otelier::Telemetry::default().with_resource(&Lakehouse {
    ///     market: Market::Binance,
    ///     data_types: vec!["klines", "trades"],
    ///     layers: vec!["bronze", "silver", "gold"],
    ///     backend: "s3",
    /// });
    /// assert_eq!(telemetry.resource.attributes[0], ("crypto.market".to_owned(), "binance".into()));
    /// assert_eq!(telemetry.resource.attributes[2].1, ["bronze", "silver", "gold"].into());
    /// ```
    ///
    /// [`lakehouse::Resource`]: crate::schema::lakehouse::Resource
    #[must_use]
    pub fn with_resource(mut self, attributes: &impl SpanAttributes) -> Self {
        let collected = Collected::default();
        attributes.record_attributes(&mut AttributeSink::new(&collected));
        self.resource.attributes.extend(collected.0.into_inner());
        self
    }

    /// Names the schema that the attributes of the resource follow, such as `https://opentelemetry.io/schemas/1.37.0`.
    /// Default: none. YAML: `resource.schema_url`.
    #[must_use]
    pub fn with_resource_schema_url(mut self, url: impl Into<String>) -> Self {
        self.resource.schema_url = Some(url.into());
        self
    }

    /// Chooses what looks for attributes of the resource, in place of the default: all. Of two that find one attribute the
    /// later counts.
    ///
    /// Environment: `OTELIER_RESOURCE_DETECTORS`, a list of `host`, `process`, `container`, `kubernetes` and `service`, or
    /// `none`. YAML: `resource.detection/development.detectors`.
    ///
    /// ```
    /// use otelier::config::Detector;
    ///
    /// let telemetry = otelier::Telemetry::default().with_resource_detectors([Detector::Service]);
    /// assert_eq!(telemetry.resource.detectors, [Detector::Service]);
    /// ```
    #[must_use]
    pub fn with_resource_detectors(mut self, detectors: impl IntoIterator<Item = Detector>) -> Self {
        self.resource.detectors = detectors.into_iter().collect();
        self
    }

    /// Keeps of the detected attributes only those that one of these names, in which `?` is any character and `*` any
    /// number of them. Attributes that are given are always kept. See [`ResourceSettings::included`] for attributes that
    /// may hold secrets.
    ///
    /// ```
    /// let telemetry = otelier::Telemetry::default().with_resource_included(["*", "process.command_args"]);
    /// assert_eq!(telemetry.resource.included.len(), 2);
    /// ```
    #[must_use]
    pub fn with_resource_included<P: Into<String>>(mut self, patterns: impl IntoIterator<Item = P>) -> Self {
        self.resource.included = patterns.into_iter().map(Into::into).collect();
        self
    }

    /// Leaves those of the detected attributes out that one of these names, in which `?` is any character and `*` any
    /// number of them.
    ///
    /// ```
    /// let telemetry = otelier::Telemetry::default().with_resource_excluded(["host.*", "process.owner"]);
    /// assert_eq!(telemetry.resource.excluded.len(), 2);
    /// ```
    #[must_use]
    pub fn with_resource_excluded<P: Into<String>>(mut self, patterns: impl IntoIterator<Item = P>) -> Self {
        self.resource.excluded = patterns.into_iter().map(Into::into).collect();
        self
    }
}

/// Names that other systems gave to variables, and the attributes that they mean. Where two mean the same, the later counts.
pub(crate) const VARIABLES: [(&str, &str); 3] = [
    ("OTEL_SERVICE_VERSION", "service.version"),
    ("ENVIRONMENT", "deployment.environment.name"),
    // Says more clearly than the one before what it is the environment of.
    ("DEPLOYMENT_ENV", "deployment.environment.name"),
];

/// What variables say of the resource: `VARIABLES`, then `OTEL_RESOURCE_ATTRIBUTES`, which wins over them; and which
/// attributes are detected.
pub(crate) fn from_variables(variables: &Variables, problems: &mut ConfigError) -> ResourceSettings {
    let mut settings = ResourceSettings::default();
    for (variable, key) in VARIABLES {
        if let Some(value) = variables.get(variable) {
            settings.attributes.push((key.to_owned(), value.into()));
        }
    }
    const LIST: &str = "OTEL_RESOURCE_ATTRIBUTES";
    if let Some(list) = variables.get(LIST) {
        settings.attributes.extend(attributes_of_list(LIST, &list, problems));
    }
    const DETECTORS: &str = "OTELIER_RESOURCE_DETECTORS";
    if let Some(list) = variables.get(DETECTORS) {
        settings.detectors = Detector::of_list(DETECTORS, &list, problems);
    }
    let patterns = |name| words(&variables.get(name).unwrap_or_default()).map(str::to_owned).collect();
    settings.included = patterns("OTELIER_RESOURCE_INCLUDED");
    settings.excluded = patterns("OTELIER_RESOURCE_EXCLUDED");
    settings
}

/// `key1=value1,key2=value2` with percent-encoded keys and values, as in `OTEL_RESOURCE_ATTRIBUTES` and
/// `resource.attributes_list`; `setting` is the name of the setting.
pub(crate) fn attributes_of_list(
    setting: &str,
    list: &str,
    problems: &mut ConfigError,
) -> Vec<(String, ResourceValue)> {
    let mut attributes = Vec::new();
    for pair in words(list) {
        let decoded = pair
            .split_once('=')
            .and_then(|(key, value)| Some((percent_decoded(key.trim())?, percent_decoded(value.trim())?)));
        match decoded {
            Some((key, value)) if !key.is_empty() => attributes.push((key, value.into())),
            _ => problems.push(format_args!(
                "`{setting}` is `{pair}`; expected pairs such as `deployment.environment.name=production`"
            )),
        }
    }
    attributes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<const N: usize>(variables: [(&str, &str); N]) -> Result<ResourceSettings, ConfigError> {
        let mut problems = ConfigError::default();
        let settings = from_variables(&Variables::of(variables), &mut problems);
        problems.into_result().map(|()| settings)
    }

    fn value(settings: &ResourceSettings, key: &str) -> Option<ResourceValue> {
        settings.attributes.iter().rev().find(|(known, _)| known == key).map(|(_, value)| value.clone())
    }

    #[test]
    fn names_of_other_systems_mean_attributes_and_the_specifications_list_wins_over_them() {
        let settings = read([("OTEL_SERVICE_VERSION", "2.0.0"), ("ENVIRONMENT", "production")]).unwrap();
        assert_eq!(value(&settings, "service.version"), Some("2.0.0".into()));
        assert_eq!(value(&settings, "deployment.environment.name"), Some("production".into()));
        let settings = read([("ENVIRONMENT", "general"), ("DEPLOYMENT_ENV", "exact")]).unwrap();
        assert_eq!(value(&settings, "deployment.environment.name"), Some("exact".into()));
        let list = "deployment.environment.name=listed,service.version=3";
        let settings =
            read([("DEPLOYMENT_ENV", "x"), ("OTEL_SERVICE_VERSION", "2"), ("OTEL_RESOURCE_ATTRIBUTES", list)]).unwrap();
        assert_eq!(value(&settings, "deployment.environment.name"), Some("listed".into()));
        assert_eq!(value(&settings, "service.version"), Some("3".into()));
    }

    #[test]
    fn lists_of_attributes_are_decoded_and_broken_pairs_are_all_named() {
        let settings = read([("OTEL_RESOURCE_ATTRIBUTES", "te%20am = data%2Cplatform , a=b=c, empty=")]).unwrap();
        let expected = [("te am", "data,platform"), ("a", "b=c"), ("empty", "")];
        assert_eq!(settings.attributes, expected.map(|(key, value)| (key.to_owned(), value.into())));
        let error = read([("OTEL_RESOURCE_ATTRIBUTES", "fine=1,team,=x,bad=%zz")]).unwrap_err();
        assert_eq!(error.problems().len(), 3);
        assert!(
            error.problems()[0].sentence().starts_with("`OTEL_RESOURCE_ATTRIBUTES` is `team`; expected"),
            "{error}"
        );
    }

    #[test]
    fn detectors_are_chosen_by_name_and_what_they_find_by_patterns() {
        let settings = read([
            ("OTELIER_RESOURCE_DETECTORS", "service, otelier/kubernetes"),
            ("OTELIER_RESOURCE_INCLUDED", "k8s.*,service.*"),
            ("OTELIER_RESOURCE_EXCLUDED", "k8s.pod.???"),
        ])
        .unwrap();
        assert_eq!(settings.detectors, [Detector::Service, Detector::Kubernetes]);
        let keys = ["k8s.pod.uid", "k8s.pod.name", "service.instance.id", "host.name"];
        assert_eq!(keys.map(|key| settings.keeps(key)), [false, true, true, false]);
        assert_eq!(read([("OTELIER_RESOURCE_DETECTORS", "none")]).unwrap().detectors, []);
        let error = read([("OTELIER_RESOURCE_DETECTORS", "hosts,ec2")]).unwrap_err();
        assert_eq!(
            error.problems(),
            [
                "`OTELIER_RESOURCE_DETECTORS` is `hosts`; expected `host`, `process`, `container`, `kubernetes` or \
                 `service`; did you mean `host`?",
                "`OTELIER_RESOURCE_DETECTORS` is `ec2`; expected `host`, `process`, `container`, `kubernetes` or `service`"
            ]
        );
    }

    #[test]
    fn names_that_are_empty_are_refused() {
        let mut problems = ConfigError::default();
        let telemetry = Telemetry::default().with_resource_attribute(" ", 1).with_resource_excluded([""]);
        telemetry.resource.check(&mut problems);
        assert_eq!(problems.problems().len(), 2);
    }
}
