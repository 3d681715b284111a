use otelier::AttributeEnum;

#[derive(AttributeEnum)]
pub enum Side {}

fn main() {}
