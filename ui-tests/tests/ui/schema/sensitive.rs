#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Login = "app.login" {
        app.api_key: string sensitive;
    }
}

#[trace(Login, app.api_key = key)]
fn login(key: &str) {}

fn main() {}
