//! The domain macros: each is `#[trace]` with a schema filled in.

/// One domain macro.
#[derive(Clone, Copy, Debug)]
pub struct DomainMacro {
    /// The attribute's name.
    pub name: &'static str,
    /// The schema's path below `otelier::schema`, one segment an element.
    pub schema: &'static [&'static str],
}

/// Every domain macro.
pub const DOMAIN_MACROS: &[DomainMacro] = &[
    DomainMacro { name: "trace_workflow", schema: &["workflow", "Workflow"] },
    DomainMacro { name: "trace_stage", schema: &["workflow", "Stage"] },
    DomainMacro { name: "trace_exchange_api", schema: &["crypto", "ExchangeApi"] },
    DomainMacro { name: "trace_ingestion", schema: &["crypto", "Ingestion"] },
    DomainMacro { name: "trace_processing", schema: &["crypto", "Processing"] },
    DomainMacro { name: "trace_storage", schema: &["storage", "Operation"] },
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
            assert_eq!(domain_macro(domain.name).map(|found| found.schema), Some(domain.schema));
        }
    }
}
