//! What must not compile with otelier, with its text, and what must: see `tests/`.
