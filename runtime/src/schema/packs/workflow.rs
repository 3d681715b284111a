// Made by `cargo xtask packs` of registry/packs/workflow.yaml.

//! Workflows, their stages and tasks: the upper spans of a pipeline's trace.

crate::attribute_group! {
    /// Which workflow an operation belongs to; also what travels in the baggage.
    pub Context = "workflow.context" {
        /// Exchange the workflow works on.
        crypto.market: crate::schema::crypto::Market;
        /// Step of the pipeline.
        crypto.processing_stage: crate::schema::crypto::ProcessingStage;
        /// Identifies the run.
        crypto.workflow_id: string examples ["dist-workflow-123"];
        /// Name of the workflow, the same in every run.
        crypto.workflow_name: string examples ["binance_archive_collection"];
    }
}

crate::span_schema! {
    /// One run of a workflow, from its start to its result.
    pub Workflow = "workflow.run" {
        name = "workflow {crypto.workflow_name}";
        undeclared = allow;
        constant crypto.operation_type = "workflow_execution";
        /// Bytes the run wrote.
        crypto.data_size_bytes: int unit "By" examples [72000];
        /// Files the run wrote.
        crypto.file_count: int unit "{file}" examples [2];
        /// Exchange the workflow works on.
        crypto.market: crate::schema::crypto::Market;
        /// Records the run produced.
        crypto.record_count: int unit "{record}" examples [1440];
        /// Trading pairs the run covers.
        crypto.symbol_count: int unit "{symbol}" examples [2];
        /// Identifies the run.
        crypto.workflow_id: string examples ["dist-workflow-123"];
        /// Name of the workflow, the same in every run.
        crypto.workflow_name: string required examples ["binance_archive_collection"];
        /// How the workflow is started.
        crypto.workflow_type: WorkflowType;
    }
}

crate::span_schema! {
    /// One stage of a workflow.
    pub Stage = "workflow.stage" {
        name = "stage {crypto.stage_name}";
        undeclared = allow;
        /// Bytes the stage handled.
        crypto.data_size_bytes: int unit "By" examples [72000];
        /// Files the stage handled.
        crypto.file_count: int unit "{file}" examples [2];
        /// Exchange the stage works on.
        crypto.market: crate::schema::crypto::Market;
        /// Records the stage produced.
        crypto.record_count: int unit "{record}" examples [1440];
        /// Name of the stage, the same in every run.
        crypto.stage_name: string required examples ["api_collection"];
        /// Trading pair the stage works on.
        crypto.symbol: string examples ["BTCUSDT", "ETHUSDT"];
        /// Trading pairs the stage covers.
        crypto.symbol_count: int unit "{symbol}" examples [2];
    }
}

crate::span_schema! {
    /// One task of a workflow engine's graph.
    pub Task = "workflow.task" {
        name = "task {workflow.task.name}";
        undeclared = allow;
        /// Identifies the run.
        crypto.workflow_id: string examples ["dist-workflow-123"];
        /// Name of the workflow, the same in every run.
        crypto.workflow_name: string examples ["binance_archive_collection"];
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string required_if "if the task failed" in ["_OTHER" "An error of no known class.", ..] stable
            examples ["timeout", "429"];
        /// Which attempt this is; the first is 1.
        retry.attempt: int unit "{attempt}" examples [2];
        /// Names of the tasks that had to end before this one.
        workflow.task.dependencies: string[] examples ["[\"list_symbols\"]"];
        /// Identifies the task within the run.
        workflow.task.id: string examples ["fetch_klines-7"];
        /// Name of the task, the same in every run.
        workflow.task.name: string required examples ["fetch_klines"];
    }
}

crate::event_schema! {
    /// A workflow ended with its result.
    pub Completed = "workflow.completed" {
        undeclared = allow;
        include crate::schema::crypto::DataVolume;
        /// Files handled.
        crypto.file_count: int unit "{file}" examples [2];
        /// Identifies the run.
        crypto.workflow_id: string examples ["dist-workflow-123"];
        /// Name of the workflow, the same in every run.
        crypto.workflow_name: string examples ["binance_archive_collection"];
    }
}

crate::event_schema! {
    /// A workflow handled a batch of data.
    pub DataProcessed = "workflow.data_processed" {
        undeclared = allow;
        include crate::schema::crypto::DataVolume;
        include crate::schema::crypto::MarketData;
        /// Step of the pipeline.
        crypto.processing_stage: crate::schema::crypto::ProcessingStage;
    }
}

crate::event_schema! {
    /// A workflow ended without its result.
    pub Failed = "workflow.failed" {
        undeclared = allow;
        /// Identifies the run.
        crypto.workflow_id: string examples ["dist-workflow-123"];
        /// Name of the workflow, the same in every run.
        crypto.workflow_name: string examples ["binance_archive_collection"];
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string required in ["_OTHER" "An error of no known class.", ..] stable examples ["timeout", "429"];
    }
}

crate::event_schema! {
    /// A stage ended with its result.
    pub StageCompleted = "workflow.stage.completed" {
        undeclared = allow;
        include crate::schema::crypto::DataVolume;
        /// Files handled.
        crypto.file_count: int unit "{file}" examples [2];
        /// Name of the stage, the same in every run.
        crypto.stage_name: string required examples ["api_collection"];
    }
}

crate::event_schema! {
    /// A stage had nothing to do.
    pub StageSkipped = "workflow.stage.skipped" {
        undeclared = allow;
        /// Name of the stage, the same in every run.
        crypto.stage_name: string required examples ["api_collection"];
    }
}

crate::event_schema! {
    /// A stage begins to work.
    pub StageStarted = "workflow.stage.started" {
        undeclared = allow;
        /// Name of the stage, the same in every run.
        crypto.stage_name: string required examples ["api_collection"];
        /// Trading pair in the exchange's notation, such as `BTCUSDT`.
        crypto.symbol: string examples ["BTCUSDT", "ETHUSDT"];
    }
}

crate::event_schema! {
    /// A workflow begins to work.
    pub Started = "workflow.started" {
        undeclared = allow;
        /// Identifies the run.
        crypto.workflow_id: string examples ["dist-workflow-123"];
        /// Name of the workflow, the same in every run.
        crypto.workflow_name: string examples ["binance_archive_collection"];
        /// How the workflow is started.
        crypto.workflow_type: WorkflowType;
    }
}

/// How the workflow is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, crate::AttributeEnum)]
pub enum WorkflowType {
    /// Runs over a finite set of data.
    Batch,
    /// Started by a clock.
    Scheduled,
    /// Runs for as long as data comes.
    Streaming,
}
