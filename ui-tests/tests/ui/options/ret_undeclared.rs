use otelier::prelude::*;

otelier::span_schema! {
    Load = "app.load" {
        undeclared = deny;
        app.symbol: string required;
        app.rows: int;
        app.order.card: string sensitive;
    }
}

#[trace(Load, app.symbol = "a", ret(app.row))]
fn load(n: u64) -> Result<u64, String> {
    Ok(n)
}

fn main() {
    let _ = load;
}
