// Made by `cargo xtask packs` of registry/packs/test.yaml.

//! Test runs and benchmarks.

crate::attribute_group! {
    /// What was measured.
    pub BenchmarkStatistics = "benchmark.statistics" {
        /// Iterations in a second.
        benchmark.throughput: double unit "{iteration}/s" examples [830.0];
        /// Longest iteration.
        benchmark.time.max: double unit "s" examples [0.0031];
        /// Mean time of an iteration.
        benchmark.time.mean: double unit "s" examples [0.0012];
        /// Median time of an iteration.
        benchmark.time.median: double unit "s" examples [0.0011];
        /// Shortest iteration.
        benchmark.time.min: double unit "s" examples [0.0009];
        /// Time below which 95 % of the iterations are.
        benchmark.time.p95: double unit "s" examples [0.0019];
        /// Time below which 99 % of the iterations are.
        benchmark.time.p99: double unit "s" examples [0.0024];
        /// Standard deviation of the iterations.
        benchmark.time.std_dev: double unit "s" examples [0.0002];
    }
}

crate::attribute_group! {
    /// How many tests there were and how they ended.
    pub Counts = "test.counts" {
        /// Tests in the run.
        testing.case_count: int unit "{test}" examples [25];
        /// Tests that failed.
        testing.failed_count: int unit "{test}" examples [2];
        /// Tests that passed only when run again.
        testing.flaky_count: int unit "{test}" examples [1];
        /// Tests that passed.
        testing.passed_count: int unit "{test}" examples [23];
        /// Tests that were left out.
        testing.skipped_count: int unit "{test}" examples [0];
    }
}

crate::span_schema! {
    /// All iterations of one benchmark.
    pub BenchmarkRun = "benchmark.run" {
        name = "benchmark {benchmark.name}";
        undeclared = allow;
        include BenchmarkStatistics;
        /// Change of the mean against the baseline; 5 is 5 % slower.
        benchmark.baseline.change: double unit "%" examples [5.0];
        /// Earlier measurement this one is compared with.
        benchmark.baseline.name: string examples ["main"];
        /// Iterations that were measured.
        benchmark.iterations: int unit "{iteration}" examples [100];
        /// Name of the benchmark.
        benchmark.name: string required examples ["span_start"];
        /// Iterations before measuring.
        benchmark.warmup_iterations: int unit "{iteration}" examples [10];
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string required_if "if the benchmark failed" in ["_OTHER" "An error of no known class.", ..] stable
            examples ["timeout", "429"];
    }
}

crate::span_schema! {
    /// One run of a test case.
    pub CaseRun = "test.case.run" {
        name = "test {test.case.name}";
        undeclared = allow;
        /// Source file.
        code.file.path: string stable examples ["src/ingest.rs"];
        /// Path of the function, with module and type.
        code.function.name: string stable examples ["lakehouse::ingest::Client::fetch"];
        /// Line in the source file.
        code.line.number: int stable examples [42];
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string required_if "if the test failed" in ["_OTHER" "An error of no known class.", ..] stable
            examples ["timeout", "429"];
        /// Which attempt this is; the first is 1.
        retry.attempt: int unit "{attempt}" examples [2];
        /// Full name of the test case.
        test.case.name: string required examples ["ingest::tests::empty_answer"];
        /// How the test case ended.
        test.case.result.status: string late in ["pass" "It passed.", "fail" "It failed.", ..];
        /// Name of the test suite.
        test.suite.name: string examples ["integration"];
        /// Framework that runs the tests.
        testing.framework: string examples ["nextest", "pytest"];
    }
}

crate::span_schema! {
    /// The tests of one file or test program.
    pub FileRun = "test.file.run" {
        name = "test file {testing.file.name}";
        undeclared = allow;
        include Counts;
        /// Source file of the tests.
        code.file.path: string stable examples ["src/ingest.rs"];
        /// Name of the test suite.
        test.suite.name: string examples ["integration"];
        /// File or test program the tests are in, low in cardinality.
        testing.file.name: string required examples ["test_build_tracer"];
    }
}

crate::span_schema! {
    /// One run of a test suite.
    pub SuiteRun = "test.suite.run" {
        name = "test suite {test.suite.name}";
        undeclared = allow;
        include Counts;
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string required_if "if the run could not be carried out" in ["_OTHER"
            "An error of no known class.", ..] stable examples ["timeout", "429"];
        /// Name of the test suite.
        test.suite.name: string required examples ["integration"];
        /// How the suite's run ended.
        test.suite.run.status: string late in ["success" "Every test passed.", "failure" "A test failed.", "skipped"
            "The suite was left out.", "aborted" "The run was stopped.", "timed_out" "The run took too long.",
            "in_progress" "The run goes on.", ..];
        /// Share of lines the tests run, 0 to 100.
        testing.coverage: double unit "%" examples [85.0];
        /// Framework that runs the tests.
        testing.framework: string examples ["nextest", "pytest"];
        /// Whether tests run side by side.
        testing.parallel: boolean;
    }
}

crate::event_schema! {
    /// A benchmark is slower than its baseline allows.
    pub BenchmarkRegressionDetected = "benchmark.regression_detected" {
        undeclared = allow;
        /// Change of the mean against the baseline; 5 is 5 % slower.
        benchmark.baseline.change: double required unit "%" examples [5.0];
        /// Earlier measurement this one is compared with.
        benchmark.baseline.name: string examples ["main"];
        /// Name of the benchmark.
        benchmark.name: string required examples ["span_start"];
    }
}

crate::event_schema! {
    /// A failed test is run again.
    pub Retried = "test.retried" {
        undeclared = allow;
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string in ["_OTHER" "An error of no known class.", ..] stable examples ["timeout", "429"];
        /// Which attempt this is; the first is 1.
        retry.attempt: int unit "{attempt}" examples [2];
        /// Full name of the test case.
        test.case.name: string required examples ["ingest::tests::empty_answer"];
    }
}
