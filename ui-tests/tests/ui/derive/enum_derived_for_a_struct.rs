use otelier::AttributeEnum;

#[derive(AttributeEnum)]
pub struct Side {
    pub buy: bool,
}

fn main() {}
