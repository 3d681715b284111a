// Made by `cargo xtask packs` of registry/packs/sources.tsv.

//! Attributes that have another name now, by the new one.

use super::{OldNames, Rename};

pub(super) const RENAMES: &[Rename] = &[
    Rename { of: OldNames::BuildTracer, new: "cicd.pipeline.task.name", old: "build.step.name", values: &[] },
    Rename { of: OldNames::Lakehouse, new: "crypto.market", old: "crypto.exchange", values: &[] },
    Rename { of: OldNames::Retail, new: "db.collection.name", old: "db.table", values: &[] },
    Rename {
        of: OldNames::BuildTracer,
        new: "deployment.environment.name",
        old: "deployment.environment",
        values: &[],
    },
    Rename { of: OldNames::Lakehouse, new: "deployment.environment.name", old: "deployment.environment", values: &[] },
    Rename { of: OldNames::Retail, new: "deployment.environment.name", old: "deployment.environment", values: &[] },
    Rename { of: OldNames::Retail, new: "etl.records_out", old: "result.count", values: &[] },
    Rename {
        of: OldNames::BuildTracer,
        new: "http.request.body.size",
        old: "http.request_content_length",
        values: &[],
    },
    Rename { of: OldNames::BuildTracer, new: "http.request.method", old: "http.method", values: &[] },
    Rename { of: OldNames::BuildTracer, new: "http.response.status_code", old: "http.status_code", values: &[] },
    Rename { of: OldNames::Retail, new: "http.response.status_code", old: "http.status_code", values: &[] },
    Rename { of: OldNames::BuildTracer, new: "process.command_line", old: "build.step.command", values: &[] },
    Rename { of: OldNames::BuildTracer, new: "process.exit.code", old: "build.step.exit_code", values: &[] },
    Rename {
        of: OldNames::BuildTracer,
        new: "test.case.result.status",
        old: "test.case.result",
        values: &[("passed", "pass"), ("failed", "fail")],
    },
    Rename { of: OldNames::BuildTracer, new: "testing.case_count", old: "test.suite.total", values: &[] },
    Rename { of: OldNames::BuildTracer, new: "testing.coverage", old: "test.coverage.percentage", values: &[] },
    Rename { of: OldNames::BuildTracer, new: "testing.failed_count", old: "test.suite.failed", values: &[] },
    Rename { of: OldNames::BuildTracer, new: "testing.framework", old: "test.framework", values: &[] },
    Rename { of: OldNames::BuildTracer, new: "testing.passed_count", old: "test.suite.passed", values: &[] },
    Rename { of: OldNames::BuildTracer, new: "user_agent.original", old: "http.user_agent", values: &[] },
];
