#![allow(unused)]

otelier::span_schema! {
    pub Login = "app.login" {
        app.password: string;
    }
}

fn main() {}
