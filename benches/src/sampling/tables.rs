//! All figures, as docs/sampling-cost.md has them.

use crate::callgrind::{self, Costs, NO_VALGRIND};
use crate::child::{Child, How, Kind, Tail};
use crate::gates;
use crate::head::{self, Decided};
use crate::numbers::{Summary, short, whole};
use crate::receiver::Receiver;
use crate::stretch::SAMPLES;
use crate::{polls, tail};
use std::collections::BTreeMap;

/// Nanoseconds a unit: of the one who calls, and of all threads.
#[derive(Clone, Debug, Default)]
struct Times {
    caller: Vec<f64>,
    process: Vec<f64>,
}

type Key = (Kind, Tail, String);

pub(crate) fn all(rounds: u32) -> Result<bool, String> {
    let receiver = Receiver::start().map_err(|error| error.to_string())?;
    let url = receiver.url();
    let mut times = BTreeMap::new();
    for round in 0..rounds {
        eprintln!("time: round {} of {rounds}", round + 1);
        add(&mut times, &Child::new(Kind::Head, Tail::Off, How::Time))?;
        for step in 0..Tail::ALL.len() {
            let tail = Tail::ALL[(round as usize + step) % Tail::ALL.len()];
            add(&mut times, &Child::new(Kind::Tail, tail, How::Time).with_otlp(url.clone()))?;
            if polls::TAILS.contains(&tail) {
                add(&mut times, &Child::new(Kind::Polls, tail, How::Time))?;
            }
        }
    }
    let costs = match callgrind::is_here() {
        true => Some(callgrind::count(&url)?),
        false => {
            println!("instructions: {NO_VALGRIND}\n");
            None
        }
    };
    receiver.end().map_err(|_| "the receiver has failed".to_owned())?;
    let tables = Tables { times, costs };
    tables.heads();
    tables.tails();
    tables.polls();
    open()?;
    println!("{rounds} processes for each row, each with {SAMPLES} stretches; median (least).\n");
    tables.costs.as_ref().map_or(Ok(true), |costs| Ok(gates::print(&gates::rows(costs)?)))
}

/// What a child measures, to the rest.
fn add(times: &mut BTreeMap<Key, Times>, child: &Child) -> Result<(), String> {
    let said = child.output()?;
    let names: Vec<&str> = said
        .lines()
        .filter_map(|line| line.strip_prefix("stretch "))
        .filter_map(|line| line.split_once(' ').map(|(_, name)| name))
        .collect();
    for line in said.lines() {
        let mut numbers = line.split(' ').map(str::parse::<f64>);
        let (Some(Ok(number)), Some(Ok(caller)), Some(Ok(process))) = (numbers.next(), numbers.next(), numbers.next())
        else {
            continue;
        };
        let name = names.get(number as usize).ok_or_else(|| format!("`{line}` is no stretch's"))?;
        let times = times.entry((child.kind, child.tail, (*name).to_owned())).or_default();
        times.caller.push(caller);
        times.process.push(process);
    }
    Ok(())
}

struct Tables {
    times: BTreeMap<Key, Times>,
    costs: Option<Costs>,
}

fn shown(values: Vec<f64>) -> String {
    Summary::of(values).map_or_else(|| "–".to_owned(), |all| format!("{} ({})", short(all.median), short(all.least)))
}

impl Tables {
    fn times(&self, kind: Kind, tail: Tail, name: &str) -> Times {
        self.times.get(&(kind, tail, name.to_owned())).cloned().unwrap_or_default()
    }

    /// Of the caller and of all threads.
    fn counts(&self, kind: Kind, tail: Tail, name: &str) -> (String, String) {
        let cost = self.costs.as_ref().and_then(|costs| costs.of(kind, tail, name).ok());
        let shown = |count: f64| whole(count.round() as u64);
        cost.map_or_else(|| ("–".to_owned(), "–".to_owned()), |cost| (shown(cost.caller), shown(cost.process)))
    }

    fn heads(&self) {
        println!("| a local root | instructions | ns, 1 thread | ns, 2 threads |\n|-|-|-|-|");
        for keeps in [false, true] {
            for decided in Decided::ALL {
                let ns =
                    |threads| shown(self.times(Kind::Head, Tail::Off, &head::name(decided, keeps, threads)).caller);
                let (count, _) = self.counts(Kind::Head, Tail::Off, &head::name(decided, keeps, 1));
                let kept = if keeps { "kept" } else { "refused" };
                println!("| {kept}: {} | {count} | {} | {} |", decided.words(), ns(1), ns(2));
            }
        }
        println!();
    }

    fn tails(&self) {
        println!("| a span | instructions, caller | whole process | ns, caller | processor ns, whole process |");
        println!("|-|-|-|-|-|");
        for spans in tail::SIZES {
            Tail::ALL.into_iter().filter(|tail| tail.has(spans)).for_each(|tail| {
                self.row(Kind::Tail, tail, &tail::name(spans));
            });
        }
        println!();
    }

    fn polls(&self) {
        println!("| a poll | instructions, caller | whole process | ns, caller | processor ns, whole process |");
        println!("|-|-|-|-|-|");
        for name in [polls::TASKS, polls::THREADS] {
            polls::TAILS.into_iter().for_each(|tail| self.row(Kind::Polls, tail, name));
        }
        println!();
    }

    fn row(&self, kind: Kind, tail: Tail, name: &str) {
        let (caller, process) = self.counts(kind, tail, name);
        let times = self.times(kind, tail, name);
        let words = tail.words();
        println!("| {name}: {words} | {caller} | {process} | {} | {} |", shown(times.caller), shown(times.process));
    }
}

fn open() -> Result<(), String> {
    let traces = crate::memory::TRACES;
    println!("| {} open traces | bytes a trace | left when they have ended |\n|-|-|-|", whole(traces as u64));
    for tail in [Tail::Off, Tail::Kept, Tail::Dropped] {
        let bytes = gates::bytes(tail)?;
        let each = |bytes: f64| format!("{:.0}", bytes / traces as f64);
        println!("| {} | {} | {} |", tail.words(), each(bytes.open), each(bytes.ended));
    }
    println!();
    Ok(())
}
