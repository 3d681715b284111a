use otelier::AttributeEnum;

#[derive(AttributeEnum)]
pub union Side {
    pub buy: bool,
}

fn main() {}
