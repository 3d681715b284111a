//! What several receivers made of one batch, and what follows from it.

use super::Attempted;
use crate::export::{Again, Refused};

/// What the receivers that were tried said, of which none took it.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// That it is not wanted.
    refusal: Option<Refused>,
    /// The latest of the others.
    failure: Option<Refused>,
}

impl Answers {
    pub(super) fn note(&mut self, refused: Refused) {
        if refused.again == Again::Never {
            self.refusal.get_or_insert(refused);
            return;
        }
        let before = self.failure.as_ref().map_or(refused.again, |failure| failure.again);
        // A pause that one of several asks for is kept for that one, by its breaker.
        let again = match (before, refused.again) {
            (Again::After(one), Again::After(other)) => Again::After(one.min(other)),
            _ => Again::Later,
        };
        self.failure = Some(Refused { again, ..refused });
    }

    /// Why a receiver does not want it, if one said so.
    pub(super) fn refusal(&self) -> Option<&Refused> {
        self.refusal.as_ref()
    }

    /// What is to be done. A refusal is final: what nobody will ever take must not hold up what waits behind it.
    pub(super) fn sum(self, all_were_tried: bool) -> Attempted {
        let of_format = |again| Refused {
            text: "it was stored in another encoding than its receivers are sent now (`protocol`)".to_owned(),
            error_type: "format".to_owned(),
            again,
            is_answer: true,
        };
        match (self.refusal, self.failure) {
            (Some(refusal), _) => Attempted::Refused(refusal),
            (None, Some(failure)) if all_were_tried => Attempted::Failed(failure),
            // Another may work before this one does.
            (None, Some(failure)) => Attempted::Failed(Refused { again: Again::Later, ..failure }),
            (None, None) if all_were_tried => Attempted::Refused(of_format(Again::Never)),
            (None, None) => Attempted::Failed(of_format(Again::Later)),
        }
    }
}
