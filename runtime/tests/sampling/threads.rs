//! The load on four threads at once, with traces that stay on theirs and such that do not.

use crate::load::{self, BATCH, Plan, check, check_with_late, plans};
use crate::one_thread::request;
use crate::support::{NUMBER, Recorder};
use opentelemetry::Context;
use otelier::Span;
use otelier::prelude::*;
use std::sync::Barrier;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

const THREADS: usize = 4;

/// Runs the load on all threads, flushing while they wait for each other.
fn run<F: FnMut(Plan)>(plans: &[Plan], thread: impl Fn() -> F + Sync) -> Recorder {
    let recorder = Recorder::with(load::settings());
    let own: Vec<&[Plan]> = plans.chunks(plans.len().div_ceil(THREADS)).collect();
    let batches = own[0].len().div_ceil(BATCH);
    let both = Barrier::new(THREADS + 1);
    std::thread::scope(|scope| {
        for own in own {
            scope.spawn(|| {
                let mut make = thread();
                for batch in 0..batches {
                    let batch = own.iter().skip(batch * BATCH).take(BATCH);
                    batch.for_each(|plan| make(*plan));
                    both.wait();
                    both.wait();
                }
            });
        }
        for _ in 0..batches {
            both.wait();
            recorder.flush();
            both.wait();
        }
    });
    recorder
}

#[test]
fn a_mixed_load_on_four_threads_is_kept_as_on_one() {
    let plans = plans(11);
    check(&plans, run(&plans, || request));
}

/// What a thread does for another: a child of the context's span.
type Work = (Context, Plan, usize);

/// A thread that makes children of other threads' spans, and says when one is done.
struct Helper {
    work: SyncSender<Work>,
    done: Receiver<()>,
}

impl Helper {
    fn start() -> Self {
        let (work, orders) = sync_channel::<Work>(1);
        let (say, done) = sync_channel(1);
        std::thread::spawn(move || {
            for (context, plan, number) in orders {
                {
                    let _attached = context.attach();
                    load::child(plan, number);
                }
                // Whoever does not listen any more has all it wants.
                let _ = say.send(());
            }
        });
        Self { work, done }
    }

    fn give(&self, plan: Plan, number: usize) {
        self.work.send((otelier::current_context(), plan, number)).expect("the helper lives");
    }

    fn wait(&self) {
        self.done.recv().expect("the helper lives");
    }
}

/// Every other child is another thread's, the first and the last, which may be slow and fail, among them.
#[trace(name = "request", app.trace = plan.number, user.id = plan.user())]
fn request_with_help(plan: Plan, helper: &Helper) {
    for number in 0..plan.children {
        if number % 2 == 0 || number + 1 == plan.children {
            helper.give(plan, number);
            helper.wait();
        } else {
            load::child(plan, number);
        }
    }
}

/// A child that is not over when the trace is: a span that is open, or what has yet to begin below the trace's root.
enum Late {
    Open(Span),
    NotBegun(Context),
}

#[trace(name = "request", app.trace = plan.number, user.id = plan.user())]
fn request_that_does_not_wait(plan: Plan) -> Late {
    (1..plan.children).for_each(|number| load::child(plan, number));
    match plan.number % 2 {
        0 => Late::Open(Span::builder("late").attribute(NUMBER, plan.number).start()),
        _ => Late::NotBegun(otelier::current_context()),
    }
}

/// Needs tail sampling that holds back what several threads make of a trace.
#[test]
fn across_threads_a_mixed_load_with_children_on_other_threads_is_kept_as_on_one() {
    let plans = plans(12);
    let thread = || {
        let helper = Helper::start();
        move |plan| request_with_help(plan, &helper)
    };
    check(&plans, run(&plans, thread));
}

/// Needs the same, and that the decision is remembered.
#[test]
fn across_threads_a_child_that_ends_on_another_thread_after_its_trace_follows_the_decision() {
    // The late child is the first, which would be the slow one: it is no part of the decision.
    let plans: Vec<Plan> = plans(13).into_iter().map(|plan| Plan { slow: false, ..plan }).collect();
    let thread = || {
        let (late, ends) = sync_channel::<(Late, Plan)>(1);
        let (say, done) = sync_channel(1);
        std::thread::spawn(move || {
            for (late, plan) in ends {
                match late {
                    Late::Open(span) => span.end(),
                    Late::NotBegun(context) => {
                        let _attached = context.attach();
                        load::child(plan, 0);
                    }
                }
                // Whoever does not listen any more has all it wants.
                let _ = say.send(());
            }
        });
        move |plan| {
            late.send((request_that_does_not_wait(plan), plan)).expect("the thread lives");
            done.recv().expect("the thread lives");
        }
    };
    let late = plans.iter().filter(|plan| plan.number % 2 == 1).count();
    check_with_late(&plans, run(&plans, thread), late);
}
