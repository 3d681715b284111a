//! The shop as its users see it: processes that are started, asked and ended, and the trace that they leave behind.

mod shop;
mod trace;
mod trace_context;
