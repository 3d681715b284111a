/// The kind of a span, as OpenTelemetry defines it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// An operation inside the application.
    #[default]
    Internal = 1,
    /// Handling a request of somebody else.
    Server = 2,
    /// A request to somebody else.
    Client = 3,
    /// Handing a message over, to be handled later.
    Producer = 4,
    /// Handling a message that was handed over earlier.
    Consumer = 5,
}

impl Kind {
    /// Every kind, in the order of the alphabet.
    pub const ALL: [Self; 5] = [Self::Client, Self::Consumer, Self::Internal, Self::Producer, Self::Server];

    /// The name in annotations and in exported schemas.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn every_kind_is_found_by_its_name() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.as_str()), Some(kind));
        }
        assert_eq!(Kind::from_name("worker"), None);
    }
}
