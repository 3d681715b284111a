//! An order of siblings that does not change from run to run.

use std::cmp::Ordering;
use std::collections::{BTreeSet, BinaryHeap};
use std::time::SystemTime;

/// From when to when something went on, and what it looks like.
#[derive(Clone, Debug)]
pub(super) struct Sibling {
    /// Where its owner keeps it.
    pub(super) at: usize,
    pub(super) start: SystemTime,
    pub(super) end: SystemTime,
    pub(super) looks: String,
}

/// One that may come next: no other one that is left had ended when it began.
struct Next(usize, Sibling);

impl Ord for Next {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap gives the greatest first.
        (&other.1.looks, other.0).cmp(&(&self.1.looks, self.0))
    }
}

impl PartialOrd for Next {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Next {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Next {}

/// Those that went on one after the other in this order, those that went on at the same time by what they look like.
///
/// ```text
/// background ├──────────────────┤        order: background, reserve, charge
/// reserve       ├───┤                    (`charge` after `reserve`, because that had ended)
/// charge               ├────┤
/// ```
pub(super) fn in_order(mut siblings: Vec<Sibling>) -> Vec<usize> {
    siblings.sort_by_key(|sibling| (sibling.start, sibling.end));
    let mut ends: BTreeSet<(SystemTime, usize)> =
        siblings.iter().enumerate().map(|(number, sibling)| (sibling.end, number)).collect();
    let mut left = siblings.into_iter().enumerate().peekable();
    let mut next = BinaryHeap::new();
    let mut order = Vec::with_capacity(ends.len());
    while !ends.is_empty() {
        let first_end = ends.first().map(|(end, _)| *end);
        while let Some((number, sibling)) =
            left.next_if(|(_, sibling)| next.is_empty() || first_end.is_some_and(|end| sibling.start < end))
        {
            next.push(Next(number, sibling));
        }
        let Some(Next(number, sibling)) = next.pop() else { break };
        ends.remove(&(sibling.end, number));
        order.push(sibling.at);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn order<const N: usize>(siblings: [(&'static str, u64, u64); N]) -> Vec<&'static str> {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let all = siblings.iter().enumerate().map(|(number, (looks, start, end))| Sibling {
            at: number,
            start: at(*start),
            end: at(*end),
            looks: (*looks).to_owned(),
        });
        in_order(all.collect()).into_iter().map(|at| siblings[at].0).collect()
    }

    #[test]
    fn what_went_on_one_after_the_other_stays_so() {
        assert_eq!(order([("c", 0, 1), ("a", 3, 3), ("b", 1, 2)]), ["c", "b", "a"]);
        assert_eq!(order([("b", 1, 1), ("a", 1, 1)]), ["b", "a"]);
    }

    #[test]
    fn what_went_on_at_the_same_time_is_in_the_order_of_its_looks() {
        assert_eq!(order([("c", 0, 9), ("a", 2, 9), ("b", 1, 9)]), ["a", "b", "c"]);
    }

    #[test]
    fn something_beside_a_sequence_does_not_turn_that_round() {
        assert_eq!(
            order([("background", 0, 9), ("reserve", 1, 2), ("charge", 3, 4)]),
            ["background", "reserve", "charge"]
        );
        assert_eq!(order([("write", 0, 9), ("reserve", 1, 2), ("charge", 3, 4)]), ["reserve", "charge", "write"]);
    }

    #[test]
    fn an_end_before_the_start_loses_nothing() {
        assert_eq!(order([("a", 5, 1), ("b", 2, 3), ("c", 4, 0)]).len(), 3);
    }
}
