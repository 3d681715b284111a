//! Commands on the schemas that come with otelier, and on registries.

use crate::{folder, otelier, printed, refused};
use otelier_registry::{diff, read};
use std::fs;
use std::process::{Command, Stdio};

#[test]
fn schemas_are_listed_and_shown() {
    let list = printed(&["schema", "list"], 0);
    assert_eq!(list.lines().count(), otelier::schema::ALL.len());
    assert!(list.lines().any(|line| line.starts_with("storage.operation ") && line.contains(" client ")), "{list}");
    for schema in otelier::schema::ALL {
        let shown = printed(&["schema", "show", schema.id], 0);
        assert!(shown.starts_with(&format!("# {}\n", schema.id)));
        for attribute in schema.attributes {
            assert!(shown.contains(attribute.name), "{} of {}", attribute.name, schema.id);
        }
    }
    assert!(printed(&["schema", "show", "retry.scheduled"], 0).contains("retry.scheduled"));
}

#[test]
fn mistakes_end_with_code_2_and_a_sentence() {
    let mistakes = [
        &["schema", "show", "nothing"][..],
        &["schema", "shwo"],
        &["schmea"],
        &["schema", "show"],
        &["schema", "dashboards"],
        &["schema", "diff", "/nowhere", "/nowhere"],
        &["schema", "import", "/nowhere"],
        &["schema", "docs", "--registry", "/nowhere"],
        &["schema", "check", "--fail-on", "everything", "-"],
    ];
    for arguments in mistakes {
        assert!(refused(arguments).starts_with("error: "), "{arguments:?}");
    }
    let error = refused(&["schema", "show", "crypto.exchange_apu"]);
    assert_eq!(error, "error: there is no schema `crypto.exchange_apu`; did you mean `crypto.exchange_api`?\n");
}

#[test]
fn an_export_is_the_same_in_a_folder_and_in_one_text() {
    let folder = folder("export");
    let path = folder.display().to_string();
    let said = printed(&["schema", "export", "--out", &path], 0);
    assert!(said.starts_with(&format!("wrote {path}/manifest.yaml\n")), "{said}");
    let text = printed(&["schema", "export"], 0);
    assert!(text.starts_with("# file: manifest.yaml\nname: otelier\n"), "{text}");
    assert_eq!(text, printed(&["schema", "export"], 0));
    assert_eq!(text, printed(&["schema", "export", "--registry", &path], 0));
    let one = folder.join("one.txt");
    fs::write(&one, &text).unwrap();
    let registry = read::registry(&folder).unwrap();
    assert_eq!(registry.spans.len(), otelier::schema::ALL.len());
    assert_eq!(printed(&["schema", "diff", &path, &one.display().to_string()], 0), "0 breaking, 0 other changes\n");
    let named = printed(&["schema", "export", "--name", "app", "--schema-url", "https://app.example/schemas/2.0.0"], 0);
    assert!(named.contains("\nname: app\n") && named.contains("https://app.example/schemas/2.0.0"), "{named}");
    fs::write(folder.join("spans/old.yaml"), "file_format: definition/2\n").unwrap();
    let output = otelier(&["schema", "export", "--out", &path]);
    let warning = format!("warning: {path}/spans/old.yaml is not part of this registry; is it of an older one?\n");
    assert_eq!(String::from_utf8_lossy(&output.stderr), warning);
}

#[test]
fn a_folder_that_cannot_be_written_is_told() {
    let folder = folder("unwritable");
    let file = folder.join("file");
    fs::write(&file, "").unwrap();
    let inside = file.join("out").display().to_string();
    for command in ["export", "docs", "rules", "collector", "dashboards"] {
        let error = refused(&["schema", command, "--out", &inside]);
        assert!(error.starts_with(&format!("error: {inside}")), "{error}");
    }
}

#[test]
fn documents_are_printed_and_written() {
    let folder = folder("documents");
    for (command, contains) in
        [("docs", "# otelier"), ("rules", "groups:"), ("collector", "span_metrics:"), ("import", "span_schema!")]
    {
        let export = folder.join("export.yaml").display().to_string();
        fs::write(&export, printed(&["schema", "export"], 0)).unwrap();
        let out = folder.join("deep").join(command).display().to_string();
        let mut arguments = vec!["schema", command];
        if command == "import" {
            arguments.push(&export);
        }
        let text = printed(&arguments, 0);
        assert!(text.contains(contains), "{command}");
        arguments.extend(["--out", &out]);
        assert_eq!(printed(&arguments, 0), format!("wrote {out}\n"));
        assert_eq!(fs::read_to_string(out).unwrap(), text);
    }
    let dashboards = folder.join("dashboards").display().to_string();
    let said = printed(&["schema", "dashboards", "--out", &dashboards], 0);
    for line in said.lines() {
        let text = fs::read_to_string(line.strip_prefix("wrote ").unwrap()).unwrap();
        assert!(serde_json::from_str::<serde_json::Value>(&text).unwrap()["panels"].is_array());
    }
    assert!(said.lines().any(|line| line.ends_with("crypto.json")), "{said}");
}

#[test]
fn imports_follow_their_options() {
    let folder = folder("import");
    let export = folder.join("export.yaml").display().to_string();
    fs::write(&export, printed(&["schema", "export"], 0)).unwrap();
    let source = printed(&["schema", "import", &export, "--crate-path", "crate", "--no-groups"], 0);
    assert!(source.contains("crate::span_schema! {") && !source.contains("attribute_group!"));
    assert!(printed(&["schema", "import", &export], 0).contains("otelier::attribute_group! {"));
}

#[test]
fn a_diff_ends_with_code_1_if_something_breaks() {
    let folder = folder("diff");
    let text = printed(&["schema", "export"], 0);
    let file = |name: &str, text: String| {
        fs::write(folder.join(name), text).unwrap();
        folder.join(name).display().to_string()
    };
    let old = file("old.yaml", text.clone());
    let renamed = file("renamed.yaml", text.replace("crypto.symbol", "crypto.pair"));
    let report = printed(&["schema", "diff", &old, &renamed], 1);
    assert!(report.contains("breaking: span `crypto.exchange_api`, attribute `crypto.symbol`: removed\n"), "{report}");
    let stable = file("stable.yaml", text.replacen("stability: development", "stability: stable", 1));
    let quiet = printed(&["schema", "diff", &old, &stable], 0);
    assert!(quiet.starts_with("0 breaking, ") && quiet.lines().count() == 1, "{quiet}");
    assert_ne!(printed(&["schema", "diff", &old, &stable, "--all"], 0).lines().count(), 1);
    let (before, after) = (read::registry(&folder.join("none")), read::registry(&folder.join("none")));
    assert!(before.is_err() && after.is_err());
    let broken = file("broken.yaml", "groups: [{id: a}]".to_owned());
    let error = refused(&["schema", "diff", &old, &broken]);
    assert!(error.contains("broken.yaml:1:"), "{error}");
    assert!(diff::changes(&Default::default(), &Default::default()).is_empty());
}

#[test]
fn a_reader_that_has_enough_is_no_failure() {
    let mut docs = Command::new(env!("CARGO_BIN_EXE_otelier"));
    let mut docs = docs.args(["schema", "docs"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(docs.stdout.take());
    let output = docs.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn help_tells_the_exit_codes() {
    for command in ["list", "show", "export", "docs", "dashboards", "rules", "collector", "diff", "import", "check"] {
        let help = printed(&["schema", command, "--help"], 0);
        assert!(help.contains("Exit codes: 0 "), "{command}: {help}");
    }
}
