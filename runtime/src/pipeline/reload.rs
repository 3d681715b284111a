//! Settings that change while the pipeline runs.

use super::remote;
use super::shared::{Shared, State};
use crate::ConfigError;
use crate::config::{TailSampling, Telemetry};
use crate::diagnostics::{self, LogLevel};
use crate::record;
use std::fmt;
use std::sync::Arc;

/// Why settings were not changed. The old ones are in force.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReloadError {
    /// The pipeline has ended.
    NotRunning,
    /// Settings that cannot be used, all of them.
    Config(ConfigError),
    /// Settings that differ from those in force and need a new pipeline: a sentence for each.
    CannotChange(Vec<String>),
}

impl fmt::Display for ReloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRunning => f.write_str("the pipeline has ended, so its settings cannot change"),
            Self::Config(error) => error.fmt(f),
            Self::CannotChange(sentences) => f.write_str(&sentences.join("\n")),
        }
    }
}

impl std::error::Error for ReloadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Config(error) => Some(error),
            Self::NotRunning | Self::CannotChange(_) => None,
        }
    }
}

/// Puts into force what may change at any time, at the start. Returns what has decided before.
#[must_use = "a sampler of the program's own may end with it"]
pub(super) fn apply(telemetry: &Telemetry) -> impl Sized + use<> {
    let replaced = record::set_sampler(telemetry.sampler.node());
    apply_rest(telemetry);
    replaced
}

/// All of it but the sampler.
fn apply_rest(telemetry: &Telemetry) {
    record::set_tail(telemetry.tail_sampling.as_ref().map(TailSampling::settings));
    record::set_limits(&telemetry.limits);
    record::set_metrics(telemetry.span_metrics);
    diagnostics::set_log_level(telemetry.log_level);
}

/// See [`Guard::reload`](crate::Guard::reload).
pub(super) fn reload(shared: &Arc<Shared>, new: &Telemetry) -> Result<(), ReloadError> {
    let result = try_reload(shared, new);
    match &result {
        Ok(changed) if changed.is_empty() => {
            diagnostics::tell(LogLevel::Debug, "Pipeline.Reload.Unchanged", || {
                "the settings are those in force".into()
            });
        }
        Ok(changed) => diagnostics::tell(LogLevel::Info, "Pipeline.Reload.Done", || {
            format!("new settings are in force: {}", changed.join(", "))
        }),
        Err(_) => {}
    }
    if shared.is_here() {
        shared.note_reload(result.as_ref().err().map(ToString::to_string));
    }
    result.map(drop)
}

fn try_reload(shared: &Arc<Shared>, new: &Telemetry) -> Result<Vec<&'static str>, ReloadError> {
    if !shared.is_here() {
        return Err(ReloadError::NotRunning);
    }
    let mut problems = ConfigError::default();
    new.check(&mut problems);
    problems.into_result().map_err(ReloadError::Config)?;
    // Held until everything is applied, so that of two reloads at a time one wins as a whole.
    let mut old = shared.settings();
    // Looked at under the lock: the end of the pipeline waits for it before another can start.
    let state = shared.state();
    if !matches!(state, State::Running | State::Disabled) {
        return Err(ReloadError::NotRunning);
    }
    let refused = cannot_change(&old, new);
    if !refused.is_empty() {
        return Err(ReloadError::CannotChange(refused));
    }
    let changed = changes(&old, new);
    let settings = std::mem::replace(&mut *old, new.clone());
    let sampler = (state == State::Running).then(|| remote::install(shared, &new.sampler));
    if sampler.is_some() {
        apply_rest(new);
        record::set_panic_messages(new.panic_messages);
    } else {
        diagnostics::set_log_level(new.log_level);
    }
    new.correlation.set_of_process();
    // A sampler of the program's own that ends may set another one.
    drop(old);
    drop((settings, sampler));
    Ok(changed)
}

/// The names of what differs and may.
fn changes(old: &Telemetry, new: &Telemetry) -> Vec<&'static str> {
    let differs = [
        ("sampler", old.sampler != new.sampler),
        ("tail_sampling", old.tail_sampling != new.tail_sampling),
        ("limits", old.limits != new.limits),
        ("span_metrics", old.span_metrics != new.span_metrics),
        ("panic_messages", old.panic_messages != new.panic_messages),
        ("correlation", old.correlation != new.correlation),
        ("log_level", old.log_level != new.log_level),
        ("shutdown_timeout", old.shutdown_timeout != new.shutdown_timeout),
    ];
    differs.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name).collect()
}

/// A sentence for everything that differs and must not.
fn cannot_change(old: &Telemetry, new: &Telemetry) -> Vec<String> {
    // Named one by one, so that who adds a setting decides whether it can change.
    let Telemetry {
        // These can; see `changes`.
        sampler: _,
        tail_sampling: _,
        limits: _,
        span_metrics: _,
        panic_messages: _,
        correlation: _,
        log_level: _,
        shutdown_timeout: _,
        // Of the reading, not of the pipeline.
        warnings: _,
        // Nothing here reads them.
        instrumentation: _,
        disabled,
        service_name,
        resource,
        old_names,
        span_types,
        exception_signal,
        hooks,
        batch,
        exporters,
        log_exporters,
        retry,
        circuit_breaker,
        disk_buffer,
        metrics,
        sdk_metrics,
        propagators,
    } = new;
    const RESOURCE: &str = "exporters were told of the resource when they were made";
    const EXPORTERS: &str = "exporters are made when the pipeline starts";
    const MADE: &str = "spans that are open were begun with it";
    let differs = [
        ("disabled", old.disabled != *disabled, "the pipeline's thread is started with it or not at all"),
        ("service_name", old.service_name != *service_name, RESOURCE),
        ("resource", old.resource != *resource, RESOURCE),
        ("old_names", old.old_names != *old_names, MADE),
        ("span_types", old.span_types != *span_types, MADE),
        ("exception_signal", old.exception_signal != *exception_signal, EXPORTERS),
        ("hooks", old.hooks != *hooks, "OpenTelemetry's globals are set once"),
        ("batch", old.batch != *batch, "the queue is made when the pipeline starts"),
        ("exporters", old.exporters != *exporters, EXPORTERS),
        ("log_exporters", old.log_exporters != *log_exporters, EXPORTERS),
        ("retry", old.retry != *retry, EXPORTERS),
        ("circuit_breaker", old.circuit_breaker != *circuit_breaker, EXPORTERS),
        ("disk_buffer", old.disk_buffer != *disk_buffer, EXPORTERS),
        ("metrics", old.metrics != *metrics, "readers and their exporters are made when the pipeline starts"),
        ("sdk_metrics", old.sdk_metrics != *sdk_metrics, "its instruments are made when the pipeline starts"),
        ("propagators", old.propagators != *propagators, "OpenTelemetry's globals are set once"),
    ];
    let sentence = |name, why| format!("`{name}` cannot change while telemetry runs: {why}; start the process again");
    differs.into_iter().filter(|(_, differs, _)| *differs).map(|(name, _, why)| sentence(name, why)).collect()
}
