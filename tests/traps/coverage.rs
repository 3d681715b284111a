//! Coverage counts an annotated function as it counts the same function without its annotation.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A file, and two places in it: line and column of the first, line and column of the last.
type Region = (String, [u64; 4]);

/// How often every region of code ran. Where functions share one, their counts are added, as the reports add them.
type Counts = BTreeMap<Region, u64>;

#[test]
fn annotations_change_no_region_of_a_function_and_no_count() {
    let Some(tools) = llvm_tools() else {
        println!("skipped: llvm-profdata and llvm-cov are not installed (rustup component add llvm-tools)");
        return;
    };
    let (plain, annotated) = (counts(&tools, ""), counts(&tools, "annotated"));
    assert!(plain.len() > 200, "coverage of {} regions only", plain.len());
    let mut found = Vec::new();
    for (region, count) in &plain {
        // An `async fn` is counted from `async` on, and from `fn` on as a function that returns a future.
        let (file, [first, column, last, end]) = region;
        let is_async = line(region).trim_start().starts_with("async fn");
        let moved = (file.clone(), [*first, column + 6, *last, *end]);
        let same = annotated.get(region).or_else(|| annotated.get(&moved).filter(|_| is_async));
        if same != Some(count) {
            found.push(format!("{region:?} ran {count} times, {same:?} with the annotation: {}", line(region)));
        }
    }
    // Lines have the counts of their regions, so one that is as large as another of its line changes nothing: the brace of
    // the closure around a body whose result is looked at, and the word `return` where late attributes are checked.
    let of_lines: BTreeSet<(&str, u64, u64)> =
        plain.iter().flat_map(|((file, at), count)| [(&**file, at[0], *count), (&**file, at[2], *count)]).collect();
    for (region, count) in annotated.iter().filter(|(region, _)| !plain.contains_key(*region)) {
        let text = line(region);
        // Without annotations they are not there.
        let is_ours = ["record!", "event!"].iter().any(|name| text.trim_start().starts_with(name));
        // Behind a `where` that brace has a line of its own; what was counted last before it is the signature.
        let before =
            plain.iter().filter(|((file, at), _)| *file == region.0 && (at[2], at[3]) < (region.1[0], region.1[1]));
        let signature = before.max_by_key(|((_, at), _)| (at[2], at[3])).map(|(_, count)| count);
        let is_brace = text.trim() == "{" && signature == Some(count);
        if !is_ours && !is_brace && !of_lines.contains(&(&*region.0, region.1[0], *count)) {
            found.push(format!("{region:?} ran {count} times, and exists only with the annotation: {text}"));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The text of a region's first line.
fn line((file, [line, ..]): &Region) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("shapes/src").join(file);
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let at = usize::try_from(*line).unwrap_or_default().saturating_sub(1);
    text.lines().nth(at).unwrap_or_default().to_owned()
}

/// Builds the package with coverage, runs it, and reads how often its regions ran.
fn counts(tools: &Path, features: &str) -> Counts {
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    let arguments =
        ["rustc", "--quiet", "--package", "otelier-shapes", "--message-format", "json", "--features", features];
    build.args(arguments).args(["--", "-C", "instrument-coverage"]);
    build.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("shapes"));
    let built = run(&mut build);
    let messages = String::from_utf8_lossy(&built.stdout).into_owned();
    let program = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let program: PathBuf = program
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .next_back()
        .expect("cargo says where the program is");
    // The second build is at the same place.
    let folder = program.parent().map(|folder| folder.join("coverage")).unwrap_or_default();
    std::fs::create_dir_all(&folder).expect("a folder beside the program");
    let name = if features.is_empty() { "plain" } else { features };
    let kept = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    std::fs::copy(&program, &kept).expect("a copy of the program");

    let (raw, merged) = (folder.join(format!("{name}.profraw")), folder.join(format!("{name}.profdata")));
    run(Command::new(&kept).env("LLVM_PROFILE_FILE", &raw));
    run(Command::new(tools.join("llvm-profdata")).args(["merge", "-sparse", "-o"]).arg(&merged).arg(&raw));
    let mut export = Command::new(tools.join("llvm-cov"));
    export.args(["export", "-format=text", "-instr-profile"]).arg(&merged).arg(&kept);
    let exported = run(&mut export);
    let exported: Value = serde_json::from_slice(&exported.stdout).expect("llvm-cov writes JSON");

    let mut counts = Counts::new();
    let functions = exported["data"][0]["functions"].as_array().cloned().unwrap_or_default();
    for function in &functions {
        let file = function["filenames"][0].as_str().unwrap_or_default().replace('\\', "/");
        let Some((_, file)) = file.split_once("/shapes/src/") else { continue };
        for region in function["regions"].as_array().into_iter().flatten() {
            let number = |at: usize| region[at].as_u64().unwrap_or_default();
            // The eighth is the kind, 0 for code.
            if number(7) == 0 {
                *counts.entry((file.to_owned(), [0, 1, 2, 3].map(number))).or_default() += number(4);
            }
        }
    }
    counts
}

#[track_caller]
fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The folder of the toolchain's LLVM tools.
fn llvm_tools() -> Option<PathBuf> {
    let rustc = |argument: &[&str]| {
        let output = Command::new("rustc").args(argument).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (sysroot, version) = (rustc(&["--print", "sysroot"])?, rustc(&["-vV"])?);
    let host = version.lines().find_map(|line| line.strip_prefix("host: "))?;
    let folder = Path::new(sysroot.trim()).join("lib/rustlib").join(host).join("bin");
    let has = |name: &str| folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)).exists();
    (has("llvm-profdata") && has("llvm-cov")).then_some(folder)
}
