//! The settings of the pipeline as a part of the user's own.

use super::{Reader, TelemetryConfig};
use crate::config::describe::{Count, Others, Section, Type};
use crate::config::{Settings, Telemetry, keys};

/// Beside the specification's keys there may be others at the root: the user's own.
static ROOT: Section = Section {
    name: "Telemetry",
    doc: "The settings of OpenTelemetry's specification.",
    fields: keys::CONFIGURATION.fields,
    count: Count::Any,
    others: Others::Free(&Type::Any),
};

impl TelemetryConfig for Telemetry {
    const SECTION: &'static Section = &ROOT;
    const ROOT: &'static Section = &ROOT;
    const PLACE: Option<&'static str> = Some("");

    fn read_fields(reader: &mut Reader<'_>) -> Option<Self> {
        let settings = match reader.file() {
            Some(root) => Settings::from_root(root.clone(), None, reader.root_keys()),
            None => Settings::from_environment(reader.sources().variables()),
        };
        match settings {
            Ok(settings) => Some(settings.telemetry),
            Err(error) => {
                reader.problems().absorb(error);
                None
            }
        }
    }
}
