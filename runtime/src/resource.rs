//! Who made the spans: the attributes of the resource.

use crate::config::Telemetry;
use crate::record::old_names;
use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;

/// The resource of a pipeline: service, SDK and process, and what the settings add.
pub(crate) fn resource(telemetry: &Telemetry) -> Resource {
    let configured = telemetry.resource_attributes.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
    let renamed = telemetry.resource_attributes.iter().flat_map(|(key, value)| {
        old_names::of_resource(&telemetry.old_names, key).map(move |old| KeyValue::new(old, value.clone()))
    });
    let from_attributes = telemetry.resource_attributes.iter().rev().find(|(key, _)| key == "service.name");
    let service = match (&telemetry.service_name, from_attributes) {
        (Some(name), _) => name.clone(),
        (None, Some((_, name))) => name.clone(),
        (None, None) => unknown_service(),
    };
    Resource::builder_empty()
        .with_attributes([
            KeyValue::new("telemetry.sdk.name", "otelier"),
            KeyValue::new("telemetry.sdk.language", "rust"),
            KeyValue::new("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("process.pid", i64::from(std::process::id())),
        ])
        .with_attributes(renamed)
        .with_attributes(configured)
        .with_attribute(KeyValue::new("service.name", service))
        .build()
}

/// The specification's name for a service that nobody named.
fn unknown_service() -> String {
    let executable = std::env::current_exe().ok();
    match executable.as_deref().and_then(|path| path.file_stem()) {
        Some(name) => format!("unknown_service:{}", name.to_string_lossy()),
        None => "unknown_service".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::{Key, Value};

    fn name_of(telemetry: &Telemetry) -> Option<Value> {
        resource(telemetry).get(&Key::from_static_str("service.name"))
    }

    #[test]
    fn the_service_name_wins_over_the_attribute_of_that_name() {
        let telemetry = Telemetry::default().with_resource_attribute("service.name", "attribute");
        assert_eq!(name_of(&telemetry), Some("attribute".into()));
        assert_eq!(name_of(&telemetry.with_service_name("named")), Some("named".into()));
    }

    #[test]
    fn old_names_of_attributes_come_with_the_new_ones() {
        let telemetry = Telemetry::default()
            .with_resource_attribute("deployment.environment.name", "test")
            .with_old_names([crate::config::OldNames::Retail]);
        let resource = resource(&telemetry);
        assert_eq!(resource.get(&Key::from_static_str("deployment.environment")), Some("test".into()));
        assert_eq!(resource.get(&Key::from_static_str("deployment.environment.name")), Some("test".into()));
    }

    #[test]
    fn a_service_without_a_name_is_called_unknown() {
        let name = name_of(&Telemetry::default()).unwrap();
        assert!(name.as_str().starts_with("unknown_service:otelier"), "{name}");
    }
}
