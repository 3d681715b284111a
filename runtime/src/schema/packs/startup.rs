// Made by `cargo xtask packs` of registry/packs/startup.yaml.

//! The start of a program, phase by phase.

crate::span_schema! {
    /// Reading the configuration.
    pub ConfigLoad = "startup.config.load" {
        name = "startup.config.load";
        undeclared = allow;
        constant startup.phase = "config_load";
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string required_if "if the phase failed" in ["_OTHER" "An error of no known class.", ..] stable
            examples ["timeout", "429"];
        /// Settings that were read.
        startup.config.key_count: int unit "{setting}" examples [37];
        /// Where the configuration comes from.
        startup.config.source: string examples ["config/tracing.yaml", "environment"];
    }
}

crate::span_schema! {
    /// Loading what the program needs.
    pub DependenciesLoad = "startup.dependencies.load" {
        name = "startup.dependencies.load";
        undeclared = allow;
        constant startup.phase = "dependencies_load";
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string required_if "if the phase failed" in ["_OTHER" "An error of no known class.", ..] stable
            examples ["timeout", "429"];
        /// Dependencies that were loaded.
        startup.dependency_count: int unit "{dependency}" examples [5];
    }
}

crate::span_schema! {
    /// Checking whether the program can work.
    pub HealthChecks = "startup.health_checks" {
        name = "startup.health_checks";
        undeclared = allow;
        constant startup.phase = "health_checks";
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string required_if "if the phase failed" in ["_OTHER" "An error of no known class.", ..] stable
            examples ["timeout", "429"];
        /// Checks that were made.
        startup.health_check.count: int unit "{check}" examples [4];
        /// Checks that failed.
        startup.health_check.failed_count: int unit "{check}" examples [0];
    }
}

crate::span_schema! {
    /// The whole start of a program.
    pub Initialize = "startup.initialize" {
        name = "startup.initialize";
        undeclared = allow;
        constant startup.phase = "initialize";
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string required_if "if the phase failed" in ["_OTHER" "An error of no known class.", ..] stable
            examples ["timeout", "429"];
        /// Name of the program that starts.
        startup.application: string examples ["my-app"];
        /// Time from the start of the process until it can work.
        startup.time_to_ready: double unit "s" examples [1.7];
    }
}

crate::span_schema! {
    /// Making connections, caches and pools.
    pub ResourcesInitialize = "startup.resources.initialize" {
        name = "startup.resources.initialize";
        undeclared = allow;
        constant startup.phase = "resources_initialize";
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string required_if "if the phase failed" in ["_OTHER" "An error of no known class.", ..] stable
            examples ["timeout", "429"];
        /// Resources that were made.
        startup.resource_count: int unit "{resource}" examples [3];
    }
}

crate::event_schema! {
    /// One check was made.
    pub HealthCheck = "startup.health_check" {
        undeclared = allow;
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string in ["_OTHER" "An error of no known class.", ..] stable examples ["timeout", "429"];
        /// Whether the check passed.
        startup.health_check.healthy: boolean required;
        /// Name of the check.
        startup.health_check.name: string required examples ["database"];
    }
}

crate::event_schema! {
    /// The program can work.
    pub Ready = "startup.ready" {
        undeclared = allow;
        /// Name of the program that starts.
        startup.application: string examples ["my-app"];
        /// Time from the start of the process until it can work.
        startup.time_to_ready: double unit "s" examples [1.7];
    }
}
