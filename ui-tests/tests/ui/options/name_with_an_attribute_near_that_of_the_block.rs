struct Pool;

#[otelier::trace(app.pool = 1)]
impl Pool {
    #[otelier::trace(name = "load {app.pol}")]
    fn load(&self) {}
}

fn main() {
    Pool.load();
}
