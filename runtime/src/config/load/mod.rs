//! From a checked tree of settings to a [`Telemetry`]. What the specification has and this version has not is refused here,
//! each key with its reason.

mod cursor;
mod delivery;
mod logs;
mod metrics;
mod own;
mod presets;
mod processor;
mod resource;
mod rule;
mod sampler;
mod spans;
mod tail;
mod transport;

use super::{Limits, Node, Propagator, Telemetry};
use crate::error::{ConfigError, Problem};
use cursor::Cursor;

/// What is found on the way.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) errors: ConfigError,
    pub(super) warnings: Vec<Problem>,
}

/// The settings in a tree that has been checked against [`CONFIGURATION`](super::keys::CONFIGURATION).
pub(super) fn telemetry(tree: &Node, findings: &mut Findings) -> Telemetry {
    let root = Cursor::root(tree);
    let mut telemetry = Telemetry {
        disabled: root.get("disabled").and_then(|disabled| disabled.bool()).unwrap_or(false),
        limits: limits(&root),
        propagators: propagators(&root, findings),
        ..Telemetry::default()
    };
    resource::read(&root, &mut telemetry, findings);
    spans::read(&root, &mut telemetry, findings);
    own::read(&root, &mut telemetry);
    delivery::read(&root, &mut telemetry);
    logs::read(&root, &mut telemetry, findings);
    metrics::read(&root, &mut telemetry, findings);
    telemetry.instrumentation = root.get("instrumentation/development").map(|cursor| cursor.node().clone());
    telemetry
}

/// General limits, and those of spans, which win.
fn limits(root: &Cursor<'_>) -> Limits {
    let general = root.get("attribute_limits");
    let spans = root.path(&["tracer_provider", "limits"]);
    let mut limits = Limits::default();
    let set = |to: &mut usize, key: &str, general_key: Option<&str>| {
        let own = spans.as_ref().and_then(|spans| spans.get(key));
        let general = || general.as_ref().and_then(|general| general.get(general_key?));
        if let Some(count) = own.or_else(general).and_then(|value| value.size()) {
            *to = count;
        }
    };
    const LENGTH: &str = "attribute_value_length_limit";
    const COUNT: &str = "attribute_count_limit";
    set(&mut limits.attribute_value_length, LENGTH, Some(LENGTH));
    set(&mut limits.attributes, COUNT, Some(COUNT));
    set(&mut limits.events, "event_count_limit", None);
    set(&mut limits.links, "link_count_limit", None);
    set(&mut limits.event_attributes, "event_attribute_count_limit", None);
    set(&mut limits.link_attributes, "link_attribute_count_limit", None);
    // `attribute_value_depth_limit` needs nothing: values here are one deep at most, and 1 is the least it can be.
    limits
}

/// The propagators of both lists, none twice. Without a word, a file has none.
fn propagators(root: &Cursor<'_>, findings: &mut Findings) -> Vec<Propagator> {
    let Some(propagator) = root.get("propagator") else { return Vec::new() };
    let mut all = Vec::new();
    for item in propagator.items("composite") {
        let Some((name, component)) = item.only() else { continue };
        match Propagator::ALL.into_iter().find(|known| known.as_str() == name) {
            Some(known) if !all.contains(&known) => all.push(known),
            Some(_) => {}
            None => component.unknown("propagator", Propagator::ALL.iter().map(|known| known.as_str()), findings),
        }
    }
    if let Some(list) = propagator.get("composite_list") {
        let mut problems = ConfigError::default();
        let listed = Propagator::of_list(&list.name(), list.text().unwrap_or_default(), &mut problems);
        list.absorb(problems, findings);
        all.extend(listed.into_iter().filter(|listed| !all.contains(listed)).collect::<Vec<_>>());
    }
    all
}

#[cfg(all(test, feature = "config-file"))]
mod tests;
