use otelier::prelude::*;

#[trace_build_step(late(cicd.pipeline.task.run.result))]
fn write_bindings() {}

fn main() {}
