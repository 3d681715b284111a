// Made by `cargo xtask packs` of registry/packs/cicd.yaml.

//! Builds: runs, steps, compiled units, dependencies and artefacts.

crate::attribute_group! {
    /// Which artefact a build made.
    pub Artifact = "cicd.artifact" {
        /// File name of the artefact.
        artifact.filename: string examples ["otelier-0.1.0-x86_64.tar.gz"];
        /// Hash of the artefact.
        artifact.hash: string examples ["9ff4c52759e2c4ac70b7d517bc7fcdc1cda631ca0045271ddd1b192544f8a3e9"];
        /// Package URL of the artefact.
        artifact.purl: string examples ["pkg:cargo/otelier@0.1.0"];
        /// Version of the artefact.
        artifact.version: string examples ["0.1.0"];
    }
}

crate::attribute_group! {
    /// Which revision of the source is built.
    pub Change = "cicd.change" {
        /// Number of the change that is built.
        vcs.change.id: string release_candidate examples ["123"];
        /// Who hosts the repository.
        vcs.provider.name: string in ["github" "GitHub.", "gitlab" "GitLab.", "gittea"
            "Deprecated, use `gitea` instead.", "gitea" "Gitea.", "bitbucket" "Bitbucket.", ..] release_candidate;
        /// Branch or tag that is built.
        vcs.ref.head.name: string release_candidate examples ["main"];
        /// Commit that is built.
        vcs.ref.head.revision: string release_candidate examples ["9d59409acf479dfa0df1aa568182e43e43df8bbe"];
        /// Whether a branch or a tag is built.
        vcs.ref.head.type: string in ["branch" "A branch.", "tag" "A tag.", ..] release_candidate;
        /// Name of the repository.
        vcs.repository.name: string release_candidate examples ["otelier"];
        /// Address of the repository.
        vcs.repository.url.full: string release_candidate examples ["https://github.com/org/repo"];
    }
}

crate::attribute_group! {
    /// A program that was run.
    pub ProcessRun = "process.run" {
        /// The command and its arguments; they can hold credentials.
        process.command_args: string[] opt_in sensitive release_candidate examples
            ["[\"cargo\", \"build\", \"--release\"]"];
        /// The whole command as one string; it can hold credentials.
        process.command_line: string opt_in sensitive release_candidate examples ["cargo build --release"];
        /// Name of the program.
        process.executable.name: string release_candidate examples ["cargo"];
        /// Exit code of the process; 0 is success.
        process.exit.code: int release_candidate examples [0, 101];
        /// Number of the process.
        process.pid: int release_candidate examples [4711];
        /// Directory the process runs in.
        process.working_directory: string opt_in release_candidate examples ["/app"];
    }
}

crate::span_schema! {
    /// Collecting what the build made.
    pub BuildArtifactCollection = "build.artifact_collection" {
        name = "build.artifact_collection";
        undeclared = allow;
        /// Artefacts collected.
        build.artifact_count: int unit "{artifact}" examples [2];
        /// Size of the artefacts together.
        build.artifact_size: int unit "By" examples [7340032];
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string required_if "if the operation failed" in ["_OTHER" "An error of no known class.", ..] stable
            examples ["timeout", "429"];
    }
}

crate::span_schema! {
    /// Finding out what the build depends on.
    pub BuildDependencyAnalysis = "build.dependency_analysis" {
        name = "build.dependency_analysis";
        undeclared = allow;
        /// Dependencies, direct and indirect.
        build.dependency_count: int unit "{dependency}" examples [214];
        /// Dependencies the project itself names.
        build.direct_dependency_count: int unit "{dependency}" examples [12];
        /// Dependencies present in more than one version.
        build.duplicate_dependency_count: int unit "{dependency}" examples [3];
        /// Root of the project that is built.
        build.project_path: string examples ["/app"];
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string required_if "if the operation failed" in ["_OTHER" "An error of no known class.", ..] stable
            examples ["timeout", "429"];
    }
}

crate::span_schema! {
    /// A whole build, from its start to its result.
    pub BuildExecute = "build.execute" {
        name = "{cicd.pipeline.action.name} {cicd.pipeline.name}";
        undeclared = allow;
        constant cicd.pipeline.action.name = "BUILD";
        include Change;
        /// Profile of the build.
        build.profile: string examples ["release"];
        /// Root of the project that is built.
        build.project_path: string opt_in examples ["/app"];
        /// Steps of the build.
        build.steps_count: int unit "{step}" examples [4];
        /// Platform the build is for.
        build.target: string examples ["x86_64-unknown-linux-gnu"];
        /// Name of the pipeline or build.
        cicd.pipeline.name: string required release_candidate examples ["release build"];
        /// How the run ended.
        cicd.pipeline.result: string late in ["success" "The run did what it should.", "failure"
            "The run found a fault, such as a failing test.", "error" "The build system itself failed.", "timeout"
            "The run took too long.", "cancellation" "The run was cancelled.", "skip" "The run was left out.", ..]
            release_candidate;
        /// Identifies the run.
        cicd.pipeline.run.id: string release_candidate examples ["120912"];
        /// Address of the run's page.
        cicd.pipeline.run.url.full: string release_candidate examples
            ["https://github.com/org/repo/actions/runs/9753949763"];
        /// Name of the machine that runs the step.
        cicd.worker.name: string release_candidate examples ["linux-large-3"];
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string required_if "if the result is `failure` or `error`" in ["_OTHER"
            "An error of no known class.", ..] stable examples ["timeout", "429"];
    }
}

crate::span_schema! {
    /// One step of a build.
    pub BuildStep = "build.step" {
        name = "step {cicd.pipeline.task.name}";
        undeclared = allow;
        include ProcessRun;
        /// How the step is run.
        build.step.type: StepType;
        /// Name of the step.
        cicd.pipeline.task.name: string required release_candidate examples ["install_dependencies", "lint"];
        /// Identifies the run of the step.
        cicd.pipeline.task.run.id: string release_candidate examples ["12097"];
        /// How the step ended.
        cicd.pipeline.task.run.result: string late in ["success" "The step did what it should.", "failure"
            "The step found a fault, such as a failing test.", "error" "The build system itself failed.", "timeout"
            "The step took too long.", "cancellation" "The step was cancelled.", "skip" "The step was left out.", ..]
            release_candidate;
        /// Address of the step's page.
        cicd.pipeline.task.run.url.full: string release_candidate examples
            ["https://github.com/org/repo/actions/runs/9753949763/job/26920038674"];
        /// What the step is for.
        cicd.pipeline.task.type: string in ["build" "Builds.", "test" "Tests.", "deploy" "Deploys.", ..]
            release_candidate;
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string required_if "if the result is `failure` or `error`" in ["_OTHER"
            "An error of no known class.", ..] stable examples ["timeout", "429"];
    }
}

crate::span_schema! {
    /// Compiling one unit, or running one build script.
    pub BuildUnit = "build.unit" {
        name = "{build.unit.kind} {build.unit.name}";
        undeclared = allow;
        /// Profile of the build.
        build.profile: string examples ["release"];
        /// Platform the build is for.
        build.target: string examples ["x86_64-unknown-linux-gnu"];
        /// Whether the unit was taken from an earlier build.
        build.unit.fresh: boolean;
        /// Sort of compiled unit.
        build.unit.kind: UnitKind required;
        /// Name of the compiled unit, such as a crate.
        build.unit.name: string required examples ["serde"];
        /// Version of the compiled unit.
        build.unit.version: string examples ["1.0.219"];
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string required_if "if the compiler found errors" in ["_OTHER" "An error of no known class.", ..]
            stable examples ["timeout", "429"];
    }
}

crate::event_schema! {
    /// An artefact was collected.
    pub BuildArtifactCollected = "build.artifact_collected" {
        undeclared = allow;
        /// File name of the artefact.
        artifact.filename: string required examples ["otelier-0.1.0-x86_64.tar.gz"];
        /// Hash of the artefact.
        artifact.hash: string examples ["9ff4c52759e2c4ac70b7d517bc7fcdc1cda631ca0045271ddd1b192544f8a3e9"];
        /// Package URL of the artefact.
        artifact.purl: string examples ["pkg:cargo/otelier@0.1.0"];
        /// Version of the artefact.
        artifact.version: string examples ["0.1.0"];
        /// Size of the file.
        file.size: int unit "By" examples [144000];
    }
}

crate::event_schema! {
    /// A step was left out.
    pub BuildStepSkipped = "build.step_skipped" {
        undeclared = allow;
        /// Name of the step.
        cicd.pipeline.task.name: string required release_candidate examples ["install_dependencies", "lint"];
    }
}

/// How the step is run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, crate::AttributeEnum)]
pub enum StepType {
    /// A command.
    Command,
    /// A subcommand of cargo.
    Cargo,
    /// A Python module.
    Python,
    /// A function of the program itself.
    Function,
    /// Any other value.
    #[attribute(other)]
    Other(String),
}

/// Sort of compiled unit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, crate::AttributeEnum)]
pub enum UnitKind {
    /// A library.
    Lib,
    /// A program.
    Bin,
    /// A library of macros.
    ProcMacro,
    /// A build script.
    BuildScript,
    /// A test program.
    Test,
    /// A benchmark program.
    Bench,
    /// An example.
    Example,
    /// Any other value.
    #[attribute(other)]
    Other(String),
}
