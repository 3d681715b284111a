//! What keys there are: descriptions from which settings are checked, and JSON schemas and tables are made.

/// A mapping with keys that are known.
#[derive(Debug)]
pub struct Section {
    /// The name of the definition in a JSON schema, such as `BatchSpanProcessor`.
    pub name: &'static str,
    /// What it is for.
    pub doc: &'static str,
    /// The keys.
    pub fields: &'static [Field],
    /// How many of the keys must be given.
    pub count: Count,
    /// What becomes of other keys.
    pub others: Others,
}

/// How many keys of a [`Section`] must be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Any number, as far as they are not required by themselves.
    Any,
    /// Exactly one: the section is a choice.
    One,
    /// At least one.
    AtLeastOne,
}

/// What becomes of the keys of a [`Section`] that it does not name.
#[derive(Clone, Copy, Debug)]
pub enum Others {
    /// They are errors.
    Refused,
    /// They are components of somebody's own, of this type: the specification has room for them, and we know none but
    /// those in `fields`; an error that says so.
    Components,
    /// They are free names, with values of this type.
    Free(&'static Type),
}

/// A key of a [`Section`].
#[derive(Debug)]
pub struct Field {
    /// The key in a file. Of a field that is flattened, nothing.
    pub key: &'static str,
    /// What it does, in full sentences.
    pub doc: &'static str,
    /// What its value must be.
    pub kind: Type,
    /// Whether it must be given.
    pub required: bool,
    /// Whether `null` is a value, too; it means the same as if the key were not there.
    pub nullable: bool,
    /// The value if nobody gives one, as YAML; `None`: there is none.
    pub default: Option<&'static str>,
    /// The unit of a number: `ms`, `By`, `%`.
    pub unit: Option<&'static str>,
    /// Environment variables that set it; the first that is set counts.
    pub variables: &'static [&'static str],
    /// Names that it had before: still read, with a warning.
    pub old_keys: &'static [&'static str],
    /// Environment variables that set it before: still read, with a warning.
    pub old_variables: &'static [&'static str],
    /// Whether its value must not be shown.
    pub secret: bool,
    /// Whether the fields of its section are read as if they were the outer one's.
    pub flatten: bool,
}

/// A field without anything but a key and a type; for struct update.
impl Field {
    /// An optional, nullable key.
    pub const fn new(key: &'static str, kind: Type) -> Self {
        Self {
            key,
            doc: "",
            kind,
            required: false,
            nullable: true,
            default: None,
            unit: None,
            variables: &[],
            old_keys: &[],
            old_variables: &[],
            secret: false,
            flatten: false,
        }
    }
}

/// What a value must be.
#[derive(Clone, Copy, Debug)]
pub enum Type {
    /// `true` or `false`.
    Bool,
    /// A whole number from `min` to `max`.
    Integer {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// A number.
    Number {
        /// The least.
        min: f64,
        /// The greatest.
        max: f64,
        /// Whether `min` itself is out of range.
        above_min: bool,
        /// Whether `max` itself is out of range.
        below_max: bool,
    },
    /// A text.
    Text,
    /// A length of time: `250ms`, `5s`, `1m 30s`; a bare number is in this unit.
    Duration {
        /// The unit of a bare number: `ms` or `s`. If it is empty, a bare number is an error.
        bare: &'static str,
        /// The least, in nanoseconds.
        min: u64,
        /// The greatest, in nanoseconds.
        max: u64,
    },
    /// A number of bytes: `16MiB`, `64kB`, or a bare whole number.
    Size {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// One of these words.
    Word(&'static [Word]),
    /// A sequence.
    List {
        /// What each item must be.
        of: &'static Type,
        /// How many there must be at least.
        min: usize,
    },
    /// A mapping with free keys.
    Map(&'static Type),
    /// A mapping with known keys.
    Section(&'static Section),
    /// One of several: a text or a number, say.
    Either(&'static [Type]),
    /// Anything.
    Any,
}

/// A word that is a value.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    /// The word in files and variables.
    pub word: &'static str,
    /// What it means.
    pub doc: &'static str,
}
