//! Parents on other threads and in other tasks.

use super::setup::{active, everywhere, many_threads, one_thread, tracer};
use opentelemetry::Context;
use opentelemetry::trace::{FutureExt, TraceContextExt, Tracer};
use otelier::prelude::*;
use rayon::ThreadPoolBuilder;
use std::future::Future;
use std::sync::Barrier;
use tokio::task::yield_now;

/// One of ours and one of the API, each with the other below it.
fn work(number: i64) {
    trace_block!(name = "ours", app.number = number, {
        tracer().in_span("below ours", |_| {});
    });
    tracer().in_span("theirs", |_| {
        trace_block!(name = "below theirs", app.number = number, {});
    });
}

const NUMBERS: std::ops::Range<i64> = 1000..1300;

/// What each of the [`NUMBERS`] must look like, one after the other.
fn each(lines: &[&str], before: &[&str]) -> Vec<String> {
    let of = |number: i64| lines.iter().map(move |line| line.replace('#', &number.to_string()));
    before.iter().map(|&line| line.to_owned()).chain(NUMBERS.flat_map(of)).collect()
}

#[track_caller]
fn expect(run: super::setup::Run, lines: &[String]) {
    run.expect(&lines.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn a_context_of_a_lazy_leaf_is_the_parent_on_another_thread() {
    everywhere(|run| {
        let (context, leaf) =
            trace_block!(name = "a", { trace_block!(name = "b", { (otelier::current_context(), active()) }) });
        assert_eq!(context.span().span_context(), &leaf);
        let there = std::thread::spawn(move || {
            {
                let _attached = context.clone().attach();
                work(1);
            }
            trace_block!(name = "free", {});
            let _attached = context.attach();
            one_thread().block_on(trace_block!(name = "later", async {
                yield_now().await;
                trace_block!(name = "in later", {});
            }));
        });
        there.join().expect("no panic");
        run.expect(&[
            "a",
            "  b",
            "    later",
            "      in later",
            "    ours app.number=1",
            "      below ours",
            "    theirs",
            "      below theirs app.number=1",
            "free",
        ]);
    });
}

#[test]
fn a_context_of_the_api_itself_brings_the_right_trace_to_another_thread() {
    everywhere(|run| {
        let (context, root) = trace_block!(name = "a", {
            let root = active();
            (trace_block!(name = "b", { Context::current() }), root)
        });
        let there = std::thread::spawn(move || {
            let _attached = context.attach();
            trace_block!(name = "c", { active().trace_id() })
        });
        assert_eq!(there.join().expect("no panic"), root.trace_id());
        let spans = run.spans();
        assert_eq!(spans.len(), 3);
        assert!(spans.iter().all(|span| span.span_context.trace_id() == root.trace_id()));
    });
}

#[test]
fn new_threads_continue_the_span_that_starts_them() {
    everywhere(|run| {
        let threads = trace_block!(name = "a", {
            trace_block!(name = "b", {
                NUMBERS.step_by(100).map(|number| otelier::spawn_thread(move || work(number))).collect::<Vec<_>>()
            })
        });
        // The parents are over, or not, when the children begin.
        for thread in threads {
            thread.join().expect("no panic");
        }
        run.expect(&[
            "a",
            "  b",
            "    ours app.number=1000",
            "      below ours",
            "    ours app.number=1100",
            "      below ours",
            "    ours app.number=1200",
            "      below ours",
            "    theirs",
            "      below theirs app.number=1000",
            "    theirs",
            "      below theirs app.number=1100",
            "    theirs",
            "      below theirs app.number=1200",
        ]);
    });
}

#[test]
fn scoped_threads_continue_the_span_that_starts_them() {
    everywhere(|run| {
        trace_block!(name = "a", {
            trace_block!(name = "b", {
                std::thread::scope(|scope| {
                    for number in 1..=3 {
                        let part = move || {
                            trace_block!(name = "part", app.number = number, {
                                let inside = otelier::with_current_context(|| trace_block!(name = "inside", {}));
                                std::thread::scope(|scope| {
                                    scope.spawn(inside);
                                });
                            });
                        };
                        scope.spawn(otelier::with_current_context(part));
                    }
                });
                tracer().in_span("c", |_| {});
            });
        });
        run.expect(&[
            "a",
            "  b",
            "    c",
            "    part app.number=1",
            "      inside",
            "    part app.number=2",
            "      inside",
            "    part app.number=3",
            "      inside",
        ]);
    });
}

#[test]
fn jobs_of_a_thread_pool_continue_the_span_that_makes_them() {
    let pool = ThreadPoolBuilder::new().num_threads(4).build().expect("a pool");
    everywhere(|run| {
        let root = || {
            trace_block!(name = "root", {
                rayon::scope(|scope| {
                    for number in NUMBERS {
                        let part = move || {
                            trace_block!(name = "part", app.number = number, {
                                trace_block!(name = "lazy", {
                                    let left = otelier::with_current_context(|| trace_block!(name = "left", {}));
                                    let right = otelier::with_current_context(|| tracer().in_span("right", |_| {}));
                                    rayon::join(left, right);
                                });
                            });
                        };
                        let part =
                            trace_block!(name = "maker", app.number = number, { otelier::with_current_context(part) });
                        scope.spawn(move |_| part());
                    }
                });
            });
        };
        pool.install(root);
        let of_one = ["  maker app.number=#", "    part app.number=#", "      lazy", "        left", "        right"];
        expect(run, &each(&of_one, &["root"]));
    });
}

#[test]
fn a_job_that_is_run_inside_another_span_continues_the_span_that_made_it() {
    everywhere(|run| {
        trace_block!(name = "a", {
            let job = otelier::with_current_context(|| work(1));
            trace_block!(name = "b", {
                // A thread pool does this when `b` waits for something else.
                job();
                tracer().in_span("c", |_| {});
            });
        });
        run.expect(&[
            "a",
            "  b",
            "    c",
            "  ours app.number=1",
            "    below ours",
            "  theirs",
            "    below theirs app.number=1",
        ]);
    });
}

#[test]
fn a_future_that_is_polled_inside_another_span_continues_the_span_that_made_it() {
    everywhere(|run| {
        trace_block!(name = "a", {
            let future = otelier::in_current_context(async {
                yield_now().await;
                work(1);
            });
            trace_block!(name = "b", {
                one_thread().block_on(future);
                tracer().in_span("c", |_| {});
            });
        });
        run.expect(&[
            "a",
            "  b",
            "    c",
            "  ours app.number=1",
            "    below ours",
            "  theirs",
            "    below theirs app.number=1",
        ]);
    });
}

#[test]
fn a_job_from_outside_of_spans_is_a_root_wherever_it_runs() {
    everywhere(|run| {
        let job = otelier::with_current_context(|| work(1));
        let future = otelier::in_current_context(async {
            yield_now().await;
            work(2);
        });
        trace_block!(name = "a", {
            trace_block!(name = "b", {
                job();
                one_thread().block_on(future);
                trace_block!(name = "c", {});
            });
        });
        run.expect(&[
            "a",
            "  b",
            "    c",
            "ours app.number=1",
            "  below ours",
            "ours app.number=2",
            "  below ours",
            "theirs",
            "  below theirs app.number=1",
            "theirs",
            "  below theirs app.number=2",
        ]);
    });
}

#[test]
fn a_job_may_record_in_the_span_that_it_runs_in() {
    everywhere(|run| {
        trace_block!(name = "a", {
            trace_block!(name = "b", {
                otelier::with_current_context(|| {
                    record!(app.first = 1);
                    trace_block!(name = "c", {
                        record!(app.own = 2);
                    });
                    record!(app.last = 3);
                })();
                event!("after");
                trace_block!(name = "d", {});
            });
        });
        run.expect(&["a", "  b app.first=1 app.last=3", "    * after", "    c app.own=2", "    d"]);
    });
}

async fn task(number: i64) {
    let task = trace_block!(name = "task", app.number = number, async move {
        for round in 0..3 {
            yield_now().await;
            trace_block!(name = "step", app.number = number, app.round = round, {
                tracer().in_span("call", |_| {});
                yielding(number);
            });
        }
        let of_the_api = Context::current_with_span(tracer().start("wait"));
        let inside = async move {
            yield_now().await;
            let inner = trace_block!(name = "in wait", app.number = number, async {
                yield_now().await;
                tracer().in_span("last call", |_| {});
                yield_now().await;
            });
            inner.await;
        };
        inside.with_context(of_the_api).await;
    });
    task.await;
}

fn yielding(number: i64) {
    if number % 7 == 0 {
        std::thread::yield_now();
    }
}

const TASK: [&str; 10] = [
    "task app.number=#",
    "  step app.number=# app.round=0",
    "    call",
    "  step app.number=# app.round=1",
    "    call",
    "  step app.number=# app.round=2",
    "    call",
    "  wait",
    "    in wait app.number=#",
    "      last call",
];

#[test]
fn spawned_tasks_continue_the_span_that_spawns_them_wherever_they_run() {
    everywhere(|run| {
        many_threads().block_on(async {
            let spawning = trace_block!(name = "root", async {
                let mut tasks = Vec::new();
                for number in NUMBERS {
                    tasks.push(trace_block!(name = "spawner", app.number = number, {
                        tokio::spawn(otelier::in_current_context(task(number)))
                    }));
                    yield_now().await;
                }
                for task in tasks {
                    task.await.expect("no panic");
                }
            });
            spawning.await;
        });
        let mut of_one = vec!["  spawner app.number=#".to_owned()];
        of_one.extend(TASK.map(|line| format!("    {line}")));
        expect(run, &each(&of_one.iter().map(String::as_str).collect::<Vec<_>>(), &["root"]));
    });
}

#[test]
fn tasks_that_are_spawned_without_a_context_are_roots() {
    everywhere(|run| {
        many_threads().block_on(async {
            let spawning = trace_block!(name = "root", async {
                let tasks: Vec<_> = NUMBERS.map(|number| tokio::spawn(task(number))).collect();
                for task in tasks {
                    task.await.expect("no panic");
                }
            });
            spawning.await;
        });
        let mut wanted = vec!["root".to_owned()];
        wanted.extend(each(&TASK, &[]));
        expect(run, &wanted);
    });
}

#[test]
fn a_future_that_moves_between_threads_takes_its_spans_with_it() {
    everywhere(|run| {
        let mut future = Box::pin(task(1));
        let mut polls = 0;
        let mut done = false;
        while !done {
            polls += 1;
            done = std::thread::scope(|scope| {
                let polled = scope.spawn(|| {
                    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
                    let ready = future.as_mut().poll(&mut context).is_ready();
                    trace_block!(name = "between", {});
                    assert!(!active().is_valid());
                    ready
                });
                polled.join().expect("no panic")
            });
        }
        let mut wanted = vec!["between".to_owned(); polls];
        wanted.extend(TASK.map(|line| line.replace('#', "1")));
        expect(run, &wanted);
    });
}

#[test]
fn threads_that_work_at_the_same_time_do_not_see_each_other() {
    everywhere(|run| {
        let together = Barrier::new(4);
        std::thread::scope(|scope| {
            for part in 0..4 {
                let together = &together;
                scope.spawn(move || {
                    together.wait();
                    for number in NUMBERS.filter(|number| number % 4 == part) {
                        trace_block!(name = "root", app.number = number, { work(number) });
                    }
                });
            }
        });
        let lines =
            ["root app.number=#", "  ours app.number=#", "    below ours", "  theirs", "    below theirs app.number=#"];
        expect(run, &each(&lines, &[]));
    });
}
