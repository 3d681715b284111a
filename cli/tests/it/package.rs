//! Commands with `--package`.

use crate::shop::{REGISTRY, manifest};
use crate::{printed, refused, target};
use otelier_registry::model::{Kind, Requirement, Sensitivity, Stability};
use otelier_registry::read;
use std::path::Path;

fn of_shop<'a>(command: &'a str, manifest: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["schema", command, "--package", "shop", "--manifest-path", manifest];
    arguments.extend(more);
    arguments
}

#[test]
fn an_export_has_the_schemas_of_the_package_and_those_it_uses() {
    let registry = read::registry(Path::new(&*REGISTRY)).unwrap();
    assert_eq!((registry.name.as_str(), registry.schema_url.as_str()), ("shop", "https://shop.invalid/schemas/1.2.0"));
    let spans: Vec<&str> = registry.spans.iter().map(|span| span.id.as_str()).collect();
    assert_eq!(spans, ["database.command", "shop.sale"]);
    let events: Vec<&str> = registry.events.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(events, ["shop.bell"]);
    let groups: Vec<&str> = registry.groups.iter().map(|group| group.id.as_str()).collect();
    assert_eq!(groups, ["shop.customer"]);
    let sale = &registry.spans[1];
    assert_eq!((sale.kind, sale.name.as_str(), sale.stability), (Kind::Client, "sell {shop.market}", Stability::Beta));
    let [count, customer, market, price] = sale.attributes.as_slice() else { panic!("{sale:?}") };
    assert_eq!((count.late, customer.sensitivity), (true, Sensitivity::Sensitive));
    assert_eq!((price.unit.as_str(), price.requirement), ("{cent}", Requirement::Required));
    assert_eq!((market.rust_enum.as_str(), market.open), ("Market", false));
    let members: Vec<_> = market.members.iter().map(|member| (&*member.id, &*member.value, &*member.brief)).collect();
    assert_eq!(members, [("spot", "spot", "At once."), ("value_1d", "1d", "Later.")]);
}

#[test]
fn outputs_stay_the_same_and_features_count() {
    let manifest = manifest();
    let list = "database.command  client    ";
    let first = printed(&of_shop("list", &manifest, &[]), 0);
    assert!(first.starts_with(list) && first.ends_with("shop.sale         client    One sale.\n"), "{first}");
    assert_eq!(first, printed(&of_shop("list", &manifest, &[]), 0));
    let with_returns = printed(&of_shop("list", &manifest, &["--features", "returns"]), 0);
    assert!(with_returns.contains("shop.return       internal  One return.\n"), "{with_returns}");
    assert!(printed(&of_shop("docs", &manifest, &[]), 0).contains("`shop.sale`"));
    assert!(printed(&of_shop("rules", &manifest, &[]), 0).contains("shop.sale"));
    assert!(printed(&of_shop("show", &manifest, &["shop.bell"]), 0).contains("How high."));
}

#[test]
fn call_sites_are_listed() {
    let list = printed(&of_shop("call-sites", &manifest(), &[]), 0);
    let lines: Vec<&str> = list.lines().collect();
    let [sell, stock] = lines.as_slice() else { panic!("{list}") };
    assert!(
        sell.starts_with("shop/src/lib.rs:") && sell.contains("  sell   shop.sale         shop.market, shop.price")
    );
    assert!(stock.contains("  stock  database.command  db.system.name, db.operation.name"), "{list}");
}

#[test]
fn versions_are_those_of_the_package() {
    let manifest = manifest();
    printed(&of_shop("list", &manifest, &[]), 0);
    let versions = |path: &Path| {
        let lock = std::fs::read_to_string(path).unwrap();
        let package = |entry: &str| {
            let mut lines = entry.lines().filter_map(|line| line.split_once(" = "));
            Some((lines.next()?.1.to_owned(), lines.next()?.1.to_owned()))
        };
        lock.split("[[package]]\n").skip(1).filter_map(package).collect::<Vec<_>>()
    };
    let users = versions(&Path::new(&manifest).with_file_name("Cargo.lock"));
    let asked = versions(&target().join("otelier/registry-of-shop/Cargo.lock"));
    assert!(asked.iter().any(|(name, _)| name == "\"otelier-registry\""));
    for (name, version) in asked {
        let known: Vec<_> = users.iter().filter(|(user, _)| *user == name).map(|(_, version)| version).collect();
        assert!(known.is_empty() || known.contains(&&version), "{name} {version}");
    }
}

#[test]
fn packages_that_do_not_fit_are_told() {
    let manifest = manifest();
    let cases = [
        ("shpo", "error: there is no package `shpo` in the workspace; did you mean `shop`?\n"),
        ("elsewhere", "error: there is no package `elsewhere` in the workspace; expected `shop`, `store` or `till`\n"),
        (
            "till",
            "error: the package `till` has no library; expected one: move the schemas into a `src/lib.rs` that the \
             program uses\n",
        ),
        ("store", "error: the package `store` does not depend on otelier; expected it in its [dependencies]\n"),
    ];
    for (name, expected) in cases {
        let error = refused(&["schema", "list", "--package", name, "--manifest-path", &manifest]);
        assert_eq!(error, expected);
    }
    let error = refused(&["schema", "list", "--package", "shop", "--manifest-path", "/nowhere/Cargo.toml"]);
    assert!(error.starts_with("error: `cargo metadata` failed: "), "{error}");
    let error = refused(&of_shop("list", &manifest, &["--features", "nothing"]));
    assert!(error.contains("nothing"), "{error}");
    let error = refused(&["schema", "list", "--manifest-path", &manifest]);
    assert!(error.contains("--package"), "{error}");
}
