//! The floor: what the building blocks of a span cost on this machine.

use crate::clock::ticks;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, SdkTracerProvider, SpanData};
use std::cell::{Cell, RefCell};
use std::fmt::Write;
use std::hint::black_box;
use std::mem::size_of;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime};

const REPEATS: u32 = 20_000;
const STRETCHES: usize = 41;

thread_local! {
    static CELL: Cell<u64> = const { Cell::new(1) };
    static REF_CELL: RefCell<u64> = const { RefCell::new(1) };
}

/// The rows of the table.
struct Floor(String);

impl Floor {
    fn of(&mut self, what: &str, mut f: impl FnMut()) {
        let mut nanos: Vec<f64> = (0..STRETCHES)
            .map(|_| {
                let start = Instant::now();
                for _ in 0..REPEATS {
                    f();
                }
                start.elapsed().as_nanos() as f64 / f64::from(REPEATS)
            })
            .collect();
        nanos.sort_by(f64::total_cmp);
        let _ = writeln!(self.0, "| {what} | {:.2} | {:.2} |", nanos[nanos.len() / 2], nanos[0]);
    }
}

pub(crate) fn run() -> String {
    let mut floor = Floor("| ns an operation | median | least |\n|-|-|-|\n".to_owned());
    floor.of("empty loop", || _ = black_box(0));
    clocks(&mut floor);
    memory(&mut floor);
    threads(&mut floor);
    context(&mut floor);
    sdk(&mut floor);
    let mut text = floor.0;
    let _ = writeln!(
        text,
        "\nThe loop's own price is not taken off. Sizes: `SpanData` {} B, `KeyValue` {} B, `SpanContext` {} B, `Context` {} B.",
        size_of::<SpanData>(),
        size_of::<KeyValue>(),
        size_of::<SpanContext>(),
        size_of::<Context>()
    );
    text
}

fn clocks(floor: &mut Floor) {
    #[cfg(target_arch = "x86_64")]
    floor.of("rdtsc", || {
        // SAFETY: every x86-64 processor has this instruction.
        black_box(unsafe { std::arch::x86_64::_rdtsc() });
    });
    floor.of("lfence; rdtsc; lfence", || _ = black_box(ticks()));
    floor.of("`Instant::now`", || _ = black_box(Instant::now()));
    floor.of("`SystemTime::now`", || _ = black_box(SystemTime::now()));
}

fn memory(floor: &mut Floor) {
    let (from, mut to) = ([1_u8; 64], [0_u8; 64]);
    floor.of("copy 64 B", || *black_box(&mut to) = *black_box(&from));
    let (from, mut to) = ([1_u8; 256], [0_u8; 256]);
    floor.of("copy 256 B", || *black_box(&mut to) = *black_box(&from));
    for size in [32_usize, 128, 512] {
        floor.of(&format!("malloc + free, {size} B"), || _ = black_box(Vec::<u8>::with_capacity(black_box(size))));
    }
    floor.of("`String` of 8 B + drop", || _ = black_box(black_box("BTC-USDT").to_owned()));
    floor.of("`format!` an `i64` + drop", || _ = black_box(format!("{}", black_box(12_345_i64))));
    floor.of("`format!` an `f64` + drop", || _ = black_box(format!("{}", black_box(64_250.25_f64))));
    let shared = Arc::new(1_u64);
    floor.of("`Arc` clone + drop", || _ = black_box(Arc::clone(&shared)));
    floor.of("`Arc::new` of 96 B + drop", || _ = black_box(Arc::new(black_box([0_u64; 12]))));
}

fn threads(floor: &mut Floor) {
    floor.of("thread-local `Cell`, get + set", || CELL.with(|cell| cell.set(black_box(cell.get()) + 1)));
    floor.of("thread-local `RefCell`, borrow", || REF_CELL.with(|cell| *cell.borrow_mut() += black_box(1)));
    floor.of("a random id from a thread-local xorshift", || {
        CELL.with(|cell| {
            let mut id = cell.get();
            id ^= id << 13;
            id ^= id >> 7;
            id ^= id << 17;
            cell.set(id);
            black_box(id);
        });
    });
    let atomic = AtomicU64::new(1);
    floor.of("relaxed load", || _ = black_box(black_box(&atomic).load(Relaxed)));
    floor.of("`fetch_add`, alone", || _ = black_box(black_box(&atomic).fetch_add(1, Relaxed)));
    let lock = AtomicU32::new(0);
    floor.of("compare-exchange + release store, alone", || {
        _ = black_box(black_box(&lock).compare_exchange(0, 1, Acquire, Relaxed));
        lock.store(0, Release);
    });
    let mutex = Mutex::new(1_u64);
    floor.of("`Mutex` lock + unlock, alone", || *black_box(&mutex).lock().expect("nobody panics with it") += 1);
    type Large = [u8; size_of::<SpanData>()];
    let (sender, receiver) = std::sync::mpsc::sync_channel::<Large>(2048);
    floor.of("bounded channel, send + receive of a `SpanData`'s size", || {
        _ = sender.try_send(black_box([0; size_of::<SpanData>()]));
        _ = black_box(receiver.try_recv());
    });
}

fn remote(id: u64) -> SpanContext {
    SpanContext::new(TraceId::from(7_u128), SpanId::from(id), TraceFlags::SAMPLED, false, TraceState::NONE)
}

fn context(floor: &mut Floor) {
    let _current = Context::new().with_remote_span_context(remote(1)).attach();
    floor.of("OpenTelemetry: compare the current span's id", || {
        let same = |context: &Context| context.span().span_context().span_id() == SpanId::from(black_box(1_u64));
        black_box(Context::map_current(same));
    });
    floor.of("OpenTelemetry: `Context::current` + drop", || _ = black_box(Context::current()));
    let held = Context::current().with_remote_span_context(remote(2));
    floor.of("OpenTelemetry: clone + attach + detach (a poll)", || _ = black_box(held.clone().attach()));
    let mut id = 0;
    floor.of("OpenTelemetry: new context", || {
        id += 1;
        black_box(Context::map_current(|context| context.with_remote_span_context(remote(id))));
    });
    floor.of("OpenTelemetry: new context + attach + detach (a span)", || {
        id += 1;
        black_box(Context::map_current(|context| context.with_remote_span_context(remote(id))).attach());
    });
}

fn sdk(floor: &mut Floor) {
    let ids = RandomIdGenerator::default();
    floor.of("OpenTelemetry: `RandomIdGenerator`, a span id", || _ = black_box(ids.new_span_id()));
    let tracer = SdkTracerProvider::builder().build().tracer("benches");
    floor.of("OpenTelemetry: start + attach + end, no processor", || {
        black_box(Context::current_with_span(tracer.start("floor")).attach());
    });
    floor.of("OpenTelemetry: 4 `KeyValue`s, 1 owned, + drop", || {
        black_box(vec![
            KeyValue::new("app.venue", "binance"),
            KeyValue::new("app.quantity", black_box(1_i64)),
            KeyValue::new("app.price", black_box(1.5_f64)),
            KeyValue::new("app.symbol", black_box("BTC-USDT").to_owned()),
        ]);
    });
}
