//! What a registry holds. Every span and event carries its attributes in full; groups are kept beside them for those who
//! write Rust source.

pub use otelier_spec::{Kind, Level, Requirement, Sensitivity, Stability};

/// A telemetry registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registry {
    /// What the registry is called in its manifest, such as `otelier`.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The address its version has: `https://host/path/<version>`.
    pub schema_url: String,
    /// Attributes that are defined on their own: those that no span, event or group has are here only.
    pub attributes: Vec<Attribute>,
    /// Shared groups, in the order of their ids.
    pub groups: Vec<Group>,
    /// Spans, in the order of their types.
    pub spans: Vec<Span>,
    /// Events, in the order of their names.
    pub events: Vec<Event>,
}

/// Attributes that several spans share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Its id, such as `crypto.market_data`.
    pub id: String,
    /// What its attributes say together.
    pub brief: String,
    /// More about it.
    pub note: String,
    /// How settled it is.
    pub stability: Stability,
    /// What to use instead.
    pub deprecated: Option<Deprecated>,
    /// Ids of the groups it takes in.
    pub groups: Vec<String>,
    /// Its own attributes, without those of `groups`.
    pub attributes: Vec<Attribute>,
}

/// A span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The span type, such as `crypto.exchange_api`.
    pub id: String,
    /// The kind every span of the type has.
    pub kind: Kind,
    /// The span's name with `{attribute}` in place of values; empty if spans are named after their type.
    pub name: String,
    /// How the name is made, where that cannot be written as a pattern.
    pub name_note: String,
    /// What the span stands for.
    pub brief: String,
    /// More about it.
    pub note: String,
    /// How settled it is.
    pub stability: Stability,
    /// What to use instead.
    pub deprecated: Option<Deprecated>,
    /// What becomes of attributes that are not declared.
    pub undeclared: Level,
    /// Attributes that every span of the type has with one value, by name.
    pub constants: Vec<(String, String)>,
    /// Ids of the groups it takes in, of which `attributes` holds the attributes.
    pub groups: Vec<String>,
    /// All its attributes, in the order of their names.
    pub attributes: Vec<Attribute>,
}

/// An event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Its name, such as `app.retry_scheduled`.
    pub id: String,
    /// What the event says.
    pub brief: String,
    /// More about it.
    pub note: String,
    /// How settled it is.
    pub stability: Stability,
    /// What to use instead.
    pub deprecated: Option<Deprecated>,
    /// What becomes of attributes that are not declared.
    pub undeclared: Level,
    /// Attributes that every event of the name has with one value, by name.
    pub constants: Vec<(String, String)>,
    /// Ids of the groups it takes in, of which `attributes` holds the attributes.
    pub groups: Vec<String>,
    /// All its attributes, in the order of their names.
    pub attributes: Vec<Attribute>,
}

/// An attribute, as one span, event or group has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attribute {
    /// The attribute's name; a template's without its `<key>`.
    pub name: String,
    /// Its type.
    pub value_type: ValueType,
    /// Known values, if the attribute is an enumeration.
    pub members: Vec<Member>,
    /// Whether values beside `members` are allowed; of no meaning without members.
    pub open: bool,
    /// The Rust enum that stands for `members`, if there is one: `Market`.
    pub rust_enum: String,
    /// How much it is needed.
    pub requirement: Requirement,
    /// When it is needed, for conditional requirements and recommendations.
    pub condition: String,
    /// Whether it is known only while the operation runs.
    pub late: bool,
    /// Who may see its values.
    pub sensitivity: Sensitivity,
    /// The unit of the value in UCUM notation, or empty.
    pub unit: String,
    /// How settled it is.
    pub stability: Stability,
    /// What to use instead.
    pub deprecated: Option<Deprecated>,
    /// What the attribute means.
    pub brief: String,
    /// More about it.
    pub note: String,
    /// Values it may have, as they are written in YAML.
    pub examples: Vec<String>,
}

/// One value of an enumeration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// Its id, such as `funding_rates`.
    pub id: String,
    /// Its value, as text.
    pub value: String,
    /// What it means.
    pub brief: String,
    /// How settled it is, if that is said.
    pub stability: Option<Stability>,
    /// What to use instead.
    pub deprecated: Option<Deprecated>,
}

/// The type of an attribute, in OpenTelemetry's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ValueType {
    /// The type of one value.
    pub scalar: Scalar,
    /// Whether the attribute holds an array of them.
    pub array: bool,
    /// Whether the attribute is a template: `http.request.header.<key>`.
    pub template: bool,
}

/// The type of one value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scalar {
    /// Text.
    #[default]
    String,
    /// A signed 64-bit integer.
    Int,
    /// A 64-bit float.
    Double,
    /// True or false.
    Boolean,
    /// Any of these.
    Any,
}

/// Why something should not be used any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deprecated {
    /// The new name, if there is one.
    pub renamed_to: String,
    /// What to do instead, or why it is gone.
    pub note: String,
}

impl Scalar {
    /// The word of OpenTelemetry's registries.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Double => "double",
            Self::Boolean => "boolean",
            Self::Any => "any",
        }
    }

    /// The type of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::String, Self::Int, Self::Double, Self::Boolean, Self::Any]
            .into_iter()
            .find(|scalar| scalar.as_str() == name)
    }
}

impl std::fmt::Display for ValueType {
    /// The notation of OpenTelemetry's registries: `int`, `string[]`, `template[string[]]`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let array = if self.array { "[]" } else { "" };
        match self.template {
            true => write!(f, "template[{}{array}]", self.scalar.as_str()),
            false => write!(f, "{}{array}", self.scalar.as_str()),
        }
    }
}

impl std::str::FromStr for ValueType {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let inner = text.strip_prefix("template[").and_then(|rest| rest.strip_suffix(']'));
        let (template, value) = (inner.is_some(), inner.unwrap_or(text));
        let (array, scalar) = match value.strip_suffix("[]") {
            Some(scalar) => (true, scalar),
            None => (false, value),
        };
        Scalar::from_name(scalar).map(|scalar| Self { scalar, array, template }).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_as_they_are_written() {
        for text in ["string", "int[]", "template[string]", "template[any[]]", "boolean", "double"] {
            assert_eq!(text.parse::<ValueType>().map(|found| found.to_string()), Ok(text.to_owned()));
        }
        assert_eq!("template[strings]".parse::<ValueType>(), Err(()));
    }
}
