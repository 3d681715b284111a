use otelier::AttributeEnum;

#[derive(AttributeEnum)]
#[attribute(rename_all = "Snake_Case")]
pub enum Side {
    Buy,
}

fn main() {}
