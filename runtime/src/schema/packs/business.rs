// Made by `cargo xtask packs` of registry/packs/business.yaml.

//! What an operation means to the business: for whom it is done and what it is worth.

crate::attribute_group! {
    /// For whom an operation is done and what it is worth.
    pub Context = "business.context" {
        /// Currency of the value, as in ISO 4217.
        business.currency: string examples ["EUR"];
        /// Tier of the customer, low in cardinality.
        business.customer.tier: string examples ["premium", "free"];
        /// A feature flag by its key, and whether it is on.
        business.feature_flag.<key>: boolean examples [true];
        /// Identifies the request, as the program or its gateway numbers it.
        business.request.id: string examples ["req-8c1f"];
        /// Identifies the tenant the work is done for.
        business.tenant.id: string examples ["tenant_456"];
        /// What the operation is worth, in the unit or currency the program uses.
        business.value: double examples [1000.0];
        /// Identifies the user the work is done for.
        user.id: string personal examples ["user_123"];
    }
}

crate::span_schema! {
    /// One operation that means something to the business.
    pub Operation = "business.operation" {
        name = "{operation.name}";
        undeclared = allow;
        include Context;
        /// Follows one piece of work through all services it passes.
        correlation.id: string examples ["123e4567-e89b-12d3-a456-426614174000"];
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string required_if "if the operation failed" in ["_OTHER" "An error of no known class.", ..] stable
            examples ["timeout", "429"];
        /// Name of the operation, the same for every call.
        operation.name: string required examples ["data_processing"];
        /// Kind of operation, low in cardinality.
        operation.type: string examples ["api", "database_query"];
        /// Roles of the user.
        user.roles: string[] opt_in examples ["[\"admin\"]"];
    }
}

crate::event_schema! {
    /// A business figure was recorded.
    pub KpiRecorded = "business.kpi_recorded" {
        undeclared = allow;
        /// Tier of the customer, low in cardinality.
        business.customer.tier: string examples ["premium", "free"];
        /// Name of a business figure.
        business.kpi.name: string required examples ["orders_completed"];
        /// The figure.
        business.kpi.value: double required examples [1.0];
        /// Identifies the tenant the work is done for.
        business.tenant.id: string examples ["tenant_456"];
    }
}

crate::event_schema! {
    /// A feature flag was evaluated.
    pub FeatureFlagEvaluation = "feature_flag.evaluation" {
        undeclared = allow;
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string required_if "if the evaluation failed" in ["_OTHER" "An error of no known class.", ..]
            stable examples ["timeout", "429"];
        /// Whom or what the flag was evaluated for.
        feature_flag.context.id: string personal release_candidate examples ["5157782b-2203-4c80-a857-dbbd5e7761db"];
        /// More about a failed evaluation.
        feature_flag.error.message: string recommended_if "if `error.type` does not say enough" release_candidate
            examples ["flag `new_feature` is not known"];
        /// Key of the flag.
        feature_flag.key: string required release_candidate examples ["new_feature"];
        /// Who manages the flags.
        feature_flag.provider.name: string release_candidate examples ["flagd"];
        /// Why the flag has its value.
        feature_flag.result.reason: string in ["static" "The value is fixed.", "default" "The value is the default.",
            "targeting_match" "A rule chose the value.", "split" "Chance chose the value.", "cached"
            "The value was kept from before.", "disabled" "The flag is switched off.", "unknown"
            "The reason is not known.", "stale" "The value can be out of date.", "error"
            "The flag could not be evaluated.", ..] release_candidate;
        /// Value the flag has.
        feature_flag.result.value: any required_if "if the provider does not name variants" release_candidate examples
            ["true"];
        /// Name of the value the flag has.
        feature_flag.result.variant: string required_if "if the provider names variants" release_candidate examples
            ["on"];
        /// Identifies the set of flags.
        feature_flag.set.id: string release_candidate examples ["proj-1"];
        /// Version of the flag's rules.
        feature_flag.version: string release_candidate examples ["2025-01-20"];
    }
}
