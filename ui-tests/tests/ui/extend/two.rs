#![allow(unused)]

otelier::span_schema! {
    pub Cart = "app.cart" {
        app.size: int;
    }
}

otelier::span_schema! {
    pub Payment = "app.payment" {
        app.amount: int;
    }
}

otelier::span_schema! {
    pub Order = "app.order" {
        extends Cart;
        extends Payment;
    }
}

fn main() {}
