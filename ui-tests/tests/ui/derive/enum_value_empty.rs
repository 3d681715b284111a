use otelier::AttributeEnum;

#[derive(AttributeEnum)]
pub enum Interval {
    #[attribute(value = "")]
    Minute,
}

fn main() {}
