//! What is known of a span of `tracing` before it runs, as a call site of ours.
//!
//! A record refers to its call site for good, and so there is one for each `span!` of the program that ever ran, and for
//! each way the layer is set. What is the same for all its spans (target, file, line) costs nothing per span then.

use crate::bridge;
use crate::record::{Callsite, Constant};
use ::tracing::Metadata;
use opentelemetry::InstrumentationScope;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// So many are told apart. A program has hundreds; one that makes them at run time gets a shared one from there on.
const MOST: usize = 8192;

/// Lists of what hashes alike; a power of two.
const LISTS: usize = 512;

static OTHER: Callsite = Callsite::renamed();
static SEEN: AtomicUsize = AtomicUsize::new(0);
/// No lock on the way to what is known.
static KNOWN: [OnceLock<&'static Known>; LISTS] = [const { OnceLock::new() }; LISTS];

/// Which constants a span has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shows {
    pub(super) target: bool,
    pub(super) level: bool,
    pub(super) location: bool,
}

struct Known {
    metadata: &'static Metadata<'static>,
    shows: Shows,
    callsite: Callsite,
    next: OnceLock<&'static Self>,
}

/// The call site of a span; its keys are the fields in their order, or none if two are alike.
pub(super) fn of(metadata: &'static Metadata<'static>, shows: Shows) -> &'static Callsite {
    // They are statics, each longer than this.
    let at = std::ptr::from_ref(metadata).addr() / align_of::<usize>();
    let mut place = &KNOWN[(at ^ at >> 9) % LISTS];
    let mut new: Option<&'static Known> = None;
    loop {
        if let Some(known) = place.get() {
            if std::ptr::eq(known.metadata, metadata) && known.shows == shows {
                return &known.callsite;
            }
            place = &known.next;
            continue;
        }
        if new.is_none() && SEEN.fetch_add(1, Relaxed) >= MOST {
            SEEN.fetch_sub(1, Relaxed);
            return &OTHER;
        }
        let made = *new.get_or_insert_with(|| Box::leak(Box::new(Known::new(metadata, shows))));
        if place.set(made).is_ok() {
            return &made.callsite;
        }
        // Another thread was first, perhaps with the same.
    }
}

impl Known {
    fn new(metadata: &'static Metadata<'static>, shows: Shows) -> Self {
        let keys: Vec<&'static str> = metadata.fields().iter().map(|field| field.name()).collect();
        let differ = (1..keys.len()).all(|at| !keys[..at].contains(&keys[at]));
        let scope = bridge::callsite(InstrumentationScope::builder(crate_of(metadata.target())).build()).scope;
        // What the span says itself wins.
        let constants = constants(metadata, shows).filter(|(key, _)| !keys.contains(key)).collect();
        let callsite = Callsite {
            keys: if differ { Vec::leak(keys) } else { &[] },
            constants: Vec::leak(constants),
            scope,
            name: metadata.name(),
            ..Callsite::renamed()
        };
        Self { metadata, shows, callsite, next: OnceLock::new() }
    }
}

fn constants(metadata: &'static Metadata<'static>, shows: Shows) -> impl Iterator<Item = (&'static str, Constant)> {
    let target = shows.target.then(|| ("target", Constant::Str(metadata.target())));
    let level = shows.level.then(|| ("level", Constant::Str(metadata.level().as_str())));
    let file = metadata.file().filter(|_| shows.location).map(|file| ("code.file.path", Constant::Str(shown(file))));
    let line = metadata.line().filter(|_| shows.location).map(|line| ("code.line.number", Constant::Int(line.into())));
    [target, level, file, line].into_iter().flatten()
}

/// The crate that a target belongs to.
pub(super) fn crate_of(target: &str) -> &str {
    target.split_once("::").map_or(target, |(name, _)| name)
}

/// A file without the directories of the machine that the program was built on.
pub(super) fn shown(file: &str) -> &str {
    const REGISTRY: [&str; 2] = ["/registry/src/", "/git/checkouts/"];
    let after = |place: &&str| file.split_once(*place).and_then(|(_, rest)| rest.split_once('/'));
    match REGISTRY.iter().find_map(after) {
        Some((_index, path)) => path,
        None => file,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_a_dependency_is_shown_from_its_package_on() {
        let file = "/home/somebody/.cargo/registry/src/index.crates.io-0123/h2-0.4.20/src/lib.rs";
        assert_eq!(shown(file), "h2-0.4.20/src/lib.rs");
        assert_eq!(shown("src/main.rs"), "src/main.rs");
        assert_eq!(crate_of("h2::proto::streams"), "h2");
        assert_eq!(crate_of("sqlx"), "sqlx");
    }
}
