//! Reading a directory of recordings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Market, Origin, SourceError, capture, rest};

/// Budget of a spot exchange at the time of the recordings, used when no exchangeInfo was recorded.
const DEFAULT_WEIGHT_LIMIT: u32 = 1_200;

/// Reads all recordings of a directory, and of its folders `binance-capture` and `binance-rest`.
///
/// # Errors
///
/// [`SourceError`] if the directory cannot be read, has no recordings, or none of them has market data. Damaged lines
/// and files are skipped; the origin of the market lists them.
pub fn load(dir: &Path) -> Result<Market, SourceError> {
    let recordings = find(dir)?;
    let origin = Origin::Recorded { dir: dir.to_owned(), files: 0, warnings: Vec::new() };
    let mut market = Market { origin, weight_limit: DEFAULT_WEIGHT_LIMIT, server_time: 0, symbols: BTreeMap::new() };
    let mut warnings = Vec::new();
    let mut used = 0;
    for path in &recordings {
        let outcome = match kind(path) {
            Some(Kind::Capture) => capture::add_file(&mut market, path, &mut warnings),
            _ => rest::add_file(&mut market, path).map(|()| true),
        };
        match outcome {
            Ok(true) => used += 1,
            Ok(false) => {}
            Err(warning) => warnings.push(warning),
        }
    }
    if market.symbols_with_data().is_empty() {
        let first_warning = warnings.into_iter().next();
        return Err(SourceError::NoMarketData { dir: dir.to_owned(), files: recordings.len(), first_warning });
    }
    market.origin = Origin::Recorded { dir: dir.to_owned(), files: used, warnings };
    Ok(market)
}

enum Kind {
    Capture,
    Rest,
}

fn kind(path: &Path) -> Option<Kind> {
    let name = path.file_name()?.to_str()?;
    match name {
        _ if name.ends_with(".jsonl.zst") => Some(Kind::Capture),
        _ if name.ends_with(".yml") || name.ends_with(".yaml") => Some(Kind::Rest),
        _ => None,
    }
}

fn find(dir: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let unreadable = |error| SourceError::Unreadable { dir: dir.to_owned(), error };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(unreadable)? {
        found.push(entry.map_err(unreadable)?.path());
    }
    for folder in ["binance-capture", "binance-rest"] {
        if let Ok(entries) = std::fs::read_dir(dir.join(folder)) {
            found.extend(entries.flatten().map(|entry| entry.path()));
        }
    }
    found.retain(|path| kind(path).is_some());
    // The order of a directory is the file system's own; sorted, every run reads the same.
    found.sort();
    if found.is_empty() { Err(SourceError::NoRecordings { dir: dir.to_owned() }) } else { Ok(found) }
}
