//! Which run of which workflow an operation belongs to, across services.

use super::scope::Holder;
use super::{Entered, InContext, Invalid, carrier, set_own, tidy};
use crate::attribute::EnumAttribute;
use crate::record::with_ambient;
use crate::schema::crypto::{Market, ProcessingStage};
use opentelemetry::baggage::BaggageExt;
use opentelemetry::{Context, KeyValue};
use std::future::Future;
use std::sync::Arc;

/// Which run of which workflow an operation belongs to: it travels in W3C baggage, and every span below has it as the
/// attributes of the group `workflow.context`.
///
/// | part | attribute and entry of the baggage |
/// |-|-|
/// | [`new`](Self::new) | `crypto.workflow_id` |
/// | [`with_name`](Self::with_name) | `crypto.workflow_name` |
/// | [`with_market`](Self::with_market) | `crypto.market` |
/// | [`with_stage`](Self::with_stage) | `crypto.processing_stage` |
/// | [`with`](Self::with) | your own key |
///
/// Baggage goes to every service that is called, also to those of others. Values are kept as those of a
/// [`CorrelationContext`](crate::CorrelationContext) are: 256 bytes, without control characters.
///
/// ```
/// use opentelemetry::Context;
/// use otelier::correlation::Workflow;
/// use otelier::schema::crypto::{Market, ProcessingStage};
///
/// let workflow = Workflow::new("dist-workflow-123").with_name("distributed_collection").with_market(Market::Binance);
/// workflow.in_scope(|| {
///     // Below it only the stage changes.
///     let stage = Workflow::current().expect("one is entered").with_stage(ProcessingStage::Ingestion);
///     let sent = stage.context(&Context::current());
///
///     // The service that is called:
///     let received = Workflow::from_baggage(&sent).expect("one came in");
///     assert_eq!((received.id(), received.market()), ("dist-workflow-123", Some("binance")));
///     assert_eq!(received.stage(), Some("ingestion"));
/// });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workflow(Arc<Parts>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    /// In the order of [`NAMES`]; the first is there.
    named: [Option<Arc<str>>; 4],
    own: Vec<(Arc<str>, Arc<str>)>,
}

const NAMES: [&str; 4] = ["crypto.workflow_id", "crypto.workflow_name", "crypto.market", "crypto.processing_stage"];
const ID: usize = 0;
const NAME: usize = 1;
const MARKET: usize = 2;
const STAGE: usize = 3;

/// Names the keys of one's own that travel, since baggage holds what others put there, too.
const OWN_KEYS: &str = "otelier.workflow_keys";

impl Workflow {
    /// The run of a workflow with this id; an empty one is `_`.
    pub fn new(id: impl AsRef<str>) -> Self {
        let id = tidy(id.as_ref()).unwrap_or_else(|| "_".into());
        Self(Arc::new(Parts { named: [Some(id), None, None, None], own: Vec::new() }))
    }

    fn with_named(mut self, which: usize, value: &str) -> Self {
        Arc::make_mut(&mut self.0).named[which] = tidy(value);
        self
    }

    /// The same with the workflow's name, which is the same in every run.
    #[must_use]
    pub fn with_name(self, name: impl AsRef<str>) -> Self {
        self.with_named(NAME, name.as_ref())
    }

    /// The same with the exchange the workflow works on.
    #[must_use]
    pub fn with_market(self, market: Market) -> Self {
        self.with_named(MARKET, EnumAttribute::value(&market))
    }

    /// The same with the step of the pipeline.
    #[must_use]
    pub fn with_stage(self, stage: ProcessingStage) -> Self {
        self.with_named(STAGE, EnumAttribute::value(&stage))
    }

    /// The same with a key of one's own, by the rules of
    /// [`CorrelationContext::with`](crate::CorrelationContext::with).
    ///
    /// # Errors
    ///
    /// If the key is not acceptable, or if there are more than 16.
    pub fn with(mut self, key: impl AsRef<str>, value: impl AsRef<str>) -> Result<Self, Invalid> {
        let (key, value) = (key.as_ref(), value.as_ref());
        match NAMES.iter().position(|name| *name == key) {
            Some(which) if which != ID => return Ok(self.with_named(which, value)),
            Some(_) => return Err(Invalid(super::Why::OwnMethod("Workflow::new"))),
            None => set_own(&mut Arc::make_mut(&mut self.0).own, key, value)?,
        }
        Ok(self)
    }

    /// The id of the run.
    pub fn id(&self) -> &str {
        self.0.named[ID].as_deref().unwrap_or("_")
    }

    /// The workflow's name.
    pub fn name(&self) -> Option<&str> {
        self.0.named[NAME].as_deref()
    }

    /// The exchange: what came in may be another than those of [`Market`].
    pub fn market(&self) -> Option<&str> {
        self.0.named[MARKET].as_deref()
    }

    /// The step of the pipeline: what came in may be another than those of [`ProcessingStage`].
    pub fn stage(&self) -> Option<&str> {
        self.0.named[STAGE].as_deref()
    }

    /// The value of a key of one's own.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.own.iter().find(|(known, _)| **known == *key).map(|(_, value)| &**value)
    }

    /// Its attributes, as spans have them.
    pub fn attributes(&self) -> Vec<KeyValue> {
        let named = NAMES.into_iter().zip(&self.0.named);
        let named = named.filter_map(|(name, value)| Some(KeyValue::new(name, Arc::clone(value.as_ref()?))));
        let own = self.0.own.iter().map(|(key, value)| KeyValue::new(Arc::clone(key), Arc::clone(value)));
        named.chain(own).collect()
    }

    /// The one that is entered here.
    pub fn current() -> Option<Self> {
        if crate::record::is_busy() || !crate::record::has_context() {
            return None;
        }
        Context::map_current(|context| context.get::<Self>().cloned())
    }

    /// The one that came in with the baggage of a context. Values are cut and cleaned as those of the program are.
    pub fn from_baggage(context: &Context) -> Option<Self> {
        let baggage = context.baggage();
        let get = |key: &str| baggage.get(key).map(|value| value.as_str());
        let named = NAMES.map(|name| get(name).and_then(tidy));
        named[ID].as_ref()?;
        let mut own = Vec::new();
        for key in get(OWN_KEYS).unwrap_or_default().split(' ').take(super::MOST_OWN_KEYS) {
            let value = get(key).filter(|_| !NAMES.contains(&key) && key != OWN_KEYS);
            // What is no key stays out: it was written by somebody else.
            value.map(|value| set_own(&mut own, key, value));
        }
        Some(Self(Arc::new(Parts { named, own })))
    }

    /// OpenTelemetry's context with this one in it: with its attributes for every span below, and in the baggage.
    pub fn context(&self, outer: &Context) -> Context {
        let keys: Vec<_> = self.0.own.iter().map(|(key, _)| &**key).collect();
        let keys = keys.join(" ");
        let named = NAMES.into_iter().zip(&self.0.named).filter_map(|(name, value)| Some((name, value.as_deref()?)));
        let own = self.0.own.iter().map(|(key, value)| (&**key, &**value));
        let list = (!keys.is_empty()).then_some((OWN_KEYS, keys.as_str()));
        let values: Vec<_> = named.chain(own).chain(list).collect();
        let context = with_ambient(outer, self.attributes(), super::carry);
        carrier::put(context, &values).with_value(self.clone())
    }

    /// Makes it current on this thread until the result is dropped.
    pub fn enter(&self) -> Entered {
        Entered::new(self.context(&Context::current()))
    }

    /// Runs a closure while it is current.
    pub fn in_scope<T>(&self, f: impl FnOnce() -> T) -> T {
        let _entered = self.enter();
        f()
    }

    /// A future while whose polls, and while whose end, it is current.
    pub fn in_future<F: Future>(&self, future: F) -> InContext<F> {
        InContext::new(future, Holder::Workflow(self.clone()))
    }
}
