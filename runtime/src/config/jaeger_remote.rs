//! Settings of the sampler that asks a server.

use super::sampler::{Place, Sampler};
use crate::ConfigError;
use std::fmt;
use std::time::Duration;

/// What a server says to keep, which Jaeger calls its sampling strategies: one ratio or limit for the program, or one for each
/// operation. The server is asked by HTTP when the pipeline starts, and then again and again; needs the feature `otlp-http`,
/// which is on by default.
///
/// It follows the specification's
/// [`JaegerRemoteSampler`](https://opentelemetry.io/docs/specs/otel/trace/sdk/#jaegerremotesampler). Such servers are Jaeger, and
/// the Collector with its extension `jaeger_remote_sampling`; each serves `http://HOST:5778/sampling?service=NAME`, where the
/// name is the resource's `service.name`. Jaeger's gRPC service, on port 14250, is not asked.
///
/// | an answer has | what decides |
/// |-|-|
/// | `probabilisticSampling` | [`Sampler::TraceIdRatio`] |
/// | `rateLimitingSampling` | [`Sampler::RateLimit`], and with a limit of 0 [`Sampler::AlwaysOff`] |
/// | `operationSampling` | a ratio by the name of the trace's first span here; and of each name as many traces a second as `defaultLowerBoundTracesPerSecond` says, whatever the ratio. `defaultUpperBoundTracesPerSecond` is passed over, as other SDKs do |
///
/// Until the first answer [`initial_sampler`](Self::initial_sampler) decides. An answer that cannot be used (no answer within
/// 10 s, an error, a redirect, more than 1 MiB, no JSON, a ratio outside of 0 to 1, more than 2,000 operations) changes nothing;
/// [`diagnostics`](crate::diagnostics) says so once, and once more when the server is well again. Another strategy is said, too,
/// at `info`.
///
/// It does not ask the parent: put it at the root of a [`ParentBased`](super::ParentBased) for that. It may stand wherever a
/// sampler may, but not in its own `initial_sampler`. A strategy is put in as the sampler above, so a decision costs what that
/// costs; [`Guard::sampling_counts`](crate::Guard::sampling_counts) begins anew with each strategy.
///
/// | | |
/// |-|-|
/// | Environment | `OTEL_TRACES_SAMPLER=parentbased_jaeger_remote` (or `jaeger_remote`), and `OTEL_TRACES_SAMPLER_ARG` such as `endpoint=http://localhost:5778,pollingIntervalMs=5000,initialSamplingRate=0.25` |
/// | YAML | `jaeger_remote/development` with `endpoint`, `interval` and `initial_sampler` |
///
/// ```
/// use otelier::Telemetry;
/// use otelier::config::{JaegerRemote, ParentBased, Sampler};
/// use std::time::Duration;
///
/// let remote = JaegerRemote::to("http://localhost:5778/sampling")
///     .with_interval(Duration::from_secs(30))
///     .with_initial_sampler(Sampler::TraceIdRatio(0.01));
/// let sampler = Sampler::ParentBased(Box::new(ParentBased::new(Sampler::JaegerRemote(remote))));
/// let telemetry = otelier::init(Telemetry::default().with_service_name("shop").with_sampler(sampler))?;
/// // Nobody has answered yet, so this is one trace in a hundred.
/// otelier::Span::start("request").end();
/// # telemetry.shutdown()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct JaegerRemote {
    /// The URL of the service, to which `service=NAME` is added; where it has no path, `/sampling` is it: Jaeger's Collectors also
    /// answer at `http://HOST:14268/api/sampling`. `https` needs the feature `tls`, and the system's certificates. Credentials in
    /// it are refused, and never shown. Default: `http://localhost:5778/sampling`.
    pub endpoint: String,
    /// How often the server is asked, at least 10 ms. YAML and environment: in milliseconds. Default: 60 s.
    pub interval: Duration,
    /// What decides until the first answer. Default: one trace in a thousand, [`Sampler::TraceIdRatio`]`(0.001)`.
    pub initial_sampler: Box<Sampler>,
}

impl JaegerRemote {
    pub(super) const DEFAULT_ENDPOINT: &'static str = "http://localhost:5778/sampling";
    pub(super) const DEFAULT_RATIO: f64 = 0.001;
    /// The least interval.
    pub(super) const SHORTEST: Duration = Duration::from_millis(10);

    /// Asks this URL, such as `http://collector:5778/sampling`.
    ///
    /// ```
    /// use otelier::config::{JaegerRemote, Sampler};
    ///
    /// let remote = JaegerRemote::to("http://collector:5778");
    /// assert_eq!((remote.interval.as_secs(), *remote.initial_sampler), (60, Sampler::TraceIdRatio(0.001)));
    /// ```
    pub fn to(endpoint: impl Into<String>) -> Self {
        Self { endpoint: endpoint.into(), ..Self::default() }
    }

    /// Sets how often the server is asked. Default: 60 s.
    #[must_use]
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets what decides until the first answer. Default: one trace in a thousand.
    #[must_use]
    pub fn with_initial_sampler(mut self, sampler: Sampler) -> Self {
        self.initial_sampler = Box::new(sampler);
        self
    }

    /// What is expected in place of Jaeger's gRPC service.
    pub(super) const NOT_GRPC: &'static str = "the URL of Jaeger's HTTP service, such as `http://localhost:5778/sampling`; its \
                                               gRPC service, on port 14250, is not asked";

    /// What is expected in place of an endpoint that cannot be used.
    #[cfg(feature = "_otlp")]
    pub(super) fn expected_endpoint(endpoint: &str) -> Option<&'static str> {
        use super::url::{Wrong, url};
        match url(endpoint) {
            Ok(uri) if uri.port_u16() == Some(14250) => Some(Self::NOT_GRPC),
            Ok(uri) if uri.scheme_str() == Some("https") && !cfg!(feature = "tls") => {
                Some("a URL with `http`, as `otelier` was built without the feature `tls`")
            }
            Ok(_) => None,
            // As other SDKs want it.
            Err(_) if endpoint.starts_with("grpc://") || endpoint.ends_with(":14250") => Some(Self::NOT_GRPC),
            Err(Wrong::Credentials) => Some("a URL without credentials"),
            Err(Wrong::Port) => Some("a port from 1 to 65535"),
            Err(_) => Some("a URL such as `http://localhost:5778/sampling`"),
        }
    }

    #[cfg(not(feature = "_otlp"))]
    pub(super) fn expected_endpoint(_: &str) -> Option<&'static str> {
        // The sampler as a whole is refused.
        None
    }

    /// The endpoint as messages may show it.
    pub(crate) fn shown(&self) -> String {
        let shown = super::otlp::without_credentials(&self.endpoint);
        shown.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
    }

    /// The URL that says what the service of this name is to keep. To be called on what was checked.
    #[cfg(feature = "otlp-http")]
    pub(crate) fn url(&self, service: &str) -> Option<http::Uri> {
        let uri = super::url::url(&self.endpoint).ok()?;
        let path = if uri.path().len() > 1 { uri.path() } else { "/sampling" };
        let more = uri.query().map_or_else(String::new, |query| format!("{query}&"));
        let path = format!("{path}?{more}service={}", super::percent_encoded(service));
        let mut parts = uri.into_parts();
        parts.path_and_query = Some(path.parse().ok()?);
        http::Uri::from_parts(parts).ok()
    }

    pub(super) fn check_at(&self, place: &mut Place, problems: &mut ConfigError) {
        if !cfg!(feature = "otlp-http") {
            let missing =
                "`jaeger_remote/development` needs the feature `otlp-http`, without which `otelier` was built";
            place.refuse(missing, "another sampler", problems);
        }
        if let Some(expected) = Self::expected_endpoint(&self.endpoint) {
            let found = format!("`jaeger_remote/development.endpoint` is `{}`", self.shown());
            place.refuse(&found, expected, problems);
        }
        if self.interval < Self::SHORTEST {
            let found = format!("`jaeger_remote/development.interval` is {:?}", self.interval);
            place.refuse(&found, "at least 10 ms", problems);
        }
        if self.initial_sampler.has_remote() {
            let found = "`jaeger_remote/development.initial_sampler` asks a server, too";
            place.refuse(found, "a sampler that decides until the first answer", problems);
        }
        place.within("initial_sampler", problems, |place, problems| self.initial_sampler.check_at(place, problems));
    }

    /// Its name in the declarative file, with what matters of its settings.
    pub(super) fn fmt_as_sampler(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "jaeger_remote/development(endpoint: {}, initial_sampler: {})", self.shown(), self.initial_sampler)
    }
}

impl Default for JaegerRemote {
    fn default() -> Self {
        Self {
            endpoint: Self::DEFAULT_ENDPOINT.to_owned(),
            interval: Duration::from_secs(60),
            initial_sampler: Box::new(Sampler::TraceIdRatio(Self::DEFAULT_RATIO)),
        }
    }
}

impl fmt::Debug for JaegerRemote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JaegerRemote")
            .field("endpoint", &self.shown())
            .field("interval", &self.interval)
            .field("initial_sampler", &self.initial_sampler)
            .finish()
    }
}

#[cfg(all(test, feature = "otlp-http"))]
mod tests {
    use super::*;
    use crate::config::ParentBased;

    fn problems(sampler: Sampler) -> Vec<String> {
        let mut problems = ConfigError::default();
        sampler.check(&mut problems);
        problems.problems().iter().map(|problem| problem.sentence().to_owned()).collect()
    }

    fn at(endpoint: &str) -> Vec<String> {
        problems(Sampler::JaegerRemote(JaegerRemote::to(endpoint)))
    }

    #[test]
    fn the_service_is_asked_for_by_its_name() {
        let url = |endpoint: &str, service| JaegerRemote::to(endpoint).url(service).expect("a URL").to_string();
        assert_eq!(url("http://a:5778", "shop"), "http://a:5778/sampling?service=shop");
        assert_eq!(url("http://a:5778/", "shop"), "http://a:5778/sampling?service=shop");
        assert_eq!(url("http://a:14268/api/sampling", "a b&c"), "http://a:14268/api/sampling?service=a%20b%26c");
        assert_eq!(url("http://a/x?tenant=1#part", "é"), "http://a/x?tenant=1&service=%C3%A9");
        assert_eq!(url("http://[::1]:5778", ""), "http://[::1]:5778/sampling?service=");
    }

    #[test]
    fn endpoints_of_grpc_are_refused_with_the_one_to_use() {
        for endpoint in ["http://jaeger:14250", "jaeger:14250", "grpc://jaeger:1", "https://jaeger:14250/x"] {
            let sentence = format!(
                "`jaeger_remote/development.endpoint` is `{endpoint}`; expected the URL of Jaeger's HTTP service, such as \
                 `http://localhost:5778/sampling`; its gRPC service, on port 14250, is not asked"
            );
            assert_eq!(at(endpoint), [sentence], "{endpoint}");
        }
        let expected = "expected a URL such as `http://localhost:5778/sampling`";
        for endpoint in ["", "localhost", "ftp://a", "http://", "unix:/run/a"] {
            assert_eq!(at(endpoint), [format!("`jaeger_remote/development.endpoint` is `{endpoint}`; {expected}")]);
        }
        assert_eq!(at("http://a:14268/api/sampling"), [""; 0]);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place_and_no_secret_is_told() {
        let sampler = |endpoint: &str| {
            let inner = Sampler::JaegerRemote(JaegerRemote::default());
            JaegerRemote::to(endpoint).with_interval(Duration::from_millis(9)).with_initial_sampler(inner)
        };
        let secret = sampler("http://user:secret@host?key=secret");
        let root = Sampler::AlwaysRecord(Box::new(Sampler::JaegerRemote(secret.clone())));
        let nested = Sampler::ParentBased(Box::new(ParentBased {
            remote_parent_sampled: root.clone(),
            ..ParentBased::default()
        }));
        let at = "at `remote_parent_sampled.always_record.root`";
        assert_eq!(
            problems(nested),
            [
                format!(
                    "`jaeger_remote/development.endpoint` is `http://…@host?…` {at}; expected a URL without credentials"
                ),
                format!("`jaeger_remote/development.interval` is 9ms {at}; expected at least 10 ms"),
                format!(
                    "`jaeger_remote/development.initial_sampler` asks a server, too {at}; expected a sampler that decides until \
                     the first answer"
                ),
            ]
        );
        assert!(!format!("{root} {root:?}").contains("secret"));
        let wrong = JaegerRemote::default().with_initial_sampler(Sampler::TraceIdRatio(2.0));
        assert_eq!(
            problems(Sampler::JaegerRemote(wrong)),
            ["the sampling ratio at `initial_sampler` is 2; expected 0.0 to 1.0"]
        );
    }

    #[test]
    fn it_is_shown_with_what_decides_until_the_first_answer() {
        assert_eq!(
            Sampler::JaegerRemote(JaegerRemote::default()).to_string(),
            "jaeger_remote/development(endpoint: http://localhost:5778/sampling, initial_sampler: \
             trace_id_ratio_based(ratio: 0.001))"
        );
    }
}
