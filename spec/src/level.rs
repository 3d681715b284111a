//! What a declaration says about an attribute, in words that declarations, definitions and registries share.

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word for it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// The one of that word.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == name)
            }
        }
    };
}

words! {
    /// OpenTelemetry's requirement levels.
    Requirement {
        /// Every span has it; an annotation without it does not compile.
        Required = "required",
        /// Every span has it to which a condition applies.
        ConditionallyRequired = "conditionally_required",
        /// Spans should have it.
        #[default]
        Recommended = "recommended",
        /// Spans have it when somebody asks for it.
        OptIn = "opt_in",
    }
}

words! {
    /// How settled something is, in OpenTelemetry's words.
    Stability {
        /// May change at any time.
        #[default]
        Development = "development",
        /// Being tried.
        Alpha = "alpha",
        /// Nearly settled.
        Beta = "beta",
        /// About to become stable.
        ReleaseCandidate = "release_candidate",
        /// Does not change in a breaking way.
        Stable = "stable",
    }
}

words! {
    /// Who may see an attribute's values.
    Sensitivity {
        /// Everybody who sees traces.
        #[default]
        Public = "public",
        /// Says something about a person: given on purpose with `disclose`, or masked.
        Personal = "personal",
        /// Not in clear text: masked by `redact` or `hash`.
        Sensitive = "sensitive",
        /// Not at all: `redact` only.
        Secret = "secret",
    }
}

words! {
    /// What becomes of something a declaration does not mention.
    Level {
        /// It is accepted.
        Allow = "allow",
        /// It is accepted, with a warning.
        Warn = "warn",
        /// It does not compile.
        #[default]
        Deny = "deny",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_found_and_others_are_not() {
        for stability in Stability::ALL {
            assert_eq!(Stability::from_name(stability.as_str()), Some(*stability));
        }
        assert_eq!(Sensitivity::from_name("Secret"), None);
        assert_eq!((Requirement::default(), Level::default()), (Requirement::Recommended, Level::Deny));
    }
}
