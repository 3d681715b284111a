use otelier::AttributeEnum;

#[derive(AttributeEnum)]
pub enum Interval {
    #[attribute(value = 1)]
    Minute,
}

fn main() {}
