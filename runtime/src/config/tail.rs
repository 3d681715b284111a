//! Which traces are kept when they are over.

mod check;
mod rule;
#[cfg(test)]
mod tests;

pub(super) use check::MOST_RULES;
pub use rule::{AttributeRange, Keep, TailRule};

use crate::record::{TailPolicy, TailSettings, consistent_threshold};
use std::time::Duration;

/// Which traces are kept when they are over: rules on their finished spans, of which the first that matches decides, and a
/// share of the others.
///
/// A trace is over when the span ends with which it begins in this process. What threads and tasks add to it until then is
/// held back with it. YAML: `distribution.otelier.tail_sampling`.
///
/// ```
/// use otelier::config::{Keep, TailRule, TailSampling, Telemetry};
/// use std::time::Duration;
///
/// let tail = TailSampling::new(0.01)
///     .with_rule(TailRule::new("health checks", Keep::Never).attribute_is("url.path", ["/health"]))
///     .with_rule(TailRule::new("errors", Keep::Always).failed())
///     .with_rule(TailRule::new("slow", Keep::Always).slower_than(Duration::from_millis(250)))
///     .with_rule(TailRule::new("good customers", Keep::Ratio(0.5)).attribute_is("business.customer.tier", ["premium"]));
/// let telemetry = Telemetry::default().with_tail_sampling(tail);
/// # otelier::init(telemetry)?.shutdown()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TailSampling {
    /// The rules, in their order. YAML: `rules`. Default: none.
    pub rules: Vec<TailRule>,
    /// Whether traces with a span whose status is an error, or that panicked, are kept: short for a rule named `failed` after the
    /// others. YAML: `failed`. Default: false.
    pub failed: bool,
    /// Traces of which a span took at least this long are kept: short for a rule named `slow` after the others. YAML:
    /// `slower_than`. Default: no trace is kept for its length.
    pub slower_than: Option<Duration>,
    /// This share of the traces that no rule matches, `0.0..=1.0`, chosen by the random part of the trace id as consistent
    /// probability sampling has it. YAML: `ratio`. Default: 0.
    pub ratio: f64,
    /// For how long a trace is held back at most: then what is known of it decides. More than 0, at most a day. YAML:
    /// `decide_after`, from 1 ms. Default: 30 s.
    pub decide_after: Duration,
    /// For how long after the decision it is followed by spans that come late. More than 0, at most a day. YAML: `remember`, from
    /// 1 ms. Default: 30 s.
    pub remember: Duration,
    /// How much memory the spans of traces may take that are not decided; beyond that the oldest are decided by what is known of
    /// them, and counted. At least 64 KiB. YAML: `max_bytes`. Default: 32 MiB.
    pub max_bytes: usize,
}

impl TailSampling {
    /// Keeps this share of the traces, `0.0..=1.0`; and what rules say that are added.
    pub fn new(ratio: f64) -> Self {
        Self {
            rules: Vec::new(),
            failed: false,
            slower_than: None,
            ratio,
            decide_after: Duration::from_secs(30),
            remember: Duration::from_secs(30),
            max_bytes: 32 << 20,
        }
    }

    /// Keeps traces that failed.
    pub fn failed() -> Self {
        Self { failed: true, ..Self::new(0.0) }
    }

    /// Keeps traces of which a span took at least this long, too.
    #[must_use]
    pub fn or_slower_than(mut self, duration: Duration) -> Self {
        self.slower_than = Some(duration);
        self
    }

    /// Keeps this share of all traces, too, `0.0..=1.0`.
    #[must_use]
    pub fn or_ratio(mut self, ratio: f64) -> Self {
        self.ratio = ratio;
        self
    }

    /// Adds a rule behind the others.
    #[must_use]
    pub fn with_rule(mut self, rule: TailRule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Sets for how long a trace is held back at most. Default: 30 s.
    #[must_use]
    pub fn with_decide_after(mut self, decide_after: Duration) -> Self {
        self.decide_after = decide_after;
        self
    }

    /// Sets for how long a decision is followed by spans that come late. Default: 30 s.
    #[must_use]
    pub fn with_remember(mut self, remember: Duration) -> Self {
        self.remember = remember;
        self
    }

    /// Sets how much memory the spans of traces may take that are not decided. Default: 32 MiB.
    #[must_use]
    pub fn with_max_bytes(mut self, max_bytes: usize) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// All rules in the order in which they are asked: [`rules`](Self::rules), and behind them what `failed` and `slower_than` are
    /// short for.
    ///
    /// ```
    /// use otelier::config::TailSampling;
    /// use std::time::Duration;
    ///
    /// let rules = TailSampling::failed().or_slower_than(Duration::from_secs(1)).all_rules();
    /// assert_eq!(rules.iter().map(|rule| rule.name.as_str()).collect::<Vec<_>>(), ["failed", "slow"]);
    /// ```
    pub fn all_rules(&self) -> Vec<TailRule> {
        let failed = self.failed.then(|| TailRule::new("failed", Keep::Always).failed());
        let slow = self.slower_than.map(|limit| TailRule::new("slow", Keep::Always).slower_than(limit));
        self.rules.iter().cloned().chain(failed).chain(slow).collect()
    }

    /// What decides. To be called on what was checked.
    pub(crate) fn settings(&self) -> TailSettings {
        let rules = self.all_rules().iter().map(TailRule::node).collect();
        TailSettings {
            policy: TailPolicy::new(rules, consistent_threshold(self.ratio)),
            decide_after: self.decide_after,
            remember: self.remember,
            max_bytes: self.max_bytes,
        }
    }
}
