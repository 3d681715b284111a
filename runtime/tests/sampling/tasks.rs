//! The load in asynchronous tasks: many requests at once, each with children that it awaits and such that are tasks themselves.

use crate::load::{self, BATCH, Plan, check, plans};
use crate::support::Recorder;
use otelier::prelude::*;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

#[trace(app.trace = plan.number)]
async fn awaited(plan: Plan, number: usize) {
    tokio::task::yield_now().await;
    load::child(plan, number);
}

/// Half of the children are tasks of their own.
#[trace(name = "request", app.trace = plan.number, user.id = plan.user())]
async fn request(plan: Plan) {
    let mut tasks = Vec::new();
    for number in 0..plan.children {
        if number % 2 == 0 {
            tasks.push(otelier::spawn(awaited(plan, number)));
        } else {
            awaited(plan, number).await;
        }
    }
    for task in tasks {
        task.await.expect("no task panics");
    }
}

fn run(plans: &[Plan], runtime: &Runtime) {
    let recorder = Recorder::with(load::settings());
    for batch in plans.chunks(BATCH) {
        runtime.block_on(async {
            let mut requests = JoinSet::new();
            for plan in batch {
                requests.spawn(request(*plan));
            }
            while let Some(ended) = requests.join_next().await {
                ended.expect("no request panics");
            }
        });
        recorder.flush();
    }
    // A child is two spans here: the one that is awaited, and what it does.
    let plans: Vec<Plan> = plans.iter().map(|plan| Plan { children: 2 * plan.children, ..*plan }).collect();
    check(&plans, recorder);
}

/// Needs tail sampling that holds back what several tasks make of a trace.
#[test]
fn across_tasks_a_mixed_load_on_one_thread_is_kept_as_without_tasks() {
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    run(&plans(21), &runtime);
}

/// Needs the same of several threads.
#[test]
fn across_tasks_a_mixed_load_on_many_threads_is_kept_as_without_tasks() {
    let runtime = Builder::new_multi_thread().worker_threads(4).build().expect("a runtime");
    run(&plans(22), &runtime);
}
