use otelier::AttributeEnum;

#[derive(AttributeEnum)]
pub enum Side {
    Buy,
    #[attribute(other)]
    Else,
}

fn main() {}
