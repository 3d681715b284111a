//! Forks in the middle of everything: the child records nothing until it starts a pipeline of its own, and then with new
//! ids. Without the test harness, because a child must not run the other tests.

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
fn main() {
    unix::main();
}

#[cfg(unix)]
mod unix {
    use opentelemetry::trace::{Span, TraceContextExt, Tracer};
    use opentelemetry::{Context, KeyValue, global};
    use otelier::export::MemoryExporter;
    use otelier::prelude::*;
    use otelier::{Guard, Pipeline, Stats};
    use std::collections::{HashMap, HashSet};
    use std::ffi::{c_int, c_uint};
    use std::io::{PipeReader, Read, Write};
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
    use std::sync::{Barrier, Mutex, PoisonError};
    use std::task::Poll::{Pending, Ready};
    use std::thread;
    use std::time::Duration;

    unsafe extern "C" {
        fn fork() -> c_int;
        fn waitpid(child: c_int, status: *mut c_int, options: c_int) -> c_int;
        fn _exit(status: c_int) -> !;
        fn alarm(seconds: c_uint) -> c_uint;
    }

    const ROUNDS: usize = 20;
    /// Long enough for any machine. Whoever hangs is killed by its alarm, and so fails.
    const PATIENCE: Duration = Duration::from_secs(60);

    static EVALUATED: AtomicU64 = AtomicU64::new(0);

    /// Whether spans are recorded just now.
    fn recording() -> bool {
        let before = EVALUATED.load(Relaxed);
        trace_block!(name = "asked", app.number = EVALUATED.fetch_add(1, Relaxed), {});
        EVALUATED.load(Relaxed) > before
    }

    #[trace(app.text = "x".repeat(length))]
    fn leaf(length: usize) {}

    #[trace]
    fn nested(depth: usize) {
        event!("nested", app.depth = depth);
        leaf(100 * depth);
        if depth > 0 {
            nested(depth - 1);
        }
    }

    fn start() -> (MemoryExporter, Guard) {
        let memory = MemoryExporter::new(10_000_000);
        let settings =
            Telemetry::default().with_schedule_delay(Duration::from_millis(1)).with_shutdown_timeout(PATIENCE);
        (memory.clone(), Pipeline::new(settings).with_span_exporter(memory).start().expect("the pipeline starts"))
    }

    /// Span ids are 8 bytes, trace ids 16.
    fn ids(memory: &MemoryExporter) -> Vec<[u8; 24]> {
        let id = |context: &opentelemetry::trace::SpanContext| {
            let mut id = [0; 24];
            id[..16].copy_from_slice(&context.trace_id().to_bytes());
            id[16..].copy_from_slice(&context.span_id().to_bytes());
            id
        };
        memory.spans().iter().map(|span| id(&span.span_context)).collect()
    }

    fn check(stats: &Stats, memory: &MemoryExporter) {
        let exporter = &stats.exporters[0];
        assert_eq!(stats.started, stats.open + stats.dropped() + exporter.exported + exporter.failed, "{stats:?}");
        assert_eq!(memory.spans().len() as u64, exporter.exported, "{stats:?}");
    }

    /// Forks; the child runs `body`, sends the ids of its spans and ends. They are what comes back.
    fn in_child(body: impl FnOnce() -> Vec<[u8; 24]>) -> (c_int, PipeReader) {
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        // SAFETY: the child does what this test is about, and ends with `_exit`.
        let child = unsafe { fork() };
        assert!(child >= 0, "the fork failed");
        if child > 0 {
            return (child, reader);
        }
        let sent = catch_unwind(AssertUnwindSafe(|| {
            // SAFETY: these take numbers only.
            unsafe { alarm(300) };
            drop(reader);
            let ids = body();
            writer.write_all(ids.as_flattened()).expect("the parent reads");
        }));
        // SAFETY: as above.
        unsafe { _exit(sent.is_err().into()) }
    }

    fn wait((child, mut reader): (c_int, PipeReader)) -> Vec<[u8; 24]> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).expect("the child writes");
        let mut status = -1;
        // SAFETY: `status` is there for the call to write to.
        assert_eq!(unsafe { waitpid(child, &raw mut status, 0) }, child);
        assert_eq!(status, 0, "the child panicked, or hung until its alarm rang");
        bytes.as_chunks().0.to_vec()
    }

    /// What a child does with a copy of its parent's guard; with `generations` it becomes a parent itself.
    fn child(old: Guard, round: usize, generations: usize) -> Vec<[u8; 24]> {
        assert!(!recording(), "a child records nothing on its own");
        nested(3);
        assert_eq!(old.force_flush(PATIENCE), Ok(()), "there is nothing to wait for");
        let _ = old.stats();
        // It must not end the new pipeline.
        let mut old = Some(old);
        if round.is_multiple_of(2) {
            drop(old.take());
        }
        let (memory, telemetry) = start();
        assert!(recording());
        drop(old);
        let mut found = trace_block!(name = "a span of the child", {
            nested(3);
            // Joined, because a thread that is still ending would be as bad as one that starts.
            thread::scope(|scope| {
                scope.spawn(otelier::with_current_context(|| nested(2))).join().expect("no panic");
            });
            global::tracer("child").in_span("of the api", |_| leaf(1));
            match generations {
                0 => Vec::new(),
                // SAFETY: the copy is the only guard that this process touches.
                _ => wait(in_child(|| child(unsafe { std::ptr::read(&telemetry) }, round, generations - 1))),
            }
        });
        telemetry.force_flush(PATIENCE).expect("the flush ends in time");
        let stats = telemetry.shutdown().expect("the pipeline ends in time");
        check(&stats, &memory);
        assert_eq!(stats.exporters[0].exported, 1 + 1 + 8 + 6 + 2, "{stats:?}");
        found.extend(ids(&memory));
        found
    }

    /// Held while a thread starts and ends. The standard library has a lock of its own for that, which it does not take for a
    /// fork: in a child of such a moment no thread could start.
    static STARTING: Mutex<()> = Mutex::new(());

    /// What other threads do at the moment of a fork.
    fn disturb(what: usize, telemetry: &Guard, context: &Context, over: &AtomicBool) {
        while !over.load(Relaxed) {
            match what {
                0 => nested(4),
                1 => leaf(5000),
                2 => drop(telemetry.force_flush(PATIENCE)),
                3 => drop(telemetry.stats()),
                4 => context.span().set_attribute(KeyValue::new("app.late", "late")),
                5 => global::tracer("parent").in_span("of the api", |_| leaf(1)),
                6 => global::get_text_map_propagator(|propagator| {
                    propagator.inject_context(&Context::current(), &mut HashMap::<String, String>::new());
                }),
                _ => {
                    let _no_fork = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
                    thread::spawn(|| leaf(1)).join().expect("no panic");
                }
            }
            if what < 2 {
                // Or the queue would always be full.
                thread::sleep(Duration::from_micros(50));
            }
        }
    }

    /// The threads of a parent, which the child does not have.
    fn while_disturbed<T>(telemetry: &Guard, f: impl FnOnce() -> T) -> T {
        let over = AtomicBool::new(false);
        let context = Context::current();
        let begun = Barrier::new(9);
        thread::scope(|scope| {
            for what in 0..8 {
                let (context, over, begun) = (context.clone(), &over, &begun);
                scope.spawn(move || {
                    begun.wait();
                    disturb(what, telemetry, &context, over);
                });
            }
            begun.wait();
            thread::sleep(Duration::from_millis(2));
            let starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
            let result = f();
            drop(starting);
            over.store(true, Relaxed);
            result
        })
    }

    fn round(round: usize, seen: &mut HashSet<[u8; 8]>) {
        // SAFETY: it takes a number only.
        unsafe { alarm(300) };
        let (memory, telemetry) = start();
        let forks = || {
            // SAFETY: the copy is the only guard that the child touches.
            in_child(|| child(unsafe { std::ptr::read(&telemetry) }, round, round % 3))
        };
        let forked = match round % 2 {
            0 => while_disturbed(&telemetry, forks),
            _ => trace_block!(name = "a span of the parent", kind = server, {
                while_disturbed(&telemetry, || trace_block!(name = "inside of it", { forks() }))
            }),
        };
        nested(3);
        let stats = telemetry.shutdown().expect("the pipeline ends in time");
        check(&stats, &memory);
        assert_eq!(stats.open, 0, "{stats:?}");
        for id in [wait(forked), ids(&memory)].concat() {
            assert!(seen.insert(id[16..].try_into().expect("8 bytes")), "two spans have the id {id:x?}");
        }
    }

    /// A span that is open at the fork belongs to the parent: the child neither exports it nor counts it.
    fn spans_that_are_open_belong_to_the_parent() {
        use std::future::Future;
        use std::pin::pin;
        use std::task::{Context as Task, Waker};
        // SAFETY: it takes a number only.
        unsafe { alarm(300) };
        let (memory, telemetry) = start();
        let mut future = pin!(trace_block!(name = "later", async {
            let mut polled = false;
            std::future::poll_fn(|_| if std::mem::replace(&mut polled, true) { Ready(()) } else { Pending }).await;
        }));
        assert!(future.as_mut().poll(&mut Task::from_waker(Waker::noop())).is_pending());
        let mut manual = global::tracer("open").start("manual");
        let mut telemetry = Some(telemetry);
        let forked = trace_block!(name = "outer", {
            let (memory, reader) = trace_block!(name = "inner", {
                let (reader, writer) = std::io::pipe().expect("a pipe");
                // SAFETY: the child ends below.
                let child = unsafe { fork() };
                if child == 0 {
                    // SAFETY: it takes a number only.
                    unsafe { alarm(300) };
                    let (memory, new) = start();
                    drop(telemetry.replace(new));
                    (Some((memory, writer)), None)
                } else {
                    (None, Some((child, reader)))
                }
            });
            leaf(1);
            (memory, reader)
        });
        assert!(future.as_mut().poll(&mut Task::from_waker(Waker::noop())).is_ready());
        manual.end();
        nested(1);
        let stats = telemetry.take().expect("it runs").shutdown().expect("it ends in time");
        if let (Some((memory, mut writer)), _) = forked {
            let sent = catch_unwind(AssertUnwindSafe(|| {
                check(&stats, &memory);
                assert_eq!((stats.started, stats.open), (5, 0), "{stats:?}");
                writer.write_all(ids(&memory).as_flattened()).expect("the parent reads");
            }));
            // SAFETY: it takes a number only.
            unsafe { _exit(sent.is_err().into()) }
        }
        check(&stats, &memory);
        let parents: HashSet<_> = ids(&memory).iter().map(|id| id[16..].to_vec()).collect();
        assert_eq!(parents.len(), 9);
        let (_, forked) = forked;
        for id in wait(forked.expect("the child")) {
            assert!(!parents.contains(&id[16..]), "the child exported a span of its parent");
        }
    }

    /// What a thread had counted before the pipeline started is gone with the thread.
    fn a_child_counts_nothing_of_threads_that_it_does_not_have() {
        // SAFETY: it takes a number only.
        unsafe { alarm(300) };
        let (_, telemetry) = start();
        let over = AtomicBool::new(false);
        let (ready, go) = std::sync::mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                nested(50);
                ready.send(()).expect("it is waited for");
                while !over.load(Relaxed) {
                    thread::sleep(Duration::from_millis(1));
                }
            });
            go.recv().expect("it says so");
            drop(telemetry);
            let (_, telemetry) = start();
            leaf(1);
            let forked = in_child(|| {
                let stats = telemetry.stats();
                assert_eq!((stats.started, stats.open), (0, 0), "{stats:?}");
                Vec::new()
            });
            assert_eq!(wait(forked), [[0; 24]; 0]);
            over.store(true, Relaxed);
        });
    }

    /// Whether everything that began is anywhere; how much of it is in the disk buffer.
    #[cfg(feature = "otlp-http")]
    fn check_outage(stats: &Stats) -> u64 {
        let exporter = &stats.exporters[0];
        let waiting = exporter.pending + exporter.buffered;
        let gone = stats.dropped() + exporter.exported + exporter.failed + exporter.rejected;
        assert_eq!(stats.started, stats.open + gone + waiting, "{stats:?}");
        exporter.buffered
    }

    /// While nobody takes what waits, a child neither sends nor counts what its parent has waiting, in memory or on the disk.
    #[cfg(feature = "otlp-http")]
    fn in_an_outage() {
        use otelier::config::{DiskBuffer, Otlp};

        let folder = std::env::temp_dir().join(format!("otelier-fork-{}", std::process::id()));
        // Bound and not accepted from: a receiver that hangs. With the address gone: one that refuses.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let hanging = listener.local_addr().expect("it is bound");
        let refusing = std::net::TcpListener::bind("127.0.0.1:0").and_then(|gone| gone.local_addr()).expect("a port");
        for (receiver, buffered) in [(refusing, false), (refusing, true), (hanging, false), (hanging, true)] {
            // SAFETY: it takes a number only.
            unsafe { alarm(300) };
            let otlp = Otlp::to(format!("http://{receiver}")).with_timeout(Duration::from_millis(500));
            let mut settings = Telemetry::default()
                .with_otlp(otlp)
                .with_schedule_delay(Duration::from_millis(1))
                .with_shutdown_timeout(Duration::from_secs(2));
            if buffered {
                settings = settings.with_disk_buffer(DiskBuffer::in_directory(&folder));
            }
            let telemetry = otelier::init(settings.clone()).expect("it starts");
            nested(3);
            if receiver == refusing {
                telemetry.force_flush(PATIENCE).expect("it was tried");
            }
            let forked = in_child(|| {
                // SAFETY: the copy is the only guard that this process touches.
                let old = unsafe { std::ptr::read(&telemetry) };
                nested(3);
                assert_eq!(old.force_flush(PATIENCE), Ok(()), "there is nothing to wait for");
                drop(old);
                let telemetry = otelier::init(settings.clone()).expect("it starts");
                nested(2);
                let stats = telemetry.shutdown().expect("in time");
                assert_eq!((stats.started, stats.exporters[0].left_by_others), (6, 0), "{stats:?}");
                vec![[check_outage(&stats) as u8; 24]]
            });
            let of_child = u64::from(wait(forked)[0][0]);
            nested(3);
            let stats = telemetry.shutdown().expect("in time");
            assert_eq!(stats.started, 16, "{stats:?}");
            let left = check_outage(&stats) + of_child;
            assert_eq!(left, if buffered { 22 } else { 0 }, "{stats:?}");
            if buffered {
                let telemetry = otelier::init(settings).expect("it starts");
                while telemetry.stats().exporters[0].left_by_others != left {
                    thread::sleep(Duration::from_millis(1));
                }
                drop(telemetry);
                std::fs::remove_dir_all(&folder).expect("it is there");
            }
        }
        println!("in an outage, children leave alone what their parents have waiting");
    }

    pub(super) fn main() {
        let mut seen = HashSet::new();
        for number in 0..ROUNDS {
            round(number, &mut seen);
        }
        println!("{ROUNDS} rounds, {} spans", seen.len());
        spans_that_are_open_belong_to_the_parent();
        a_child_counts_nothing_of_threads_that_it_does_not_have();
        println!("spans that are open, and numbers, belong to the parent");
        #[cfg(feature = "otlp-http")]
        in_an_outage();
    }
}
