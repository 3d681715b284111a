#[otelier::trace(app.size = size?, event("begun", app.size = size?))]
fn load(size: Option<u64>) -> Option<u64> {
    size
}

fn main() {
    load(None);
}
