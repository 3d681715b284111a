//! Components of the Collector, and which of them a pipeline leads through.

use super::balance;
use super::exporters::{self, Delivery, Exporter, STORAGE};
use super::lanes::{self, Lane, Target};
use super::secrets::Secrets;
use super::yaml::{Yaml, printable};
use super::{FIRST_RELEASE, Options, Role, Signal, duration};
use otelier::Telemetry;
use otelier::config::{Otlp, Protocol, Settings, Sync};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// What the exporters are called that lead to a failover, behind the signal.
const TO_FAILOVER: &str = "_to_failover";

/// Everything that the file says.
pub(super) struct Plan {
    pub(super) extensions: Vec<(String, Yaml)>,
    pub(super) processors: Vec<(String, Yaml)>,
    pub(super) exporters: Vec<(String, Yaml)>,
    pub(super) connectors: Vec<(String, Yaml)>,
    pub(super) pipelines: Vec<(String, Yaml)>,
    pub(super) secrets: Secrets,
    /// What is not here, and why.
    pub(super) notes: Vec<String>,
    /// Components that the smaller distribution does not have.
    pub(super) contrib: BTreeSet<&'static str>,
    /// Signals that programs send here.
    pub(super) signals: Vec<Signal>,
    /// What programs print themselves.
    pub(super) consoles: Vec<Signal>,
    /// Whether programs keep every trace that begins in them from now on.
    pub(super) moves_head: bool,
    /// Whether programs decide on no finished traces from now on.
    pub(super) moves_tail: bool,
    /// The first release of the Collector that can read the file.
    pub(super) first_release: &'static str,
    /// Whether every receiver is reached by gRPC, so that programs can do so.
    pub(super) uses_grpc: bool,
    /// Where the Collector would send to itself.
    loops: Vec<String>,
    /// Receivers of this machine alone, which lead to a failover, with their ports.
    pub(super) hops: Vec<(String, u16)>,
}

impl Plan {
    /// What these settings become.
    ///
    /// # Errors
    ///
    /// The settings send nothing that a Collector could, or to the Collector itself.
    pub(super) fn of(settings: &Settings, options: &Options) -> Result<Self, String> {
        let telemetry = &settings.telemetry;
        let mut plan = Self {
            extensions: Vec::new(),
            processors: Vec::new(),
            exporters: Vec::new(),
            connectors: Vec::new(),
            pipelines: Vec::new(),
            secrets: Secrets::default(),
            notes: Vec::new(),
            contrib: BTreeSet::new(),
            signals: Vec::new(),
            consoles: Vec::new(),
            moves_head: false,
            moves_tail: false,
            first_release: FIRST_RELEASE,
            uses_grpc: false,
            loops: Vec::new(),
            hops: Vec::new(),
        };
        let memory = [
            ("check_interval", Yaml::text("1s")),
            ("limit_mib", Yaml::Integer(options.memory)),
            ("spike_limit_mib", Yaml::Integer(options.memory / 5)),
        ];
        plan.processors.push(("memory_limiter".to_owned(), Yaml::map(memory)));
        plan.health(options);
        plan.storage(telemetry, options)?;
        let sampling = plan.sampling(telemetry, options)?;
        for signal in Signal::ALL.into_iter().filter(|signal| options.role.takes(*signal)) {
            let lanes = lanes::of(settings, signal);
            let mut ends = Vec::new();
            match &options.role {
                Role::Front(balancing) if signal == Signal::Traces => {
                    ends.extend(plan.balanced(telemetry, options, balancing, &lanes)?);
                }
                _ => {
                    for lane in &lanes {
                        ends.extend(plan.lane(telemetry, options, signal, lane)?);
                    }
                }
            }
            if ends.is_empty() {
                continue;
            }
            let sampling = if signal == Signal::Traces { sampling.clone() } else { Vec::new() };
            let processors = std::iter::once("memory_limiter".to_owned()).chain(sampling);
            let pipeline = [
                ("receivers", Yaml::texts(["otlp"])),
                ("processors", Yaml::texts(processors)),
                ("exporters", Yaml::texts(ends)),
            ];
            plan.signals.push(signal);
            // Before those that a failover leads to.
            let at = plan.pipelines.iter().position(|(name, _)| name.starts_with(signal.name()));
            let at = at.unwrap_or(plan.pipelines.len());
            plan.pipelines.insert(at, (signal.name().to_owned(), Yaml::map(pipeline)));
        }
        plan.finish(telemetry, options)
    }

    fn finish(mut self, telemetry: &Telemetry, options: &Options) -> Result<Self, String> {
        if let [first, ..] = &*self.loops {
            return Err(format!(
                "{first}, where this Collector will listen, so it would send to itself\n  help: say where the Collector \
                 sends, or let it listen elsewhere: `--grpc-port`, `--http-port`"
            ));
        }
        if self.signals.is_empty() {
            let notes: String = self.notes.iter().map(|note| format!("\n  note: {note}")).collect();
            return Err(format!("these settings send nothing that a Collector could send{notes}"));
        }
        if !self.signals.contains(&Signal::Traces) {
            // Nothing leads through them.
            self.processors.retain(|(name, _)| name == "memory_limiter");
            (self.moves_head, self.moves_tail) = (false, false);
        }
        let otlp =
            |kind: &str| self.exporters.iter().any(|(name, _)| name.starts_with(kind) && !name.contains(TO_FAILOVER));
        self.uses_grpc = otlp("otlp_grpc/") && !otlp("otlp_http/");
        if !matches!(options.role, Role::Sampling(_)) {
            self.asides(telemetry);
        }
        if let [(first, _), ..] = &*self.hops {
            self.notes.push(format!(
                "failover: the connector keeps nothing and sends nothing again, so batches go to it through `{first}` on this \
                 machine: the exporter that leads there keeps them until a receiver has taken them"
            ));
        }
        if !is_loopback(&options.listen) {
            self.notes.push(
                "whoever reaches the host that it listens at can send to it: there is neither TLS nor a password on its \
                 receivers"
                    .to_owned(),
            );
        }
        Ok(self)
    }

    fn health(&mut self, options: &Options) {
        let health = Yaml::map([("endpoint", Yaml::text(format!("localhost:{}", options.role.health_port())))]);
        self.extensions.push(("health_check".to_owned(), health));
    }

    /// Where batches wait on the disk.
    fn storage(&mut self, telemetry: &Telemetry, options: &Options) -> Result<(), String> {
        let Some(disk) = &telemetry.disk_buffer else { return Ok(()) };
        if options.storage.is_empty() || disk.directory == Path::new(&options.storage) {
            return Err(format!(
                "`--storage` is `{}`; expected a directory that is the Collector's own, not that of the programs' disk buffer",
                printable(&options.storage)
            ));
        }
        let directory = || Yaml::text(options.storage.as_str());
        let compaction = [("directory", directory()), ("on_start", Yaml::Bool(true)), ("on_rebound", Yaml::Bool(true))];
        let storage = [
            ("directory", directory()),
            ("create_directory", Yaml::Bool(true)),
            ("fsync", Yaml::Bool(disk.sync != Sync::Never)),
            ("compaction", Yaml::map(compaction)),
        ];
        self.extensions.push((STORAGE.to_owned(), Yaml::map(storage)));
        self.contrib.insert("file_storage");
        if let Sync::Every(_) = disk.sync {
            self.notes.push(
                "`disk_buffer.sync`: a Collector forces every write to the disk or none, so it forces every one"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// One exporter of the settings; the names of what a pipeline then leads to.
    fn lane(
        &mut self,
        telemetry: &Telemetry,
        options: &Options,
        signal: Signal,
        lane: &Lane<'_>,
    ) -> Result<Option<String>, String> {
        let delivery = Delivery {
            retry: &telemetry.retry,
            disk: telemetry.disk_buffer.as_ref(),
            batching: lane.batching,
            export_timeout: lane.export_timeout,
            is_member: false,
        };
        let kind = |otlp: &Otlp| if otlp.protocol == Protocol::Grpc { "otlp_grpc" } else { "otlp_http" };
        match lane.target {
            Target::Otlp(otlp) => {
                let name = self.name(kind(otlp), signal.name());
                let made = exporters::otlp(otlp, signal, &name, &delivery, &mut self.secrets);
                let made = made.map_err(|why| at(lane, &format!("an exporter of {}: {why}", signal.name())))?;
                Ok(Some(self.add(name, made, signal, options, lane)))
            }
            Target::Zipkin(zipkin) => {
                let name = self.name("zipkin", signal.name());
                let made = exporters::zipkin(zipkin, &name, &delivery, &mut self.secrets);
                Ok(Some(self.add(name, made, signal, options, lane)))
            }
            Target::File(file) => match exporters::file(file) {
                Some(made) => {
                    let name = self.name("file", signal.name());
                    Ok(Some(self.add(name, made, signal, options, lane)))
                }
                None => {
                    let note = "standard output for {} stays the program's: a Collector has its own";
                    self.notes.push(note.replace("{}", signal.name()));
                    self.consoles.push(signal);
                    Ok(None)
                }
            },
            Target::Failover(failover) => {
                let number = 1 + self.connectors.iter().filter(|(name, _)| is_of(name, signal)).count();
                let suffix = if number == 1 { String::new() } else { format!("_{number}") };
                let connector = format!("failover/{}{suffix}", signal.name());
                let mut levels = Vec::new();
                for (index, otlp) in failover.exporters.iter().enumerate() {
                    let level = format!("failover{suffix}_{}", index + 1);
                    let name = self.name(kind(otlp), &format!("{}_{level}", signal.name()));
                    let member = Delivery { is_member: true, ..delivery };
                    let made = exporters::otlp(otlp, signal, &name, &member, &mut self.secrets);
                    let made = made.map_err(|why| {
                        at(lane, &format!("receiver {} of a failover for {}: {why}", index + 1, signal.name()))
                    })?;
                    let name = self.add(name, made, signal, options, lane);
                    let pipeline = format!("{}/{level}", signal.name());
                    let leads = [("receivers", Yaml::texts([connector.as_str()])), ("exporters", Yaml::texts([name]))];
                    self.pipelines.push((pipeline.clone(), Yaml::map(leads)));
                    levels.push(Yaml::texts([pipeline]));
                }
                let again = telemetry.circuit_breaker.open_for.max(Duration::from_millis(1));
                let settings = [
                    ("priority_levels", Yaml::List(levels)),
                    ("retry_interval", Yaml::text(duration(again))),
                    // It would take what no receiver takes, and lose it.
                    ("sending_queue", Yaml::map([("enabled", Yaml::Bool(false))])),
                ];
                self.connectors.push((connector.clone(), Yaml::map(settings)));
                self.contrib.insert("failover");
                let (hop, port) = self.hop(number, &suffix, options)?;
                let name = format!("otlp_grpc/{}{TO_FAILOVER}{suffix}", signal.name());
                // Each of the receivers may take its time.
                let timeouts = failover.exporters.iter().map(|otlp| delivery.timeout(otlp.timeout));
                let timeout = timeouts.fold(Duration::ZERO, Duration::saturating_add);
                self.exporters.push((name.clone(), exporters::hop(port, timeout, &delivery)));
                let leads = [("receivers", Yaml::texts([hop])), ("exporters", Yaml::texts([connector]))];
                // Before those of the receivers, in the order in which a batch goes.
                let at = self.pipelines.len() - failover.exporters.len();
                self.pipelines.insert(at, (format!("{}/to_failover{suffix}", signal.name()), Yaml::map(leads)));
                Ok(Some(name))
            }
            Target::Console => {
                self.notes
                    .push(format!("the console for {} stays in the programs: people read it there", signal.name()));
                self.consoles.push(signal);
                Ok(None)
            }
            Target::Unknown => {
                self.notes.push(format!("an exporter of {} is unknown to this command, and left out", signal.name()));
                Ok(None)
            }
        }
    }

    /// The receiver that leads to the failover of this number, which those of several signals share.
    fn hop(&mut self, number: usize, suffix: &str, options: &Options) -> Result<(String, u16), String> {
        let name = format!("otlp/failover{suffix}");
        if let Some(known) = self.hops.iter().find(|(known, _)| *known == name) {
            return Ok(known.clone());
        }
        let port = u16::try_from(number - 1).ok().and_then(|more| options.failover_port.checked_add(more));
        let is_free = |port: &u16| *port != options.grpc_port && Some(*port) != options.http_port;
        let port = port.filter(is_free).ok_or_else(|| {
            format!(
                "failover {number} has no port of its own; expected `--failover-port` from which {number} ports are free"
            )
        })?;
        self.hops.push((name.clone(), port));
        Ok((name, port))
    }

    /// A name that no exporter has.
    fn name(&self, kind: &str, end: &str) -> String {
        let first = format!("{kind}/{end}");
        let others = (2_u32..).map(|number| format!("{kind}/{end}_{number}"));
        let is_free = |name: &String| !self.exporters.iter().any(|(known, _)| known == name);
        std::iter::once(first).chain(others).find(is_free).unwrap_or_default()
    }

    fn add(&mut self, name: String, made: Exporter, signal: Signal, options: &Options, lane: &Lane<'_>) -> String {
        debug_assert!(name.starts_with(made.kind));
        self.notes.extend(made.notes.iter().map(|note| format!("{name}: {note}")));
        if let Some((host, port)) = &made.receiver
            && options.is_own(host, *port)
        {
            self.loops.push(at(lane, &format!("{} go to {host}:{port}", signal.name())));
        }
        if let (Some((host, port)), Role::Sampling(_)) = (&made.receiver, &options.role)
            && is_loopback(host)
        {
            self.notes.push(format!(
                "{name} sends to {host}:{port} on the machine of each Collector of the second tier: it must not be the first tier"
            ));
        }
        self.exporters.push((name.clone(), Yaml::Map(made.settings)));
        name
    }

    /// The exporter that leads traces to the tier that samples; nothing if programs send none that a Collector could send on.
    fn balanced(
        &mut self,
        telemetry: &Telemetry,
        options: &Options,
        balancing: &balance::Balancing,
        lanes: &[Lane<'_>],
    ) -> Result<Option<String>, String> {
        // What programs print stays theirs.
        let is_console = |lane: &&Lane<'_>| match lane.target {
            Target::Console => true,
            Target::File(file) => exporters::file(file).is_none(),
            _ => false,
        };
        let consoles = lanes.iter().filter(is_console).count();
        self.consoles.extend((consoles > 0).then_some(Signal::Traces));
        let Some(first) = lanes.iter().find(|lane| !is_console(lane)) else { return Ok(None) };
        for (host, port) in balancing.hosts() {
            if options.is_own(host, port) {
                self.loops.push(format!("traces go to {host}:{port}"));
            }
        }
        let delivery = Delivery {
            retry: &telemetry.retry,
            disk: telemetry.disk_buffer.as_ref(),
            batching: first.batching,
            export_timeout: first.export_timeout,
            is_member: false,
        };
        let (name, exporter) = balancing.exporter(&delivery, &mut self.notes);
        self.exporters.push((name.to_owned(), exporter));
        self.contrib.insert("load_balancing");
        self.first_release = super::tail::FIRST_RELEASE;
        Ok(Some(name.to_owned()))
    }
}

/// A sentence with where the exporter is said.
fn at(lane: &Lane<'_>, sentence: &str) -> String {
    match lane.origin.as_deref() {
        Some("default") | None => printable(sentence),
        Some(origin) => format!("{}: {}", printable(origin), printable(sentence)),
    }
}

fn is_of(connector: &str, signal: Signal) -> bool {
    connector.strip_prefix("failover/").is_some_and(|rest| rest.starts_with(signal.name()))
}

pub(super) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

pub(super) fn is_any(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_unspecified())
}
