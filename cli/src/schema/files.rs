//! Files that commands write, and several of them in one text.

use crate::Outcome;
use clap::{Arg, ArgMatches};
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// What a file's name stands behind, where several are in one text. No line of their own begins like this.
const HEAD: &str = "# file: ";

/// `--out`, for a single file.
pub(crate) fn out_file() -> Arg {
    Arg::new("out").long("out").value_name("FILE").help("Writes into this file instead of standard output")
}

/// Prints `text`, or writes it where `--out` says.
pub(crate) fn print(matches: &ArgMatches, text: String) -> Result<Outcome, String> {
    match super::text(matches, "out") {
        None => Ok(text.into()),
        Some(path) => {
            let path = Path::new(path);
            write(path, &text)?;
            Ok(format!("wrote {}\n", path.display()).into())
        }
    }
}

/// Writes `files` below `folder` and says so.
pub(crate) fn write_all(folder: &Path, files: &[(String, String)]) -> Result<Outcome, String> {
    let mut said = String::new();
    for (name, text) in files {
        let path = folder.join(name);
        write(&path, text)?;
        // Writing to a `String` does not fail.
        let _ = writeln!(said, "wrote {}", path.display());
    }
    Ok(said.into())
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, text)).map_err(|error| failed(path, &error))
}

/// Why something failed at `path`.
pub(crate) fn failed(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

/// `files` in one text, each behind a line with its name.
pub(crate) fn join(files: &[(String, String)]) -> String {
    files.iter().map(|(name, text)| format!("{HEAD}{name}\n{text}")).collect()
}

/// The files that `text` is made of; none if it is a file itself.
pub(crate) fn split(text: &str) -> Vec<(&str, &str)> {
    let mut files = Vec::new();
    let mut rest = text.strip_prefix(HEAD);
    while let Some(file) = rest {
        let (name, behind) = file.split_once('\n').unwrap_or((file, ""));
        let next = match behind.strip_prefix(HEAD) {
            Some(_) => Some(0),
            None => behind.find("\n# file: ").map(|end| end + 1),
        };
        let (text, after) = behind.split_at(next.unwrap_or(behind.len()));
        files.push((name.trim_end(), text));
        rest = after.strip_prefix(HEAD);
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_apart_as_they_were_put_together() {
        let files = [("a.yaml", "a: 1\n"), ("b/empty.yaml", ""), ("c.yaml", "c:\n  # file: d\n")];
        let owned = files.map(|(name, text)| (name.to_owned(), text.to_owned()));
        assert_eq!(split(&join(&owned)), files);
        assert_eq!(split("groups: []\n"), []);
        assert_eq!(split("# file: a"), [("a", "")]);
    }
}
