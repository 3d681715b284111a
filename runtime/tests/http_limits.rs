//! The table of limits when there are more hosts than it has places, and many threads at once. A process of its own: the table
//! is one for the process.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use otelier::http::exchange::Exchanges;
use otelier::http::{ClientLayer, RateLimits};
use std::convert::Infallible;
use tower::{ServiceBuilder, ServiceExt};

/// A request to a host that says how much of 1,000 is left.
fn ask(layer: &ClientLayer, host: &str, rest: u64) {
    let service = tower::service_fn(move |_: Request<Empty<Bytes>>| {
        let answer = Response::builder().header("x-ratelimit-limit", "1000").header("x-ratelimit-remaining", rest);
        async move { Ok::<_, Infallible>(answer.body(Empty::<Bytes>::new()).unwrap()) }
    });
    let request = Request::get(format!("https://{host}/")).body(Empty::new()).unwrap();
    let client = ServiceBuilder::new().layer(layer.clone()).service(service);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    drop(runtime.block_on(client.oneshot(request)).unwrap());
}

#[test]
fn strangers_do_not_take_the_places_of_exchanges_whatever_threads_do() {
    const THREADS: usize = 8;
    let layer = ClientLayer::new().with_exchanges(Exchanges::new().with("ex.example", "ex"));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let layer = &layer;
            scope.spawn(move || {
                for number in 0..300 {
                    // Every host is told by two threads, in different orders.
                    let number = if thread % 2 == 0 { number } else { 299 - number };
                    ask(layer, &format!("h{}-{number}.stranger.example", thread / 2), 900);
                    if let Some(limit) = RateLimits::of(&format!("h{}-{number}.stranger.example", thread / 2)) {
                        assert_eq!((limit.used(), limit.limit()), (Some(100), Some(1000)));
                    }
                }
            });
        }
    });
    let all = RateLimits::all();
    let mut names: Vec<_> = all.iter().map(|(host, _)| *host).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!((names.len(), all.len()), (192, 192), "no host has two places, and no place is lost");

    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let layer = &layer;
            scope.spawn(move || {
                for number in 0..80 {
                    ask(layer, &format!("API{number}.ex.example{}", if thread % 2 == 0 { "." } else { "" }), 1);
                }
            });
        }
    });
    assert_eq!(RateLimits::all().len(), 256);
    assert_eq!(RateLimits::of("ex").and_then(|limit| limit.share_used()), Some(0.999));
    assert!(!RateLimits::set_limit("late.example", 5), "there is no place left");
    assert!(RateLimits::set_limit("API0.ex.example.", 5) || RateLimits::of("api0.ex.example").is_none());
    assert_eq!(RateLimits::of("late.example"), None);
}
