//! What can go wrong in the shop.

use crate::api::Refusal;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use otelier::ErrorClass;
use std::fmt;

/// Why the shop does not do what it is asked.
///
/// What the attributes say is on every span that fails with it. The first three are the customer's affair: they are
/// `expected`, so that they do not make a trace a failed one.
#[derive(Debug, ErrorClass)]
pub enum ShopError {
    /// The shop has no such product.
    #[error_class(kind = not_found, expected)]
    UnknownProduct {
        /// What was asked for.
        sku: String,
    },
    /// There is no such order.
    #[error_class(kind = not_found, expected)]
    UnknownOrder {
        /// What was asked for.
        id: i64,
    },
    /// There are fewer than that.
    #[error_class(kind = conflict, expected, recovery = skip)]
    OutOfStock {
        /// Of which product.
        sku: String,
        /// How many there are.
        left: i64,
    },
    /// Nobody can order that many.
    #[error_class(kind = validation, expected)]
    BadQuantity {
        /// What was asked for.
        quantity: i64,
    },
    /// The background job has too much to do.
    #[error_class(kind = resource_exhausted, severity = medium, retryable)]
    QueueFull,
    /// The database failed.
    #[error_class(kind = internal, severity = high)]
    Database(#[source] rusqlite::Error),
    /// The report failed.
    #[error_class(kind = internal, severity = medium)]
    Report(String),
    /// Work on another thread did not come to an end.
    #[error_class(kind = internal, severity = high)]
    Interrupted,
}

impl fmt::Display for ShopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownProduct { sku } => write!(f, "there is no product {sku:?}"),
            Self::UnknownOrder { id } => write!(f, "there is no order {id}"),
            Self::OutOfStock { sku, left } => write!(f, "only {left} of {sku} are left"),
            Self::BadQuantity { quantity } => write!(f, "{quantity} cannot be ordered; 1 to 1000 can"),
            Self::QueueFull => f.write_str("too many orders are waiting; try again later"),
            Self::Database(_) => f.write_str("the database failed"),
            Self::Report(reason) => write!(f, "the report failed: {reason}"),
            Self::Interrupted => f.write_str("the work was interrupted"),
        }
    }
}

impl std::error::Error for ShopError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Database(error) => Some(error),
            _ => None,
        }
    }
}

impl From<rusqlite::Error> for ShopError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl ShopError {
    /// The HTTP status that says so.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::UnknownProduct { .. } | Self::UnknownOrder { .. } => StatusCode::NOT_FOUND,
            Self::OutOfStock { .. } => StatusCode::CONFLICT,
            Self::BadQuantity { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::QueueFull => StatusCode::SERVICE_UNAVAILABLE,
            Self::Database(_) | Self::Report(_) | Self::Interrupted => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for ShopError {
    fn into_response(self) -> Response {
        let refusal = Refusal { error: self.error_type().into_owned(), message: self.to_string() };
        (self.status(), Json(refusal)).into_response()
    }
}
