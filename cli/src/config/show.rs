//! `otelier config show`: the values that hold, and where each comes from.

use super::effective;
use crate::Outcome;
use clap::ArgMatches;

pub(super) fn run(matches: &ArgMatches) -> Result<Outcome, String> {
    let file = matches.get_one::<String>("config").map(String::as_str);
    let settings = super::settings(file).map_err(|error| {
        let problems: Vec<String> = error.problems().iter().map(ToString::to_string).collect();
        problems.join("\nerror: ")
    })?;
    // Beside the output, so that this can still be read by other tools.
    settings.telemetry.warnings.iter().for_each(|warning| crate::say(&format!("warning: {warning}")));
    let tree = effective::tree(&settings);
    Ok(match matches.get_flag("json") {
        true => format!("{:#}\n", tree.json()).into(),
        false => tree.text().into(),
    })
}
