use otelier::AttributeEnum;

#[derive(AttributeEnum)]
pub enum Side {
    Buy,
    #[attribute(value = "buy")]
    Bid,
}

fn main() {}
