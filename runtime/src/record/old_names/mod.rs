//! What is exported beside what was recorded: the span's type, and attributes under the names that other tracing systems
//! gave them.

mod table;

use super::view::{Key, Value};
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use table::RENAMES;

/// Tracing systems whose attributes had other names than OpenTelemetry's conventions and ours.
///
/// Given to [`Telemetry::with_old_names`](crate::Telemetry::with_old_names), their renamed attributes are exported under
/// both names, so that dashboards and alerts go on while they are moved. `docs/schemas.md` has the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OldNames {
    /// A crypto lakehouse, its traces and its metrics: `crypto.exchange`, `deployment.environment`.
    Lakehouse,
    /// A tracer of builds, tests and start-up: `http.method`, `build.step.exit_code`, `test.case.result`.
    BuildTracer,
    /// A retail pipeline: `http.status_code`, `db.table`.
    Retail,
}

impl OldNames {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Lakehouse, Self::BuildTracer, Self::Retail];

    /// The word for it in the environment.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lakehouse => "lakehouse",
            Self::BuildTracer => "build_tracer",
            Self::Retail => "retail",
        }
    }

    /// The names that the system's attributes had, and the ones that they have now.
    pub fn renames(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        RENAMES.iter().filter(move |rename| rename.of == self).map(|rename| (rename.old, rename.new))
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// An attribute that has another name now.
pub(super) struct Rename {
    of: OldNames,
    new: &'static str,
    old: &'static str,
    /// Values that are spelt differently: the old one and the new one.
    values: &'static [(&'static str, &'static str)],
}

/// The bits of the systems whose names are exported, and [`SPAN_TYPE`].
static EXTRAS: AtomicU8 = AtomicU8::new(0);

/// The span's type is exported as an attribute.
const SPAN_TYPE: u8 = 1 << 7;

/// Decides what is exported beside what was recorded.
pub(crate) fn set(systems: &[OldNames], span_types: bool) {
    let bits = systems.iter().fold(0, |bits, system| bits | system.bit());
    EXTRAS.store(bits | if span_types { SPAN_TYPE } else { 0 }, Relaxed);
}

/// The old names of an attribute of the resource.
pub(crate) fn of_resource<'a>(systems: &'a [OldNames], key: &'a str) -> impl Iterator<Item = &'static str> + 'a {
    let renamed = RENAMES.iter().filter(move |rename| rename.new == key && systems.contains(&rename.of));
    renamed.map(|rename| rename.old)
}

/// What is exported beside what was recorded.
#[derive(Clone, Copy)]
pub(super) struct Extras(u8);

impl Extras {
    pub(super) fn current() -> Self {
        Self(EXTRAS.load(Relaxed))
    }

    pub(super) const fn span_type(self) -> bool {
        self.0 & SPAN_TYPE != 0
    }

    pub(super) const fn old_names(self) -> bool {
        self.0 & !SPAN_TYPE != 0
    }

    /// Calls `f` with every old name of an attribute and the value it had under that name.
    pub(super) fn each<'a>(self, key: Key<'a>, value: Value<'a>, mut f: impl FnMut(&'static str, Value<'a>)) {
        let key = key.as_str();
        let first = RENAMES.partition_point(|rename| rename.new < key);
        let mut last = "";
        for rename in RENAMES[first..].iter().take_while(|rename| rename.new == key) {
            // Two systems may have called it the same.
            if self.0 & rename.of.bit() == 0 || rename.old == last {
                continue;
            }
            last = rename.old;
            let value = match value {
                Value::Str(text) => {
                    let spelt = rename.values.iter().find(|(_, new)| *new == text);
                    Value::Str(spelt.map_or(text, |(old, _)| *old))
                }
                value => value,
            };
            f(rename.old, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_name_is_another() {
        assert!(RENAMES.is_sorted_by_key(|rename| rename.new));
        for rename in RENAMES {
            assert_ne!(rename.old, rename.new);
            assert!(!RENAMES.iter().any(|other| other.new == rename.old), "{} would be renamed twice", rename.old);
        }
        assert!(OldNames::ALL.iter().all(|system| system.renames().count() > 1));
    }

    #[test]
    fn old_names_come_with_their_old_values() {
        let all = Extras(0x7f);
        let mut found = Vec::new();
        let value = Value::Str("pass");
        all.each(Key::Static("test.case.result.status"), value, |old, value| found.push((old, format!("{value:?}"))));
        assert_eq!(found, [("test.case.result", "Str(\"passed\")".to_owned())]);
        let mut none = 0;
        Extras(OldNames::Retail.bit()).each(Key::Static("test.case.result.status"), value, |_, _| none += 1);
        all.each(Key::Static("test.case.result"), value, |_, _| none += 1);
        assert_eq!(none, 0);
    }
}
