//! The text of a file, before it is YAML.

use super::super::File;
use super::super::shown::without_password;
use crate::error::{ConfigError, Place, Problem};

/// The text that these bytes are.
pub(super) fn of_bytes(name: &str, bytes: Vec<u8>) -> Result<String, ConfigError> {
    let error = match String::from_utf8(bytes) {
        Ok(text) => return Ok(text),
        Err(error) => error,
    };
    let right = error.utf8_error().valid_up_to();
    let bytes = error.as_bytes();
    // Of what stands before nothing is lost, because it is UTF-8.
    let before = String::from_utf8_lossy(&bytes[..right]);
    let line = before.matches('\n').count() as u32 + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() as u32 + 1;
    let place = Place { file: name.to_owned(), line, column, width: 1, text: String::new() };
    let problem = Problem::new("the file is not UTF-8").at(place);
    let utf_16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    Err(if utf_16 { problem.help("it looks like UTF-16; save it as UTF-8") } else { problem }.into())
}

/// The text without a byte order mark, and with every line ended by `\n`: then YAML, we and editors count the same lines.
pub(super) fn clean(text: String) -> String {
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    };
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text }
}

/// Refuses characters that YAML does not allow, at the first of them.
pub(super) fn check(file: &File) -> Result<(), ConfigError> {
    // YAML calls these characters not printable.
    let is_refused =
        |c: char| (c.is_control() && !matches!(c, '\t' | '\n' | '\u{85}')) || matches!(c, '\u{fffe}' | '\u{ffff}');
    let Some(at) = file.text.find(is_refused) else { return Ok(()) };
    let (before, after) = file.text.split_at(at);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
    let code = after.chars().next().map_or(0, u32::from);
    Err(problem(file, line, column, 1, format_args!("the character U+{code:04X} is not allowed in YAML")).into())
}

/// A problem of the file itself; `column` is from 0.
///
/// Which values are secret is not known yet, so what may be one is left out of the line.
pub(super) fn problem(
    file: &File,
    line: usize,
    column: usize,
    width: usize,
    sentence: impl std::fmt::Display,
) -> Problem {
    let text = file.text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let text = if text.len() > Place::MAX_TEXT { String::new() } else { without_secrets(text) };
    Problem::new(sentence).at(Place {
        file: file.name.clone(),
        line: line as u32,
        column: column as u32 + 1,
        width: width.max(1) as u32,
        text,
    })
}

/// Keys whose values are often secret; `value` is that of a header.
const TELLING: [&str; 9] =
    ["value", "header", "token", "secret", "passw", "authorization", "credential", "api", "private"];

/// The line up to the first key that is likely to have a secret.
fn without_secrets(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    let cut = TELLING
        .iter()
        .filter_map(|word| lower.find(word))
        .filter_map(|at| Some(at + lower[at..].find(':')? + 1))
        .filter(|end| !line[*end..].trim().is_empty())
        .min();
    let shown = cut.map_or_else(|| line.to_owned(), |end| format!("{} …", &line[..end]));
    without_password(&shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_secret_is_left_out_of_lines() {
        assert_eq!(without_secrets("  - {name: api-key, value: 1234"), "  - {name: api-key, value: …");
        assert_eq!(without_secrets("  headers_list: a=b"), "  headers_list: …");
        assert_eq!(without_secrets("  value:"), "  value:");
        assert_eq!(without_secrets("disabled: maybe"), "disabled: maybe");
        assert_eq!(without_secrets("endpoint: http://u:p@host"), "endpoint: http://***@host");
    }
}
