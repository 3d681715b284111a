use otelier::AttributeEnum;

#[derive(AttributeEnum)]
pub enum Side {
    #[attribute(vlaue = "bid")]
    Buy,
}

fn main() {}
