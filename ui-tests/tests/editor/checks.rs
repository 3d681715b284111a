//! What is expected at the places of the fixture.

use crate::client::{Item, Place, uri};
use crate::fixture;
use std::fmt;
use std::fs;
use std::path::Path;

/// One question at a marked place.
pub struct Check {
    pub at: &'static str,
    pub expected: Expected,
}

/// The answer to one question.
pub enum Expected {
    /// The list has these entries, and these marked as deprecated, and none of those it lacks.
    Completes { names: &'static [&'static str], deprecated: &'static [&'static str], lacks: &'static [&'static str] },
    /// The hover text has all of these.
    Shows(&'static [&'static str]),
    /// The definition stands at the `|` in the text, which the file has once.
    Leads { file: File, text: &'static str, rank: Rank },
}

/// Which of the definitions that rust-analyzer offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    Only,
    First,
    Any,
}

/// A file in which something is declared.
#[derive(Clone, Copy)]
pub enum File {
    /// Of the opened workspace.
    Fixture(&'static str),
    /// Of this repository, so of a dependency of the workspace.
    Repository(&'static str),
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completes { names, deprecated, lacks } => {
                write!(f, "completion of {names:?}, deprecated {deprecated:?}, none of {lacks:?}")
            }
            Self::Shows(texts) => write!(f, "hover text with {texts:?}"),
            Self::Leads { file: File::Fixture(file) | File::Repository(file), text, rank } => {
                write!(f, "the definition at `{text}` in {file} ({rank:?})")
            }
        }
    }
}

impl Expected {
    /// What is wrong with a completion list.
    pub fn completion(&self, items: &[Item]) -> Option<String> {
        let Self::Completes { names, deprecated, lacks } = self else { return None };
        let has =
            |name: &&str, marked: bool| items.iter().any(|item| item.label == **name && item.deprecated == marked);
        let right = names.iter().all(|name| has(name, false))
            && deprecated.iter().all(|name| has(name, true))
            && !lacks.iter().any(|name| has(name, false) || has(name, true));
        let label = |item: &Item| format!("{}{}", item.label, if item.deprecated { " (deprecated)" } else { "" });
        (!right).then(|| format!("{} entries: {}", items.len(), items.iter().map(label).collect::<Vec<_>>().join(", ")))
    }

    /// What is wrong with a hover text.
    pub fn hover(&self, text: &str) -> Option<String> {
        let Self::Shows(texts) = self else { return None };
        (!texts.iter().all(|part| text.contains(part))).then(|| format!("{text:?}"))
    }

    /// What is wrong with the places of a definition.
    pub fn definition(&self, places: &[Place], workspace: &Path, repository: &Path) -> Result<Option<String>, String> {
        let Self::Leads { file, text, rank } = self else { return Ok(None) };
        let file = match file {
            File::Fixture(file) => workspace.join(file),
            File::Repository(file) => repository.join(file),
        };
        let source = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let (before, after) = text.split_once('|').ok_or_else(|| format!("no place in `{text}`"))?;
        let parts: Vec<&str> = source.split(&format!("{before}{after}")).collect();
        let [start, _] = parts.as_slice() else {
            return Ok(Some(format!("the text {} times in {}", parts.len() - 1, file.display())));
        };
        let wanted = fixture::end(&format!("{start}{before}"));
        let found = places.iter().position(|place| place.file == uri(&file) && place.start == wanted);
        let right = match rank {
            Rank::Only => found == Some(0) && places.len() == 1,
            Rank::First => found == Some(0),
            Rank::Any => found.is_some(),
        };
        let place = |Place { file, start }: &Place| format!("{file}:{}:{}", start.line + 1, start.column + 1);
        Ok((!right).then(|| format!("{:?}", places.iter().map(place).collect::<Vec<_>>())))
    }
}

const fn completes(at: &'static str, names: &'static [&'static str]) -> Check {
    Check { at, expected: Expected::Completes { names, deprecated: &[], lacks: HIDDEN } }
}

const fn completes_with_deprecated(
    at: &'static str,
    names: &'static [&'static str],
    deprecated: &'static [&'static str],
) -> Check {
    Check { at, expected: Expected::Completes { names, deprecated, lacks: HIDDEN } }
}

const fn shows(at: &'static str, texts: &'static [&'static str]) -> Check {
    Check { at, expected: Expected::Shows(texts) }
}

const fn leads(at: &'static str, file: File, text: &'static str) -> Check {
    Check { at, expected: Expected::Leads { file, text, rank: Rank::Only } }
}

/// For what rust-analyzer gives other places as well: a group's attribute is also where a schema includes the group, and
/// a late attribute is also a binding in the function.
const fn leads_first(at: &'static str, file: File, text: &'static str) -> Check {
    Check { at, expected: Expected::Leads { file, text, rank: Rank::First } }
}

/// For the first name of a value: the call that records it has its place, so that rustc's errors do, and comes first.
const fn leads_any(at: &'static str, file: File, text: &'static str) -> Check {
    Check { at, expected: Expected::Leads { file, text, rank: Rank::Any } }
}

const APP: File = File::Fixture("app/src/lib.rs");
const SCHEMAS: File = File::Fixture("schemas/src/lib.rs");
const CRYPTO: File = File::Repository("runtime/src/schema/packs/crypto.rs");

/// What the macros write for themselves.
const HIDDEN: &[&str] = &["__key", "__name", "__bit", "__allowed", "__record", "__new"];
/// Two schemas have a `crypto.symbol` of their own.
const GROUP_SYMBOL: &str = "crypto.data_type: DataType;
        /// Trading pair in the exchange's notation, such as `BTCUSDT`.
        crypto.|symbol: string";
const EXCHANGE_NAMESPACE: &str = "/// Exchange that is called.
        |crypto.market: Market required";
const EXCHANGE_MARKET: &str = "/// Exchange that is called.
        crypto.|market: Market required";
const EXCHANGE_LIMIT: &str = "crypto.market: Market required;
        /// Weight allowed in a minute.
        crypto.rate_limit.|limit: int";
const EXCHANGE_RETRY: &str = "crypto.|retry_after: double unit \"s\" examples [30.0];
        /// Path of the endpoint";
const EXCHANGE: &[&str] =
    &["data_size_bytes", "data_type", "market", "rate_limit", "record_count", "retry_after", "symbol", "timeframe"];
const MARKETS: &[&str] = &[
    "Binance",
    "Bitfinex",
    "Bitflyer",
    "Bitget",
    "Bithumb",
    "Bitmex",
    "Bitstamp",
    "Bybit",
    "Coinbase",
    "CryptoCom",
    "Deribit",
    "Dydx",
    "Gate",
    "Gemini",
    "Htx",
    "Hyperliquid",
    "Kraken",
    "Kucoin",
    "Mexc",
    "Okx",
    "Phemex",
    "Poloniex",
    "Upbit",
    "Whitebit",
];
const TRADE: &[&str] = &["fills", "limit", "quantity", "symbol", "venue"];
const TRADE_DEPRECATED: &[&str] = &["pair"];
const VENUES: &[&str] = &["DarkPool", "Exchange"];

/// Every question, in the order of the fixture.
pub const CHECKS: &[Check] = &[
    // A schema that comes with the runtime, in finished code.
    completes("ready-namespace", &["crypto", "http", "server", "url"]),
    leads("ready-namespace", CRYPTO, EXCHANGE_NAMESPACE),
    completes("ready-market", EXCHANGE),
    shows("ready-market", &["`crypto.market`", "enum", "required", "Exchange that is called."]),
    leads("ready-market", CRYPTO, EXCHANGE_MARKET),
    shows("ready-enum", &["Exchange the operation is about."]),
    leads_any("ready-enum", CRYPTO, "pub enum |Market {"),
    completes("ready-variant", MARKETS),
    shows("ready-variant", &["Binance."]),
    leads("ready-variant", CRYPTO, "pub enum Market {\n    /// Binance.\n    |Binance,"),
    leads("ready-template", CRYPTO, "url.|template: string required"),
    completes("ready-symbol", EXCHANGE),
    shows("ready-symbol", &["`crypto.symbol`", "string", "Trading pair in the exchange's notation"]),
    leads_first("ready-symbol", CRYPTO, GROUP_SYMBOL),
    leads_any("ready-value", APP, "pub fn ready(|symbol: &str)"),
    completes("ready-nested", &["limit", "used_weight"]),
    leads("ready-nested", CRYPTO, EXCHANGE_LIMIT),
    completes("ready-late", EXCHANGE),
    shows("ready-late", &["`crypto.record_count`", "int", "Records handled."]),
    leads_first("ready-late", CRYPTO, "crypto.|record_count: int"),
    completes("ready-record-late", EXCHANGE),
    shows("ready-record-late", &["`crypto.record_count`", "int", "Records handled."]),
    leads_first("ready-record-late", CRYPTO, "crypto.|record_count: int"),
    completes("ready-record", EXCHANGE),
    shows("ready-record", &["`crypto.retry_after`", "double", "How long the exchange asked the caller to wait."]),
    leads("ready-record", CRYPTO, EXCHANGE_RETRY),
    // A schema of another crate, in finished code.
    shows("order-schema", &["Order", "One order at a venue."]),
    leads("order-schema", SCHEMAS, "pub |Order ="),
    completes_with_deprecated("order-symbol", TRADE, TRADE_DEPRECATED),
    shows("order-symbol", &["`trade.symbol`", "string", "required", "Pair that is traded."]),
    leads("order-symbol", SCHEMAS, "trade.|symbol: string"),
    shows("order-venue", &["`trade.venue`", "enum", "required", "Where the order is executed."]),
    leads("order-venue", SCHEMAS, "trade.|venue: Venue"),
    completes("order-variant", VENUES),
    shows("order-variant", &["No order book."]),
    leads("order-variant", SCHEMAS, "    |DarkPool,"),
    completes("order-tenant", &["plan", "tenant"]),
    shows("order-tenant", &["`business.tenant`", "string", "Customer the order belongs to."]),
    leads_first("order-tenant", SCHEMAS, "business.|tenant: string"),
    completes("order-trade", &["business", "db", "error", "trade"]),
    leads("order-trade", SCHEMAS, "|trade.symbol: string"),
    leads("order-limit", SCHEMAS, "trade.|limit.price"),
    completes("order-price", &["price"]),
    shows("order-price", &["`trade.limit.price`", "double", "opt_in", "Worst price that is accepted."]),
    leads("order-price", SCHEMAS, "trade.limit.|price: double"),
    shows("order-operation", &["`db.operation`", "string", "Kind of query."]),
    leads("order-operation", SCHEMAS, "db.|operation: string"),
    shows("order-operation-name", &["`db.operation.name`", "string", "Name of the query."]),
    leads("order-operation-name", SCHEMAS, "db.operation.|name: string"),
    shows("order-keyword", &["`error.type`", "string", "Class of the error."]),
    leads("order-keyword", SCHEMAS, "error.|type: string"),
    completes_with_deprecated("order-late", TRADE, TRADE_DEPRECATED),
    shows("order-late", &["`trade.fills`", "int", "Partial executions."]),
    leads_first("order-late", SCHEMAS, "trade.|fills: int"),
    completes_with_deprecated("order-record", TRADE, TRADE_DEPRECATED),
    shows("order-record", &["`trade.fills`", "int", "Partial executions."]),
    leads("order-record", SCHEMAS, "trade.|fills: int"),
    // A schema of the same crate.
    shows("report-schema", &["Report", "One report."]),
    leads("report-schema", APP, "pub |Report ="),
    completes("report-namespace", &["app"]),
    leads("report-namespace", APP, "|app.rows: int"),
    completes("report-rows", &["rows", "title"]),
    shows("report-rows", &["`app.rows`", "int", "required", "Rows of the report."]),
    leads("report-rows", APP, "app.|rows: int"),
    completes("block-rows", &["rows", "title"]),
    shows("block-rows", &["`app.rows`", "Rows of the report."]),
    leads("block-rows", APP, "app.|rows: int"),
    completes("block-title", &["rows", "title"]),
    leads("block-title", APP, "app.|title: string"),
    // Unfinished code.
    completes("exchange-attributes", EXCHANGE),
    completes("exchange-nested", &["limit", "used_weight"]),
    shows("before-hover", &["`crypto.symbol`", "Trading pair in the exchange's notation"]),
    leads_first("before-hover", CRYPTO, GROUP_SYMBOL),
    completes("before-others", EXCHANGE),
    completes("first-letter", &["business", "db", "error", "trade"]),
    completes("first-nothing", &["business", "db", "error", "trade"]),
    completes("first-behind", &["business", "db", "error", "trade"]),
    completes("first-async", &["business", "db", "error", "trade"]),
    completes_with_deprecated("order-attributes", TRADE, TRADE_DEPRECATED),
    shows("unfinished-order", &["One order at a venue."]),
    leads("unfinished-order", SCHEMAS, "pub |Order ="),
    completes("unfinished-schema", &["schemas"]),
    completes("group-attributes", &["plan", "tenant"]),
    completes("both", &["name"]),
    completes("no-value", &["symbol_of_order"]),
    shows("no-value-hover", &["`trade.symbol`", "Pair that is traded."]),
    leads("no-value-hover", SCHEMAS, "trade.|symbol: string"),
    completes_with_deprecated("no-value-hover", TRADE, TRADE_DEPRECATED),
    completes("no-value-before", &["quantity_of_order"]),
    shows("no-value-before-hover", &["`trade.symbol`", "Pair that is traded."]),
    completes_with_deprecated("no-equals", TRADE, TRADE_DEPRECATED),
    completes_with_deprecated("no-equals-hover", TRADE, TRADE_DEPRECATED),
    completes("no-variant", MARKETS),
    shows("no-variant-hover", &["`crypto.market`", "Exchange that is called."]),
    leads("no-variant-hover", CRYPTO, EXCHANGE_MARKET),
    shows("no-variant-enum", &["Exchange the operation is about."]),
    completes("no-variant-before", VENUES),
    shows("no-variant-before-hover", &["`trade.venue`", "Where the order is executed."]),
    completes("some-variant", MARKETS),
    completes("schema-begun", &["Order"]),
    completes("late", EXCHANGE),
    completes_with_deprecated("late-behind", TRADE, TRADE_DEPRECATED),
    shows("late-hover", &["`trade.quantity`", "How much is traded."]),
    leads_first("late-hover", SCHEMAS, "trade.|quantity: double"),
    completes("late-nested", &["name"]),
    completes_with_deprecated("late-other", TRADE, TRADE_DEPRECATED),
    completes_with_deprecated("late-unrecorded", TRADE, TRADE_DEPRECATED),
    shows("late-unrecorded", &["`trade.fills`", "Partial executions."]),
    leads("late-unrecorded", SCHEMAS, "trade.|fills: int"),
    completes("record-attributes", EXCHANGE),
    completes("record-no-value", &["fills_of_order"]),
    shows("record-no-value-hover", &["`trade.fills`", "Partial executions."]),
    leads("record-no-value-hover", SCHEMAS, "trade.|fills: int"),
    completes("record-no-variant", VENUES),
    completes_with_deprecated("record-unclosed", TRADE, TRADE_DEPRECATED),
    completes_with_deprecated("body-unclosed", TRADE, TRADE_DEPRECATED),
    shows("body-unclosed-hover", &["`trade.symbol`", "Pair that is traded."]),
    completes_with_deprecated("block-attributes", TRADE, TRADE_DEPRECATED),
    completes_with_deprecated("block-record", TRADE, TRADE_DEPRECATED),
];
