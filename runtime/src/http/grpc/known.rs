//! Which methods a server has, as far as its answers tell.

use std::collections::HashSet;
use std::sync::RwLock;

/// How many methods are known that somebody implements.
const IMPLEMENTED: usize = 1024;
/// How many more name spans though nobody knows whether there are such methods.
const DOUBTFUL: usize = 64;

/// Methods that name spans. Paths are chosen by strangers, and what stands before a service, such as a check of who calls, may
/// refuse them before anybody looks whether there is such a method; so there are few names of which only refusals are known.
///
/// Nobody waits for it: what cannot be looked at is looked at with the next call.
#[derive(Debug, Default)]
pub(super) struct Known(RwLock<Names>);

#[derive(Debug, Default)]
struct Names {
    implemented: HashSet<Box<str>>,
    doubtful: HashSet<Box<str>>,
}

impl Known {
    /// Somebody has answered who implements it. `false` if it is to name no span.
    pub(super) fn implemented(&self, method: &str) -> bool {
        match self.0.try_read() {
            Ok(names) if names.implemented.contains(method) => return true,
            Ok(names) if names.implemented.len() >= IMPLEMENTED => return false,
            _ => {}
        }
        if let Ok(mut names) = self.0.try_write() {
            names.doubtful.remove(method);
            names.implemented.insert(method.into());
        }
        true
    }

    /// Nobody knows whether there is such a method. `false` if it is to name no span.
    pub(super) fn doubtful(&self, method: &str) -> bool {
        match self.0.try_read() {
            Ok(names) if names.implemented.contains(method) || names.doubtful.contains(method) => return true,
            Ok(names) if names.doubtful.len() < DOUBTFUL => {}
            _ => return false,
        }
        self.0.try_write().is_ok_and(|mut names| {
            names.doubtful.len() < DOUBTFUL && {
                names.doubtful.insert(method.into());
                true
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_make_few_names_and_do_not_hide_what_there_is() {
        let known = Known::default();
        assert!(known.doubtful("a.B/First"));
        assert_eq!((0..10_000).filter(|number| known.doubtful(&format!("x.Y/M{number}"))).count(), DOUBTFUL - 1);
        assert!(known.implemented("a.B/Late") && known.doubtful("a.B/Late") && known.doubtful("a.B/First"));
        assert_eq!((0..10_000).filter(|number| known.implemented(&format!("x.Z/M{number}"))).count(), IMPLEMENTED - 1);
        assert!(known.implemented("a.B/Late"));
    }
}
