//! The shop's data, in SQLite. Every statement has a span.

use crate::api::{Order, Product, Report};
use crate::error::ShopError;
use otelier::prelude::*;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS products (
        sku TEXT PRIMARY KEY, name TEXT NOT NULL, price INTEGER NOT NULL, stock INTEGER NOT NULL CHECK (stock >= 0));
    CREATE TABLE IF NOT EXISTS orders (
        id INTEGER PRIMARY KEY, sku TEXT NOT NULL REFERENCES products, quantity INTEGER NOT NULL, total INTEGER NOT NULL,
        state TEXT NOT NULL);
    INSERT OR IGNORE INTO products VALUES
        ('tea-earl-grey', 'Earl Grey, 100 g', 790, 40),
        ('tea-sencha', 'Sencha, 100 g', 1150, 25),
        ('pot-cast-iron', 'Cast-iron pot', 5400, 1);
";

const LIST: &str = "SELECT sku, name, price, stock FROM products ORDER BY sku";
const FIND: &str = "SELECT sku, name, price, stock FROM products WHERE sku = ?";
const TAKE: &str = "UPDATE products SET stock = stock - ? WHERE sku = ? AND stock >= ?";
const INSERT: &str = "INSERT INTO orders (sku, quantity, total, state) VALUES (?, ?, ?, 'accepted')";
const ORDER: &str = "SELECT id, sku, quantity, total, state FROM orders WHERE id = ?";
const PACK: &str = "UPDATE orders SET state = 'packed' WHERE id = ? AND state = 'accepted'";
const SUM: &str = "SELECT count(*), count(*) FILTER (WHERE state = 'packed'), coalesce(sum(total), 0) FROM orders";

/// The database, which any number of threads may share.
#[derive(Clone, Debug)]
pub struct Store(Arc<Mutex<Connection>>);

impl Store {
    /// Opens the database of a file, and makes it if there is none.
    ///
    /// # Errors
    ///
    /// If the file is no database, or cannot be written.
    pub fn open(path: &Path) -> Result<Self, ShopError> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(2))?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Opens the database of a file to read it.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn open_read_only(path: &Path) -> Result<Self, ShopError> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(Duration::from_secs(2))?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Does something with the database on a thread that may wait; its spans are children of the active one.
    ///
    /// # Errors
    ///
    /// What `f` says.
    pub async fn with<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Connection) -> Result<T, ShopError> + Send + 'static,
    ) -> Result<T, ShopError> {
        let store = self.clone();
        let work = move || f(&store.0.lock().unwrap_or_else(PoisonError::into_inner));
        otelier::spawn_blocking(work).await.map_err(|_| ShopError::Interrupted)?
    }

    /// The same for programs that do nothing else meanwhile.
    ///
    /// # Errors
    ///
    /// What `f` says.
    pub fn with_blocking<T>(&self, f: impl FnOnce(&Connection) -> Result<T, ShopError>) -> Result<T, ShopError> {
        f(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// All products.
///
/// # Errors
///
/// What the database says.
#[trace_database(db.system.name = "sqlite", db.operation.name = "SELECT", db.collection.name = "products",
                 db.query.text = LIST, late(db.response.returned_rows))]
pub fn products(database: &Connection) -> Result<Vec<Product>, ShopError> {
    let mut statement = database.prepare(LIST)?;
    let products = statement.query_map([], product)?.collect::<Result<Vec<_>, _>>()?;
    record!(db.response.returned_rows = products.len());
    Ok(products)
}

/// One product.
///
/// # Errors
///
/// If there is no such product, or what the database says.
#[trace_database(db.system.name = "sqlite", db.operation.name = "SELECT", db.collection.name = "products",
                 db.query.text = FIND)]
pub fn find(database: &Connection, sku: &str) -> Result<Product, ShopError> {
    let found = database.prepare(FIND)?.query_row([sku], product).optional()?;
    found.ok_or_else(|| ShopError::UnknownProduct { sku: sku.to_owned() })
}

/// Takes from the stock what is ordered, and writes the order down: both, or neither.
///
/// # Errors
///
/// If there are fewer than that, or what the database says.
#[trace_database(transaction, db.system.name = "sqlite", db.namespace = "shop")]
pub fn accept(database: &Connection, product: &Product, quantity: i64) -> Result<Order, ShopError> {
    // Undone when it is dropped.
    let transaction = database.unchecked_transaction()?;
    take(&transaction, product, quantity)?;
    let order = insert(&transaction, product, quantity)?;
    transaction.commit()?;
    Ok(order)
}

#[trace_database(db.system.name = "sqlite", db.operation.name = "UPDATE", db.collection.name = "products",
                 db.query.text = TAKE, late(database.affected_rows))]
fn take(database: &Connection, product: &Product, quantity: i64) -> Result<(), ShopError> {
    let rows = database.prepare(TAKE)?.execute((quantity, &product.sku, quantity))?;
    record!(database.affected_rows = rows);
    // Somebody else may have been faster than what `product` says.
    if rows == 0 {
        return Err(ShopError::OutOfStock { sku: product.sku.clone(), left: product.stock });
    }
    Ok(())
}

#[trace_database(db.system.name = "sqlite", db.operation.name = "INSERT", db.collection.name = "orders",
                 db.query.text = INSERT)]
fn insert(database: &Connection, product: &Product, quantity: i64) -> Result<Order, ShopError> {
    let total = product.price * quantity;
    database.prepare(INSERT)?.execute((&product.sku, quantity, total))?;
    let (id, sku) = (database.last_insert_rowid(), product.sku.clone());
    Ok(Order { id, sku, quantity, total, state: "accepted".to_owned() })
}

/// One order.
///
/// # Errors
///
/// If there is no such order, or what the database says.
#[trace_database(db.system.name = "sqlite", db.operation.name = "SELECT", db.collection.name = "orders",
                 db.query.text = ORDER)]
pub fn order(database: &Connection, id: i64) -> Result<Order, ShopError> {
    let read = |row: &Row<'_>| {
        let (id, sku, quantity) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(Order { id, sku, quantity, total: row.get(3)?, state: row.get(4)? })
    };
    database.prepare(ORDER)?.query_row([id], read).optional()?.ok_or(ShopError::UnknownOrder { id })
}

/// Says that an order is packed. One that is packed already stays so.
///
/// # Errors
///
/// What the database says.
#[trace_database(db.system.name = "sqlite", db.operation.name = "UPDATE", db.collection.name = "orders",
                 db.query.text = PACK, late(database.affected_rows))]
pub fn pack(database: &Connection, id: i64) -> Result<(), ShopError> {
    let rows = database.prepare(PACK)?.execute([id])?;
    record!(database.affected_rows = rows);
    Ok(())
}

/// What has been sold.
///
/// # Errors
///
/// What the database says.
#[trace_database(db.system.name = "sqlite", db.operation.name = "SELECT", db.collection.name = "orders",
                 db.query.text = SUM)]
pub fn report(database: &Connection) -> Result<Report, ShopError> {
    let read = |row: &Row<'_>| Ok(Report { orders: row.get(0)?, packed: row.get(1)?, revenue: row.get(2)? });
    Ok(database.prepare(SUM)?.query_row([], read)?)
}

fn product(row: &Row<'_>) -> rusqlite::Result<Product> {
    Ok(Product { sku: row.get(0)?, name: row.get(1)?, price: row.get(2)?, stock: row.get(3)? })
}
