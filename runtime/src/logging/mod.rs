//! The ids of the active span, and the correlation id, in every log line.
