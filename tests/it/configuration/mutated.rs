//! Files with mistakes: made from ours, each is refused with the right line; made from the specification's, the verdict is
//! its schema's, too.

use super::{files, json, own, schema::is_valid, specification};
use otelier::ConfigError;
use otelier::config::{Document, Variables, check, keys};

/// One line of a file in block style, apart.
struct Line<'a> {
    indent: &'a str,
    key: &'a str,
    value: &'a str,
}

fn parts(line: &str) -> Option<Line<'_>> {
    let start = line.find(|c: char| c != ' ' && c != '-')?;
    let (indent, rest) = line.split_at(start);
    let (key, value) = rest.split_once(':')?;
    let is_key = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "_/.".contains(c));
    (is_key && !indent.contains("--")).then(|| Line { indent, key, value: value.trim() })
}

/// A line in place of another, and what was done.
fn mutations(line: &str) -> Vec<(&'static str, String)> {
    let Some(Line { indent, key, value }) = parts(line) else { return Vec::new() };
    let blank = " ".repeat(indent.len());
    let mut made = vec![
        ("a misspelt key", format!("{indent}{}x: {value}", key.replacen('e', "", 1))),
        ("a further key", format!("{line}\n{blank}zzz: 1")),
    ];
    if !value.is_empty() && !value.starts_with('#') {
        for (what, value) in [
            ("a mapping", "{zzz: 1}"),
            ("a list", "[zzz]"),
            ("an empty list", "[]"),
            ("a truth value", "true"),
            ("a negative number", "-11"),
            ("a fraction", "0.5"),
            ("a number", "7"),
            ("a number as text", "\"7\""),
            ("a text", "zzz"),
            ("null", "null"),
        ] {
            made.push((what, format!("{indent}{key}: {value}")));
        }
    }
    made
}

/// Problems of settings that the schema accepts: it cannot say these, or leaves room that we cannot fill.
fn is_stated(sentence: &str, help: &str) -> bool {
    (sentence.ends_with(" is unknown") && !sentence.contains('.'))
        || sentence.contains("is a component that this program does not know")
        || sentence.contains("expected a queue that holds at least one batch")
        || sentence.contains("expected both or none")
        || sentence.contains(", and `")
        || (sentence.starts_with("`file_format` is `") && help != "write it in quotes")
        || sentence.contains(".port` is `-")
        || sentence.contains(".span_kinds[")
        || sentence.contains(".parent[")
}

/// A line in place of another that is wrong wherever it stands; in which line that is told, counted from this one.
fn breaks(line: &str) -> Vec<(&'static str, String, u32)> {
    let Some(Line { indent, key, value }) = parts(line) else { return Vec::new() };
    let blank = " ".repeat(indent.len());
    let mut made = vec![
        ("a misspelt key", format!("{indent}{key}x: {value}"), 0),
        ("a further key", format!("{indent}zzz: 1\n{blank}{key}: {value}"), 0),
        ("the key twice", format!("{line}\n{blank}{key}: {value}"), 1),
        ("a tab before the key", format!("\t{line}"), 0),
        ("a reference that is none", format!("{indent}{key}: ${{1}}"), 0),
        ("an alias of nothing", format!("{indent}{key}: *nothing"), 0),
        ("a tag that nobody knows", format!("{indent}{key}: !zzz 1"), 0),
        ("a merge", format!("{indent}<<: {{}}\n{blank}{key}: {value}"), 0),
    ];
    if !value.is_empty() && !value.starts_with(['#', '&', '*']) {
        for (what, value) in [("a mapping", "{zzz: 1}"), ("a list in a list", "[[zzz]]")] {
            made.push((what, format!("{indent}{key}: {value}"), 0));
        }
    }
    // Below `distribution` a name that is not ours is another library's.
    made.retain(|(what, ..)| key != "otelier" || *what != "a misspelt key");
    made
}

#[test]
fn a_hundred_and_more_broken_files_are_each_refused_with_the_right_line() {
    let (mut broken, mut wrong) = (0, Vec::new());
    for (name, text) in own::FILES {
        let all: Vec<&str> = text.lines().collect();
        for (number, line) in all.iter().enumerate() {
            for (what, changed, later) in breaks(line) {
                let mut lines = all.clone();
                lines[number] = &changed;
                let at = number as u32 + 1 + later;
                broken += 1;
                let refused = own::settings(name, &lines.join("\n"), &Variables::of([]));
                let told = match &refused {
                    Ok(_) => "it is accepted".to_owned(),
                    Err(error)
                        if error.problems().iter().any(|found| found.place().is_some_and(|place| place.line == at)) =>
                    {
                        continue;
                    }
                    Err(error) => error.to_string(),
                };
                wrong.push(format!("{name}:{at}: {what}: {changed}\n{told}"));
            }
        }
    }
    println!("{broken} broken files");
    assert!(broken > 1000, "{broken}");
    let first = wrong[..wrong.len().min(20)].join("\n\n");
    assert!(wrong.is_empty(), "{} of {broken} files are not refused at the line:\n{first}", wrong.len());
}

#[test]
fn files_with_mistakes_have_the_same_verdict_as_the_specifications_schema() {
    let Some(schema) = specification() else { return };
    let (mut refused, mut accepted, mut lines) = (0, 0, 0);
    let mut differences = Vec::new();
    for (name, text) in files() {
        let all: Vec<&str> = text.lines().collect();
        for (number, line) in all.iter().enumerate() {
            for (what, changed) in mutations(line) {
                let text = [&all[..number].join("\n"), changed.as_str(), &all[number + 1..].join("\n")].join("\n");
                let text = text.trim_start_matches('\n');
                let at = number as u32 + 1;
                // What is no YAML, or a key twice, no schema sees.
                let document = match Document::parse(&name, text, &Variables::of([])) {
                    Ok(document) => document,
                    Err(error) => {
                        assert!(error.problems().iter().all(|problem| problem.place().is_some()), "{error}");
                        refused += 1;
                        continue;
                    }
                };
                let mut problems = ConfigError::default();
                check(&document.root, &keys::CONFIGURATION, &mut problems);
                let theirs = is_valid(&schema, &schema, &json(&document.root));
                let ours = problems.problems().iter().all(|problem| {
                    is_stated(problem.sentence(), problem.helps().first().map_or("", |help| help.as_str()))
                });
                if theirs != ours {
                    differences.push(format!("{name}:{at}: {what}: the schema says {theirs}: {changed}\n{problems}"));
                }
                if problems.problems().is_empty() {
                    accepted += 1;
                    continue;
                }
                refused += 1;
                // A mistake in a line is told there, or where the key stands that should have been in the line.
                let told =
                    |problem: &otelier::Problem| problem.place().is_some_and(|place| place.line.abs_diff(at) <= 1);
                if problems.problems().iter().any(told) {
                    lines += 1;
                } else if !problems.to_string().contains("is missing") && !name.contains("custom") {
                    differences.push(format!("{name}:{at}: {what}: told elsewhere\n{problems}"));
                }
            }
        }
    }
    println!(
        "{refused} files with mistakes were refused, {lines} of them by the very line; {accepted} are right as they are"
    );
    assert!(refused > 1000, "{refused}");
    assert!(
        differences.is_empty(),
        "{} differences\n{}",
        differences.len(),
        differences[..differences.len().min(12)].join("\n")
    );
}

#[test]
fn files_cut_anywhere_and_bytes_changed_anywhere_never_panic() {
    let mut seed = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed as usize
    };
    let own = own::FILES.map(|(name, text)| (name.to_owned(), text.to_owned()));
    for (name, text) in files().into_iter().chain(own) {
        for _ in 0..10 {
            let mut chars: Vec<char> = text.chars().collect();
            chars.truncate(next() % chars.len() + 1);
            for _ in 0..next() % 4 {
                let at = next() % chars.len();
                chars[at] = ['{', '[', ':', '-', '\t', '\n', '"', '$', '&', '*', '!', '|', '\u{0}', 'é'][next() % 14];
            }
            let text: String = chars.into_iter().collect();
            if let Err(error) = own::settings(&name, &text, &Variables::of([])) {
                assert!(!error.problems().is_empty() && error.to_string().len() < 1 << 20, "{name}");
            }
        }
    }
}
