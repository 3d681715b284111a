//! What a full run found, as Markdown: on the terminal, and in `docs/performance.md` between its two markers.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

const BEGIN: &str = "<!-- figures -->";
const END: &str = "<!-- /figures -->";

/// Libraries whose versions matter here.
const LIBRARIES: &[&str] = &[
    "fastrace",
    "fastrace-opentelemetry",
    "opentelemetry_sdk",
    "opentelemetry-otlp",
    "tracing",
    "tracing-opentelemetry",
    "logfire",
];

/// The sections so far. They are printed as they come.
#[derive(Debug, Default)]
pub(crate) struct Report {
    text: String,
    problems: Vec<String>,
}

impl Report {
    /// Adds a section.
    pub(crate) fn section(&mut self, title: &str, text: &str) {
        let section = format!("### {title}\n\n{}\n\n", with_notes(text.trim()));
        print!("{section}");
        self.text += &section;
    }

    /// Adds what makes the figures worth less.
    pub(crate) fn problems(&mut self, problems: Vec<String>) {
        self.problems.extend(problems);
    }

    /// Prints what is wrong, and puts the sections into the documentation. Whether nothing is wrong.
    pub(crate) fn finish(self) -> Result<bool, String> {
        for problem in &self.problems {
            eprintln!("error: {problem}");
        }
        if !self.problems.is_empty() {
            eprintln!("the documentation keeps its figures");
            return Ok(false);
        }
        let path = repository().join("docs/performance.md");
        let Ok(page) = std::fs::read_to_string(&path) else { return Ok(true) };
        if let Some(page) = replaced(&page, &self.text) {
            std::fs::write(&path, page).map_err(|error| format!("docs/performance.md: {error}"))?;
            eprintln!("docs/performance.md has the new figures");
        } else {
            eprintln!("docs/performance.md has no `{BEGIN}` and `{END}`, so it stays as it is");
        }
        Ok(true)
    }
}

/// What the marks in tables mean.
const NOTES: &[(&str, &str)] = &[
    (
        "¹",
        "not the same work: constants in place of the two numbers, which fastrace keeps as text and so has to format",
    ),
    (
        "²",
        "not the same work: the program makes no root, which is what being off costs least; with a root and no reporter \
         fastrace records everything and throws it away",
    ),
    ("³", "OpenTelemetry 0.32, for which this program has no OTLP exporter: the spans are counted and dropped"),
    (
        "⁴",
        "what is missing is not all lost: it waits in an unbounded list of its thread, which hands it on only when it makes \
         more spans, and drops what does not fit when it ends (`util/spsc.rs` of fastrace 0.7.19)",
    ),
];

/// The text, and below it the notes that it refers to.
pub(crate) fn with_notes(text: &str) -> String {
    let mut text = text.trim_end().to_owned();
    let wanted: Vec<String> =
        NOTES.iter().filter(|(mark, _)| text.contains(mark)).map(|(mark, note)| format!("{mark} {note}.")).collect();
    if !wanted.is_empty() {
        let _ = write!(text, "\n\n{}", wanted.join(" "));
    }
    text
}

/// The page with other figures; `None` if it has no place for them.
fn replaced(page: &str, figures: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", figures.trim()))
}

/// The folder of this repository.
pub(crate) fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The machine and the libraries, in a sentence each.
pub(crate) fn circumstances() -> String {
    let mut text = String::new();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let _ = write!(text, "{cores} cores, {} {}", std::env::consts::ARCH, std::env::consts::OS);
    let processors = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    if let Some((_, model)) = model {
        let _ = write!(text, " ({model})");
    }
    let compiler = Command::new("rustc").arg("--version").output();
    if let Ok(output) = compiler {
        let _ = write!(text, ", {}", String::from_utf8_lossy(&output.stdout).trim());
    }
    if let Ok(load) = std::fs::read_to_string("/proc/loadavg") {
        let load: Vec<&str> = load.split(' ').take(3).collect();
        let _ = write!(text, ", load average at the start {}", load.join(" "));
    }
    let _ = writeln!(text, ". {}.", versions());
    text
}

fn versions() -> String {
    let lock = std::fs::read_to_string(repository().join("Cargo.lock")).unwrap_or_default();
    let version = |name: &str| {
        let mut versions: Vec<&str> = lock
            .split("[[package]]")
            .filter(|package| package.lines().any(|line| line == format!("name = \"{name}\"")))
            .filter_map(|package| package.lines().find_map(|line| line.strip_prefix("version = \"")))
            .map(|version| version.trim_end_matches('"'))
            .collect();
        // logfire brings an earlier one of its own.
        versions.sort_unstable();
        versions.last().map(|version| format!("{name} {version}"))
    };
    LIBRARIES.iter().filter_map(|name| version(name)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{replaced, with_notes};

    #[test]
    fn figures_replace_only_what_is_between_the_markers() {
        let page = "# Page\n\n<!-- figures -->\n\nold\n\n<!-- /figures -->\n\nmore\n";
        let new = "# Page\n\n<!-- figures -->\n\nnew\n\n<!-- /figures -->\n\nmore\n";
        assert_eq!(replaced(page, "\nnew\n\n").as_deref(), Some(new));
        assert_eq!(replaced(new, "new").as_deref(), Some(new));
        assert_eq!(replaced("# Page\n", "new"), None);
    }

    #[test]
    fn notes_stand_below_the_tables_that_need_them() {
        assert_eq!(with_notes("| a |\n"), "| a |");
        let text = with_notes("| a ¹ |\n");
        assert!(text.starts_with("| a ¹ |\n\n¹ not the same work"), "{text}");
        assert!(!text.contains('²'), "{text}");
    }
}
