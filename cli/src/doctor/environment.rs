//! Mistakes in the environment that no single variable's check can see.

use super::report::Check;
use super::target::Target;
use otelier::config::{Detector, Node, Origin, Protocol, Settings};
use otelier_spec::variables::{self, Status};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const NAME: &str = "environment";

/// What is looked at: the variables, and what else there is to know of this machine.
pub(super) struct Surroundings {
    variables: BTreeMap<String, String>,
    /// How it is known that this is a container.
    container: Option<&'static str>,
    /// The file of settings, if there is one.
    file: Option<Used>,
}

/// A file of settings, and the variables that have effect beside it.
struct Used {
    file: String,
    variables: BTreeSet<String>,
}

impl Used {
    fn of(settings: &Settings) -> Option<Self> {
        let mut variables = BTreeSet::new();
        put_in(&settings.tree, &mut variables);
        if settings.telemetry.resource.detectors.contains(&Detector::Service) {
            variables.insert("OTEL_SERVICE_NAME".to_owned());
        }
        Some(Self { file: settings.file.clone()?, variables })
    }
}

/// The variables that were put into a file.
fn put_in(node: &Node, variables: &mut BTreeSet<String>) {
    if let Origin::File(span) = &node.origin {
        variables.extend(span.variables.iter().cloned());
    }
    node.entries().iter().for_each(|entry| put_in(&entry.node, variables));
    node.items().iter().for_each(|item| put_in(item, variables));
}

/// The prefixes of variables of OpenTelemetry for other languages, and of its operator.
const OTHERS: [&str; 12] = [
    "OTEL_CLI_",
    "OTEL_COLLECTOR_",
    "OTEL_CPP_",
    "OTEL_DOTNET_",
    "OTEL_GO_",
    "OTEL_INSTRUMENTATION_",
    "OTEL_JAVA",
    "OTEL_NODE_",
    "OTEL_OPERATOR_",
    "OTEL_PHP_",
    "OTEL_PYTHON_",
    "OTEL_RUBY_",
];

impl Surroundings {
    pub(super) fn of_the_process(settings: Option<&Settings>) -> Self {
        let text = |value: std::ffi::OsString| value.to_string_lossy().into_owned();
        let variables: BTreeMap<String, String> = std::env::vars_os()
            .map(|(name, value)| (text(name), text(value)))
            .filter(|(_, value)| !value.trim().is_empty())
            .collect();
        Self { container: container(), file: settings.and_then(Used::of), variables }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|value| value.trim())
    }

    /// Every mistake, or one line if there is none. What may be in the way of a connection is told of targets that are
    /// `out_of_reach` only.
    pub(super) fn checks(&self, targets: &[&Target], out_of_reach: &[&Target]) -> Vec<Check> {
        let mut checks = Vec::new();
        checks.extend(self.file());
        checks.extend(self.names());
        checks.extend(self.quoted());
        checks.extend(self.signal_paths());
        for target in targets {
            checks.extend(port(target));
        }
        checks.extend(self.localhost(out_of_reach));
        checks.extend(self.proxies(out_of_reach));
        if checks.is_empty() {
            let found = match self.variables.keys().filter(|name| is_ours(name)).count() {
                1 => "1 variable of OpenTelemetry is set, and nothing is wrong with it".to_owned(),
                count => format!("{count} variables of OpenTelemetry are set, and nothing is wrong with them"),
            };
            checks.push(Check::ok(NAME, found));
        }
        checks
    }

    fn file(&self) -> Option<Check> {
        let Used { file, variables } = self.file.as_ref()?;
        let is_ignored = |name: &&str| {
            is_ours(name) && !is_of_others(name) && !name.ends_with("_CONFIG_FILE") && !variables.contains(*name)
        };
        let ignored: Vec<&str> = self.variables.keys().map(String::as_str).filter(is_ignored).collect();
        if ignored.is_empty() {
            return None;
        }
        let found = format!("the settings are those of `{file}`, so these are ignored: {}", ignored.join(", "));
        let why = "With a file, variables count only where the file names them.";
        let help = format!("Unset them, or put them into `{file}` as `${{{}}}`.", ignored[0]);
        Some(Check::warn(NAME, found, why).help(help).with("ignored", ignored))
    }

    /// Misspelt, old and strange names.
    fn names(&self) -> Vec<Check> {
        let mut checks = Vec::new();
        let mut strange = Vec::new();
        for name in self.variables.keys().filter(|name| is_ours(name)) {
            match (variables::find(name).map(|variable| variable.status), variables::meant(name)) {
                (Some(Status::Old(instead)), _) => {
                    let found = format!("`{name}` is the old name of `{instead}`");
                    let why = "Nobody reads the old name any more, or will not for long.";
                    let check = Check::warn(NAME, found, why).help(format!("Set `{instead}` instead."));
                    checks.push(check.with("variable", name.as_str()).with("instead", instead));
                }
                // A list of attributes leaves others where they are.
                (Some(Status::Other(Some("OTEL_RESOURCE_ATTRIBUTES"))), _) => {}
                (Some(Status::Other(Some(ours))), _) if self.file.is_none() && self.get(ours).is_some() => {
                    let found = format!("`{name}` and `{ours}` are both set");
                    let why = format!("Where both say something, `{ours}` counts.");
                    let check = Check::warn(NAME, found, why).help(format!("Unset `{name}`."));
                    checks.push(check.with("variable", name.as_str()).with("instead", ours));
                }
                (None, Some(meant)) => {
                    let found = format!("`{name}` is not known; did you mean `{meant}`?");
                    let why = "A variable that nobody knows has no effect.";
                    let check = Check::warn(NAME, found, why).help(format!("Set `{meant}` instead, or unset it."));
                    checks.push(check.with("variable", name.as_str()).with("instead", meant));
                }
                (None, None) if !is_of_others(name) => strange.push(name.as_str()),
                _ => {}
            }
        }
        if !strange.is_empty() {
            let found = format!("not known to the specification or otelier: {}", strange.join(", "));
            let why = "A variable that nobody knows has no effect.";
            checks.push(
                Check::warn(NAME, found, why)
                    .help("Unset them unless another program reads them.")
                    .with("variables", strange),
            );
        }
        checks
    }

    /// `docker run --env-file` and systemd keep quotes that a shell would take away.
    fn quoted(&self) -> Vec<Check> {
        let is_quoted = |value: &str| {
            ['"', '\''].iter().any(|quote| value.len() > 1 && value.starts_with(*quote) && value.ends_with(*quote))
        };
        let quoted = self.variables.iter().filter(|(name, value)| is_ours(name) && is_quoted(value.trim()));
        let why = "The quotes are part of the value, as in files of variables that no shell reads.";
        quoted
            .map(|(name, _)| {
                let check = Check::warn(NAME, format!("the value of `{name}` has quotes around it"), why);
                check.help("Write the value without quotes.").with("variable", name.as_str())
            })
            .collect()
    }

    fn signal_paths(&self) -> Option<Check> {
        let name = "OTEL_EXPORTER_OTLP_ENDPOINT";
        let endpoint = self.get(name)?;
        let path = endpoint.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
        let signal = ["/v1/traces", "/v1/metrics", "/v1/logs"].into_iter().find(|signal| path.ends_with(signal))?;
        let found = format!("`{name}` ends with `{signal}`");
        let why =
            format!("It is the base for all signals: HTTP exporters append to it, and send to `{signal}{signal}`.");
        let signal_name = signal.trim_start_matches("/v1/").to_uppercase();
        let help = format!("Take `{signal}` away, or set `OTEL_EXPORTER_OTLP_{signal_name}_ENDPOINT`.");
        Some(Check::warn(NAME, found, why).help(help).with("variable", name))
    }

    fn localhost(&self, targets: &[&Target]) -> Option<Check> {
        let because = self.container?;
        let target = targets.iter().find(|target| is_local(target.host()))?;
        let found = format!("`{}` is this container, as {because} shows", target.address());
        let why =
            "In a container `localhost` is the container itself; a receiver on its host or beside it is not there.";
        let check = Check::warn(NAME, found, why);
        Some(check.help("Name the receiver's service or host, unless it runs in this container or in the same pod."))
    }

    fn proxies(&self, targets: &[&Target]) -> Option<Check> {
        let target = targets.iter().find(|target| !is_local(target.host()))?;
        let names = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
        let name = names.into_iter().find(|name| self.get(name).is_some())?;
        // Not its value: proxies have passwords.
        let found = format!("`{name}` is set; exporters do not use proxies");
        let why = format!(
            "What goes to `{}` goes there directly; if only the proxy may leave this network, it fails.",
            target.address()
        );
        Some(
            Check::warn(NAME, found, why)
                .help("Send to a collector inside of this network, or let this machine out directly."),
        )
    }
}

/// Whether this is a name that OpenTelemetry or otelier would have.
fn is_ours(name: &str) -> bool {
    (name.starts_with("OTEL_") || name.starts_with("OTELIER_"))
        // What Cargo's and the shell's users call their own things is theirs.
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// Whether other implementations read it, and nobody misses it here.
fn is_of_others(name: &str) -> bool {
    OTHERS.iter().any(|other| name.starts_with(other))
}

fn is_local(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

fn port(target: &Target) -> Option<Check> {
    let (wrong, is, right) = match (target.protocol, target.port()) {
        (Protocol::Grpc, 4318) => (4318, "HTTP", 4317),
        (Protocol::Grpc, _) => return None,
        (_, 4317) => (4317, "gRPC", 4318),
        _ => return None,
    };
    let is_configured = target.protocol.as_str();
    let found = format!("{} go to port {wrong} by `{is_configured}`", target.signal.as_str());
    let why = format!("Receivers take {is} at port {wrong}, and answer anything else with an error or not at all.");
    let help = format!("Send to port {right}, or set `OTEL_EXPORTER_OTLP_PROTOCOL` to the other protocol.");
    Some(Check::warn(NAME, found, why).help(help))
}

fn container() -> Option<&'static str> {
    let files = ["/.dockerenv", "/run/.containerenv"];
    if let Some(file) = files.into_iter().find(|file| Path::new(file).exists()) {
        return Some(file);
    }
    if std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() {
        return Some("KUBERNETES_SERVICE_HOST");
    }
    let groups = std::fs::read_to_string("/proc/1/cgroup").unwrap_or_default();
    ["docker", "kubepods", "containerd", "libpod"].iter().any(|name| groups.contains(name)).then_some("/proc/1/cgroup")
}

#[cfg(test)]
mod tests {
    use super::*;
    use otelier::config::{Document, Otlp, Telemetry, Variables};

    fn found<const N: usize>(otlp: Otlp, container: bool, variables: [(&str, &str); N]) -> Vec<String> {
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let container = container.then_some("/.dockerenv");
        let surroundings = Surroundings { variables, container, file: None };
        let targets = super::super::settings::targets(&Telemetry::default().with_otlp(otlp));
        let targets: Vec<Target> = targets.into_iter().map(|target| target.ok().unwrap()).collect();
        let targets: Vec<&Target> = targets.iter().collect();
        let checks = surroundings.checks(&targets, &targets);
        checks.into_iter().map(|check| format!("{}: {}", check.status.as_str(), check.found.join("\n"))).collect()
    }

    #[track_caller]
    fn assert_one(found: &[String], expected: &str) {
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(expected), "{found:?}");
    }

    #[test]
    fn a_good_environment_is_one_line() {
        let good = [
            ("OTEL_SERVICE_NAME", "shop"),
            ("OTEL_PYTHON_LOG_LEVEL", "debug"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318"),
            ("PATH", "/bin"),
            ("HTTP_PROXY", "http://proxy"),
        ];
        assert_one(&found(Otlp::default(), false, good), "ok: 3 variables");
    }

    #[test]
    fn each_mistake_is_named() {
        let to = |url: &str| Otlp::to(url);
        let none = Otlp::default;
        for (otlp, variable, expected) in [
            (none(), ("OTEL_TRACE_SAMPLER", "always_on"), "did you mean `OTEL_TRACES_SAMPLER`?"),
            (none(), ("OTELIER_SPAN_TYPE", "true"), "did you mean `OTELIER_SPAN_TYPES`?"),
            (none(), ("OTEL_EXPERIMENTAL_CONFIG_FILE", "a"), "is the old name of `OTEL_CONFIG_FILE`"),
            (none(), ("OTEL_MY_THING", "1"), "not known to the specification or otelier: OTEL_MY_THING"),
            (none(), ("OTEL_SERVICE_NAME", "\"shop\""), "the value of `OTEL_SERVICE_NAME` has quotes"),
            (none(), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a/v1/traces/"), "ends with `/v1/traces`"),
            (to("http://localhost:4317"), ("A", ""), "spans go to port 4317 by `http/protobuf`"),
            (to("http://localhost:4318").with_protocol(Protocol::Grpc), ("A", ""), "go to port 4318 by `grpc`"),
            (to("http://collector:4318"), ("https_proxy", "http://u:secret@p"), "`https_proxy` is set"),
        ] {
            let found = found(otlp, false, [variable]);
            assert_one(&found, expected);
            assert!(found[0].starts_with("warn") && !found[0].contains("secret"), "{found:?}");
        }
        assert_one(&found(none(), true, []), "`localhost:4318` is this container");
        assert_one(&found(to("http://collector:4318"), true, []), "ok: 0 variables");
    }

    #[test]
    fn with_a_file_only_variables_that_it_names_count() {
        let variables = [
            ("OTEL_CONFIG_FILE", "otel.yaml"),
            ("OTEL_SERVICE_NAME", "shop"),
            ("OTEL_PYTHON_LOG_LEVEL", "debug"),
            ("OTEL_TRACES_SAMPLER", "always_on"),
            ("OTEL_BSP_SCHEDULE_DELAY", "1"),
        ];
        let found = |text: &str| {
            let document = Document::parse("otel.yaml", text, &Variables::of(variables)).unwrap();
            let file = Used::of(&Settings::from_document(document).unwrap());
            let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
            let checks = Surroundings { variables, container: None, file }.checks(&[], &[]);
            checks.into_iter().map(|check| check.found.join("\n")).collect::<Vec<_>>()
        };
        let name = "  attributes:\n    - name: service.name\n      value: ${OTEL_SERVICE_NAME:-x}\n";
        // What stands in a comment names nothing.
        let text = format!("file_format: \"1.1\" # ${{OTEL_TRACES_SAMPLER}}\nresource:\n{name}");
        let expected = "those of `otel.yaml`, so these are ignored: OTEL_BSP_SCHEDULE_DELAY, OTEL_TRACES_SAMPLER";
        assert_one(&found(&text), expected);
        let detectors = "  detection/development:\n    detectors:\n      - service:\n";
        let text = format!("file_format: \"1.1\"\nresource:\n{detectors}");
        assert_one(&found(&text), expected);
    }

    #[test]
    fn of_two_names_for_one_setting_it_is_told_which_counts() {
        let both = [("OTEL_BACKEND", "console"), ("OTEL_TRACES_EXPORTER", "otlp")];
        assert_one(&found(Otlp::default(), false, both), "`OTEL_BACKEND` and `OTEL_TRACES_EXPORTER` are both set");
        assert_one(&found(Otlp::default(), false, [both[0]]), "ok: 1 variable");
    }
}
