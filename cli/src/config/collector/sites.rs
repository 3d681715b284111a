//! The places of a package that make spans, for rules that ask for a priority: annotations say it, and spans do not.

use super::ottl;
use crate::schema::{package, program};
use clap::{Arg, ArgMatches, Command};
use otelier::Priority;
use otelier::config::{Composable, Rule, Sampler, TailRule, Telemetry};
use otelier::schema::Kind;
use std::collections::BTreeSet;

/// The call sites of a package.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CallSites {
    pub(super) package: String,
    pub(super) all: Vec<CallSite>,
}

/// What a span says of where it was made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CallSite {
    /// One of these, with `{attribute}` in place of values.
    pub(super) names: Vec<String>,
    pub(super) kind: u8,
    pub(super) priority: Priority,
}

/// What is known of the annotations whose spans come to a Collector.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen<'a> {
    /// Whether spans say their schema.
    pub(super) span_types: bool,
    pub(super) sites: Option<&'a CallSites>,
}

/// Which spans are of a priority.
#[derive(Debug, PartialEq)]
pub(super) enum Those {
    All,
    None,
    /// Those that meet this; and the names that spans with less have, too.
    Of(String, Vec<String>),
}

/// Adds the arguments that name a package.
pub(super) fn arguments(command: Command) -> Command {
    let about = "Puts names of spans in place of a `priority` that rules ask for: those of this package's annotations";
    let package = |argument: Arg| argument.help(about);
    let manifest = |argument: Arg| argument.help("The Cargo.toml of that package or its workspace");
    package::arguments(command)
        .mut_arg("package", package)
        .mut_arg("manifest-path", manifest)
        .mut_arg("features", |argument| argument.value_name("FEATURES").help("Features of that package, by commas"))
}

/// The call sites of the package that the arguments name, if there is one and a rule needs them.
///
/// # Errors
///
/// The package cannot be asked.
pub(super) fn asked(matches: &ArgMatches, telemetry: &Telemetry) -> Result<Option<CallSites>, String> {
    let Some(name) = matches.get_one::<String>("package") else { return Ok(None) };
    if !is_needed(telemetry) {
        crate::say("note: `--package` says nothing here: no rule asks for a `priority`");
        return Ok(None);
    }
    let package = package::find(matches, name)?;
    let said = package::ask(&package)?;
    let all: BTreeSet<CallSite> = said.call_sites().lines().filter_map(site).collect();
    Ok(Some(CallSites { package: package.name, all: all.into_iter().collect() }))
}

fn is_needed(telemetry: &Telemetry) -> bool {
    fn of_sampler(sampler: &Sampler) -> bool {
        match sampler {
            Sampler::ParentBased(parents) => of_sampler(&parents.root),
            Sampler::AlwaysRecord(root) => of_sampler(root),
            Sampler::Composite(composable) => of_composable(composable),
            _ => false,
        }
    }
    fn of_composable(composable: &Composable) -> bool {
        match composable {
            Composable::ParentThreshold(root) => of_composable(root),
            Composable::RuleBased(rules) => rules.iter().any(|rule: &Rule| asks(rule.priority)),
            _ => false,
        }
    }
    let tail = telemetry.tail_sampling.iter().flat_map(|tail| &tail.rules);
    of_sampler(&telemetry.sampler) || { tail }.any(|rule: &TailRule| asks(rule.priority))
}

/// Whether a rule asks for more than every span has.
pub(super) fn asks(priority: Option<Priority>) -> bool {
    priority.is_some_and(|least| least > Priority::Low)
}

fn site(line: &str) -> Option<CallSite> {
    let fields: Vec<&str> = line.split(program::SEPARATOR).collect();
    let [_, _, name, _, _, kind, priority, pattern] = *fields.as_slice() else { return None };
    let names = [name, pattern].into_iter().filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let priority = [Priority::Low, Priority::High].into_iter().find(|known| known.as_str() == priority);
    Some(CallSite { names, kind: kind_of(kind) as u8, priority: priority.unwrap_or_default() })
}

fn kind_of(word: &str) -> Kind {
    [Kind::Server, Kind::Client, Kind::Producer, Kind::Consumer]
        .into_iter()
        .find(|kind| format!("{kind:?}").eq_ignore_ascii_case(word))
        .unwrap_or_default()
}

const KINDS: [Kind; 5] = [Kind::Internal, Kind::Server, Kind::Client, Kind::Producer, Kind::Consumer];

impl CallSites {
    /// The spans with at least this priority. Those that no annotation makes have a normal one.
    pub(super) fn with(&self, least: Priority) -> Those {
        let is_high = least == Priority::High;
        // What is low is left out, or what is high is asked for.
        let is_asked = |site: &&CallSite| if is_high { site.priority >= least } else { site.priority < least };
        let (asked, others): (Vec<&CallSite>, Vec<&CallSite>) = self.all.iter().partition(is_asked);
        if asked.is_empty() {
            return if is_high { Those::None } else { Those::All };
        }
        let of_kind = |kind: &Kind| {
            let sites = asked.iter().filter(|site| site.kind == *kind as u8);
            let names: BTreeSet<&str> = sites.flat_map(|site| &site.names).map(String::as_str).collect();
            (!names.is_empty()).then(|| format!("(span.kind == {} and {})", ottl::symbol(*kind), ottl::named(&names)))
        };
        let all: Vec<String> = KINDS.iter().filter_map(of_kind).collect();
        let condition = if all.len() == 1 { all.concat() } else { format!("({})", all.join(" or ")) };
        let is_alike = |site: &&CallSite| {
            let same =
                |other: &&CallSite| other.kind == site.kind && other.names.iter().any(|name| site.names.contains(name));
            asked.iter().any(same)
        };
        let alike = others.into_iter().filter(is_alike).flat_map(|site| site.names.first().cloned()).collect();
        Those::Of(if is_high { condition } else { format!("not {condition}") }, alike)
    }
}
