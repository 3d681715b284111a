//! What spans of a server's requests say, over axum in the process and over real connections.

#[path = "http_server/bodies.rs"]
mod bodies;
#[path = "http_server/connections.rs"]
mod connections;
#[path = "http_server/correlation.rs"]
mod correlation;
#[path = "http_server/hostile.rs"]
mod hostile;
#[path = "http_server/nesting.rs"]
mod nesting;
#[path = "http_server/requests.rs"]
mod requests;
#[path = "http_server/tools.rs"]
mod tools;
