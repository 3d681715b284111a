//! Which share of the traces is kept by what their first span stands for, before any factor.

use super::budgets;
use super::rules::Who;
use crate::record::Callsite;
use crate::record::view::{Value, constants};

/// Which share of the traces is kept while nothing is overloaded, by the kind of their first span here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rates {
    pub(crate) other: f64,
    pub(crate) workflow: f64,
    pub(crate) exchange_api: f64,
    /// Of files that are not large.
    pub(crate) storage: f64,
    pub(crate) large_file: f64,
    /// Of few records.
    pub(crate) ingestion: f64,
    /// Of many.
    pub(crate) high_volume: f64,
    /// What the share of calls of an exchange is multiplied with where its budget is used up.
    pub(crate) budget_floor: f64,
}

/// What a span stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Workflow,
    ExchangeApi,
    Storage,
    Ingestion,
    Other,
}

/// How many records an ingestion handles.
const RECORDS: &str = "crypto.record_count";
/// How many bytes are read or written: of an object, and of market data.
const SIZES: [&str; 2] = ["file.size", "crypto.data_size_bytes"];
/// Which exchange is called.
const EXCHANGE: &str = "crypto.market";
/// Up to here records are few, and from there on they are many.
const RECORD_COUNTS: (f64, f64) = (1_000.0, 100_000.0);
/// Up to here a file is not large, and from there on it is: 1 MiB, 1 GiB.
const FILE_SIZES: (f64, f64) = (1_048_576.0, 1_073_741_824.0);
/// A budget of which less is used lowers nothing.
const BUDGET_USED: f64 = 0.5;

impl Operation {
    fn of(callsite: &'static Callsite) -> Self {
        match callsite.schema.map_or("", |schema| schema.id) {
            "crypto.exchange_api" => Self::ExchangeApi,
            "crypto.ingestion" => Self::Ingestion,
            id if id.starts_with("workflow.") => Self::Workflow,
            id if id.starts_with("storage.") => Self::Storage,
            _ => Self::by_type(callsite),
        }
    }

    /// Who declares schemas of his own says by this constant what they stand for.
    fn by_type(callsite: &'static Callsite) -> Self {
        let found = constants(callsite).find(|(key, _)| *key == "crypto.operation_type");
        match found {
            Some((_, Value::Str("workflow_execution"))) => Self::Workflow,
            Some((_, Value::Str("api_call"))) => Self::ExchangeApi,
            Some((_, Value::Str("storage"))) => Self::Storage,
            Some((_, Value::Str("data_ingestion"))) => Self::Ingestion,
            _ => Self::Other,
        }
    }
}

impl Rates {
    pub(super) const COUNT: usize = 7;

    /// All that are shares by themselves.
    pub(super) fn all(&self) -> [f64; Self::COUNT] {
        let Self { other, workflow, exchange_api, storage, large_file, ingestion, high_volume, budget_floor: _ } =
            *self;
        [other, workflow, exchange_api, storage, large_file, ingestion, high_volume]
    }

    /// The share of such traces, and what it is multiplied with because of an exchange's budget.
    pub(super) fn of(&self, who: &Who<'_>) -> (f64, f64) {
        let rate = match Operation::of(who.callsite) {
            Operation::Workflow => self.workflow,
            Operation::ExchangeApi => return (self.exchange_api, self.budget(who)),
            Operation::Storage => match SIZES.into_iter().find_map(|key| who.int(key)) {
                Some(size) => between(FILE_SIZES, size, self.storage, self.large_file),
                // Most files are small.
                None => self.storage,
            },
            Operation::Ingestion => match who.int(RECORDS) {
                Some(records) => between(RECORD_COUNTS, records, self.ingestion, self.high_volume),
                None => self.high_volume,
            },
            Operation::Other => self.other,
        };
        (rate, 1.0)
    }

    fn budget(&self, who: &Who<'_>) -> f64 {
        if self.budget_floor >= 1.0 || !budgets::any() {
            return 1.0;
        }
        let mut used = 0.0_f64;
        who.texts(EXCHANGE, &mut |exchange| used = budgets::used(exchange));
        let beyond = (used - BUDGET_USED).max(0.0) / (1.0 - BUDGET_USED);
        1.0 + (self.budget_floor - 1.0) * beyond
    }

    /// Whether the values of the span's attributes matter.
    pub(super) fn asks_attributes(&self, who: &Who<'_>) -> bool {
        match Operation::of(who.callsite) {
            Operation::Ingestion => self.ingestion != self.high_volume,
            Operation::Storage => self.storage != self.large_file,
            Operation::ExchangeApi => self.budget_floor < 1.0 && budgets::any(),
            Operation::Workflow | Operation::Other => false,
        }
    }
}

/// What lies between two shares as the logarithm of a count lies between those of its bounds.
fn between((few, many): (f64, f64), count: i64, of_few: f64, of_many: f64) -> f64 {
    let count = (count as f64).clamp(few, many);
    // At the bounds themselves the shares are what they were set to.
    if count == few {
        return of_few;
    }
    if count == many {
        return of_many;
    }
    of_few + (of_many - of_few) * (count / few).ln() / (many / few).ln()
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::budgets::note_budget;
    use super::*;
    use crate::record::Constant;
    use crate::record::sampling::rules::Given;
    use crate::schema::{Schema, crypto, etl, storage, workflow};
    use opentelemetry::KeyValue;
    use otelier_spec::Kind;

    pub(in crate::record::sampling) const RATES: Rates = Rates {
        other: 0.1,
        workflow: 1.0,
        exchange_api: 0.3,
        storage: 0.2,
        large_file: 0.05,
        ingestion: 0.3,
        high_volume: 0.05,
        budget_floor: 0.1,
    };

    pub(in crate::record::sampling) const fn of<S: Schema>() -> Callsite {
        Callsite { schema: Some(S::DEF), ..Callsite::new("site", S::DEF.kind) }
    }

    static WORKFLOW: Callsite = of::<workflow::Workflow>();
    static STAGE: Callsite = of::<workflow::Stage>();
    static API: Callsite = of::<crypto::ExchangeApi>();
    static INGESTION: Callsite = of::<crypto::Ingestion>();
    static STORAGE: Callsite = of::<storage::ObjectOperation>();
    static ETL: Callsite = of::<etl::Operation>();
    static PLAIN: Callsite = Callsite::new("site", Kind::Internal);
    static TYPED: Callsite = Callsite {
        constants: &[("crypto.operation_type", Constant::Str("workflow_execution"))],
        ..Callsite::new("site", Kind::Internal)
    };
    static OF_ONE: Callsite =
        Callsite { constants: &[("crypto.market", Constant::Str("rates_full"))], ..of::<crypto::ExchangeApi>() };

    fn who<'a>(callsite: &'static Callsite, given: &'a [KeyValue]) -> Who<'a> {
        Who { given: Given::KeyValues(given), ..callsite.into() }
    }

    fn rate(callsite: &'static Callsite, given: &[KeyValue]) -> f64 {
        RATES.of(&who(callsite, given)).0
    }

    #[test]
    fn every_kind_of_operation_has_its_ratio() {
        for (callsite, ratio) in [
            (&WORKFLOW, 1.0),
            (&STAGE, 1.0),
            (&TYPED, 1.0),
            (&API, 0.3),
            (&STORAGE, 0.2),
            (&INGESTION, 0.05),
            (&ETL, 0.1),
            (&PLAIN, 0.1),
        ] {
            assert_eq!(rate(callsite, &[]), ratio, "{callsite:?}");
        }
    }

    #[test]
    fn ingestion_has_less_of_more_records() {
        let of = |records: i64| rate(&INGESTION, &[KeyValue::new(RECORDS, records)]);
        assert_eq!([of(i64::MIN), of(0), of(1_000)], [0.3; 3]);
        assert!((of(10_000) - 0.175).abs() < 1e-9, "in the middle between the orders of magnitude");
        assert_eq!([of(100_000), of(i64::MAX)], [0.05; 2]);
        assert_eq!(rate(&INGESTION, &[KeyValue::new(RECORDS, "many")]), 0.05, "no number is no count");
    }

    #[test]
    fn storage_has_less_of_larger_files_whatever_tells_the_size() {
        for key in SIZES {
            let of = |size: i64| rate(&STORAGE, &[KeyValue::new(key, size)]);
            assert_eq!([of(-1), of(0), of(1 << 20)], [0.2; 3]);
            assert!((of(1 << 25) - 0.125).abs() < 1e-9, "{key}: 32 MiB are in the middle");
            assert_eq!([of(1 << 30), of(i64::MAX)], [0.05; 2]);
            assert!(of(1 << 22) > of(1 << 28));
        }
    }

    #[test]
    fn calls_of_an_exchange_have_less_as_its_budget_is_used() {
        let of = |exchange: &'static str| RATES.of(&who(&API, &[KeyValue::new(EXCHANGE, exchange)]));
        for (exchange, used, factor) in
            [("rates_idle", 0.2, 1.0), ("rates_half", 0.5, 1.0), ("rates_busy", 0.75, 0.55), ("rates_full", 1.0, 0.1)]
        {
            note_budget(exchange, used, None);
            let (rate, found) = of(exchange);
            assert!(rate == 0.3 && (found - factor).abs() < 1e-9, "{exchange}: {found}");
        }
        assert_eq!(of("rates_nobody").1, 1.0);
        assert_eq!(RATES.of(&who(&API, &[])).1, 1.0, "nobody says which exchange it is");
        assert!((RATES.of(&who(&OF_ONE, &[])).1 - 0.1).abs() < 1e-9, "the annotation says it");
        let off = Rates { budget_floor: 1.0, ..RATES };
        assert_eq!(off.of(&who(&OF_ONE, &[])).1, 1.0);
        assert!(RATES.asks_attributes(&who(&API, &[])) && !off.asks_attributes(&who(&API, &[])));
        assert!(!RATES.asks_attributes(&who(&WORKFLOW, &[])) && RATES.asks_attributes(&who(&STORAGE, &[])));
    }
}
