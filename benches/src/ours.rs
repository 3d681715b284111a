//! Annotated functions.

use crate::{Counting, LEAVES, Scenario, Side};
use otelier::config::Sampler;
use otelier::prelude::*;
use otelier::{Guard, Pipeline};
use std::hint::black_box;
use std::time::Duration;

pub(crate) struct Ours {
    telemetry: Option<Guard>,
}

#[trace]
#[inline(never)]
fn leaf(quantity: u64) -> u64 {
    black_box(quantity)
}

#[trace("app.quantity" = quantity, "app.price" = 2.5, "app.symbol" = symbol, "app.venue" = "binance")]
#[inline(never)]
fn attributes(quantity: u64, symbol: &str) -> u64 {
    black_box(quantity) + symbol.len() as u64
}

#[trace]
#[inline(never)]
fn root(scenario: Scenario) -> u64 {
    (0..LEAVES)
        .map(|number| if scenario == Scenario::Leaf { leaf(number) } else { attributes(number, black_box("BTCUSDT")) })
        .sum()
}

impl Side for Ours {
    fn start(scenario: Scenario, exporter: Counting) -> Self {
        let sampler = if scenario == Scenario::Unsampled { Sampler::AlwaysOff } else { Sampler::AlwaysOn };
        let settings = Telemetry::default().with_sampler(sampler).with_max_queue_size(1 << 16);
        let start = || Pipeline::new(settings).with_span_exporter(exporter).start().expect("no other pipeline runs");
        Self { telemetry: (scenario != Scenario::Off).then(start) }
    }

    fn trace(&self, scenario: Scenario) -> u64 {
        root(scenario)
    }

    fn flush(&self) {
        if let Some(telemetry) = &self.telemetry {
            telemetry.force_flush(Duration::from_secs(10)).expect("counting is quick");
        }
    }
}
