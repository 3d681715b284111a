// Made by `cargo xtask packs` of registry/packs/etl.yaml.

//! Pipelines that extract, transform and load, in the stages of a medallion architecture.

crate::attribute_group! {
    /// How many records an operation read, produced and rejected.
    pub Records = "etl.records" {
        /// Size of the data produced.
        etl.data_size: int unit "By" examples [50000];
        /// Records read.
        etl.records_in: int unit "{record}" examples [1000];
        /// Records produced.
        etl.records_out: int unit "{record}" examples [990];
        /// Records left out because they failed a check.
        etl.records_rejected: int unit "{record}" examples [10];
    }
}

crate::span_schema! {
    /// One step of a pipeline that turns data of one stage into data of the next.
    pub Operation = "etl.operation" {
        name = "{etl.stage} {etl.operation.name}";
        undeclared = allow;
        include Records;
        /// Follows one piece of work through all services it passes.
        correlation.id: string examples ["123e4567-e89b-12d3-a456-426614174000"];
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string required_if "if the operation failed" in ["_OTHER" "An error of no known class.", ..] stable
            examples ["timeout", "429"];
        /// Identifies the batch.
        etl.batch_id: string opt_in examples ["2025-01-20T00"];
        /// Name of the operation, the same in every run.
        etl.operation.name: string required examples ["bronze_ingestion"];
        /// Share of the records that passed all checks, 0 to 1.
        etl.quality_score: double unit "1" examples [0.99];
        /// Where the data comes from, low in cardinality.
        etl.source: string examples ["sales_transactions"];
        /// Stage the operation produces.
        etl.stage: EtlStage required;
        /// Where the data goes, low in cardinality.
        etl.target: string examples ["silver.sales"];
    }
}

crate::event_schema! {
    /// A stage's data is worse than the stage asks for.
    pub QualityBreached = "etl.quality_breached" {
        undeclared = allow;
        /// Quality score the stage asks for.
        etl.quality_limit: double required unit "1" examples [0.95];
        /// Share of the records that passed all checks, 0 to 1.
        etl.quality_score: double required unit "1" examples [0.99];
        /// Stage the operation produces.
        etl.stage: EtlStage;
        /// Where the data goes, low in cardinality.
        etl.target: string examples ["silver.sales"];
    }
}

crate::event_schema! {
    /// Records failed a check and are left out.
    pub RecordsRejected = "etl.records_rejected" {
        undeclared = allow;
        /// Records left out because they failed a check.
        etl.records_rejected: int required unit "{record}" examples [10];
        /// Where the data comes from, low in cardinality.
        etl.source: string examples ["sales_transactions"];
        /// Stage the operation produces.
        etl.stage: EtlStage;
    }
}

/// Stage the operation produces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, crate::AttributeEnum)]
pub enum EtlStage {
    /// Raw data, as it came.
    Bronze,
    /// Checked and typed data.
    Silver,
    /// Aggregates that people and programs use.
    Gold,
}
