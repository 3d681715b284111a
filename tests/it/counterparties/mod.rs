//! Counterparties that nobody here wrote: they receive our spans in every encoding they speak, and hand them back as they
//! were made. Each test runs where its program is installed, and says so where it is not; `docs/counterparties.md` tells how
//! to get them. What a counterparty loses is named in its test, and what it refuses, too.

mod decoder;
mod embedded;
mod facts;
mod headers;
mod losses;
mod made;
mod mlflow;
mod otelite;
mod phoenix;
mod prefect;
mod program;
mod restart;
mod rotel;
mod value;
