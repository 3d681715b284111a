//! `otelier config show`: the values that hold, and where each comes from.

use super::tree::Item;
use super::{engine, environment};
use crate::Outcome;
use clap::ArgMatches;
use otelier::config::Variables;
use otelier::config::describe::Type;

pub(super) fn run(matches: &ArgMatches) -> Result<Outcome, String> {
    let variables = Variables::of_the_process();
    let is_set = |name: &str| variables.get(name).is_some();
    let given = matches.get_one::<String>("config").cloned();
    let tree = match given.or_else(engine::file_of_the_environment) {
        Some(file) => {
            let root = engine::document(&file).map_err(together)?;
            Item::of(&root, engine::keys().map(Type::Section).as_ref())
        }
        None => environment::tree(&engine::telemetry(None).map_err(together)?, &is_set),
    };
    Ok(match matches.get_flag("json") {
        true => format!("{:#}\n", tree.json()).into(),
        false => tree.text().into(),
    })
}

fn together(problems: Vec<String>) -> String {
    problems.join("\nerror: ")
}
