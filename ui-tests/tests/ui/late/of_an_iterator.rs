#[otelier::trace(iterator, late(app.count))]
fn numbers() -> impl Iterator<Item = u64> {
    0..3
}

fn main() {
    numbers();
}
