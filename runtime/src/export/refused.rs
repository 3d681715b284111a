//! Why one attempt to send something came to nothing, and whether another may help.

use std::time::Duration;

/// An attempt that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// The reason, as a sentence that names the receiver.
    pub(crate) text: String,
    /// For `error.type`: an HTTP status, a gRPC status, `timeout`, or what kind of error it was.
    pub(crate) error_type: String,
    pub(crate) again: Again,
    /// Whether the receiver has said so, and there is somebody who may say something else soon.
    pub(crate) is_answer: bool,
}

/// Whether what failed should be tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Again {
    /// It would fail again.
    #[default]
    Never,
    /// After a pause.
    Later,
    /// Not before this pause, which the receiver has asked for.
    After(Duration),
}
