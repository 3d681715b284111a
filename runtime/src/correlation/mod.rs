//! What belongs together across services: a correlation id, and whose work it is.
//!
//! A [`CorrelationContext`] holds an id that follows one piece of work through all services it passes, and perhaps the user,
//! the operation and the job it belongs to. While it is entered, every span that begins has it as attributes, and every log
//! line that [`logging`](crate::logging) writes has the id. It lies in OpenTelemetry's context, so it goes with
//! [`spawn`](crate::spawn), [`spawn_thread`](crate::spawn_thread), [`in_current_context`](crate::in_current_context) and
//! [`Span::context`](crate::Span::context).
//!
//! | part | attribute | |
//! |-|-|-|
//! | [`new`](CorrelationContext::new), [`with_id`](CorrelationContext::with_id) | `correlation.id` | |
//! | [`with_user`](CorrelationContext::with_user) | `user.id` | of the semantic conventions; personal data |
//! | [`with_operation`](CorrelationContext::with_operation) | `operation.name` | |
//! | [`with_job`](CorrelationContext::with_job) | `job.id` | |
//! | [`with`](CorrelationContext::with) | your own key | |
//!
//! These are the names of the attribute group `correlation.context` in the pack of common attributes; so is
//! `operation.name`, which a schema of business operations has, too.
//!
//! A trace id does not do the same: it ends where somebody begins a new trace, and a message that is handled tomorrow or a
//! job that is tried again has another one.
//!
//! [`Workflow`] does the like for pipelines: which run of which workflow an operation belongs to.

pub(crate) mod annotated;
mod carrier;
mod id;
mod scope;
#[cfg(test)]
mod tests;
mod workflow;

pub use crate::config::Correlation as Settings;
pub use annotated::Correlate;
pub use id::{Invalid, LONGEST_ID};
pub use scope::{Entered, InContext};
pub use workflow::Workflow;

use crate::config::{CORRELATION_ID, is_key};
use crate::record::with_ambient;
use id::Why;
use opentelemetry::{Context, KeyValue};
use std::fmt;
use std::future::Future;
use std::sync::Arc;

/// The most keys of one's own.
pub const MOST_OWN_KEYS: usize = 16;

/// The longest value but an id, in bytes.
pub const LONGEST_VALUE: usize = 256;

/// An id that follows one piece of work through all services it passes, and whose work it is; see the
/// [module](crate::correlation).
///
/// It does not change, and is cheap to clone. Entered inside another one, it inherits what it does not set, but for the id,
/// which every one has.
///
/// ```
/// use otelier::CorrelationContext;
///
/// let context = CorrelationContext::new().with_user("user_123").with_operation("checkout");
/// context.in_scope(|| {
///     assert_eq!(otelier::correlation_id().as_deref(), Some(context.id()));
///     let inner = CorrelationContext::get_or_new().with_operation("payment");
///     inner.in_scope(|| {
///         let current = CorrelationContext::current().expect("one is entered");
///         assert_eq!((current.user(), current.operation()), (Some("user_123"), Some("payment")));
///     });
/// });
/// assert!(CorrelationContext::current().is_none());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct CorrelationContext(Arc<Parts>);

#[derive(Clone, PartialEq, Eq)]
struct Parts {
    id: Arc<str>,
    /// In the order of [`NAMES`].
    named: [Option<Arc<str>>; 3],
    own: Vec<(Arc<str>, Arc<str>)>,
    origin: Origin,
}

/// Attributes that have methods, behind the id.
const NAMES: [&str; 3] = ["user.id", "operation.name", "job.id"];
const USER: usize = 0;
const OPERATION: usize = 1;
const JOB: usize = 2;

/// Where the id of a [`CorrelationContext`] comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// It was made here.
    Made,
    /// The program gave it.
    Given,
    /// It came in with a header or with baggage.
    Received,
    /// It was made here, because the one that came in was not acceptable. Spans say so by [`REFUSED`].
    Replaced,
}

/// The attribute, `true`, of spans below a context whose id was made because the one that came in was not acceptable. What
/// came in is not shown.
pub const REFUSED: &str = "otelier.correlation_refused";

impl CorrelationContext {
    /// One with a new id, a UUID of version 7 ([RFC 9562](https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7)): ids of
    /// one process sort by the order in which they were made.
    #[expect(clippy::new_without_default, reason = "every call makes another one, and `default` sounds as if none did")]
    pub fn new() -> Self {
        Self::made(Origin::Made)
    }

    fn made(origin: Origin) -> Self {
        Self::of(id::new().into(), origin)
    }

    fn of(id: Arc<str>, origin: Origin) -> Self {
        Self(Arc::new(Parts { id, named: [const { None }; 3], own: Vec::new(), origin }))
    }

    /// One with this id: 1 to 128 letters, digits and `-._~:/+=@#|`, which break no header, no log line and no baggage.
    ///
    /// ```
    /// use otelier::CorrelationContext;
    ///
    /// assert_eq!(CorrelationContext::with_id("order-42")?.id(), "order-42");
    /// assert!(CorrelationContext::with_id("order 42\r\nset-cookie: a=b").is_err());
    /// # Ok::<(), otelier::correlation::Invalid>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If it is something else. The error says what is accepted, and does not show the id.
    pub fn with_id(id: impl AsRef<str>) -> Result<Self, Invalid> {
        let id = id.as_ref();
        id::check(id)?;
        Ok(Self::of(id.into(), Origin::Given))
    }

    /// The same with this user, as `user.id`: whoever the work is done for. That is personal data: an id that means nothing
    /// outside your system is better than a name or an e-mail address.
    ///
    /// Of this and every other value but the id 256 bytes are kept, cut at a character; control characters become spaces; and
    /// an empty text is none.
    #[must_use]
    pub fn with_user(self, user: impl AsRef<str>) -> Self {
        self.with_named(USER, user.as_ref())
    }

    /// The same with this operation, as `operation.name`: what is done, the same for every call.
    #[must_use]
    pub fn with_operation(self, operation: impl AsRef<str>) -> Self {
        self.with_named(OPERATION, operation.as_ref())
    }

    /// The same with this job, as `job.id`: which run of which background job it is.
    #[must_use]
    pub fn with_job(self, job: impl AsRef<str>) -> Self {
        self.with_named(JOB, job.as_ref())
    }

    fn with_named(mut self, which: usize, value: &str) -> Self {
        Arc::make_mut(&mut self.0).named[which] = tidy(value);
        self
    }

    /// The same with a key of one's own, such as `app.tenant`, of 1 to 64 letters, digits, `.`, `-` and `_`; of two values
    /// for one key the later one counts. The value is kept as that of [`with_user`](Self::with_user) is.
    ///
    /// ```
    /// use otelier::CorrelationContext;
    ///
    /// let context = CorrelationContext::new().with("app.tenant", "north")?;
    /// assert_eq!(context.get("app.tenant"), Some("north"));
    /// # Ok::<(), otelier::correlation::Invalid>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the key is something else, if it has a method of its own, as `user.id` does, or if there are more than 16.
    pub fn with(mut self, key: impl AsRef<str>, value: impl AsRef<str>) -> Result<Self, Invalid> {
        let key = key.as_ref();
        let methods = ["CorrelationContext::with_id", "with_user", "with_operation", "with_job"];
        let method = [CORRELATION_ID].into_iter().chain(NAMES).zip(methods).find(|(name, _)| *name == key);
        if let Some((_, method)) = method {
            return Err(Invalid(Why::OwnMethod(method)));
        }
        let parts = Arc::make_mut(&mut self.0);
        set_own(&mut parts.own, key, value.as_ref())?;
        Ok(self)
    }

    /// The id.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// The user, if there is one.
    pub fn user(&self) -> Option<&str> {
        self.0.named[USER].as_deref()
    }

    /// The operation, if there is one.
    pub fn operation(&self) -> Option<&str> {
        self.0.named[OPERATION].as_deref()
    }

    /// The job, if there is one.
    pub fn job(&self) -> Option<&str> {
        self.0.named[JOB].as_deref()
    }

    /// The value of any of its attributes, such as `app.tenant` or `user.id`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values().find(|(known, _)| *known == key).map(|(_, value)| &**value)
    }

    /// Where its id comes from.
    pub fn origin(&self) -> Origin {
        self.0.origin
    }

    /// Every attribute that has a value.
    fn values(&self) -> impl Iterator<Item = (&str, &Arc<str>)> {
        let named = NAMES.into_iter().zip(&self.0.named).filter_map(|(name, value)| Some((name, value.as_ref()?)));
        let own = self.0.own.iter().map(|(key, value)| (&**key, value));
        [(CORRELATION_ID, &self.0.id)].into_iter().chain(named).chain(own)
    }

    /// Its attributes, as spans have them.
    ///
    /// ```
    /// use opentelemetry::KeyValue;
    ///
    /// let context = otelier::CorrelationContext::with_id("order-42")?.with_job("7f3c2a");
    /// let expected = [KeyValue::new("correlation.id", "order-42"), KeyValue::new("job.id", "7f3c2a")];
    /// assert_eq!(context.attributes(), expected);
    /// # Ok::<(), otelier::correlation::Invalid>(())
    /// ```
    pub fn attributes(&self) -> Vec<KeyValue> {
        let values = [CORRELATION_ID].into_iter().zip([&self.0.id]);
        let named = NAMES.into_iter().zip(&self.0.named).filter_map(|(name, value)| Some((name, value.as_ref()?)));
        let known = values.chain(named).map(|(name, value)| KeyValue::new(name, Arc::clone(value)));
        let own = self.0.own.iter().map(|(key, value)| KeyValue::new(Arc::clone(key), Arc::clone(value)));
        let refused = (self.0.origin == Origin::Replaced).then(|| KeyValue::new(REFUSED, true));
        known.chain(own).chain(refused).collect()
    }

    /// The one that is entered here, with what it inherits.
    pub fn current() -> Option<Self> {
        with_current(|current| current.cloned())
    }

    /// The one that is entered here, or a new one.
    ///
    /// ```
    /// let outer = otelier::CorrelationContext::new();
    /// outer.in_scope(|| assert_eq!(otelier::CorrelationContext::get_or_new(), outer));
    /// assert_ne!(otelier::CorrelationContext::get_or_new(), outer);
    /// ```
    pub fn get_or_new() -> Self {
        Self::current().unwrap_or_else(Self::new)
    }

    /// The one that a context of OpenTelemetry's holds, which [`context`](Self::context) has put there.
    pub fn of_context(context: &Context) -> Option<Self> {
        context.get::<Self>().cloned()
    }

    /// OpenTelemetry's context with this one in it: with its attributes for every span below, and with what the
    /// [settings](Settings) of the process put into baggage.
    pub fn context(&self, outer: &Context) -> Context {
        self.context_with(outer, Settings::of_process())
    }

    /// The same with other settings.
    pub fn context_with(&self, outer: &Context, settings: &Settings) -> Context {
        let inner = self.below(outer.get::<Self>());
        let context = with_ambient(outer, inner.attributes(), carry);
        let context = inner.with_baggage(context, settings);
        context.with_value(inner)
    }

    /// With what it inherits. Of more than 16 own keys its own count first.
    fn below(&self, outer: Option<&Self>) -> Self {
        let Some(outer) = outer.filter(|outer| !Arc::ptr_eq(&outer.0, &self.0)) else { return self.clone() };
        let mut inner = self.clone();
        let named = (0..NAMES.len()).filter(|which| self.0.named[*which].is_none() && outer.0.named[*which].is_some());
        let named: Vec<_> = named.collect();
        let own = outer.0.own.iter().filter(|(key, _)| self.0.own.iter().all(|(known, _)| known != key));
        let own: Vec<_> = own.take(MOST_OWN_KEYS.saturating_sub(self.0.own.len())).cloned().collect();
        if !named.is_empty() || !own.is_empty() {
            let parts = Arc::make_mut(&mut inner.0);
            for which in named {
                parts.named[which].clone_from(&outer.0.named[which]);
            }
            parts.own.extend(own);
        }
        inner
    }

    /// Makes it current on this thread until the result is dropped.
    ///
    /// ```
    /// let entered = otelier::CorrelationContext::new().enter();
    /// assert!(otelier::correlation_id().is_some());
    /// drop(entered);
    /// assert!(otelier::correlation_id().is_none());
    /// ```
    ///
    /// The guard stays on its thread, so it cannot be held over an `.await` of a task that may move; there
    /// [`in_future`](Self::in_future) does it. Guards may be dropped in any order.
    pub fn enter(&self) -> Entered {
        Entered::new(self.context(&Context::current()))
    }

    /// Runs a closure while it is current.
    pub fn in_scope<T>(&self, f: impl FnOnce() -> T) -> T {
        let _entered = self.enter();
        f()
    }

    /// A future while whose polls, and while whose end, it is current. What is current around it is what was so at its first
    /// poll.
    ///
    /// ```
    /// use otelier::CorrelationContext;
    ///
    /// # async fn example() {
    /// let context = CorrelationContext::new();
    /// let id = context.in_future(async { otelier::correlation_id() }).await;
    /// assert_eq!(id.as_deref(), Some(context.id()));
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(example());
    /// ```
    pub fn in_future<F: Future>(&self, future: F) -> InContext<F> {
        InContext::new(future, scope::Holder::Correlation(self.clone()))
    }
}

/// Names what there is, but neither the user nor values of own keys, which may be personal.
impl fmt::Debug for CorrelationContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("CorrelationContext");
        debug.field("id", &self.id());
        if self.user().is_some() {
            debug.field("user", &format_args!("…"));
        }
        debug.field("operation", &self.operation()).field("job", &self.job());
        debug.field("keys", &self.0.own.iter().map(|(key, _)| &**key).collect::<Vec<_>>());
        debug.finish_non_exhaustive()
    }
}

/// The id of the [`CorrelationContext`] that is entered here.
///
/// ```
/// let context = otelier::CorrelationContext::with_id("order-42")?;
/// assert_eq!(context.in_scope(otelier::correlation_id).as_deref(), Some("order-42"));
/// assert_eq!(otelier::correlation_id(), None);
/// # Ok::<(), otelier::correlation::Invalid>(())
/// ```
pub fn correlation_id() -> Option<Arc<str>> {
    with_current(|current| current.map(|current| Arc::clone(&current.0.id)))
}

/// Lends the one that is entered here.
fn with_current<T>(f: impl FnOnce(Option<&CorrelationContext>) -> T) -> T {
    // Within a traced allocator OpenTelemetry's context must not be looked at, and where a thread ends it may be gone.
    if crate::record::is_busy() || !crate::record::has_context() {
        return f(None);
    }
    Context::map_current(|context| f(context.get::<CorrelationContext>()))
}

/// Enters in the second context what is entered in the first one.
fn carry(from: &Context, mut to: Context) -> Context {
    if let Some(workflow) = from.get::<Workflow>() {
        to = workflow.context(&to);
    }
    if let Some(correlation) = from.get::<CorrelationContext>() {
        to = correlation.context(&to);
    }
    to
}

/// A value as it is kept.
fn tidy(value: &str) -> Option<Arc<str>> {
    let longest = (0..=LONGEST_VALUE.min(value.len())).rev().find(|end| value.is_char_boundary(*end));
    let value = &value[..longest.unwrap_or_default()];
    if value.contains(char::is_control) {
        return Some(value.replace(char::is_control, " ").into());
    }
    (!value.is_empty()).then(|| value.into())
}

/// Puts a value to a key of one's own.
fn set_own(own: &mut Vec<(Arc<str>, Arc<str>)>, key: &str, value: &str) -> Result<(), Invalid> {
    if !is_key(key) {
        return Err(Invalid(Why::Key));
    }
    let at = own.iter().position(|(known, _)| **known == *key);
    match (tidy(value), at) {
        (Some(value), Some(at)) => own[at].1 = value,
        (Some(_), None) if own.len() >= MOST_OWN_KEYS => return Err(Invalid(Why::TooMany)),
        (Some(value), None) => own.push((key.into(), value)),
        (None, Some(at)) => drop(own.remove(at)),
        (None, None) => {}
    }
    Ok(())
}
