use otelier::AttributeEnum;

#[derive(Clone, Copy, AttributeEnum)]
enum Plan {
    Free,
}

otelier::span_schema! {
    pub Order = "app.order" {
        app.id: int;
        app.plan: Plan;
    }
}

fn main() {
    let _ = Plan::Free;
}
