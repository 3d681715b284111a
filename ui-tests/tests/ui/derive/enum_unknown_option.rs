use otelier::AttributeEnum;

#[derive(AttributeEnum)]
#[attribute(rename = "kebab-case")]
pub enum Side {
    Buy,
}

fn main() {}
