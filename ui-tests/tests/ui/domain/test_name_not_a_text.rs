use otelier::prelude::*;

#[trace_test(test.case.name = 7)]
fn empty_answers_are_kept() {}

fn main() {}
