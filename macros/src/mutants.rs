//! Whatever a user types, the macros answer with tokens and do not panic: valid input with one token dropped, doubled,
//! swapped with the next or replaced, at every place and depth.

use crate::{expand, schema};
use otelier_spec::domain::domain_macro;
use proc_macro2::{Group, TokenStream, TokenTree};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Tokens that may stand anywhere by mistake.
const ODD: &str = r##"; , . : = < > | ! # $ @ - & ? 'a a A r#fn _ self crate é "" "a.b" "{" 7 0x1F 1.5 'c' b"a" r"\" true () [] {} [..] {;;} (,)"##;

fn tokens(text: &str) -> TokenStream {
    text.parse().expect("the test's own tokens")
}

/// Every stream that differs from `stream` in one place.
fn mutants(stream: &TokenStream, odd: &[TokenTree]) -> Vec<TokenStream> {
    let tokens: Vec<TokenTree> = stream.clone().into_iter().collect();
    let with = |at: usize, removed: usize, new: &[TokenTree]| -> TokenStream {
        [&tokens[..at], new, &tokens[at + removed..]].concat().into_iter().collect()
    };
    let mut all = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        all.push(with(at, 1, &[]));
        all.push(with(at, 0, std::slice::from_ref(token)));
        all.push(tokens[..at].iter().cloned().collect());
        if let Some(next) = tokens.get(at + 1) {
            all.push(with(at, 2, &[next.clone(), token.clone()]));
        }
        // Each place gets a third of them, in place of the token or in front of it.
        for odd in odd.iter().skip(at % 3).step_by(3) {
            all.push(with(at, usize::from(at % 2 == 0), std::slice::from_ref(odd)));
        }
        if let TokenTree::Group(group) = token {
            let inner = mutants(&group.stream(), odd);
            all.extend(
                inner.into_iter().map(|inner| with(at, 1, &[TokenTree::Group(Group::new(group.delimiter(), inner))])),
            );
        }
    }
    all
}

/// Feeds `text` and its mutants to a macro; gives how many they were.
fn survives(text: &str, expand: impl Fn(TokenStream) -> TokenStream) -> usize {
    let odd: Vec<TokenTree> = tokens(ODD).into_iter().collect();
    let stream = tokens(text);
    let all = mutants(&stream, &odd);
    for mutant in std::iter::once(&stream).chain(&all) {
        let result = catch_unwind(AssertUnwindSafe(|| expand(mutant.clone())));
        assert!(result.is_ok(), "panicked at: {mutant}");
    }
    all.len()
}

const SPAN: &str = r#"
    #[doc = "Doc."] #[allow(unused)]
    pub(crate) Order = "app.order" {
        kind = client; name = "order {app.id}"; note "more"; stability = stable; undeclared = warn; crate = app::otelier;
        renamed = app.cart; deprecated = "gone"; constant app.side = "buy";
        #[doc = "Doc."] app.id: int required "Id." examples [1, -2];
        app.size: int unit "By" in [1, -2, ..] late stable;
        app.market: otelier::Market personal required_if "it is known" note "x";
        error.type: string[] renamed app.error deprecated "x";
        app.label.<key>: Option<Vec<u64>> secret;
    }
"#;

#[test]
fn declarations_survive_every_mistake() {
    let count = survives(SPAN, schema::span_schema);
    let event = SPAN.replace("kind = client; name = \"order {app.id}\";", "");
    assert!(count + survives(&event, schema::event_schema) > 2_000);
    survives("pub Tenant { app.tenant: string; include app::Other; }", schema::attribute_group);
    survives(
        "Tenant = \"app.x\" { extends Base; include app::Other; refine a.b required late; a.c: any }",
        schema::span_schema,
    );
}

#[test]
fn what_groups_hand_back_survives_every_mistake() {
    survives(
        "group { app.tenant: string required late \"Doc.\"; app.plan: @ 1 Plan; constant a.b = \"c\"; } \
         include { crate::Tenant } span { pub Order = \"app.order\" } { refine app.tenant opt_in; include app::Next; }",
        schema::with_group,
    );
}

#[test]
fn annotations_survive_every_mistake() {
    let function = tokens("pub async fn load(mut id: u64) -> Result<impl Sized, E> { record!(app.rows = 1); Ok(id) }");
    let arguments = "app::Order, name = \"load\", kind = client, crate = app::otelier, late(app.rows, app.bytes), \
                     app.id = 1, app.label[\"x\"] = %f::<A, B>(x), \"app.y\" = ?-2, error.type = x.await,";
    let count = survives(arguments, |arguments| expand::annotation(None, arguments, function.clone()));
    assert!(count > 1_000);
    let options = "Order, name = \"load {app.id}\", parent = a, root, sample = 0.5, priority = low, link = b, none = \"x\", metrics, budget = \"5s\", \
                   slo = \"1.5ms\", sli = \"a\", operation_type = \"b\", #[cfg(a)] #[cfg(b)] app.id = 1, app.order = ..order,";
    survives(options, |arguments| expand::annotation(None, arguments, function.clone()));
    let results = "ret(|(a, b): &P| app.id = a.b(), #[cfg(c)] event(\"x\", app.n = ?a), app.order = ..b, ..a), err(app.x), \
                   ret(app.y), event(app::Retry, #[cfg(d)] app.n = 1), err(|e| \"app.z\" = %e)";
    survives(results, |arguments| expand::annotation(None, arguments, function.clone()));
    let domain = domain_macro("trace_stage");
    survives("crypto.stage_name = \"a\", late(app.rows)", |arguments| {
        expand::annotation(domain, arguments, function.clone())
    });
    survives("config_load, startup.config.source = \"file\"", |arguments| {
        expand::annotation(domain_macro("trace_startup"), arguments, function.clone())
    });
}

#[test]
fn functions_survive_every_mistake() {
    let arguments = tokens("app::Order, late(app.rows), app.id = 1");
    let function = r#"
        #[inline] pub async unsafe fn load<'a, T: Fn(u8) -> u8>(&'a self, #[cfg(x)] mut a: T, (mut b, c): P) -> Vec<impl Sized + 'a>
        where T: Send {
            #![allow(unused)]
            record!(app.rows = a); record!("app.x" = -1); record!(app.label["x"] = b);
            event!("retry", app.n = 1); event!(app::Retry, app.n = c, "app.m" = 2);
            let f = move |x| record!(app.rows = x);
            fn inner() { return 1; }
            trace_block!(name = "x", { return 3; });
            if a { return Err(1) } else { return g::<A, B>(x), }
            match a { A | B => return, _ => |x: u8| { return x; } }
            async move { record!(app.rows = 1) }
        }
    "#;
    let count = survives(function, |function| expand::annotation(None, arguments.clone(), function));
    assert!(count > 2_000);
}

#[test]
fn blocks_survive_every_mistake() {
    survives("name = \"x\", app.id = 1, -> Result<(), E> { record!(app.rows = 1); Ok(()) }", expand::block);
    survives("Order, late(app.rows), async move { record!(app.rows = 1); }", expand::block);
}

#[test]
fn an_expansion_is_the_same_each_time() {
    let item = "impl Pool { async fn load(mut a: u8, (b, c): P) -> Result<u8, E> { record!(app.rows = 1); event!(\"x\", app.n = 2); Ok(a) } }";
    let expand = || {
        expand::annotation(None, tokens("app::Order, app.id = 1, app.z = 2, app.b = 3, %f(x)"), tokens(item))
            .to_string()
    };
    let block = || expand::annotation(None, tokens("app.id = 1, app.z = 2, app.b = x"), tokens(item)).to_string();
    let declaration = || schema::span_schema(tokens(SPAN)).to_string();
    for _ in 0..8 {
        assert_eq!((expand(), block(), declaration()), (expand(), block(), declaration()));
    }
}
