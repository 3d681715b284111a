//! The service: what it answers, and what it leaves to others.

use crate::api::{NewOrder, Order, Product, Report};
use crate::error::ShopError;
use crate::jobs::Queue;
use crate::store::{self, Store};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use otelier::prelude::*;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

/// How many pieces one order may be for.
const MOST: i64 = 1000;

/// What the handlers work with.
#[derive(Debug)]
pub struct Shop {
    /// The data.
    pub store: Store,
    /// The background job.
    pub queue: Queue,
    /// The file of the data, for the report.
    pub database: PathBuf,
    /// The program that reports.
    pub report: PathBuf,
}

/// The routes of the shop.
pub fn routes(shop: Shop) -> Router {
    Router::new()
        .route("/products", get(products))
        .route("/products/{sku}", get(product))
        .route("/orders", post(order))
        .route("/orders/{id}", get(order_state))
        .route("/reports", post(report))
        .with_state(Arc::new(shop))
}

type Answer<T> = Result<Json<T>, ShopError>;

async fn products(State(shop): State<Arc<Shop>>) -> Answer<Vec<Product>> {
    Ok(Json(shop.store.with(store::products).await?))
}

async fn product(State(shop): State<Arc<Shop>>, Path(sku): Path<String>) -> Answer<Product> {
    Ok(Json(shop.store.with(move |database| store::find(database, &sku)).await?))
}

async fn order_state(State(shop): State<Arc<Shop>>, Path(id): Path<i64>) -> Answer<Order> {
    Ok(Json(shop.store.with(move |database| store::order(database, id)).await?))
}

async fn order(
    State(shop): State<Arc<Shop>>,
    Json(wanted): Json<NewOrder>,
) -> Result<(StatusCode, Json<Order>), ShopError> {
    let order = check_out(&shop, wanted).await?;
    Ok((StatusCode::CREATED, Json(order)))
}

async fn report(State(shop): State<Arc<Shop>>) -> Answer<Report> {
    // A process that is waited for would hold up every other request of this thread.
    let report = otelier::spawn_blocking(move || run_report(&shop)).await.map_err(|_| ShopError::Interrupted)?;
    Ok(Json(report?))
}

/// Sells something, and leaves it to be packed.
#[trace(app.product.sku = wanted.sku.clone(), app.order.quantity = wanted.quantity, late(app.order.id, app.order.total))]
async fn check_out(shop: &Shop, wanted: NewOrder) -> Result<Order, ShopError> {
    if !(1..=MOST).contains(&wanted.quantity) {
        return Err(ShopError::BadQuantity { quantity: wanted.quantity });
    }
    let order = shop
        .store
        .with(move |database| {
            let product = store::find(database, &wanted.sku)?;
            store::accept(database, &product, wanted.quantity)
        })
        .await?;
    record!(app.order.id = order.id);
    record!(app.order.total = order.total);
    shop.queue.pack(&order)?;
    Ok(order)
}

/// Lets another program report; it continues this trace.
#[trace]
fn run_report(shop: &Shop) -> Result<Report, ShopError> {
    let failed = |reason: String| ShopError::Report(reason);
    let output = otelier::traced_command(&shop.report)
        .arg(&shop.database)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(output.status.to_string()));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| failed(error.to_string()))
}
