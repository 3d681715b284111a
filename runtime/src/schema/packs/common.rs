// Made by `cargo xtask packs` of registry/packs/common.yaml.

//! Attributes that every pack shares: service, place of running, errors, source code, processes, correlation.

crate::attribute_group! {
    /// Where in the source code an operation is.
    pub CodeLocation = "code.location" {
        /// Column in the source file.
        code.column.number: int opt_in stable examples [9];
        /// Source file.
        code.file.path: string stable examples ["src/ingest.rs"];
        /// Path of the function, with module and type.
        code.function.name: string stable examples ["lakehouse::ingest::Client::fetch"];
        /// Line in the source file.
        code.line.number: int stable examples [42];
    }
}

crate::attribute_group! {
    /// What ties the spans of one piece of work together across services.
    pub CorrelationContext = "correlation.context" {
        /// Follows one piece of work through all services it passes.
        correlation.id: string examples ["123e4567-e89b-12d3-a456-426614174000"];
        /// Identifies the run of the job.
        job.id: string recommended_if "if the work is a background job" examples ["7f3c2a"];
        /// Name of the operation, the same for every call.
        operation.name: string examples ["data_processing"];
        /// Identifies the user the work is done for.
        user.id: string recommended_if "if the work is done for a user" personal examples ["user_123"];
    }
}

crate::attribute_group! {
    /// What went wrong and what is done about it.
    pub ErrorDetails = "error.details" {
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string required_if "if the operation failed" in ["_OTHER" "An error of no known class.", ..] stable
            examples ["timeout", "429"];
        /// What the error says.
        exception.message: string stable examples ["connection reset by peer"];
        /// Backtrace of the error, where one was captured.
        exception.stacktrace: string opt_in stable examples ["0: ingest::fetch\n\
                1: ingest::main"];
        /// Type of the error value.
        exception.type: string stable examples ["std::io::Error"];
        /// What kind of failure it is, for all errors alike; `error.type` tells them apart.
        failure.kind: FailureKind;
        /// What is done after a failure.
        failure.recovery: FailureRecovery;
        /// Whether the same operation may succeed when it is tried again.
        failure.retryable: boolean;
        /// How bad a failure is.
        failure.severity: FailureSeverity;
    }
}

crate::attribute_group! {
    /// The service and the place it runs in, for the resource.
    pub ServiceResource = "service.resource" {
        /// Identifies the container.
        container.id: string stable examples ["a3bf90e006b2"];
        /// Environment the service runs in.
        deployment.environment.name: string in ["production" "Serves users.", "staging"
            "The last step before production.", "test" "For tests.", "development" "For developers.", ..] stable;
        /// Name of the host.
        host.name: string examples ["worker-7"];
        /// Name of the Kubernetes cluster.
        k8s.cluster.name: string stable examples ["retail-cluster"];
        /// Kubernetes namespace the pod runs in.
        k8s.namespace.name: string stable examples ["crypto-lakehouse"];
        /// Kubernetes node the pod runs on.
        k8s.node.name: string stable examples ["node-1"];
        /// Name of the pod.
        k8s.pod.name: string stable examples ["ingest-6d5f7c-x2x9p"];
        /// Identifies this instance of the service.
        service.instance.id: string stable examples ["627cc493-f310-47de-96bd-71410b7dec09"];
        /// Name of the service.
        service.name: string required stable examples ["crypto-lakehouse"];
        /// Group of services this one belongs to.
        service.namespace: string stable examples ["retail-analytics"];
        /// Version of the service.
        service.version: string stable examples ["2.0.0"];
        /// Language of the telemetry SDK.
        telemetry.sdk.language: string in ["cpp" "C++.", "dotnet" ".NET.", "erlang" "Erlang/Elixir.", "go" "Go.",
            "java" "Java.", "kotlin" "Kotlin.", "nodejs" "Node.js.", "php" "PHP.", "python" "Python.", "ruby" "Ruby.",
            "rust" "Rust.", "swift" "Swift.", "webjs" "Browser.", ..] stable;
        /// Name of the telemetry SDK.
        telemetry.sdk.name: string stable examples ["opentelemetry"];
        /// Version of the telemetry SDK.
        telemetry.sdk.version: string stable examples ["1.35.0"];
    }
}

crate::event_schema! {
    /// The last attempt failed.
    pub RetryExhausted = "retry.exhausted" {
        undeclared = allow;
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string in ["_OTHER" "An error of no known class.", ..] stable examples ["timeout", "429"];
        /// The attempt that failed last.
        retry.attempt: int required unit "{attempt}" examples [2];
        /// Attempts that are made at most.
        retry.max_attempts: int unit "{attempt}" examples [5];
    }
}

crate::event_schema! {
    /// An attempt failed and another one follows.
    pub RetryScheduled = "retry.scheduled" {
        undeclared = allow;
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string in ["_OTHER" "An error of no known class.", ..] stable examples ["timeout", "429"];
        /// The attempt that failed; the first is 1.
        retry.attempt: int required unit "{attempt}" examples [2];
        /// Time until the next attempt.
        retry.delay: double required unit "s" examples [0.5];
        /// Attempts that are made at most.
        retry.max_attempts: int unit "{attempt}" examples [5];
    }
}

/// What kind of failure it is, for all errors alike; `error.type` tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, crate::AttributeEnum)]
pub enum FailureKind {
    /// What was given cannot be used.
    Validation,
    /// What was asked for does not exist.
    NotFound,
    /// It contradicts the state something is in.
    Conflict,
    /// The caller may not do it.
    Permission,
    /// Nobody knows who the caller is.
    Authentication,
    /// Too much was asked in too little time.
    RateLimit,
    /// It took longer than it may.
    Timeout,
    /// A service does not answer, or says that it cannot.
    Unavailable,
    /// Somebody gave it up.
    Cancelled,
    /// The way to another machine is broken.
    Network,
    /// Data are not what they should be.
    Data,
    /// A setting is missing or wrong.
    Configuration,
    /// Memory, disk, connections or a quota are used up.
    ResourceExhausted,
    /// A mistake in the program.
    Internal,
    /// Nobody has said.
    Unknown,
}

/// What is done after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, crate::AttributeEnum)]
pub enum FailureRecovery {
    /// Nothing; the operation stays failed.
    #[attribute(value = "none")]
    Nothing,
    /// The operation is tried again.
    Retry,
    /// The item is left out and the work goes on.
    Skip,
    /// Another way is taken.
    Fallback,
    /// The component is started anew.
    Restart,
    /// A person has to act.
    Escalate,
}

/// How bad a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, crate::AttributeEnum)]
pub enum FailureSeverity {
    /// Nobody has to look at it.
    Low,
    /// Somebody should look at it in working hours.
    Medium,
    /// Users notice it.
    High,
    /// The service does not do its work.
    Critical,
}
