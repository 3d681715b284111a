#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.rows: int late;
    }
}

#[trace(Order, late(app.rows))]
async fn load() {
    let count = async {
        record!(app.rows = 1);
    };
    count.await;
}

fn main() {}
