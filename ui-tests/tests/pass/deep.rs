//! Sixteen annotated futures inside of each other are `Send`, and need no `recursion_limit` for that.
#![deny(warnings)]

use otelier::prelude::*;

macro_rules! levels {
    ($name:ident) => {
        #[trace]
        async fn $name(argument: u64) -> Result<u64, String> {
            std::future::ready(()).await;
            Ok(argument)
        }
    };
    ($name:ident $next:ident $($rest:ident)*) => {
        #[trace(app.argument = argument)]
        async fn $name(argument: u64) -> Result<u64, String> {
            let sum = $next(argument).await?;
            Ok(sum + argument)
        }
        levels! { $next $($rest)* }
    };
}

levels! {
    a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 b0 b1 b2 b3 b4 b5
}

fn main() {
    let future: std::pin::Pin<Box<dyn Future<Output = Result<u64, String>> + Send>> = Box::pin(a0(1));
    drop(future);
}
