//! What the shop and its clients say to each other.

use serde::{Deserialize, Serialize};

/// Something to buy.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Product {
    /// Names it.
    pub sku: String,
    /// What people call it.
    pub name: String,
    /// What one costs, in cents.
    pub price: i64,
    /// How many there are.
    pub stock: i64,
}

/// What a customer wants.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct NewOrder {
    /// Of which product.
    pub sku: String,
    /// How many.
    pub quantity: i64,
}

/// What a customer gets.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Order {
    /// Its number.
    pub id: i64,
    /// Which product.
    pub sku: String,
    /// How many.
    pub quantity: i64,
    /// What it costs, in cents.
    pub total: i64,
    /// `accepted`, and `packed` once the background job has seen to it.
    pub state: String,
}

/// What has been sold.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Report {
    /// How many orders there are.
    pub orders: i64,
    /// How many of them are packed.
    pub packed: i64,
    /// What they cost together, in cents.
    pub revenue: i64,
}

/// What went wrong, in place of an answer.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Refusal {
    /// One of a small set of words.
    pub error: String,
    /// For people.
    pub message: String,
}
