//! Anything in any order, held against a queue in memory.

use super::*;
use std::collections::VecDeque;

/// What is known of a record that waits.
#[derive(Clone, Copy, Debug)]
struct Waits {
    number: u64,
    /// Which log value has appended it.
    log: u32,
    /// How many logs have been closed while it was on its way.
    was_given: bool,
}

struct Model {
    scratch: Scratch,
    random: Random,
    log: Option<Log>,
    /// How many logs there were.
    logs: u32,
    waits: VecDeque<Waits>,
    given: Option<Position>,
    next_number: u64,
}

impl Model {
    fn log(&mut self) -> &mut Log {
        let settings = self.scratch.settings().with_max_bytes(1 << 20);
        self.log.get_or_insert_with(|| Log::open(&settings, "spans-1").expect("the log opens"))
    }

    fn step(&mut self) {
        match self.random.below(20) {
            0..=8 => {
                let (number, length) = (self.next_number, [10, 200, 3000, 70_000][self.random.below(4)]);
                self.next_number += 1;
                match append(self.log(), number, length) {
                    Ok(()) => self.waits.push_back(Waits { number, log: self.logs, was_given: false }),
                    Err(AppendError::Full) => assert!(self.log().waiting().bytes > (1 << 20) - 80_000),
                    Err(error) => panic!("{error}"),
                }
            }
            9..=13 => self.next(),
            14..=16 => {
                if let Some(given) = self.given.take() {
                    assert!(self.log().acknowledge(given).expect("the cursor is written"));
                    self.waits.pop_front();
                }
            }
            17 => {
                if let Some(given) = self.given {
                    self.log().put_back(given);
                    // It is the same as if it had never been given.
                    self.given = None;
                }
            }
            18 => {
                // A new segment would not fail.
                let length = self.random.below(100);
                self.log().fail_after(Some(length));
                let number = self.next_number;
                self.next_number += 1;
                match append(self.log(), number, 200) {
                    Ok(()) => self.waits.push_back(Waits { number, log: self.logs, was_given: false }),
                    Err(AppendError::Full | AppendError::Io(_)) => {}
                    Err(error) => panic!("{error}"),
                }
                self.log().fail_after(None);
            }
            _ => self.reopen(),
        }
        self.check();
    }

    fn next(&mut self) {
        let (stored, logs) = (next(self.log()), self.logs);
        match (stored, self.waits.front()) {
            (None, None) => {}
            (Some(stored), Some(waits)) => {
                assert_eq!(number(&stored), waits.number);
                assert_eq!((stored.is_own, stored.maybe_sent), (waits.log == logs, waits.was_given));
                self.given = Some(stored.position);
            }
            (stored, waits) => panic!("{stored:?}, and there should be {waits:?}"),
        }
    }

    fn reopen(&mut self) {
        self.log = None;
        if self.given.take().is_some() {
            self.waits[0].was_given = true;
        }
        self.logs += 1;
        if self.random.below(3) == 0
            && let Some(path) = segments(&self.scratch.slot(0)).pop()
        {
            // The process ended while it was writing.
            let mut bytes = fs::read(&path).expect("it can be read");
            let torn = self.random.below(90);
            bytes.extend_from_slice(&[&super::super::format::MARKER[..], &[0xee; 90]].concat()[..torn]);
            fs::write(path, bytes).expect("it is written");
        }
    }

    fn check(&mut self) {
        let waits: Vec<_> = self.waits.iter().map(|waits| (waits.number, waits.log == self.logs)).collect();
        let sum = |is_own| waits.iter().filter(|waits| waits.1 == is_own).map(|waits| waits.0).sum::<u64>();
        let expected = (sum(true), sum(false), waits.len() as u64);
        let waiting = self.log().waiting();
        assert_eq!((waiting.own_items, waiting.earlier_items, waiting.records), expected);
        // What a process that ended left half-written comes on top.
        assert!(waiting.bytes <= (1 << 20) + 94 * u64::from(self.logs));
        let losses = self.log().take_losses();
        assert_eq!((losses.damaged_own, losses.damaged_earlier, losses.files), (0, 0, 0), "{losses:?}");
    }
}

#[test]
fn whatever_is_done_the_log_is_a_queue() {
    for seed in 1..=30 {
        let mut model = Model {
            scratch: Scratch::new(),
            random: Random(0x9e37_79b9_7f4a_7c15u64.wrapping_mul(seed)),
            log: None,
            logs: 0,
            waits: VecDeque::new(),
            given: None,
            next_number: 1,
        };
        (0..400).for_each(|_| model.step());
        let left: Vec<u64> = model.waits.iter().map(|waits| waits.number).collect();
        assert_eq!(drain(model.log()), left);
    }
}

/// The files of several segments with any damage: what comes was appended, in its order, and the numbers are right.
#[test]
fn whatever_is_damaged_what_comes_is_what_was_appended() {
    let mut random = Random(0x6f74_656c);
    let (mut come, mut lost) = (0, 0);
    for _ in 0..150 {
        let scratch = Scratch::new();
        let settings = scratch.settings().with_max_bytes(1 << 20);
        let mut log = Log::open(&settings, "spans-1").expect("the log opens");
        let is_own = random.below(2) == 0;
        for number in 1..=12 {
            append(&mut log, number, [10, 40_000][random.below(2)]).expect("it is taken");
        }
        let mut log = is_own.then_some(log);
        for path in segments(&scratch.slot(0)) {
            let mut bytes = fs::read(&path).expect("it can be read");
            for _ in 0..random.below(4) {
                let at = random.below(bytes.len() + 1);
                let to = (at + random.below(50_000)).min(bytes.len());
                match random.below(5) {
                    0 => bytes.truncate(at),
                    1 => bytes[at..to].fill(0),
                    2 => bytes[at..to].iter_mut().for_each(|byte| *byte ^= 0x55),
                    3 => _ = bytes.drain(at..to),
                    _ => _ = bytes.splice(at..at, vec![random.below(256) as u8; to - at]),
                }
            }
            fs::write(&path, bytes).expect("it is written");
        }
        let log = log.get_or_insert_with(|| Log::open(&settings, "spans-1").expect("the log opens"));
        append(log, 13, 10).expect("it is taken");
        let numbers = drain(log);
        if is_own {
            assert_eq!(
                numbers.iter().sum::<u64>() + log.take_losses().damaged_own,
                (1..=13).sum::<u64>(),
                "nothing is uncounted"
            );
        }
        assert!(numbers.is_sorted_by(|one, two| one < two), "{numbers:?}");
        assert_eq!(numbers.last(), Some(&13));
        come += numbers.len();
        lost += 13 - numbers.len();
        let waiting = log.waiting();
        assert_eq!((waiting.own_items, waiting.earlier_items, waiting.records), (0, 0, 0));
    }
    assert!(come > 500 && lost > 200, "{come} {lost}");
}
