use otelier::AttributeEnum;

#[derive(AttributeEnum)]
pub enum Side {
    Buy,
    #[attribute(other)]
    Else(String),
    Sell,
}

fn main() {}
