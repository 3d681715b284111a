use otelier::AttributeEnum;

#[derive(AttributeEnum)]
pub enum Side<T> {
    Buy,
    #[attribute(other)]
    Else(T),
}

fn main() {}
