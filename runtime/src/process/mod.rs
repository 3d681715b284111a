//! Child processes in the trace of their parent.
