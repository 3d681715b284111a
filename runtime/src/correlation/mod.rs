//! What belongs together across services: a correlation id, and whose work it is.
