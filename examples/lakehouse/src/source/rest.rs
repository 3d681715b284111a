//! Recorded pairs of request and response, one YAML file each.

use std::path::Path;

use saphyr::{LoadableYamlNode, Yaml};

use super::Market;
use super::info::add_answer;

/// Adds one recording. Refusals that were recorded are left out: the exchange makes its own.
///
/// # Errors
///
/// One sentence that names the file and what is wrong with it.
pub fn add_file(market: &mut Market, path: &Path) -> Result<(), String> {
    let at = |what: &dyn std::fmt::Display| format!("{}: {what}; the file is skipped", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| at(&error))?;
    let documents = Yaml::load_from_str(&text).map_err(|error| at(&format_args!("not YAML ({error})")))?;
    let Some(document) = documents.first() else { return Err(at(&"the file is empty")) };

    let field = |section: &str, key: &str| document.as_mapping_get(section).and_then(|map| map.as_mapping_get(key));
    let text_of = |section: &str, key: &str| field(section, key).and_then(|value| value.as_str());
    let (Some(uri), Some(body)) = (text_of("request", "uri"), text_of("response", "body")) else {
        return Err(at(&"expected `request.uri` and `response.body`"));
    };
    if field("response", "status").and_then(|status| status.as_integer()) != Some(200) {
        return Ok(());
    }
    let query = text_of("request", "query_params").unwrap_or_default();
    add_answer(market, uri, query, body)
        .map_err(|error| at(&format_args!("`response.body` is not usable ({error})")))?;
    Ok(())
}
