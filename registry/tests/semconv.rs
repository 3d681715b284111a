//! The semantic conventions' whole model, read, written and read again.

use otelier_registry::model::{Attribute, Kind, Registry, Requirement, Span, Stability};
use otelier_registry::{read, rust, yaml};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The model, if it is there; otherwise the tests say that they were skipped.
fn model() -> Option<Registry> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures/semconv");
    let path = std::env::var_os("OTELIER_SEMCONV").map_or(beside, PathBuf::from).join("model");
    if !path.is_dir() {
        eprintln!("skipped: {} is absent; OTELIER_SEMCONV names the folder with `model`", path.display());
        return None;
    }
    Some(read::registry(&path).unwrap_or_else(|errors| panic!("{errors}")))
}

fn span<'a>(registry: &'a Registry, id: &str) -> &'a Span {
    registry.spans.iter().find(|span| span.id == id).unwrap_or_else(|| panic!("no span {id}"))
}

fn attribute<'a>(attributes: &'a [Attribute], name: &str) -> &'a Attribute {
    attributes.iter().find(|attribute| attribute.name == name).unwrap_or_else(|| panic!("no attribute {name}"))
}

#[test]
fn the_whole_model_is_read() {
    let Some(registry) = model() else { return };
    let count = |kind: Kind| registry.spans.iter().filter(|span| span.kind == kind).count();
    let attributes = &registry.attributes;
    assert_eq!(registry.schema_url, "https://opentelemetry.io/schemas/1.45.0-unreleased");
    assert_eq!(attributes.len(), 943);
    assert_eq!(attributes.iter().filter(|own| own.deprecated.is_some()).count(), 207);
    assert_eq!(attributes.iter().filter(|own| !own.members.is_empty()).count(), 171);
    assert_eq!(attributes.iter().filter(|own| own.value_type.template).count(), 41);
    // 78 spans and 35 refinements of them.
    assert_eq!((registry.spans.len(), registry.events.len(), registry.groups.len()), (113, 32, 6));
    let kinds = [Kind::Client, Kind::Server, Kind::Internal, Kind::Producer, Kind::Consumer].map(count);
    assert_eq!(kinds.iter().sum::<usize>(), 113);
    for span in &registry.spans {
        assert!(!span.attributes.is_empty() && !span.brief.is_empty(), "{}", span.id);
        assert!(span.attributes.is_sorted_by(|a, b| a.name < b.name), "{}", span.id);
        for own in &span.attributes {
            let defined = attribute(attributes, &own.name);
            assert_eq!((own.value_type, &own.members), (defined.value_type, &defined.members), "{}", span.id);
            let conditional = own.requirement == Requirement::ConditionallyRequired;
            assert!(!conditional || !own.condition.is_empty(), "{} of {}", own.name, span.id);
        }
    }
}

#[test]
fn spans_have_what_their_groups_and_bases_say() {
    let Some(registry) = model() else { return };
    let http = span(&registry, "http.client");
    assert_eq!((http.kind, http.stability, http.attributes.len()), (Kind::Client, Stability::Stable, 25));
    let level = |span: &Span, name: &str| {
        let own = attribute(&span.attributes, name);
        (own.requirement, own.condition.clone())
    };
    let plain = |level: Requirement| (level, String::new());
    assert_eq!(level(http, "http.request.method"), plain(Requirement::Required));
    assert_eq!(level(http, "url.full"), plain(Requirement::Required));
    assert_eq!(level(http, "user_agent.original"), plain(Requirement::OptIn));
    let resend = (Requirement::Recommended, "if and only if request was retried.".to_owned());
    assert_eq!(level(http, "http.request.resend_count"), resend);
    let failed = (Requirement::ConditionallyRequired, "If request has ended with an error.".to_owned());
    assert_eq!(level(http, "error.type"), failed);
    let header = attribute(&http.attributes, "http.request.header");
    assert_eq!(
        (header.value_type.to_string().as_str(), header.requirement),
        ("template[string[]]", Requirement::OptIn)
    );
    let method = attribute(&http.attributes, "http.request.method");
    assert!(method.open && method.members.iter().any(|member| member.value == "_OTHER"));

    let kafka = span(&registry, "messaging.kafka.create.producer");
    assert_eq!(
        (kafka.kind, kafka.brief.as_str()),
        (Kind::Producer, "Describes a message being created for sending to Apache Kafka.")
    );
    assert!(kafka.name_note.contains("{messaging.operation.name} {destination}"));
    assert_eq!(attribute(&kafka.attributes, "messaging.system").note, "MUST be set to `\"kafka\"`.");
    assert_eq!(level(kafka, "messaging.system"), plain(Requirement::Required));

    let task = span(&registry, "cicd.pipeline.task.internal");
    let required = [
        "cicd.pipeline.task.name",
        "cicd.pipeline.task.run.id",
        "cicd.pipeline.task.run.result",
        "cicd.pipeline.task.run.url.full",
    ];
    assert!(required.iter().all(|name| level(task, name) == plain(Requirement::Required)));
    let rpc = attribute(&registry.attributes, "rpc.grpc.status_code");
    assert_eq!((rpc.value_type.to_string().as_str(), rpc.members[1].value.as_str()), ("int", "1"));
}

#[test]
fn the_model_is_the_same_after_it_was_written_and_read() {
    let Some(registry) = model() else { return };
    let files = yaml::definition(&registry).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(Ok(&files), yaml::definition(&registry).as_ref());
    let texts = files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let again = read::texts(texts).unwrap_or_else(|errors| panic!("{errors}"));
    for (again, before) in again.spans.iter().zip(&registry.spans) {
        assert_eq!(again, before);
    }
    assert!(again == registry);
    if let Some(folder) = std::env::var_os("OTELIER_SEMCONV_OUT").map(PathBuf::from) {
        // For Weaver to read: `weaver registry check --v2 -r FOLDER`.
        for (name, text) in &files {
            let path = folder.join(name);
            path.parent().map(std::fs::create_dir_all).transpose().and_then(|_| std::fs::write(path, text)).unwrap();
        }
    }
}

#[test]
fn the_source_is_the_same_each_time_and_as_rustfmt_leaves_it() {
    let Some(registry) = model() else { return };
    let options = rust::Options { docs: "The semantic conventions.".to_owned(), ..rust::Options::default() };
    let source = rust::source(&registry, &options).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(Ok(&source), rust::source(&registry, &options).as_ref());
    assert_eq!(source.matches("otelier::span_schema! {").count(), 113);
    for line in source.lines().filter(|line| line.chars().count() > 120) {
        // Nothing but a word that is longer than a line.
        assert_eq!(line.trim_start().trim_start_matches("/// ").split(' ').count(), 1, "{line}");
    }
    assert_formatted(&source);
}

/// Checks with `rustfmt` that `source` is Rust, and formatted.
fn assert_formatted(source: &str) {
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/../rustfmt.toml");
    let rustfmt = Command::new("rustfmt")
        .args(["--check", "--edition", "2024", "--config-path", config])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut rustfmt) = rustfmt else {
        eprintln!("skipped: there is no rustfmt");
        return;
    };
    std::io::Write::write_all(&mut rustfmt.stdin.take().unwrap(), source.as_bytes()).unwrap();
    let output = rustfmt.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
