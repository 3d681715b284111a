//! What the example `settings` prints.

use std::process::{Command, Output};

fn run(argument: Option<&str>, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_settings"));
    command.args(argument).env_remove("OTEL_CONFIG_FILE").envs(variables.iter().copied());
    command.output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace("\r\n", "\n")
}

#[test]
fn every_setting_says_where_it_comes_from_and_secrets_are_hidden() {
    let output = run(None, &[("SHOP_TOWNS", "Jena, Gera"), ("SHOP_AGE", "1h 30m"), ("SHOP_PASSWORD", "hush")]);
    assert!(output.status.success());
    assert_eq!(text(&output.stderr), "warning: the variable `SHOP_AGE` is old; use the variable `SHOP_PRICE_AGE`\n");
    let printed = text(&output.stdout);
    let origins: Vec<_> = printed.lines().take_while(|line| !line.starts_with("Settings")).collect();
    assert_eq!(
        origins,
        [
            "shop.towns: $SHOP_TOWNS",
            "shop.discount: default",
            "shop.price_age: $SHOP_AGE",
            "shop.courier: default",
            "shop.password: $SHOP_PASSWORD",
            "shop.receipts.folder: default",
            "shop.receipts.size: default",
        ]
    );
    assert!(printed.contains("\"Gera\"") && printed.contains("5400s") && !printed.contains("hush"), "{printed}");
}

#[test]
fn every_mistake_is_printed_and_the_exit_code_is_2() {
    let output = run(None, &[("SHOP_DISCOUNT", "80"), ("SHOP_COURIER", "rocket"), ("SHOP_RECEIPTS_SIZE", "1 B")]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr),
        "error: `SHOP_DISCOUNT` is `80`; expected a whole number from 0 to 50\n\
         error: `SHOP_COURIER` is `rocket`; expected `bike`, `van` or `drone`\n\
         error: `SHOP_RECEIPTS_SIZE` is `1 B`; expected a size such as `16MiB`, from 1KiB to 1GiB\n"
    );
}

#[test]
fn the_table_of_all_settings_is_printed() {
    let output = run(Some("--reference"), &[]);
    let wanted = include_str!("snapshots/settings.md").replace("\r\n", "\n");
    assert_eq!(text(&output.stdout), wanted);
    assert!(text(&run(Some("--json-schema"), &[]).stdout).starts_with("{\"$schema\""));
    assert_eq!(run(Some("--refrence"), &[]).status.code(), Some(2));
}
