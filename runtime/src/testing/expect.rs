//! Trees held against text.

use super::tree::SpanTree;
use crate::config::Variables;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// Where expectations are renewed instead of compared.
const VARIABLE: &str = "OTELIER_SNAPSHOTS";

impl SpanTree {
    /// Compares the text form with `expected`, from which the indentation that all of its lines have, and empty lines
    /// before and after, are taken away.
    ///
    /// # Panics
    ///
    /// If they differ, with the difference and all spans.
    #[track_caller]
    pub fn assert_tree(&self, expected: &str) {
        let (expected, found) = (dedented(expected), self.text());
        if expected != found {
            panic!("the spans are not the expected ones\n\n{}", compared(&expected, &found));
        }
    }

    /// Compares the text form with the file `tests/snapshots/<name>.txt` of the package that is tested.
    ///
    /// With `OTELIER_SNAPSHOTS=overwrite` in the environment the file is written instead:
    ///
    /// ```text
    /// OTELIER_SNAPSHOTS=overwrite cargo test checkout
    /// ```
    ///
    /// # Panics
    ///
    /// If they differ, with the difference and all spans; if there is no such file, or it cannot be read or written; if
    /// `name` is not made of letters, digits, `_`, `-` and `.`.
    #[track_caller]
    pub fn assert_snapshot(&self, name: &str) {
        let variables = Variables::of_the_process();
        // Cargo sets it for tests, whatever folder they are in by now.
        let package = variables.get("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
        let overwrite = variables.get(VARIABLE);
        if let Err(problem) = self.compare_with_file(&package, name, overwrite.as_deref()) {
            panic!("{problem}");
        }
    }

    /// What is wrong with the file, or with the spans.
    fn compare_with_file(&self, package: &Path, name: &str, how: Option<&str>) -> Result<(), String> {
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        if name.is_empty() || !name.chars().all(is_plain) {
            return Err(format!("`{name}` cannot name a snapshot; write letters, digits, `_`, `-` and `.`"));
        }
        let shown = format!("tests/snapshots/{name}.txt");
        let path = package.join("tests").join("snapshots").join(format!("{name}.txt"));
        let found = self.text();
        match how {
            Some("overwrite") => {
                let folder = path.parent().unwrap_or(package);
                let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, format!("{found}\n")));
                return written.map_err(|error| format!("`{shown}` could not be written: {error}"));
            }
            Some(other) => return Err(format!("`{VARIABLE}` is `{other}`; expected `overwrite`, or nothing")),
            None => {}
        }
        let make = format!("run the test with `{VARIABLE}=overwrite`");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(format!("there is no `{shown}`; to make it from these spans, {make}\n\n{found}\n"));
            }
            Err(error) => return Err(format!("`{shown}` could not be read: {error}")),
        };
        // Some systems change the ends of lines when a repository is checked out.
        let expected = dedented(&text.replace("\r\n", "\n"));
        if expected == found {
            return Ok(());
        }
        let compared = compared(&expected, &found);
        Err(format!("the spans are not those of `{shown}`; if they are right, {make}\n\n{compared}"))
    }
}

/// Without the indentation that all lines have, and without empty lines around.
fn dedented(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let filled = |line: &&&str| !line.is_empty();
    let indent = lines.iter().filter(filled).map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    let lines: Vec<&str> = lines.iter().map(|line| line.get(indent..).unwrap_or("")).collect();
    let first = lines.iter().position(|line| !line.is_empty()).unwrap_or(0);
    let end = lines.iter().rposition(|line| !line.is_empty()).map_or(first, |last| last + 1);
    lines[first..end].join("\n")
}

/// Both texts as one: `-` before lines that are expected and are not there, `+` before those that are there and are not
/// expected.
fn compared(expected: &str, found: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), found.lines().collect());
    let mut text = String::from("- expected\n+ found\n\n");
    // Beyond this the table would be large, and nobody reads the difference.
    const MOST: usize = 2000;
    if old.len() > MOST || new.len() > MOST {
        let at = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
        let line = |lines: &[&str]| lines.get(at).copied().unwrap_or("(the end)").to_owned();
        let _ = writeln!(text, "line {}:\n- {}\n+ {}", at + 1, line(&old), line(&new));
        return text;
    }
    // common[i][j]: how many lines `old[i..]` and `new[j..]` have in common.
    let mut common = vec![vec![0u32; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] =
                if old[i] == new[j] { common[i + 1][j + 1] + 1 } else { common[i + 1][j].max(common[i][j + 1]) };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        let (mark, line) = if i < old.len() && j < new.len() && old[i] == new[j] {
            (i, j) = (i + 1, j + 1);
            (' ', old[i - 1])
        } else if j == new.len() || i < old.len() && common[i + 1][j] >= common[i][j + 1] {
            i += 1;
            ('-', old[i - 1])
        } else {
            j += 1;
            ('+', new[j - 1])
        };
        let _ = writeln!(text, "{}", format!("{mark} {line}").trim_end());
    }
    if new.is_empty() {
        text.push_str("\nthere are no spans\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::tree::tests::span;

    fn tree() -> SpanTree {
        SpanTree::of(vec![span(1, 0, "checkout", 0, 9), span(2, 1, "reserve", 1, 2), span(3, 1, "pay", 3, 4)])
    }

    #[test]
    fn what_all_lines_are_indented_by_and_empty_lines_around_do_not_count() {
        assert_eq!(dedented("\n\n    a  \n      b\n\n    c\n  \n"), "a\n  b\n\nc");
        assert_eq!(dedented("a"), "a");
        assert_eq!(dedented("\n   \n"), "");
        tree().assert_tree(
            "
            checkout
              reserve
              pay
            ",
        );
    }

    #[test]
    fn a_difference_shows_both_texts_line_by_line() {
        assert_eq!(compared("a\nb\nc", "a\nx\nc\nd"), "- expected\n+ found\n\n  a\n- b\n+ x\n  c\n+ d\n");
        assert!(compared("a", "").ends_with("- a\n\nthere are no spans\n"));
        let (long, longer) = ("a\n".repeat(2001), "a\n".repeat(2001) + "b");
        assert!(compared(&long, &longer).ends_with("line 2002:\n- (the end)\n+ b\n"));
    }

    #[test]
    fn a_snapshot_is_made_compared_and_renewed() {
        let package = std::env::temp_dir().join(format!("otelier-snapshots-{}", std::process::id()));
        let tree = tree();
        let missing = tree.compare_with_file(&package, "checkout", None).unwrap_err();
        assert!(
            missing
                .starts_with("there is no `tests/snapshots/checkout.txt`; to make it from these spans, run the test")
        );
        assert!(missing.contains("OTELIER_SNAPSHOTS=overwrite") && missing.contains("  reserve"), "{missing}");

        assert_eq!(tree.compare_with_file(&package, "checkout", Some("overwrite")), Ok(()));
        assert_eq!(tree.compare_with_file(&package, "checkout", None), Ok(()));

        let file = package.join("tests/snapshots/checkout.txt");
        fs::write(&file, "checkout\r\n  reserve\r\n  refund\r\n").unwrap();
        let differs = tree.compare_with_file(&package, "checkout", None).unwrap_err();
        assert!(differs.contains("-   refund\n+   pay"), "{differs}");

        let refused = tree.compare_with_file(&package, "checkout", Some("renew")).unwrap_err();
        assert_eq!(refused, "`OTELIER_SNAPSHOTS` is `renew`; expected `overwrite`, or nothing");
        let refused = tree.compare_with_file(&package, "../checkout", None).unwrap_err();
        assert!(refused.starts_with("`../checkout` cannot name a snapshot"), "{refused}");
        fs::remove_dir_all(package).unwrap();
    }
}
