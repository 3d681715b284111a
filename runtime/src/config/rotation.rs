//! When a file of lines is put aside, and what becomes of it.

use super::{Exporter, LogExporter, MetricExporter, OtlpFile, OutputStream, Telemetry};
use std::path::Path;
use std::time::Duration;

/// Files of OTLP JSON that do not grow without end. YAML: `otelier/otlp_file`.
///
/// Before a line that would make `spans.jsonl` larger than `max_bytes`, the file becomes `spans.1.jsonl`, what was
/// `spans.1.jsonl` becomes `spans.2.jsonl`, and so on; the oldest beyond `max_files` is deleted. Files of these names that
/// do not begin as OTLP JSON does are somebody else's: they are left alone, and nothing is rotated while they are in the way.
///
/// Several exporters and processes may write one file, if all of them have the same rotation: each line is written under a
/// lock, a file beside it (`spans.jsonl.lock`). While that is held by a process that hangs, lines are still written, but the
/// file is not rotated, and a warning says so.
///
/// ```
/// use otelier::config::{OtlpFile, Rotation};
/// use std::time::Duration;
///
/// let week = Duration::from_secs(7 * 24 * 60 * 60);
/// let rotation = Rotation::default().with_max_bytes(16 << 20).with_max_files(4).with_max_age(week);
/// let file = OtlpFile::to("/var/log/spans.jsonl").with_rotation(rotation);
/// assert_eq!(file.rotation.map(|rotation| rotation.max_files), Some(4));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rotation {
    /// How large a file becomes, in bytes, unless a single line is larger. At least [`MIN_BYTES`](Self::MIN_BYTES). YAML:
    /// `max_bytes`. Default: 64 MiB.
    pub max_bytes: u64,
    /// How many files there are at most, the one that is written to included; 2 to 1,000. YAML: `max_files`. Default: 8.
    pub max_files: u32,
    /// After what time without a new line a file that was put aside is deleted. It is looked for when a file is put aside,
    /// and once a minute while lines are written. At least 1 s. YAML: `max_age`. Default: no age.
    pub max_age: Option<Duration>,
}

impl Default for Rotation {
    fn default() -> Self {
        Self { max_bytes: 64 << 20, max_files: 8, max_age: None }
    }
}

impl Rotation {
    /// The least that [`max_bytes`](Self::max_bytes) may be.
    pub const MIN_BYTES: u64 = 4096;

    /// Sets how large a file becomes, in bytes. Default: 64 MiB.
    #[must_use]
    pub fn with_max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets how many files there are at most, the one that is written to included. Default: 8.
    #[must_use]
    pub fn with_max_files(mut self, files: u32) -> Self {
        self.max_files = files;
        self
    }

    /// Sets after what time a file that was put aside is deleted. Default: no age.
    #[must_use]
    pub fn with_max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    fn check(&self, problems: &mut crate::ConfigError) {
        if self.max_bytes < Self::MIN_BYTES {
            problems.push(format_args!(
                "a file of OTLP JSON is rotated at {} bytes; expected at least {}",
                self.max_bytes,
                Self::MIN_BYTES
            ));
        }
        if !(2..=1000).contains(&self.max_files) {
            problems.push(format_args!("a rotation has {} files; expected 2 to 1000", self.max_files));
        }
        if self.max_age.is_some_and(|age| age < Duration::from_secs(1)) {
            problems.push("files of a rotation are deleted after less than 1 s; expected at least 1 s");
        }
    }
}

impl OtlpFile {
    /// Puts the file aside when it is full, and deletes old ones. Default: it grows without end.
    #[must_use]
    pub fn with_rotation(mut self, rotation: Rotation) -> Self {
        self.rotation = Some(rotation);
        self
    }

    fn path(&self) -> Option<&Path> {
        match &self.output {
            OutputStream::File(path) => Some(path),
            OutputStream::Stdout => None,
        }
    }
}

impl Telemetry {
    /// Every file of OTLP JSON in the settings.
    fn otlp_files(&self) -> impl Iterator<Item = &OtlpFile> {
        let spans = self.exporters.iter().filter_map(|exporter| match exporter.parts().0 {
            Exporter::OtlpFile(file) => Some(file),
            _ => None,
        });
        let logs = self.log_exporters.iter().flatten().filter_map(|exporter| match exporter.parts().0 {
            LogExporter::OtlpFile(file) => Some(file),
            _ => None,
        });
        let metrics = self.metrics.readers.iter().filter_map(|reader| match &reader.exporter {
            MetricExporter::OtlpFile(file) => Some(file),
            _ => None,
        });
        spans.chain(logs).chain(metrics)
    }

    /// What is wrong with rotations, each by itself and together.
    pub(super) fn check_rotations(&self, problems: &mut crate::ConfigError) {
        let mut found = crate::ConfigError::default();
        let files: Vec<&OtlpFile> = self.otlp_files().collect();
        for (number, file) in files.iter().enumerate() {
            let Some(rotation) = &file.rotation else { continue };
            rotation.check(&mut found);
            let Some(path) = file.path() else {
                found.push("standard output has a rotation; expected a file, or none");
                continue;
            };
            // Also one without: it would not take the lock under which the others rename.
            let other = |other: &&OtlpFile| other.path() == Some(path) && other.rotation != file.rotation;
            if files[..number].iter().chain(&files[number + 1..]).any(other) {
                found.push(format_args!("exporters rotate `{}` differently; expected the same of all", path.display()));
            }
        }
        problems.absorb(found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ConfigError;

    fn problems(files: impl IntoIterator<Item = OtlpFile>) -> Vec<String> {
        let mut problems = ConfigError::default();
        let telemetry =
            files.into_iter().fold(Telemetry::default(), |all, file| all.with_exporter(Exporter::OtlpFile(file)));
        telemetry.check(&mut problems);
        problems.problems().iter().map(|problem| problem.sentence().to_owned()).collect()
    }

    #[test]
    fn a_rotation_that_could_not_work_is_refused_in_code_too() {
        let small = Rotation::default().with_max_bytes(1).with_max_files(1).with_max_age(Duration::ZERO);
        assert_eq!(
            problems([OtlpFile::to("a").with_rotation(small), OtlpFile::default().with_rotation(Rotation::default())]),
            [
                "a file of OTLP JSON is rotated at 1 bytes; expected at least 4096",
                "a rotation has 1 files; expected 2 to 1000",
                "files of a rotation are deleted after less than 1 s; expected at least 1 s",
                "standard output has a rotation; expected a file, or none",
            ]
        );
    }

    #[test]
    fn exporters_of_one_file_have_one_rotation() {
        let file = || OtlpFile::to("a").with_rotation(Rotation::default());
        assert_eq!(problems([file(), file()]), [""; 0]);
        for other in [OtlpFile::to("a"), OtlpFile::to("a").with_rotation(Rotation::default().with_max_files(3))] {
            assert_eq!(
                problems([file(), other, OtlpFile::to("b")]),
                ["exporters rotate `a` differently; expected the same of all"]
            );
        }
    }
}
