use otelier::prelude::*;

#[trace(iterator, correlation = otelier::CorrelationContext::new())]
fn orders() -> impl Iterator<Item = u64> {
    [1, 2].into_iter()
}

fn main() {
    let _ = orders;
}
