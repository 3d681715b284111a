//! Reading of the options: every form, every pair.

use crate::args::Args;
use crate::ctxt::Ctxt;
use crate::{expand, options};
use proc_macro2::TokenStream;

/// Every option in a form that is right, and in forms that are not.
const FORMS: &[(&str, &str, &[&str])] = &[
    (
        "budget",
        "budget = \"5s\"",
        &["budget", "budget = 5", "budget = \"5\"", "budget(\"5s\")", "budget =", "budget = \"0s\""],
    ),
    (
        "correlation",
        "correlation = message",
        &["correlation", "correlation =", "correlation(message)", "correlation = message.await"],
    ),
    ("crate", "crate = otelier", &["crate", "crate =", "crate(otelier)"]),
    (
        "err",
        "err(|error| app.code = error.code(), event(\"failed\"))",
        &["err", "err()", "err = x", "err(|e|)", "err(|| app.x = 1)"],
    ),
    ("event", "event(\"queued\", app.size = 1)", &["event", "event = \"queued\"", "event(1)", "event()"]),
    ("kind", "kind = client", &["kind", "kind = \"client\"", "kind(client)", "kind = worker"]),
    ("late", "late(app.count)", &["late", "late = app.count", "late()", "late(app.count = 1)"]),
    ("link", "link = message", &["link", "link =", "link(message)", "link = message.await"]),
    ("metrics", "metrics", &["metrics = true", "metrics()", "metrics ="]),
    (
        "name",
        "name = \"load\"",
        &["name", "name = load", "name(\"load\")", "name = \"\"", "name = \"{\"", "name = \"{app.x}\""],
    ),
    ("none", "none = \"not_found\"", &["none", "none = 1", "none = \"\"", "none(\"not_found\")"]),
    (
        "operation_type",
        "operation_type = \"api\"",
        &["operation_type", "operation_type = api", "operation_type(\"api\")"],
    ),
    ("parent", "parent = headers", &["parent", "parent =", "parent(headers)", "parent = f()?"]),
    (
        "priority",
        "priority = high",
        &[
            "priority",
            "priority = hihg",
            "priority = urgent",
            "priority = \"high\"",
            "priority = 3",
            "priority(high)",
            "priority =",
        ],
    ),
    (
        "ret",
        "ret(app.n)",
        &[
            "ret",
            "ret = x",
            "ret()",
            "ret(app.n = 1)",
            "ret(|x| { 1 })",
            "ret(move |x| app.n = x)",
            "ret(|a, b| app.n = a)",
        ],
    ),
    ("root", "root", &["root = true", "root()", "root ="]),
    (
        "sample",
        "sample = 0.25",
        &["sample", "sample = 2", "sample = -1", "sample = sometimes", "sample(0.25)", "sample ="],
    ),
    ("sli", "sli = \"latency\"", &["sli", "sli = latency", "sli(\"latency\")", "sli = \"\""]),
    ("slo", "slo = \"500ms\"", &["slo", "slo = 500", "slo = \"half a second\"", "slo(\"500ms\")"]),
];

/// Options that may be given several times.
const REPEATED: &[&str] = &["err", "event", "late", "link", "ret"];

/// The texts of all mistakes.
fn mistakes(arguments: &str) -> Vec<String> {
    let mut ctxt = Ctxt::default();
    let tokens: TokenStream = arguments.parse().expect("the test's own tokens");
    let _ = Args::read(tokens, false, &mut ctxt);
    texts(ctxt.into_errors())
}

fn texts(errors: TokenStream) -> Vec<String> {
    let mut texts = Vec::new();
    for token in errors {
        match token {
            proc_macro2::TokenTree::Group(group) => texts.extend(self::texts(group.stream())),
            proc_macro2::TokenTree::Literal(literal) => texts.extend(crate::tokens::string(&literal)),
            _ => {}
        }
    }
    texts
}

#[test]
fn every_option_has_its_row() {
    let rows: Vec<&str> = FORMS.iter().map(|(name, ..)| *name).collect();
    let of_functions = crate::members::WORDS;
    assert_eq!(rows, options::names().filter(|name| !of_functions.contains(name)).collect::<Vec<_>>());
}

#[test]
fn right_forms_are_read_and_wrong_ones_get_one_sentence_each() {
    for (name, right, wrong) in FORMS {
        assert_eq!(mistakes(right), [""; 0], "{right}");
        for wrong in *wrong {
            // What stands in `event(..)` is read when the code is made.
            if wrong.starts_with("event(") {
                continue;
            }
            let found = mistakes(wrong);
            assert_eq!(found.len(), 1, "{wrong}: {found:?}");
            let text = &found[0];
            assert!(!text.contains("unknown argument"), "{wrong}: {text}");
            assert!(
                text.contains('`') && !text.ends_with('.') && !text.starts_with(char::is_uppercase),
                "{wrong}: {text}"
            );
            // The sentence is about this option or shows what it takes.
            let about = [*name, "span name", "span kind", "duration", "ratio", "decision", "late attribute", "|"];
            assert!(about.iter().any(|word| text.contains(word)), "{wrong}: {text}");
        }
    }
}

#[test]
fn every_pair_of_options_is_read() {
    for (a, first, _) in FORMS {
        for (b, second, _) in FORMS {
            let found = mistakes(&format!("{first}, {second}"));
            let expected: Vec<String> = match (*a, *b) {
                ("root", "parent") | ("parent", "root") => {
                    vec![format!("`{b}` contradicts `{a}`; a span has a parent or begins a trace")]
                }
                ("ret", "ret") => vec!["attribute `app.n` is recorded from the result twice".into()],
                ("late", "late") => vec!["attribute `app.count` is late twice".into()],
                (a, b) if a == b && !REPEATED.contains(&a) => vec![format!("`{a}` is given twice")],
                _ => Vec::new(),
            };
            assert_eq!(found, expected, "{first}, {second}");
        }
    }
}

#[test]
fn every_pair_with_a_wrong_form_has_no_more_mistakes_than_that() {
    for (a, right, _) in FORMS {
        for (b, _, wrong) in FORMS {
            for wrong in wrong.iter().filter(|wrong| !wrong.starts_with("event(")) {
                for pair in [format!("{right}, {wrong}"), format!("{wrong}, {right}")] {
                    let found = mistakes(&pair);
                    let is_about_parents = matches!((*a, *b), ("root", "parent") | ("parent", "root"));
                    assert!(
                        found.len() == 1 || a == b && found.len() < 3 || is_about_parents && found.len() < 3,
                        "{pair}: {found:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn code_is_made_of_every_pair_without_panicking() {
    let functions = ["fn f(a: A) -> B { record!(app.count = 1); b }", "async fn f(a: A) { record!(app.count = 1); b }"];
    for (_, first, wrong) in FORMS {
        for (_, second, _) in FORMS {
            for function in functions {
                for first in wrong.iter().chain([first]) {
                    let arguments = format!("app::Schema, {first}, {second}, app.x = 1");
                    let _ = expand::annotation(None, arguments.parse().unwrap(), function.parse().unwrap());
                }
            }
        }
    }
}

#[test]
fn unknown_words_are_told_the_nearest_option() {
    for (wrong, near) in [
        ("buget = \"5s\"", "budget"),
        ("evnt(\"x\")", "event"),
        ("lnk = x", "link"),
        ("metric", "metrics"),
        ("parnet = x", "parent"),
        ("priorty = low", "priority"),
        ("rett(app.x)", "ret"),
        ("roots", "root"),
        ("sampel = 1", "sample"),
        ("operation_typ = \"x\"", "operation_type"),
    ] {
        // Behind another one: what stands first alone is taken for a schema.
        let found = mistakes(&format!("app.id = 1, {wrong}"));
        assert_eq!(found.len(), 1, "{wrong}: {found:?}");
        assert!(found[0].ends_with(&format!("did you mean `{near}`?")), "{wrong}: {found:?}");
    }
}

#[test]
fn results_count_as_given_and_only_once() {
    for (arguments, text) in [
        (
            "app.n = 1, ret(app.n)",
            "attribute `app.n` has a value and is recorded from the result; leave one of them out",
        ),
        (
            "ret(app.n), app.n = 1",
            "attribute `app.n` has a value and is recorded from the result; leave one of them out",
        ),
        (
            "late(app.n), ret(|x| app.n = x)",
            "attribute `app.n` is `late` and recorded from the result; leave it out of `late(..)`",
        ),
        ("ret(|x| app.n = x, app.n = 2)", "attribute `app.n` is given twice"),
    ] {
        assert_eq!(mistakes(arguments), [text], "{arguments}");
    }
    for fine in [
        "app.n = 1, err(|error| app.n = 2)",
        "ret(app.n), err(app.n)",
        "#[cfg(a)] app.n = 1, #[cfg(b)] app.n = 2",
        "#[cfg(a)] app.n = 1, #[cfg(b)] ret(app.m)",
    ] {
        assert_eq!(mistakes(fine), [""; 0], "{fine}");
    }
}

#[test]
fn values_of_results_stay_where_they_are() {
    for (arguments, word) in [
        ("ret(|x| app.n = x.load().await)", "await"),
        ("ret(|x| app.n = f(x)?)", "?"),
        ("err(|x| app.n = { return })", "return"),
        ("ret(|x| event(\"x\", app.n = f(x)?))", "?"),
        ("link = x?", "?"),
    ] {
        let found = mistakes(arguments);
        assert_eq!(found.len(), 1, "{arguments}: {found:?}");
        assert!(found[0].contains(word), "{arguments}: {found:?}");
    }
    for fine in [
        "ret(|x| app.n = x.iter().map(|y| { f(y)?; Some(1) }).count())",
        "ret(|x| app.n = ?x, event(\"x\", app.n = ?x))",
        "ret(|(a, b): &(u8, HashMap<u8, u8>)| app.n = a)",
        "ret(|x| app.n = f::<A, B>(x), ..x, app.order = ..x)",
    ] {
        assert_eq!(mistakes(fine), [""; 0], "{fine}");
    }
}

#[test]
fn names_have_only_attributes_that_are_given() {
    for fine in [
        "name = \"{app.a} {app.b} {app.c} {app.d}\", app.a = 1, app.b = x, late(app.c), ret(app.d)",
        "name = \"{app.header.x}\", app.header[\"x\"] = x",
        "name = \"{app.x}\", \"app.x\" = 1",
    ] {
        assert_eq!(mistakes(fine), [""; 0], "{fine}");
    }
    for (arguments, text) in [
        ("name = \"{app.symbl}\", app.symbol = 1", "did you mean `{app.symbol}`?"),
        ("name = \"{app.symbol}\"", "write `app.symbol = value` too"),
        ("name = \"{symbol}\"", "write `app.symbol = value` and `{app.symbol}`"),
        ("name = \"{code}\", err(app.code)", "which is no attribute"),
        ("name = \"a {{app.x}}\", app.x = 1", "has no `{{`"),
        ("name = \"a }\"", "`}` without its `{`"),
        ("name = \"{}\"", "`{}` without an attribute"),
    ] {
        let found = mistakes(arguments);
        assert_eq!(found.len(), 1, "{arguments}: {found:?}");
        assert!(found[0].contains(text), "{arguments}: {found:?}");
    }
}

#[test]
fn only_cfg_stands_in_front_of_what_is_recorded() {
    for fine in [
        "#[cfg(a)] app.x = 1, #[cfg(a)] #[cfg(b)] ret(app.y), #[cfg(a)] event(\"x\", #[cfg(b)] app.x = 1), #[cfg(a)] link = x",
        "#[cfg(a)] ..order, #[cfg(a)] app.order = ..order, #[cfg(a)] err(app.x)",
    ] {
        assert_eq!(mistakes(fine), [""; 0], "{fine}");
    }
    for wrong in [
        "#[cfg(a)] root",
        "#[cfg(a)] name = \"x\"",
        "#[cfg(a)] kind = client",
        "#[cfg(a)] priority = high",
        "#[cfg(a)] budget = \"5s\"",
        "#[cfg(a)] late(app.x)",
        "late(#[cfg(a)] app.x)",
        "#[allow(unused)] app.x = 1",
        "#[cfg] app.x = 1",
        "#[cfg(a)]",
    ] {
        let found = mistakes(wrong);
        assert_eq!(found.len(), 1, "{wrong}: {found:?}");
        assert!(found[0].contains("cfg"), "{wrong}: {found:?}");
    }
}
