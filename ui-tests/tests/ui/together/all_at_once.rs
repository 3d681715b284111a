#![allow(unused)]
#![deny(deprecated)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        kind = client;
        name = "order {app.id}";
        app.id: int required;
        app.nr: int deprecated "numbers are gone";
        app.side: string in ["buy", "sell"];
        app.size: int unit "By";
        app.user: string personal;
    }
}

otelier::span_schema! {
    pub Cart = "app.cart" {
        name = "cart {app.idd}";
        app.id: u64 required;
        app.side: string in ["buy", "buy"];
        app.wait: double unit "seconds";
    }
}

#[trace(Order, kind = server, app.id = 1)]
fn wrong_kind() {}

#[trace(Order, app.size = 1)]
fn required_missing() {}

#[trace(Order, app.id = "one")]
fn wrong_type() {}

#[trace(Order, app.id = 1, app.side = "bye")]
fn outside_of_the_set() {}

#[trace(Order, app.id = 1, app.sid = "buy")]
fn unknown_attribute() {}

#[trace(Order, app.id = 1, app.nr = 2)]
fn deprecated() {}

#[trace(Order, app.id = 1, app.user = user)]
fn personal(user: &str) {}

#[trace(Order, app.id = 1, app.id = 2)]
fn given_twice() {}

fn main() {
    record!(app.id = 1);
}
