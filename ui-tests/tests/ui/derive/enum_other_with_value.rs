use otelier::AttributeEnum;

#[derive(AttributeEnum)]
pub enum Side {
    Buy,
    #[attribute(other, value = "else")]
    Else(String),
}

fn main() {}
