//! The load, for samplers that follow it.

use super::machine::Machine;
use crate::diagnostics::{self, LogLevel};
use crate::record::{self, QUEUE, Readings};
use std::time::{Duration, Instant};

/// How often the load is looked at, at most.
const EACH: Duration = Duration::from_secs(1);

/// What the collector's thread knows of the load. As long as no sampler follows it, nothing.
pub(super) struct Load {
    /// Made when it is looked at for the first time.
    machine: Option<Machine>,
    /// How full the queue was at most since the last look.
    queue: f64,
    next: Instant,
    told: Told,
}

/// What was last said of the factor.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Nothing,
    Lowered,
    Extreme,
}

impl Load {
    pub(super) fn new() -> Self {
        Self { machine: None, queue: 0.0, next: Instant::now(), told: Told::Nothing }
    }

    /// When the next look is due, if anybody wants to know.
    pub(super) fn next(&self) -> Option<Instant> {
        record::follows_load().then_some(self.next)
    }

    /// Looks, if that is due. To be called often, before the queue is emptied.
    pub(super) fn look(&mut self) {
        if !record::follows_load() {
            (self.machine, self.queue, self.told) = (None, 0.0, Told::Nothing);
            return;
        }
        let (bytes, room, _) = QUEUE.fill();
        let now = Instant::now();
        // One chunk is taken whatever the room is.
        self.queue = self.queue.max((bytes as f64 / room.max(1) as f64).min(1.0));
        if now < self.next {
            return;
        }
        let machine = self.machine.get_or_insert_with(Machine::this);
        let queue = std::mem::take(&mut self.queue);
        let readings = Readings { cpu: machine.cpu(now), memory: machine.memory(), queue };
        record::note_load(&readings);
        self.next = now + EACH;
        self.tell(&readings);
    }

    /// Says when the factor begins to fall, when nothing is kept any more, and when all is as it was.
    fn tell(&mut self, readings: &Readings) {
        let Some(factor) = record::sampling_factor() else { return };
        let now = match factor {
            0.0 => Told::Extreme,
            1.0 => Told::Nothing,
            // What rises again is still lowered.
            _ => Told::Lowered,
        };
        if now == std::mem::replace(&mut self.told, now) {
            return;
        }
        let (level, event, text) = match now {
            Told::Extreme => {
                (LogLevel::Warn, "Sampling.Load.Extreme", "the load is extreme: no trace that begins here is recorded")
            }
            Told::Lowered => (LogLevel::Info, "Sampling.Load.Lowered", "fewer traces are recorded because of the load"),
            Told::Nothing => {
                (LogLevel::Info, "Sampling.Load.Over", "the load is over: every ratio is what it was set to")
            }
        };
        let percent =
            |share: Option<f64>| share.map_or("unknown".to_owned(), |share| format!("{:.0} %", share * 100.0));
        diagnostics::tell(level, event, || {
            let (cpu, memory) = (percent(readings.cpu), percent(readings.memory));
            format!("{text}; processor {cpu}, memory {memory}, queue {}", percent(Some(readings.queue)))
        });
    }
}
