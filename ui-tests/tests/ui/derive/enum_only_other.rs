use otelier::AttributeEnum;

#[derive(AttributeEnum)]
pub enum Side {
    #[attribute(other)]
    Else(String),
}

fn main() {}
