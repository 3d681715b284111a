//! The settings of the pipeline as a part of the user's own.

use super::{Reader, TelemetryConfig};
use crate::Problem;
use crate::config::Telemetry;
use crate::config::describe::{Count, Others, Section, Type};

/// The keys of the specification are not described here yet: they are open.
static ROOT: Section = Section {
    name: "Telemetry",
    doc: "The settings of OpenTelemetry's specification.",
    fields: &[],
    count: Count::Any,
    others: Others::Free(&Type::Any),
};

impl TelemetryConfig for Telemetry {
    const SECTION: &'static Section = &ROOT;
    const ROOT: &'static Section = &ROOT;
    const PLACE: Option<&'static str> = Some("");

    fn read_fields(reader: &mut Reader<'_>) -> Option<Self> {
        if reader.file().is_some() {
            let problem = Problem::new("the settings of `Telemetry` cannot be read from a file by this build");
            reader.problems().push(problem.help("unset `OTEL_CONFIG_FILE`, and use the variables"));
            return None;
        }
        match Self::from_variables(reader.sources().variables()) {
            Ok(telemetry) => Some(telemetry),
            Err(error) => {
                reader.problems().absorb(error);
                None
            }
        }
    }
}
