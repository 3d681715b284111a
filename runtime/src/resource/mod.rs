//! Who made the spans: the attributes of the resource.
//!
//! A detector is a function of the process's surroundings: variables, files and what the system says of the process. Files
//! are small, local and read up to a limit, so that the start of a program does not wait for them; what is not there, or
//! not understood, is left out.

mod container;
mod host;
mod kubernetes;
mod process;
mod service;
mod surroundings;
#[cfg(test)]
mod tests;

use crate::config::{Detector, ResourceSettings, ResourceValue, Telemetry};
use crate::record::old_names;
use crate::wire;
use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use surroundings::Surroundings;

/// The resource of a pipeline: service, SDK, process and host, and what the settings add.
pub(crate) fn resource(telemetry: &Telemetry) -> Resource {
    build(telemetry, &Surroundings::of_the_process())
}

fn build(telemetry: &Telemetry, surroundings: &Surroundings) -> Resource {
    let settings = &telemetry.resource;
    let mut attributes: Vec<KeyValue> = vec![
        KeyValue::new("telemetry.sdk.name", "otelier"),
        KeyValue::new("telemetry.sdk.language", "rust"),
        KeyValue::new("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.name", process::unknown_service(surroundings)),
    ];
    // Later ones win.
    if !telemetry.disabled {
        attributes.extend(detect(settings, surroundings).into_iter().map(|(key, value)| KeyValue::new(key, &value)));
    }
    let renamed = settings.attributes.iter().flat_map(|(key, value)| {
        old_names::of_resource(&telemetry.old_names, key).map(move |old| KeyValue::new(old, value))
    });
    attributes.extend(renamed);
    attributes.extend(settings.attributes.iter().map(|(key, value)| KeyValue::new(key.clone(), value)));
    attributes.extend(telemetry.service_name.iter().map(|name| KeyValue::new("service.name", name.clone())));
    let builder = Resource::builder_empty();
    match &settings.schema_url {
        Some(url) => builder.with_schema_url(attributes, url.clone()),
        None => builder.with_attributes(attributes),
    }
    .build()
}

/// What the detectors find that the settings keep, in their order.
fn detect(settings: &ResourceSettings, surroundings: &Surroundings) -> Vec<(&'static str, ResourceValue)> {
    let mut found = Found { settings, attributes: Vec::new() };
    for detector in &settings.detectors {
        match detector {
            Detector::Host => host::detect(surroundings, &mut found),
            Detector::Process => process::detect(surroundings, &mut found),
            Detector::Container => container::detect(surroundings, &mut found),
            Detector::Kubernetes => kubernetes::detect(surroundings, &mut found),
            Detector::Service => service::detect(surroundings, &mut found),
        }
    }
    found.attributes
}

/// Characters of a text that was detected; as many as a span's attributes have.
const LONGEST: usize = 1024;

/// What detectors have found.
struct Found<'a> {
    settings: &'a ResourceSettings,
    attributes: Vec<(&'static str, ResourceValue)>,
}

impl Found<'_> {
    fn add(&mut self, key: &'static str, value: impl Into<ResourceValue>) {
        if self.settings.keeps(key) {
            self.attributes.push((key, value.into()));
        }
    }

    /// Adds a text, if there is one that says something.
    fn text(&mut self, key: &'static str, text: Option<impl AsRef<str>>) {
        let text = text.as_ref().map(|text| text.as_ref().trim()).unwrap_or_default();
        if !text.is_empty() {
            self.add(key, wire::cut(text, LONGEST));
        }
    }
}
