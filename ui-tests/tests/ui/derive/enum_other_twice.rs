use otelier::AttributeEnum;

#[derive(AttributeEnum)]
pub enum Side {
    Buy,
    #[attribute(other)]
    Else(String),
    #[attribute(other)]
    More(String),
}

fn main() {}
