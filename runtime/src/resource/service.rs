//! Which service, and which of its instances.

use super::Found;
use super::surroundings::Surroundings;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::SystemTime;

pub(super) fn detect(surroundings: &Surroundings, found: &mut Found<'_>) {
    found.text("service.name", surroundings.variable(&["OTEL_SERVICE_NAME"]));
    found.text("service.instance.id", Some(instance(surroundings.process.id)));
}

/// The name of this process among all, ever: the same for all of its pipelines.
fn instance(process: u32) -> String {
    static INSTANCE: Mutex<Option<(u32, String)>> = Mutex::new(None);
    let mut instance = match INSTANCE.try_lock() {
        Ok(instance) => instance,
        Err(TryLockError::Poisoned(instance)) => PoisonError::into_inner(instance),
        // Another thread has it. If that was before a fork, it never gives it back.
        Err(TryLockError::WouldBlock) => return random_uuid(process),
    };
    match &*instance {
        Some((of, name)) if *of == process => name.clone(),
        // The child of a fork is another process.
        _ => instance.insert((process, random_uuid(process))).1.clone(),
    }
}

/// A UUID of version 4.
fn random_uuid(process: u32) -> String {
    // The standard library takes its keys from the system's random numbers, and mixes what it is given with them so that
    // nobody can tell. The process and the time differ where the keys do not: in two children of one parent.
    let random = |half: u8| RandomState::new().hash_one((half, process, SystemTime::now()));
    let (high, low) = (random(0), random(1));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48 & 0x3fff | 0x8000,
        low & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_keeps_its_name_and_the_child_of_a_fork_has_another() {
        let mine = random_uuid(1);
        assert_ne!(mine, random_uuid(1));
        let form: String = mine.chars().map(|c| if c.is_ascii_hexdigit() { 'x' } else { c }).collect();
        assert_eq!(form, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
        assert_eq!(mine.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&mine.as_bytes()[19]), "{mine}");
        // Other tests may start pipelines meanwhile, but they are this process too.
        let this = std::process::id();
        let names: Vec<String> = (0..50).map(|_| instance(this)).collect();
        assert!(names.windows(2).any(|pair| pair[0] == pair[1]), "{names:?}");
        assert_ne!(instance(this), instance(this ^ 1));
    }
}
