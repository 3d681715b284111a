//! From an encoded request to a receiver that took it: attempts, pauses between them, and which receiver is next.

mod answers;
mod backoff;
mod breaker;
mod caught;
mod route;
mod stop;
#[cfg(test)]
mod tests;
mod turns;

pub(crate) use caught::Caught;
pub use route::BreakerState;
pub(crate) use route::{MemberNumbers, Route};
pub(crate) use stop::{RESERVE, Stop};
pub(crate) use turns::{Turn, Turns};

use super::{Accepted, Again, Book, Failure, Refused, error_type};
use crate::clock;
use crate::config::{CircuitBreaker, Retry};
use answers::Answers;
use route::{Permit, Pick};
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, SemaphorePermit};

/// How many requests are on their way to a receiver at the same time.
const AT_ONCE: usize = 4;
/// The same while the pipeline stops: one receiver that does not answer must not keep what waits behind it from being tried.
const AT_ONCE_AT_THE_END: usize = 16;
/// How often a receiver that answers that it cannot now is asked while the pipeline stops, and the longest first pause.
const LAST_ATTEMPTS: u32 = 3;
const LAST_PAUSE: Duration = Duration::from_millis(200);

/// How a request is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Protobuf = 1,
    Json = 2,
    #[cfg_attr(not(feature = "zipkin"), allow(dead_code))]
    Zipkin = 3,
}

/// The future that a receiver's answer comes from.
pub(crate) type Sending<'a> = Pin<Box<dyn Future<Output = Result<Accepted, Refused>> + Send + 'a>>;

/// Where encoded requests can be sent.
pub(crate) trait Receiver: fmt::Debug + Send + Sync {
    /// The name in [`Stats`](crate::Stats).
    fn name(&self) -> String;

    /// How requests must be encoded.
    fn format(&self) -> Format;

    /// Sends one request, and waits for the answer.
    fn send(&self, request: Vec<u8>) -> Sending<'_>;
}

/// The name of an exporter with these receivers.
pub(crate) fn name(receivers: &[Arc<dyn Receiver>]) -> String {
    match receivers {
        [receiver] => receiver.name(),
        receivers => {
            let names: Vec<_> = receivers.iter().map(|receiver| receiver.name()).collect();
            format!("failover [{}]", names.join(", "))
        }
    }
}

/// Makes the request for a receiver; `None` if it cannot be had in the receiver's format.
pub(crate) type MakeRequest<'a> = dyn Fn(&dyn Receiver) -> Option<Vec<u8>> + Send + Sync + 'a;

/// Sends requests to the receivers of one exporter.
#[derive(Debug)]
pub(crate) struct Delivery {
    receivers: Box<[Arc<dyn Receiver>]>,
    pub(crate) route: Arc<Route>,
    pub(crate) retry: Retry,
    /// How long one attempt may take.
    timeout: Duration,
    pub(crate) book: Arc<Book>,
    slots: Semaphore,
    pub(crate) stop: Stop,
    /// The latest flush for which receivers that are left alone may be looked at.
    hurried: AtomicU64,
}

/// What the attempts for one request were.
#[derive(Debug, Default)]
struct Tries {
    first: Option<Instant>,
    /// The latest flush that was heard of before the latest attempt.
    flush: u64,
    /// Why the latest one failed, if one did.
    error_type: Option<String>,
    /// Whether one may have arrived although it seemed to fail.
    may_have_arrived: bool,
}

/// What came of trying every receiver that may be tried once.
enum Attempted {
    Taken(Accepted),
    /// The receiver does not want it.
    Refused(Refused),
    /// No receiver could take it now.
    Failed(Refused),
    /// No receiver was to be tried before the time was over.
    NotTried,
    /// The pipeline ended in the middle.
    CutOff,
}

impl Delivery {
    pub(crate) fn new(
        receivers: Vec<Arc<dyn Receiver>>,
        retry: &Retry,
        breaker: &CircuitBreaker,
        book: Arc<Book>,
        stop: Stop,
    ) -> Self {
        let route = Arc::new(Route::new(receivers.iter().map(|receiver| receiver.name()), breaker));
        book.set_route(&route);
        let timeout = book.timeout;
        let slots = Semaphore::new(AT_ONCE);
        Self {
            receivers: receivers.into(),
            route,
            retry: retry.clone(),
            timeout,
            book,
            slots,
            stop,
            hurried: AtomicU64::new(0),
        }
    }

    /// The formats that its receivers take.
    pub(crate) fn formats(&self) -> Vec<Format> {
        let mut formats = Vec::new();
        for format in self.receivers.iter().map(|receiver| receiver.format()) {
            if !formats.contains(&format) {
                formats.push(format);
            }
        }
        formats
    }

    /// To be called once when the pipeline stops.
    pub(crate) fn widen(&self) {
        self.slots.add_permits(AT_ONCE_AT_THE_END - AT_ONCE);
    }

    /// Tries until a receiver takes or refuses it, the budget for retries is used up, or the pipeline ends; and tells who
    /// wants to know how long that took.
    pub(crate) async fn deliver(
        &self,
        items: u64,
        request: &MakeRequest<'_>,
        turn: &mut Turn,
        budget: Duration,
    ) -> Result<Accepted, Failure> {
        let mut tries = Tries::default();
        let result = self.try_until(items, request, turn, budget, &mut tries).await;
        if let Some(first) = tries.first {
            let known = tries.error_type.as_deref().filter(|_| result.is_err());
            self.book.attempted(first.elapsed(), known.or(error_type(&result)));
        }
        result
    }

    async fn try_until(
        &self,
        items: u64,
        request: &MakeRequest<'_>,
        turn: &mut Turn,
        budget: Duration,
        tries: &mut Tries,
    ) -> Result<Accepted, Failure> {
        let (mut attempts, mut attempts_at_the_end) = (0u32, 0u32);
        let mut last = None::<Refused>;
        loop {
            let give_up =
                tries.first.map(|first| first.checked_add(budget).unwrap_or_else(|| clock::instant_after(budget)));
            let refused = match self.attempt(items, request, turn, give_up, tries).await {
                Attempted::Taken(accepted) => return Ok(accepted),
                Attempted::Refused(refused) => return Err(Failure::Failed(refused.text)),
                Attempted::CutOff => return Err(Failure::CutOff),
                Attempted::NotTried => return Err(not_tried(last, attempts, tries.may_have_arrived)),
                Attempted::Failed(refused) => refused,
            };
            attempts = attempts.saturating_add(1);
            let mut pause = backoff::pause(&self.retry, attempts, refused.again);
            let tried_for = tries.first.map_or(Duration::ZERO, |first| first.elapsed());
            let is_final = if self.stop.has_begun() {
                attempts_at_the_end += 1;
                pause = backoff::up_to(LAST_PAUSE * attempts_at_the_end);
                !refused.is_answer || attempts_at_the_end == LAST_ATTEMPTS
            } else {
                tried_for.saturating_add(pause) >= budget
            };
            if is_final || budget.is_zero() {
                return Err(not_tried(Some(refused), attempts, tries.may_have_arrived));
            }
            self.book.will_retry(&refused, pause);
            last = Some(refused);
            // Of the flush that was heard of before the attempt, not of one that came meanwhile.
            turn.settle(tries.flush);
            self.pause(pause, turn).await;
        }
    }

    /// Waits, less long if somebody flushes or the pipeline stops.
    async fn pause(&self, pause: Duration, turn: &mut Turn) {
        if self.stop.has_begun() {
            any([&mut pin!(tokio::time::sleep(pause)), &mut pin!(self.stop.over())]).await;
        } else {
            let sleep = tokio::time::sleep_until(clock::instant_after(pause).into());
            any([&mut pin!(sleep), &mut pin!(turn.hurried()), &mut pin!(self.stop.begun())]).await;
        }
    }

    /// Offers it once to each receiver that may be tried, until one takes it.
    async fn attempt(
        &self,
        items: u64,
        request: &MakeRequest<'_>,
        turn: &mut Turn,
        give_up: Option<Instant>,
        tries: &mut Tries,
    ) -> Attempted {
        let Some((_slot, mut permit)) = self.admitted(turn, give_up, tries).await else { return Attempted::NotTried };
        tries.first.get_or_insert_with(Instant::now);
        let (mut tried, mut answers) = (Vec::new(), Answers::default());
        loop {
            let number = permit.number;
            tried.push(number);
            let receiver = &*self.receivers[number];
            match request(receiver) {
                // Nothing is sent, which says nothing of the receiver.
                None => drop(permit),
                Some(request) => match self.send(receiver, request).await {
                    None => return Attempted::CutOff,
                    Some(Ok(accepted)) => {
                        permit.took(items - accepted.rejected.min(items));
                        answers.refusal().into_iter().for_each(|refusal| self.book.attempt_failed(refusal));
                        return Attempted::Taken(accepted);
                    }
                    Some(Err(refused)) => {
                        tries.error_type = Some(refused.error_type.clone());
                        tries.may_have_arrived |= !refused.is_answer && refused.error_type != "connection_refused";
                        if refused.again == Again::Never {
                            permit.refused();
                        } else {
                            permit.failed(&refused);
                            self.book.attempt_failed(&refused);
                        }
                        answers.note(refused);
                    }
                },
            }
            let next = if self.stop.has_begun() {
                self.route.insist(&tried)
            } else {
                match self.route.pick(&tried) {
                    Pick::To(next) => Some(next),
                    Pick::Nobody(_) => None,
                }
            };
            match next {
                Some(next) => permit = next,
                None => return answers.sum(tried.len() == self.receivers.len()),
            }
        }
    }

    /// Waits until something may be sent, and to whom; `None` if the time is over before.
    async fn admitted(
        &self,
        turn: &mut Turn,
        give_up: Option<Instant>,
        tries: &mut Tries,
    ) -> Option<(SemaphorePermit<'_>, Permit<'_>)> {
        let over = async || match give_up {
            // A shutdown gives everything one more chance.
            Some(give_up) if !self.stop.has_begun() => {
                let late = tokio::time::sleep_until(give_up.into());
                any([&mut pin!(self.stop.begun()), &mut pin!(late)]).await;
                if self.stop.has_begun() {
                    self.stop.over().await;
                }
            }
            _ => self.stop.over().await,
        };
        let mut over = pin!(over());
        loop {
            tries.flush = turn.flush();
            if self.hurried.fetch_max(tries.flush, Relaxed) < tries.flush {
                self.route.hurry();
            }
            let slot = first_of(pin!(self.slots.acquire()), over.as_mut()).await?.ok()?;
            let changed = self.route.changed();
            let wait = if self.stop.has_begun() {
                // Nothing is lost by trying what would wait otherwise.
                return self.route.insist(&[]).map(|permit| (slot, permit));
            } else {
                match self.route.pick(&[]) {
                    Pick::To(permit) => return Some((slot, permit)),
                    Pick::Nobody(until) => until,
                }
            };
            drop(slot);
            // Who flushes does not wait for a receiver that is left alone.
            turn.settle(tries.flush);
            let until = wait.unwrap_or_else(|| clock::instant_after(Duration::MAX));
            let sleep = tokio::time::sleep_until(until.into());
            {
                let (mut changed, mut sleep) = (pin!(changed), pin!(sleep));
                let (mut hurried, mut stopping) = (pin!(turn.hurried()), pin!(self.stop.begun()));
                let waits = any([&mut changed, &mut sleep, &mut hurried, &mut stopping]);
                first_of(pin!(waits), over.as_mut()).await?;
            }
        }
    }

    /// One attempt at one receiver; `None` if the pipeline ended meanwhile.
    async fn send(&self, receiver: &dyn Receiver, request: Vec<u8>) -> Option<Result<Accepted, Refused>> {
        let _exporting = self.book.exporting();
        let timeout = tokio::time::sleep_until(clock::instant_after(self.timeout).into());
        let mut sending = receiver.send(request);
        let answer = first_of(sending.as_mut(), pin!(any([&mut pin!(timeout), &mut pin!(self.stop.over())]))).await;
        let is_cut_off = answer.is_none() && self.stop.is_over();
        let answer = answer.unwrap_or_else(|| {
            let text = format!("{} did not answer within {:?}", receiver.name(), self.timeout);
            Err(Refused { text, error_type: "timeout".to_owned(), again: Again::Later, is_answer: false })
        });
        (!is_cut_off).then_some(answer)
    }
}

/// Why it is not tried any more.
fn not_tried(last: Option<Refused>, attempts: u32, may_have_arrived: bool) -> Failure {
    match last {
        Some(refused) => Failure::GivenUp { error: refused.text, attempts, may_have_arrived },
        None => Failure::NotTried,
    }
}

/// Something that ends at some time.
pub(crate) trait Poller {
    fn is_over(&mut self, cx: &mut std::task::Context<'_>) -> bool;
}

impl<F: Future> Poller for Pin<&mut F> {
    fn is_over(&mut self, cx: &mut std::task::Context<'_>) -> bool {
        self.as_mut().poll(cx).is_ready()
    }
}

/// Waits until one of them is over.
pub(crate) async fn any<const N: usize>(mut all: [&mut (dyn Poller + Send); N]) {
    poll_fn(|cx| if all.iter_mut().any(|one| one.is_over(cx)) { Poll::Ready(()) } else { Poll::Pending }).await;
}

/// What `wanted` gives, unless `end` comes first.
pub(crate) async fn first_of<T>(
    mut wanted: Pin<&mut (impl Future<Output = T> + ?Sized)>,
    mut end: Pin<&mut impl Future<Output = ()>>,
) -> Option<T> {
    poll_fn(|cx| match wanted.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => end.as_mut().poll(cx).map(|()| None),
    })
    .await
}
