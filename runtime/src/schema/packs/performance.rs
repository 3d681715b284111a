// Made by `cargo xtask packs` of registry/packs/performance.yaml.

//! What an operation costs, and what it may cost: processor, memory, throughput, budgets and objectives.

crate::attribute_group! {
    /// What an operation may cost.
    pub Budget = "performance.budget" {
        /// Whether the operation took longer than its budget.
        performance.budget.exceeded: boolean;
        /// Time the operation may take.
        performance.budget.limit: double unit "s" examples [5.0];
        /// Share of the budget that was used; above 1 it is exceeded.
        performance.budget.used: double unit "1" examples [0.4];
    }
}

crate::attribute_group! {
    /// The service level objective an operation is measured against.
    pub Objective = "performance.objective" {
        /// Name of the service level indicator.
        performance.sli.name: string examples ["api_latency"];
        /// Value of the indicator, in the indicator's own unit.
        performance.sli.value: double examples [0.312];
        /// Whether the operation met the objective.
        performance.slo.compliant: boolean;
        /// Name of the service level objective.
        performance.slo.name: string examples ["api-latency-500ms"];
        /// Time the objective allows.
        performance.slo.threshold: double unit "s" examples [0.5];
    }
}

crate::attribute_group! {
    /// What an operation costs.
    pub Resources = "performance.resources" {
        /// Use of the processor during the operation, 0 to 100 for each core.
        performance.cpu.percent: double unit "%" examples [63.5];
        /// Processor time the operation used.
        performance.cpu.time: double unit "s" examples [0.42];
        /// Load of the machine against its limits; 1 is at the limit.
        performance.load_factor: double unit "1" examples [0.6];
        /// Change of the process's memory during the operation; can be negative.
        performance.memory.delta: int unit "By" examples [1048576];
        /// Memory of the process when the operation ended.
        performance.memory.used: int unit "By" examples [268435456];
    }
}

crate::attribute_group! {
    /// How much an operation gets done.
    pub Throughput = "performance.throughput" {
        /// Bytes the operation handled.
        performance.data_size: int unit "By" examples [5000000];
        /// Work done for the resources used, from 0 (poor) to 1 (good).
        performance.efficiency_score: double unit "1" examples [0.87];
        /// Records the operation handled.
        performance.record_count: int unit "{record}" examples [100000];
        /// Bytes in a second.
        performance.throughput.bytes: double unit "By/s" examples [1000000.0];
        /// Records in a second.
        performance.throughput.records: double unit "{record}/s" examples [20000.0];
    }
}

crate::span_schema! {
    /// One operation whose cost is watched.
    pub Operation = "performance.operation" {
        name = "{operation.name}";
        undeclared = allow;
        include Resources;
        include Throughput;
        include Budget;
        include Objective;
        /// How much the operation matters to samplers and schedulers, low in cardinality.
        crypto.priority: string examples ["high"];
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string required_if "if the operation failed" in ["_OTHER" "An error of no known class.", ..] stable
            examples ["timeout", "429"];
        /// Name of the operation, the same for every call.
        operation.name: string required examples ["data_processing"];
        /// Kind of operation, low in cardinality.
        operation.type: string examples ["api", "database_query"];
        /// Use of the machine's memory, 0 to 100.
        performance.memory.percent: double opt_in unit "%" examples [71.0];
        /// Whether the operation took longer than its threshold.
        performance.slow: boolean;
        /// Time above which the operation counts as slow.
        performance.slow_threshold: double unit "s" examples [0.2];
    }
}

crate::event_schema! {
    /// An alert rule's condition holds.
    pub AlertFired = "performance.alert_fired" {
        undeclared = allow;
        /// Name of the operation, the same for every call.
        operation.name: string examples ["data_processing"];
        /// Name of the alert rule.
        performance.alert.name: string required examples ["HighLatency"];
        /// How urgent the alert is.
        performance.alert.severity: AlertSeverity required;
    }
}

crate::event_schema! {
    /// An operation took longer than its budget.
    pub BudgetExceeded = "performance.budget_exceeded" {
        undeclared = allow;
        /// Name of the operation, the same for every call.
        operation.name: string examples ["data_processing"];
        /// Time the operation may take.
        performance.budget.limit: double required unit "s" examples [5.0];
        /// Share of the budget that was used; above 1 it is exceeded.
        performance.budget.used: double required unit "1" examples [0.4];
    }
}

crate::event_schema! {
    /// The machine is at its limits, so less is sampled.
    pub Overloaded = "performance.overloaded" {
        undeclared = allow;
        /// Use of the processor during the operation, 0 to 100 for each core.
        performance.cpu.percent: double unit "%" examples [63.5];
        /// Load of the machine against its limits; 1 is at the limit.
        performance.load_factor: double required unit "1" examples [0.6];
        /// Use of the machine's memory, 0 to 100.
        performance.memory.percent: double unit "%" examples [71.0];
    }
}

crate::event_schema! {
    /// An operation is slower than its stored baseline allows.
    pub RegressionDetected = "performance.regression_detected" {
        undeclared = allow;
        /// Name of the operation, the same for every call.
        operation.name: string required examples ["data_processing"];
        /// Change against the stored baseline; 5 is 5 % slower.
        performance.baseline.change: double required unit "%" examples [5.0];
    }
}

crate::event_schema! {
    /// An operation or a window of operations missed its objective.
    pub SloBreached = "performance.slo_breached" {
        undeclared = allow;
        /// Name of the service level indicator.
        performance.sli.name: string examples ["api_latency"];
        /// Value of the indicator, in the indicator's own unit.
        performance.sli.value: double examples [0.312];
        /// How fast the error budget is used; 1 uses it up just at the end of the window.
        performance.slo.burn_rate: double unit "1" examples [14.4];
        /// Name of the service level objective.
        performance.slo.name: string required examples ["api-latency-500ms"];
        /// Share of operations that has to meet the threshold, 0 to 1.
        performance.slo.target: double unit "1" examples [0.999];
        /// Time the objective allows.
        performance.slo.threshold: double unit "s" examples [0.5];
    }
}

/// How urgent the alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, crate::AttributeEnum)]
pub enum AlertSeverity {
    /// Worth knowing.
    Info,
    /// Look at it soon.
    Warning,
    /// Look at it now.
    Critical,
}
