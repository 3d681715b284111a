use otelier::AttributeEnum;

#[derive(AttributeEnum)]
pub enum Side {
    Buy,
    #[attribute(other)]
    Else(u32),
}

fn main() {}
