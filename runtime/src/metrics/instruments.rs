//! Instruments that measure into all lanes.

use super::lane::{Lane, Selected};
use crate::config::{AttributeKeys, InstrumentType};
use opentelemetry::metrics::{
    AsyncInstrument, AsyncInstrumentBuilder, Callback, Counter, Gauge, Histogram, HistogramBuilder, InstrumentBuilder,
    InstrumentProvider, Meter, ObservableCounter, ObservableGauge, ObservableUpDownCounter, SyncInstrument,
    UpDownCounter,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// What makes the instruments of one scope.
pub(super) struct Instruments {
    pub(super) meters: Vec<(Lane, Meter)>,
    pub(super) scope: InstrumentationScope,
}

/// The choice of attributes of a lane.
type Keys = Option<Arc<AttributeKeys>>;

impl Instruments {
    /// The meters of the lanes that have a stream of this instrument.
    fn taking(&self, instrument: InstrumentType, name: &str, unit: Option<&str>) -> Vec<(Keys, &Meter)> {
        let selected = Selected { name, instrument, unit: unit.unwrap_or_default(), scope: &self.scope };
        let takes = |(lane, meter)| Lane::takes(lane, &selected).then(|| (lane.keys.clone(), meter));
        self.meters.iter().map(|(lane, meter)| (lane, meter)).filter_map(takes).collect()
    }
}

/// The attributes that are kept.
fn kept<'a>(keys: &Keys, attributes: &'a [KeyValue]) -> Cow<'a, [KeyValue]> {
    match keys {
        Some(keys) => attributes.iter().filter(|attribute| keys.keeps(attribute.key.as_str())).cloned().collect(),
        None => Cow::Borrowed(attributes),
    }
}

/// An instrument that measures into several lanes, or leaves attributes out.
struct Several<T>(Vec<(Keys, Record<T>)>);

type Record<T> = Box<dyn Fn(T, &[KeyValue]) + Send + Sync>;

impl<T: Copy> SyncInstrument<T> for Several<T> {
    fn measure(&self, value: T, attributes: &[KeyValue]) {
        self.0.iter().for_each(|(keys, record)| record(value, &kept(keys, attributes)));
    }
}

/// What a callback observes, without the attributes that are left out.
struct Observed<'a, T> {
    keys: &'a Keys,
    inner: &'a dyn AsyncInstrument<T>,
}

impl<T> AsyncInstrument<T> for Observed<'_, T> {
    fn observe(&self, value: T, attributes: &[KeyValue]) {
        self.inner.observe(value, &kept(self.keys, attributes));
    }
}

/// Calls callbacks for one lane. One that panics, whose message is shown already, leaves the others alone: the SDK would
/// collect nothing any more.
fn observing<T: 'static>(
    callbacks: Arc<[Callback<T>]>,
    keys: Keys,
) -> impl Fn(&dyn AsyncInstrument<T>) + Send + Sync + 'static {
    move |inner| {
        for callback in &*callbacks {
            let _ = catch_unwind(AssertUnwindSafe(|| callback(&Observed { keys: &keys, inner })));
        }
    }
}

macro_rules! builder {
    ($made:expr, $description:expr, $unit:expr) => {{
        let mut builder = $made;
        builder.description = $description.clone();
        builder.unit = $unit.clone();
        builder
    }};
}

macro_rules! measured {
    ($($method:ident: $instrument:ident<$type:ty>, $record:ident;)+) => {$(
        fn $method(&self, builder: InstrumentBuilder<'_, $instrument<$type>>) -> $instrument<$type> {
            let InstrumentBuilder { name, description, unit, .. } = builder;
            let taking = self.taking(InstrumentType::$instrument, &name, unit.as_deref());
            let made = taking.into_iter().map(|(keys, meter)| {
                (keys, builder!(meter.$method(name.clone()), description, unit).build())
            });
            let mut made: Vec<_> = made.collect();
            if let [(None, _)] = &*made {
                return made.remove(0).1;
            }
            let record = |instrument: $instrument<$type>| -> Record<$type> {
                Box::new(move |value, attributes| instrument.$record(value, attributes))
            };
            $instrument::new(Arc::new(Several(made.into_iter().map(|(keys, one)| (keys, record(one))).collect())))
        }
    )+};
}

macro_rules! histograms {
    ($($method:ident: $type:ty;)+) => {$(
        fn $method(&self, builder: HistogramBuilder<'_, Histogram<$type>>) -> Histogram<$type> {
            let HistogramBuilder { name, description, unit, boundaries, .. } = builder;
            let taking = self.taking(InstrumentType::Histogram, &name, unit.as_deref());
            let made = taking.into_iter().map(|(keys, meter)| {
                let mut builder = builder!(meter.$method(name.clone()), description, unit);
                builder.boundaries = boundaries.clone();
                (keys, builder.build())
            });
            let mut made: Vec<_> = made.collect();
            if let [(None, _)] = &*made {
                return made.remove(0).1;
            }
            let record = |instrument: Histogram<$type>| -> Record<$type> {
                Box::new(move |value, attributes| instrument.record(value, attributes))
            };
            Histogram::new(Arc::new(Several(made.into_iter().map(|(keys, one)| (keys, record(one))).collect())))
        }
    )+};
}

macro_rules! observed {
    ($($method:ident: $instrument:ident<$type:ty>;)+) => {$(
        fn $method(
            &self,
            builder: AsyncInstrumentBuilder<'_, $instrument<$type>, $type>,
        ) -> $instrument<$type> {
            let AsyncInstrumentBuilder { name, description, unit, callbacks, .. } = builder;
            let callbacks: Arc<[Callback<$type>]> = callbacks.into();
            for (keys, meter) in self.taking(InstrumentType::$instrument, &name, unit.as_deref()) {
                let builder = builder!(meter.$method(name.clone()), description, unit);
                builder.with_callback(observing(Arc::clone(&callbacks), keys)).build();
            }
            $instrument::new()
        }
    )+};
}

impl InstrumentProvider for Instruments {
    measured! {
        u64_counter: Counter<u64>, add;
        f64_counter: Counter<f64>, add;
        i64_up_down_counter: UpDownCounter<i64>, add;
        f64_up_down_counter: UpDownCounter<f64>, add;
        u64_gauge: Gauge<u64>, record;
        i64_gauge: Gauge<i64>, record;
        f64_gauge: Gauge<f64>, record;
    }
    histograms! {
        u64_histogram: u64;
        f64_histogram: f64;
    }
    observed! {
        u64_observable_counter: ObservableCounter<u64>;
        f64_observable_counter: ObservableCounter<f64>;
        i64_observable_up_down_counter: ObservableUpDownCounter<i64>;
        f64_observable_up_down_counter: ObservableUpDownCounter<f64>;
        u64_observable_gauge: ObservableGauge<u64>;
        i64_observable_gauge: ObservableGauge<i64>;
        f64_observable_gauge: ObservableGauge<f64>;
    }
}
