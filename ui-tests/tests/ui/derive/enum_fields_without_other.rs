use otelier::AttributeEnum;

#[derive(AttributeEnum)]
pub enum Side {
    Buy,
    Else(String),
}

fn main() {}
