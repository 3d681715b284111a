//! Exporters of the Collector, from those of the settings.

use super::secrets::Secrets;
use super::yaml::Yaml;
use super::{Signal, duration};
use http::Uri;
use otelier::config::{
    Batching, Compression, DiskBuffer, Endpoint, Headers, Otlp, OtlpFile, OutputStream, Protocol, Retry, Rotation,
    Zipkin,
};
use std::path::Path;
use std::time::Duration;

/// The name of what keeps batches on the disk.
pub(super) const STORAGE: &str = "file_storage/otelier";

/// How one exporter sends.
pub(super) struct Delivery<'a> {
    pub(super) retry: &'a Retry,
    pub(super) disk: Option<&'a DiskBuffer>,
    /// Of spans and log records; metrics come in requests of their own.
    pub(super) batching: Option<&'a Batching>,
    /// How long an export may take whose request has no limit of its own.
    pub(super) export_timeout: Duration,
    /// It is one of several receivers: who chooses among them has to see at once that it fails.
    pub(super) is_member: bool,
}

impl Delivery<'_> {
    /// How long one request may take.
    pub(super) fn timeout(&self, own: Duration) -> Duration {
        if own.is_zero() { self.export_timeout } else { own }
    }
}

/// An exporter, and what had to be left out.
pub(super) struct Exporter {
    /// Such as `otlp_http`.
    pub(super) kind: &'static str,
    pub(super) settings: Vec<(String, Yaml)>,
    /// The receiver, to see whether it is the Collector itself.
    pub(super) receiver: Option<(String, u16)>,
    pub(super) notes: Vec<String>,
}

/// An exporter by OTLP; `name` is what the secrets are of.
///
/// # Errors
///
/// Why a Collector cannot send there.
pub(super) fn otlp(
    otlp: &Otlp,
    signal: Signal,
    name: &str,
    delivery: &Delivery<'_>,
    secrets: &mut Secrets,
) -> Result<Exporter, String> {
    let place = Place::of(otlp, signal)?;
    let mut settings = Vec::new();
    let mut notes = Vec::new();
    let key = match place.is_whole {
        true => format!("{}_endpoint", signal.name()),
        false => "endpoint".to_owned(),
    };
    let url = match place.is_secret {
        true => secrets.endpoint(name, &place.url),
        false => Yaml::text(place.url.as_str()),
    };
    settings.push((key, url));
    let is_grpc = otlp.protocol == Protocol::Grpc;
    if otlp.protocol == Protocol::HttpJson {
        settings.push(("encoding".to_owned(), Yaml::text("json")));
    }
    let compression = match otlp.compression {
        Compression::Gzip => "gzip",
        Compression::Zstd => "zstd",
        _ => "none",
    };
    settings.push(("compression".to_owned(), Yaml::text(compression)));
    settings.push(("timeout".to_owned(), Yaml::text(duration(delivery.timeout(otlp.timeout)))));
    let headers = headers(&otlp.headers, name, secrets);
    if !headers.is_empty() {
        settings.push(("headers".to_owned(), Yaml::Map(headers)));
    }
    let mut tls = Vec::new();
    if is_grpc && place.is_plain {
        tls.push(("insecure", Yaml::Bool(true)));
    }
    for (key, file) in
        [("ca_file", &otlp.tls.ca_file), ("cert_file", &otlp.tls.cert_file), ("key_file", &otlp.tls.key_file)]
    {
        let Some(file) = file else { continue };
        tls.push((key, path(file, &mut notes)));
    }
    if !tls.is_empty() {
        settings.push(("tls".to_owned(), Yaml::map(tls)));
    }
    settings.extend(sending(delivery, &mut notes));
    let usual = Otlp::default();
    if (otlp.max_request_size, otlp.max_response_size) != (usual.max_request_size, usual.max_response_size) {
        notes.push(
            "`max_request_size` and `max_response_size`: exporters of the Collector have no such limits".to_owned(),
        );
    }
    if is_grpc && place.has_path {
        notes.push("the path of its URL: gRPC has none in a Collector".to_owned());
    }
    let kind = if is_grpc { "otlp_grpc" } else { "otlp_http" };
    Ok(Exporter { kind, settings, receiver: place.receiver, notes })
}

/// The exporter to a receiver of the same Collector, which leads to a failover.
pub(super) fn hop(port: u16, timeout: Duration, delivery: &Delivery<'_>) -> Yaml {
    let mut settings = vec![
        ("endpoint".to_owned(), Yaml::text(format!("localhost:{port}"))),
        ("compression".to_owned(), Yaml::text("none")),
        ("timeout".to_owned(), Yaml::text(duration(timeout))),
        ("tls".to_owned(), Yaml::map([("insecure", Yaml::Bool(true))])),
    ];
    // What it cannot say was said of the receivers.
    settings.extend(sending(delivery, &mut Vec::new()));
    Yaml::Map(settings)
}

/// An exporter of spans as Zipkin's JSON.
pub(super) fn zipkin(zipkin: &Zipkin, name: &str, delivery: &Delivery<'_>, secrets: &mut Secrets) -> Exporter {
    let mut notes = Vec::new();
    let url = match is_secret(&zipkin.endpoint) {
        true => secrets.endpoint(name, &zipkin.endpoint),
        false => Yaml::text(zipkin.endpoint.as_str()),
    };
    let mut settings = vec![
        ("endpoint".to_owned(), url),
        ("format".to_owned(), Yaml::text("json")),
        ("timeout".to_owned(), Yaml::text(duration(delivery.timeout(zipkin.timeout)))),
    ];
    settings.extend(sending(delivery, &mut notes));
    Exporter { kind: "zipkin", settings, receiver: None, notes }
}

/// An exporter of lines of JSON; nothing for standard output, which is the program's.
pub(super) fn file(file: &OtlpFile) -> Option<Exporter> {
    let OutputStream::File(target) = &file.output else { return None };
    let mut notes = Vec::new();
    let mut settings = vec![("path".to_owned(), path(target, &mut notes)), ("format".to_owned(), Yaml::text("json"))];
    match &file.rotation {
        // Without it the file would begin anew with the Collector; the two exclude each other.
        None => settings.push(("append".to_owned(), Yaml::Bool(true))),
        Some(rotation) => settings.push(("rotation".to_owned(), rotated(rotation, &mut notes))),
    }
    Some(Exporter { kind: "file", settings, receiver: None, notes })
}

fn rotated(rotation: &Rotation, notes: &mut Vec<String>) -> Yaml {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let megabytes = rotation.max_bytes.div_ceil(1 << 20);
    // The one that is written to is not counted there.
    let backups = u64::from(rotation.max_files.saturating_sub(1));
    let mut entries = vec![("max_megabytes", Yaml::Integer(megabytes)), ("max_backups", Yaml::Integer(backups))];
    if let Some(age) = rotation.max_age {
        let days = age.as_secs().div_ceil(DAY.as_secs()).max(1);
        entries.push(("max_days", Yaml::Integer(days)));
        if !age.as_secs().is_multiple_of(DAY.as_secs()) {
            notes.push("`max_age`: a Collector counts whole days, so it is rounded up".to_owned());
        }
    }
    if !rotation.max_bytes.is_multiple_of(1 << 20) {
        notes.push("`max_bytes`: a Collector counts whole MiB, so it is rounded up".to_owned());
    }
    Yaml::map(entries)
}

/// Retries, and the queue.
pub(super) fn sending(delivery: &Delivery<'_>, notes: &mut Vec<String>) -> Vec<(String, Yaml)> {
    let off = || Yaml::map([("enabled", Yaml::Bool(false))]);
    // Behind a failover every failure is.
    if !delivery.retry.also_statuses.is_empty() && !delivery.is_member {
        notes.push("`also_statuses`: a Collector sends again after 429, 502, 503 and 504 alone".to_owned());
    }
    if delivery.is_member {
        return vec![("retry_on_failure".to_owned(), off()), ("sending_queue".to_owned(), off())];
    }
    let retry = delivery.retry;
    // What lies on the disk is given up for its age alone.
    let elapsed = delivery.disk.map_or(retry.max_elapsed, |disk| disk.max_age);
    let retries = match elapsed.is_zero() {
        true => off(),
        false => {
            // A Collector wants the longest pause to be within the whole.
            let longest = retry.max_backoff.min(elapsed);
            Yaml::map([
                ("enabled", Yaml::Bool(true)),
                ("initial_interval", Yaml::text(duration(retry.initial_backoff.min(longest)))),
                ("max_interval", Yaml::text(duration(longest))),
                ("multiplier", Yaml::Integer(2)),
                ("max_elapsed_time", Yaml::text(duration(elapsed))),
            ])
        }
    };
    let room = delivery.disk.map_or(retry.max_pending_bytes as u64, |disk| disk.max_bytes);
    let mut queue = vec![
        ("enabled", Yaml::Bool(true)),
        ("num_consumers", Yaml::Integer(4)),
        ("sizer", Yaml::text("bytes")),
        ("queue_size", Yaml::Integer(room.clamp(1, i64::MAX as u64))),
    ];
    if delivery.disk.is_some() {
        queue.push(("storage", Yaml::text(STORAGE)));
    }
    if let Some(batching) = delivery.batching {
        let size = Yaml::Integer((batching.max_export_batch_size as u64).clamp(1, i64::MAX as u64));
        // Programs have waited already; this is for what several of them send at once.
        let wait = batching.schedule_delay.clamp(Duration::from_millis(10), Duration::from_millis(200));
        let batch = [
            ("sizer", Yaml::text("items")),
            ("flush_timeout", Yaml::text(duration(wait))),
            ("min_size", size.clone()),
            ("max_size", size),
        ];
        queue.push(("batch", Yaml::map(batch)));
    }
    vec![("retry_on_failure".to_owned(), retries), ("sending_queue".to_owned(), Yaml::map(queue))]
}

/// Names of headers, with a variable for each value.
fn headers(headers: &Headers, exporter: &str, secrets: &mut Secrets) -> Vec<(String, Yaml)> {
    let listed = headers.text.split(',').filter_map(|pair| pair.split_once('='));
    let listed = listed.map(|(name, value)| (name.trim(), value.trim()));
    let pairs = headers.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut all: Vec<(String, Yaml)> = Vec::new();
    // A name that is given both ways has the value of the pair.
    for (name, value) in pairs.chain(listed) {
        let name = name.to_ascii_lowercase();
        if !name.is_empty() && !all.iter().any(|(known, _)| *known == name) {
            let value = secrets.header(exporter, &name, value);
            all.push((name, value));
        }
    }
    all
}

fn path(file: &Path, notes: &mut Vec<String>) -> Yaml {
    if file.is_relative() {
        notes.push(format!("`{}` is relative to where the Collector runs", file.display()));
    }
    Yaml::text(file.to_string_lossy())
}

/// Where a receiver is, as a Collector wants to have it.
struct Place {
    url: String,
    /// Nothing is appended to it.
    is_whole: bool,
    is_plain: bool,
    is_secret: bool,
    has_path: bool,
    receiver: Option<(String, u16)>,
}

impl Place {
    fn of(otlp: &Otlp, signal: Signal) -> Result<Self, String> {
        let is_grpc = otlp.protocol == Protocol::Grpc;
        let port: u16 = if is_grpc { 4317 } else { 4318 };
        let (given, is_exact) = match &otlp.endpoint {
            None => (format!("http://localhost:{port}"), false),
            Some(Endpoint::Host(host)) => (at_host(host, port), false),
            Some(Endpoint::Base(url)) => (url.clone(), false),
            Some(Endpoint::Exact(url)) => (url.clone(), true),
            Some(_) => return Err("this command does not know such endpoints".to_owned()),
        };
        if let Some(socket) = given.strip_prefix("unix:") {
            let socket = socket.strip_prefix("//").unwrap_or(socket);
            if !is_grpc {
                return Err("a Collector reaches Unix sockets by gRPC alone, and these settings say HTTP".to_owned());
            }
            let url = format!("unix://{socket}");
            return Ok(Self {
                url,
                is_whole: false,
                is_plain: true,
                is_secret: false,
                has_path: false,
                receiver: None,
            });
        }
        let scheme = if otlp.tls.insecure { "http" } else { "https" };
        let whole = if is_grpc && !given.contains("://") { format!("{scheme}://{given}") } else { given };
        let unusable = || "its endpoint is no URL of a receiver".to_owned();
        let uri: Uri = whole.parse().map_err(|_| unusable())?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(unusable)?;
        let is_plain = match uri.scheme_str() {
            Some("http") => true,
            Some("https") => false,
            _ => return Err(unusable()),
        };
        let port = uri.port_u16().unwrap_or(if is_plain { 80 } else { 443 });
        let receiver = Some((host.to_owned(), port));
        let has_path = uri.path().len() > 1;
        let is_secret = is_secret(&whole);
        if is_grpc {
            let url = format!("{host}:{port}");
            return Ok(Self { url, is_whole: false, is_plain, is_secret: false, has_path, receiver });
        }
        let path = format!("/v1/{}", signal.name());
        // What only leads to the usual path is said as a base.
        let base = whole.strip_suffix(&path).filter(|_| is_exact);
        let (url, is_whole) = match (base, is_exact) {
            (Some(base), _) => (base.to_owned(), false),
            (None, true) => (whole, true),
            // The path goes before the query, which a Collector would not do.
            (None, false) if is_secret => (with_path(&whole, &path), true),
            (None, false) => (whole.trim_end_matches('/').to_owned(), false),
        };
        Ok(Self { url, is_whole, is_plain, is_secret, has_path, receiver })
    }
}

/// A base with a query, and the path of the signal before that.
fn with_path(base: &str, path: &str) -> String {
    match base.split_once('?') {
        Some((base, query)) => format!("{}{path}?{query}", base.trim_end_matches('/')),
        None => format!("{}{path}", base.trim_end_matches('/')),
    }
}

/// A user and a password, or a query, in which some receivers have their keys.
fn is_secret(url: &str) -> bool {
    url.contains(['@', '?'])
}

fn at_host(host: &str, port: u16) -> String {
    if host.parse::<std::net::Ipv6Addr>().is_ok() {
        return format!("http://[{host}]:{port}");
    }
    let has_port = host.rsplit(']').next().is_some_and(|rest| rest.contains(':'));
    if has_port { format!("http://{host}") } else { format!("http://{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn place(otlp: &Otlp) -> (String, bool, bool) {
        let place = Place::of(otlp, Signal::Traces).unwrap();
        (place.url, place.is_whole, place.is_plain)
    }

    #[test]
    fn endpoints_are_those_the_program_would_reach() {
        let grpc = |otlp: Otlp| otlp.with_protocol(Protocol::Grpc);
        for (otlp, url, is_whole, is_plain) in [
            (Otlp::default(), "http://localhost:4318", false, true),
            (Otlp::to("https://a/base/"), "https://a/base", false, false),
            (Otlp::to_exactly("https://a:1/v1/traces"), "https://a:1", false, false),
            (Otlp::to_exactly("https://a:1/custom"), "https://a:1/custom", true, false),
            (Otlp::to("https://a/base?key=x"), "https://a/base/v1/traces?key=x", true, false),
            (Otlp::collector("otel.internal"), "http://otel.internal:4318", false, true),
            (Otlp::collector("::1"), "http://[::1]:4318", false, true),
            (grpc(Otlp::default()), "localhost:4317", false, true),
            (grpc(Otlp::to("https://a")), "a:443", false, false),
            (grpc(Otlp::to("http://[::1]:9/x")), "[::1]:9", false, true),
            (grpc(Otlp::to("a:9")), "a:9", false, false),
            (grpc(Otlp::to("a:9")).with_tls(otelier::config::Tls::default().with_insecure(true)), "a:9", false, true),
            (grpc(Otlp::to("unix:/run/otel.sock")), "unix:///run/otel.sock", false, true),
        ] {
            assert_eq!(place(&otlp), (url.to_owned(), is_whole, is_plain), "{otlp:?}");
        }
        for wrong in [Otlp::to("unix:///run/otel.sock"), Otlp::to("ftp://a"), Otlp::to("nowhere"), Otlp::to("http://")]
        {
            assert!(Place::of(&wrong, Signal::Traces).is_err(), "{wrong:?}");
        }
    }
}
