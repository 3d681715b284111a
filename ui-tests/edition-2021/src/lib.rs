//! The files of `tests/pass` that both editions have in common, compiled with that of 2021.
#![allow(missing_docs, clippy::all)]

#[path = "../../tests/pass/hygiene.rs"]
mod hygiene;
#[path = "../../tests/pass/methods.rs"]
mod methods;
#[path = "../../tests/pass/runtimes.rs"]
mod runtimes;
#[path = "../../tests/pass/shapes.rs"]
mod shapes;

/// All of them are used, then.
pub const MAINS: [fn(); 4] = [hygiene::main, methods::main, runtimes::main, shapes::main];
