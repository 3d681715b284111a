//! Batches for several receivers, each of which answers as it is told.

use super::*;
use crate::export::Signal;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;

/// A receiver that gives these answers, one after the other, and takes what comes after them.
#[derive(Debug)]
struct Told {
    format: Format,
    answers: Mutex<VecDeque<Refused>>,
    requests: AtomicU64,
}

impl Receiver for Arc<Told> {
    fn name(&self) -> String {
        "told".to_owned()
    }

    fn format(&self) -> Format {
        self.format
    }

    fn send(&self, _: Vec<u8>) -> Sending<'_> {
        self.requests.fetch_add(1, Relaxed);
        let answer = self.answers.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        Box::pin(async move { answer.map_or_else(|| Ok(Accepted::default()), Err) })
    }
}

fn told(answers: impl IntoIterator<Item = Again>) -> Arc<Told> {
    let answer = |again| Refused { text: "no".to_owned(), error_type: "503".to_owned(), again, is_answer: true };
    let answers = Mutex::new(answers.into_iter().map(answer).collect());
    Arc::new(Told { format: Format::Protobuf, answers, requests: AtomicU64::new(0) })
}

/// What becomes of one batch, which there is as protobuf only.
fn deliver(receivers: &[&Arc<Told>], retry: &Retry, breaker: &CircuitBreaker) -> Result<Accepted, Failure> {
    let (_pipeline, stop) = watch::channel(None);
    let book = Arc::new(Book::new("book", Signal::Spans, Duration::from_secs(30)));
    let receivers: Vec<_> =
        receivers.iter().map(|receiver| Arc::new(Arc::clone(receiver)) as Arc<dyn Receiver>).collect();
    let delivery = Delivery::new(receivers, retry, breaker, book, Stop::new(stop));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let request = |receiver: &dyn Receiver| (receiver.format() == Format::Protobuf).then(Vec::new);
    let turns = Arc::new(Turns::new());
    runtime.block_on(delivery.deliver(1, &request, &mut turns.begin(), retry.max_elapsed))
}

fn soon() -> Retry {
    Retry::default().with_backoff(Duration::from_millis(1), Duration::from_millis(1))
}

fn requests(receiver: &Told) -> u64 {
    receiver.requests.load(Relaxed)
}

#[test]
fn what_one_receiver_does_not_want_is_offered_to_the_next() {
    let (first, second) = (told([Again::Never]), told([]));
    let result = deliver(&[&first, &second], &soon(), &CircuitBreaker::default());
    assert_eq!((result, requests(&second)), (Ok(Accepted::default()), 1));
}

#[test]
fn what_no_receiver_takes_at_once_and_one_does_not_want_is_refused() {
    for (one, other) in [(Again::Never, Again::Never), (Again::Never, Again::Later), (Again::Later, Again::Never)] {
        let (first, second) = (told([one]), told([other]));
        let result = deliver(&[&first, &second], &soon(), &CircuitBreaker::default());
        assert_eq!(result, Err(Failure::Failed("no".to_owned())), "{one:?}, {other:?}");
        assert_eq!((requests(&first), requests(&second)), (1, 1));
    }
}

#[test]
fn what_is_stored_in_another_format_than_the_first_receiver_takes_goes_to_the_next() {
    let mut json = told([]);
    Arc::get_mut(&mut json).expect("nobody else has it").format = Format::Json;
    let second = told([Again::Later]);
    let result = deliver(&[&json, &second], &soon(), &CircuitBreaker::default());
    assert_eq!((result, requests(&json), requests(&second)), (Ok(Accepted::default()), 0, 2));
    let result = deliver(&[&json], &soon(), &CircuitBreaker::default());
    assert!(matches!(result, Err(Failure::Failed(why)) if why.contains("another encoding")));
}

#[test]
fn a_pause_that_one_of_two_receivers_asks_for_does_not_hold_up_the_other() {
    let long = Again::After(Duration::from_secs(1000));
    // Whichever said it, and longer than the budget.
    for (one, other) in [(Again::Later, long), (long, Again::Later)] {
        let (first, second) = (told([one]), told([other]));
        let result = deliver(&[&first, &second], &soon(), &CircuitBreaker::never());
        assert_eq!(result, Ok(Accepted::default()), "{one:?}, {other:?}");
        assert_eq!(requests(&first) + requests(&second), 3);
    }
    // The first one is left alone, and works before the time that the second asks for is over.
    let breaker = CircuitBreaker::default().with_failures(1).with_open_for(Duration::from_millis(20));
    let (first, second) = (told([Again::Later]), told([Again::Later, long]));
    assert_eq!(deliver(&[&first, &second], &soon(), &breaker), Ok(Accepted::default()));
}
