//! What a counterparty is known to lose or to change, as data: everything else must come back as it was sent.

use super::facts::{Facts, Spans};

/// One thing that does not come back as it was sent.
#[derive(Clone, Copy)]
pub(super) struct Loss {
    /// The facts it is about; `*` stands for any text.
    pub(super) of: &'static str,
    pub(super) becomes: Becomes,
    /// Why, in words of the counterparty's own behaviour.
    pub(super) why: &'static str,
}

#[derive(Clone, Copy)]
pub(super) enum Becomes {
    /// It is not handed back at all.
    Nothing,
    /// It comes back as this makes it.
    This(fn(&str) -> String),
    /// It comes back as it was, as this fact.
    Named(&'static str),
}

pub(super) const fn gone(of: &'static str, why: &'static str) -> Loss {
    Loss { of, becomes: Becomes::Nothing, why }
}

pub(super) const fn changed(of: &'static str, becomes: fn(&str) -> String, why: &'static str) -> Loss {
    Loss { of, becomes: Becomes::This(becomes), why }
}

pub(super) const fn renamed(of: &'static str, becomes: &'static str, why: &'static str) -> Loss {
    Loss { of, becomes: Becomes::Named(becomes), why }
}

/// Whether a text is what the pattern says.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| matches(tail, &rest[at..]))
        }),
    }
}

/// What has to come back, by the losses. Marks those that have an effect.
fn reduced(facts: &Facts, losses: &[Loss], used: &mut [bool]) -> Facts {
    let mut left = Facts::new();
    for (name, sent) in facts {
        let mut now = Some((name.clone(), sent.clone()));
        for (loss, used) in losses.iter().zip(used.iter_mut()).filter(|(loss, _)| matches(loss.of, name)) {
            let Some((name, value)) = now.clone() else { break };
            let after = match loss.becomes {
                Becomes::Nothing => None,
                Becomes::This(change) => Some((name, change(&value))),
                Becomes::Named(other) => Some((other.to_owned(), value)),
            };
            *used |= after != now;
            now = after;
        }
        left.extend(now);
    }
    left
}

/// Compares what was made with what came back, to the last field. A loss that is named and does not happen is a failure
/// as well: the counterparty has become better, and the table should say so.
#[track_caller]
pub(super) fn compare(made: &Spans, kept: &Spans, losses: &[Loss], what: &str) {
    let (mut wrong, mut used) = (Vec::new(), vec![false; losses.len()]);
    for (id, facts) in made {
        let expected = reduced(facts, losses, &mut used);
        let Some(found) = kept.get(id) else {
            wrong.push(format!("{} is not there", facts["name"]));
            continue;
        };
        let names: std::collections::BTreeSet<_> = expected.keys().chain(found.keys()).collect();
        for name in names.into_iter().filter(|name| expected.get(*name) != found.get(*name)) {
            let (sent, expected, found) = (facts.get(name), expected.get(name), found.get(name));
            let short = |text: Option<&String>| {
                text.map_or("nothing".to_owned(), |text| text.chars().take(300).collect::<String>())
            };
            wrong.push(format!(
                "{}, {name}: sent {}, expected {}, came back {}",
                facts["name"],
                short(sent),
                short(expected),
                short(found)
            ));
        }
    }
    wrong.extend(kept.keys().filter(|id| !made.contains_key(*id)).map(|id| format!("nobody made {id}")));
    let idle = losses.iter().zip(&used).filter(|(_, used)| !**used);
    wrong.extend(idle.map(|(loss, _)| format!("`{}` is not lost any more ({})", loss.of, loss.why)));
    assert!(wrong.is_empty(), "{what}:\n  {}", wrong.join("\n  "));
}

#[test]
fn a_loss_that_does_not_happen_is_noticed() {
    let facts = |value: &str| Facts::from([("name".to_owned(), "a".to_owned()), ("kind".to_owned(), value.to_owned())]);
    let spans = |value: &str| Spans::from([("1".to_owned(), facts(value))]);
    let fails = |kept: &str, losses: &[Loss]| {
        let compared = std::panic::AssertUnwindSafe(|| compare(&spans("server"), &spans(kept), losses, "it"));
        std::panic::catch_unwind(compared).is_err()
    };
    assert!(!fails("server", &[]) && fails("client", &[]));
    assert!(fails("server", &[gone("ki*", "it is left out")]));
    assert!(fails("server", &[changed("k*d", |_| "client".to_owned(), "it is another")]));
    assert!(!fails("client", &[changed("k*d", |_| "client".to_owned(), "it is another")]));
}
