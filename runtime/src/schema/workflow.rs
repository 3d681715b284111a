//! Workflows and their stages: the upper spans of a pipeline's trace.

use crate::schema::crypto::Market;
use crate::span_schema;

value_enum! {
    /// How a workflow is started.
    pub WorkflowType {
        /// Runs over a finite set of data.
        Batch = "batch",
        /// Started by a clock.
        Scheduled = "scheduled",
        /// Runs for as long as data comes.
        Streaming = "streaming",
    }
}

span_schema! {
    /// One run of a workflow, from its start to its result.
    pub Workflow = "workflow.run" {
        name = "workflow {crypto.workflow_name}";
        open;
        constant crypto.operation_type = "workflow_execution";
        crypto.workflow_name: string required "Name of the workflow, the same in every run.";
        crypto.workflow_id: string "Identifies the run.";
        crypto.workflow_type: WorkflowType "How the workflow is started.";
        crypto.market: Market "Exchange the workflow works on.";
        crypto.symbol_count: int unit "{symbol}" "Trading pairs the run covers.";
        crypto.record_count: int unit "{record}" "Records the run produced.";
        crypto.data_size_bytes: int unit "By" "Bytes the run wrote.";
        crypto.file_count: int unit "{file}" "Files the run wrote.";
    }
}

span_schema! {
    /// One stage of a workflow.
    pub Stage = "workflow.stage" {
        name = "stage {crypto.stage_name}";
        open;
        crypto.stage_name: string required "Name of the stage, the same in every run.";
        crypto.symbol: string "Trading pair the stage works on.";
        crypto.market: Market "Exchange the stage works on.";
        crypto.symbol_count: int unit "{symbol}" "Trading pairs the stage covers.";
        crypto.record_count: int unit "{record}" "Records the stage produced.";
        crypto.data_size_bytes: int unit "By" "Bytes the stage handled.";
        crypto.file_count: int unit "{file}" "Files the stage handled.";
    }
}
