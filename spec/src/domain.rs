//! The domain macros: each is `#[trace]` with a schema filled in.

/// One domain macro.
#[derive(Clone, Copy, Debug)]
pub struct DomainMacro {
    /// The attribute's name.
    pub name: &'static str,
    /// What it fills in.
    pub fills: Fills,
    /// What it fills in instead if a word stands in front of its arguments: `#[trace_startup(config_load)]`.
    pub words: &'static [(&'static str, Fills)],
}

/// What a domain macro fills in.
#[derive(Clone, Copy, Debug)]
pub struct Fills {
    /// The schema's path below `otelier::schema`, one segment an element.
    pub schema: &'static [&'static str],
    /// The attribute that says which function it is, unless the annotation gives it.
    pub function: Option<(&'static str, Function)>,
    /// The attribute that says how the function ended, unless the annotation gives it.
    pub verdict: Option<Verdict>,
    /// Whether the function runs in a correlation context: the current one, or a new one.
    pub correlates: bool,
}

/// What an attribute says of the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// Its name.
    Name,
    /// Its name behind that of its module.
    Path,
}

/// The attribute that says how an operation ended, and its values. What the body records under its name holds if the body
/// comes to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The attribute.
    pub key: &'static str,
    /// The operation returned, and no error.
    pub good: &'static str,
    /// It returned an error, expected or not.
    pub failed: &'static str,
    /// It panicked.
    pub panicked: &'static str,
    /// Its future was dropped before it was ready.
    pub cancelled: &'static str,
}

impl Fills {
    const fn schema(schema: &'static [&'static str]) -> Self {
        Self { schema, function: None, verdict: None, correlates: false }
    }

    const fn function(self, key: &'static str, function: Function) -> Self {
        Self { function: Some((key, function)), ..self }
    }

    const fn correlates(self) -> Self {
        Self { correlates: true, ..self }
    }

    const fn verdict(self, verdict: Verdict) -> Self {
        Self { verdict: Some(verdict), ..self }
    }
}

impl DomainMacro {
    const fn new(name: &'static str, fills: Fills) -> Self {
        Self { name, fills, words: &[] }
    }

    const fn or(self, words: &'static [(&'static str, Fills)]) -> Self {
        Self { words, ..self }
    }

    /// What the macro fills in with this word in front of its arguments.
    pub fn with_word(&self, word: &str) -> Option<&'static Fills> {
        self.words.iter().find(|(known, _)| *known == word).map(|(_, fills)| fills)
    }
}

/// A test that is dropped before its end, as by a time limit, has failed as much as one that panics.
const TEST_CASE: Verdict =
    Verdict { key: "test.case.result.status", good: "pass", failed: "fail", panicked: "fail", cancelled: "fail" };

/// A step that panics has a fault of its own, where one that returns an error has found a fault in what it builds.
const BUILD_STEP: Verdict = Verdict {
    key: "cicd.pipeline.task.run.result",
    good: "success",
    failed: "failure",
    panicked: "error",
    cancelled: "cancellation",
};

/// Every domain macro.
pub const DOMAIN_MACROS: &[DomainMacro] = &[
    DomainMacro::new("trace_workflow", Fills::schema(&["workflow", "Workflow"])),
    DomainMacro::new("trace_stage", Fills::schema(&["workflow", "Stage"])),
    DomainMacro::new("trace_exchange_api", Fills::schema(&["crypto", "ExchangeApi"])),
    DomainMacro::new("trace_ingestion", Fills::schema(&["crypto", "Ingestion"])),
    DomainMacro::new("trace_processing", Fills::schema(&["crypto", "Processing"])),
    DomainMacro::new("trace_storage", Fills::schema(&["storage", "Operation"])),
    DomainMacro::new("trace_etl", Fills::schema(&["etl", "Operation"]).function("etl.operation.name", Function::Name)),
    DomainMacro::new("trace_database", Fills::schema(&["database", "Query"])).or(&[
        ("query", Fills::schema(&["database", "Query"])),
        ("command", Fills::schema(&["database", "Command"])),
        ("transaction", Fills::schema(&["database", "Transaction"])),
    ]),
    DomainMacro::new("trace_job", Fills::schema(&["job", "Run"]).function("job.name", Function::Name).correlates()),
    DomainMacro::new(
        "trace_performance",
        Fills::schema(&["performance", "Operation"]).function("operation.name", Function::Name),
    ),
    DomainMacro::new("trace_startup", Fills::schema(&["startup", "Initialize"])).or(&[
        ("initialize", Fills::schema(&["startup", "Initialize"])),
        ("config_load", Fills::schema(&["startup", "ConfigLoad"])),
        ("dependencies_load", Fills::schema(&["startup", "DependenciesLoad"])),
        ("resources_initialize", Fills::schema(&["startup", "ResourcesInitialize"])),
        ("health_checks", Fills::schema(&["startup", "HealthChecks"])),
    ]),
    DomainMacro::new(
        "trace_build_step",
        Fills::schema(&["cicd", "BuildStep"]).function("cicd.pipeline.task.name", Function::Name).verdict(BUILD_STEP),
    ),
    DomainMacro::new(
        "trace_test",
        Fills::schema(&["test", "CaseRun"]).function("test.case.name", Function::Path).verdict(TEST_CASE),
    ),
    DomainMacro::new(
        "trace_benchmark",
        Fills::schema(&["test", "BenchmarkRun"]).function("benchmark.name", Function::Name),
    ),
];

/// The macro of that name.
pub fn domain_macro(name: &str) -> Option<&'static DomainMacro> {
    DOMAIN_MACROS.iter().find(|domain| domain.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for domain in DOMAIN_MACROS {
            assert_eq!(DOMAIN_MACROS.iter().filter(|other| other.name == domain.name).count(), 1);
            assert_eq!(domain_macro(domain.name).map(|found| found.fills.schema), Some(domain.fills.schema));
        }
    }

    #[test]
    fn words_are_unique_and_the_first_one_says_what_is_meant_without() {
        for domain in DOMAIN_MACROS {
            for (word, fills) in domain.words {
                assert_eq!(domain.words.iter().filter(|(other, _)| other == word).count(), 1);
                assert_eq!(domain.with_word(word).map(|found| found.schema), Some(fills.schema));
            }
            if let Some((_, first)) = domain.words.first() {
                assert_eq!(first.schema, domain.fills.schema);
            }
        }
    }
}
