//! What arguments of an annotation do together, and what methods take over from their block.

use crate::support::Recorder;
use otelier::prelude::*;
use std::collections::HashMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("nothing here waits"),
    }
}

type Fallible<T> = Result<T, String>;

struct Pool {
    id: u64,
}

#[trace(app.pool = self.id, ret(|n| app.n = *n), err(app.error), kind = client)]
impl Pool {
    /// The parentheses of its generics are not those of its parameters.
    fn run<F: Fn(u64) -> u64>(&self, f: F) -> u64 {
        f(self.id)
    }

    #[trace(name = "load {app.pool}")]
    fn named(&self) -> u64 {
        self.id
    }

    #[trace(name = "load {app.n}")]
    async fn named_by_result(&self) -> u64 {
        self.id
    }

    #[trace(ret(|n| app.n = n + 100), app.pool = "own")]
    fn own_result(&self) -> u64 {
        self.id
    }

    #[trace(app.n = 7)]
    fn own_value(&self) -> u64 {
        self.id
    }

    #[trace(late(app.n))]
    fn own_late_value(&self) -> u64 {
        record!(app.n = 9);
        self.id
    }

    #[trace(err(|error| app.error = error.len()))]
    fn own_error(&self) -> Fallible<u64> {
        Err("no".to_owned())
    }

    #[trace(#[cfg(any())] app.pool = "never", #[cfg(all())] app.more = "always")]
    fn in_a_configuration(&self) -> u64 {
        self.id
    }

    #[cfg_attr(all(), trace(app.here = true))]
    fn annotated_in_this_configuration(&self) {}

    #[cfg_attr(any(), trace(app.here = true))]
    fn annotated_in_another(&self) {}

    fn nothing(&self) {}

    #[trace(iterator)]
    fn drained(&self) -> impl Iterator<Item = u64> {
        0..self.id
    }
}

#[test]
fn methods_take_over_what_they_do_not_say_themselves() {
    let recorder = Recorder::start();
    let pool = Pool { id: 3 };
    pool.run(|n| n + 1);
    pool.named();
    ready(pool.named_by_result());
    pool.own_result();
    pool.own_value();
    pool.own_late_value();
    let _ = pool.own_error();
    pool.in_a_configuration();
    pool.annotated_in_this_configuration();
    pool.annotated_in_another();
    pool.nothing();
    assert_eq!(pool.drained().count(), 3);
    recorder.expect(&[
        "Pool::run [client] app.pool=3 app.n=4",
        "load 3 [client] app.pool=3 app.n=3",
        "load 3 [client] app.pool=3 app.n=3",
        "Pool::own_result [client] app.pool=own app.n=103",
        "Pool::own_value [client] app.n=7 app.pool=3",
        "Pool::own_late_value [client] app.pool=3 app.n=9",
        "Pool::own_error [client] app.pool=3 app.error=2 error.type=alloc::string::String !no",
        "  * exception exception.type=alloc::string::String exception.message=no",
        "Pool::in_a_configuration [client] app.pool=3 app.more=always app.n=3",
        "Pool::annotated_in_this_configuration [client] app.here=true app.pool=3",
        "Pool::annotated_in_another [client] app.pool=3",
        "Pool::nothing [client] app.pool=3",
        "Pool::drained [client] app.pool=3 otelier.item_count=3",
    ]);
}

macro_rules! of_type {
    ($type:ty, $($name:ident)*) => {
        #[trace]
        impl $type {
            $(fn $name(&self) {})*
        }
    };
}

mod of_macros {
    pub struct Generic<T>(pub T);
}

of_type!(Pool, first second);

impl<T> std::ops::Deref for of_macros::Generic<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

of_type!(self::of_macros::Generic<u8>, third);

#[test]
fn blocks_of_macros_are_named_after_their_types() {
    let recorder = Recorder::start();
    Pool { id: 1 }.first();
    Pool { id: 1 }.second();
    of_macros::Generic(1_u8).third();
    recorder.expect(&["Pool::first", "Pool::second", "Generic::third"]);
}

macro_rules! literals {
    ($name:literal, $key:literal, $value:literal, $($none:tt)*) => {
        #[trace(name = $name, $key = $value, none = $name, event($name, $key = $value))]
        fn literals() -> Option<u64> {
            record!("app.more" = $value);
            event!($name);
            $($none)*
        }
    };
}

literals!("from outside", "app.key", 7, None);

#[test]
fn literals_of_macros_are_literals() {
    let recorder = Recorder::start();
    literals();
    recorder.expect(&[
        "from outside app.key=7 app.more=7 error.type=from outside !",
        "  * from outside app.key=7",
        "  * from outside",
    ]);
}

#[test]
fn what_ret_says_is_not_recorded_of_a_none_that_is_a_failure() {
    #[trace(none = "not_found", ret(|found| app.found = ?found, event("found")))]
    fn find(n: u64) -> Fallible<Option<u64>> {
        Ok((n > 1).then_some(n))
    }
    #[trace(none = "not_found", ret(|found| app.found = ?found, event("found")))]
    async fn find_later(n: u64) -> Fallible<Option<u64>> {
        Ok((n > 1).then_some(n))
    }
    let recorder = Recorder::start();
    for n in [1, 2] {
        let _ = (find(n), ready(find_later(n)));
    }
    recorder.expect(&[
        "find error.type=not_found !",
        "find_later error.type=not_found !",
        "find app.found=Some(2)",
        "  * found",
        "find_later app.found=Some(2)",
        "  * found",
    ]);
}

#[test]
fn results_of_futures_are_seen_beside_arguments() {
    #[trace(parent = headers, ret(|n| app.sum = n + id), err(|error| app.length = error.len() as u64 + id))]
    async fn beside(id: u64, headers: HashMap<String, String>) -> Fallible<u64> {
        let more = headers.len() as u64;
        drop(headers);
        if id == 0 {
            return Err("none".to_owned());
        }
        Ok(id + more)
    }
    #[trace(future, ret(|n| app.sum = n + id))]
    fn made_elsewhere(id: u64) -> impl Future<Output = u64> {
        std::future::ready(id)
    }
    let recorder = Recorder::start();
    let _ = (ready(beside(0, HashMap::new())), ready(beside(1, HashMap::new())), ready(made_elsewhere(2)));
    recorder.expect(&[
        "beside app.length=4 error.type=alloc::string::String !none",
        "  * exception exception.type=alloc::string::String exception.message=none",
        "beside app.sum=2",
        "made_elsewhere app.sum=4",
    ]);
}

/// The result stands in an alias.
type BoxFuture<'a> = Pin<Box<dyn Future<Output = Fallible<u64>> + 'a>>;

#[test]
fn a_failure_behind_an_alias_of_a_future_is_recorded() {
    #[trace(ret(app.n))]
    fn load(n: &u64) -> BoxFuture<'_> {
        Box::pin(async move { if *n == 0 { Err("none".to_owned()) } else { Ok(*n) } })
    }
    let recorder = Recorder::start();
    let _ = (ready(load(&0)), ready(load(&1)));
    recorder.expect(&[
        "load error.type=alloc::string::String !none",
        "  * exception exception.type=alloc::string::String exception.message=none",
        "load app.n=1",
    ]);
}
