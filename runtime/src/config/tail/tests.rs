use super::*;
use crate::ConfigError;
use crate::schema::Kind;

fn problems(tail: &TailSampling) -> Vec<String> {
    let mut problems = ConfigError::default();
    tail.check(&mut problems);
    problems.problems().iter().map(|problem| problem.sentence().to_owned()).collect()
}

#[test]
fn what_can_be_used_has_no_problems() {
    let rule = TailRule::new("all", Keep::RateLimit(0.5))
        .failed()
        .slower_than(Duration::from_nanos(1))
        .schema("crypto.*")
        .span_name("load *")
        .span_kind(Kind::Client)
        .priority(crate::Priority::High)
        .users(["a"])
        .tenants(["b"])
        .tiers(["premium"])
        .value_at_least(10.0)
        .attribute_like("url.path", ["/a/*"])
        .attribute_between("size", 1.0, 1.0)
        .rate_limited()
        .budget_exceeded();
    let tail = TailSampling::new(1.0)
        .with_rule(rule)
        .with_decide_after(Duration::from_millis(1))
        .with_remember(Duration::from_millis(1))
        .with_max_bytes(64 << 10);
    assert_eq!(problems(&tail), [""; 0]);
    assert_eq!(tail.rules[0].attribute_values[1].key, "business.tenant.id");
}

#[test]
fn everything_that_cannot_be_used_is_told_at_once_with_its_rule() {
    let mut ranges = TailRule::new("ranges", Keep::Ratio(f64::NAN))
        .attribute_between("a", 2.0, 1.0)
        .attribute_at_least("b", f64::NAN)
        .attribute_at_least("", 1.0);
    ranges.attribute_ranges.push(AttributeRange { key: "c".into(), min: None, max: None });
    let tail = TailSampling::failed()
        .or_ratio(1.5)
        .or_slower_than(Duration::ZERO)
        .with_decide_after(Duration::ZERO)
        .with_remember(Duration::from_secs(86_401))
        .with_max_bytes(100)
        .with_rule(TailRule::new("", Keep::Ratio(2.0)).slower_than(Duration::ZERO))
        .with_rule(TailRule::new("failed", Keep::RateLimit(0.0)).schema("").attribute_is("", [""; 0]))
        .with_rule(ranges)
        .with_rule(TailRule::new("ranges", Keep::Never).attribute_like("", ["a"]));
    assert_eq!(
        problems(&tail),
        [
            "the ratio of tail sampling is 1.5; expected 0.0 to 1.0",
            "`decide_after` of tail sampling is 0ns; expected more than 0, at most a day",
            "`remember` of tail sampling is 86401s; expected more than 0, at most a day",
            "`slower_than` of tail sampling is 0; expected more than 0",
            "`max_bytes` of tail sampling is 100; expected at least 65536 (64 KiB)",
            "rule 0 of tail sampling has no name; expected one",
            "rule 0 of tail sampling: its ratio is 2; expected 0.0 to 1.0",
            "rule 0 of tail sampling: its `slower_than` is 0; expected more than 0",
            "rule `failed` of tail sampling: its limit is 0 traces a second; expected more than 0, at most 1000000000",
            "rule `failed` of tail sampling: a pattern of its `schemas` is empty; expected a text, in which `*` and `?` stand \
             for others",
            "rule `failed` of tail sampling: a key of its `attribute_values` is empty; expected the key of an attribute",
            "rule `failed` of tail sampling: `` of its `attribute_values` has no values; expected at least one",
            "rule `ranges` of tail sampling: its ratio is NaN; expected 0.0 to 1.0",
            "rule `ranges` of tail sampling: `a` of its `attribute_ranges` is from 2 to 1; expected a `min` that is not above \
             `max`",
            "rule `ranges` of tail sampling: `b` of its `attribute_ranges` is bounded by NaN; expected numbers as bounds",
            "rule `ranges` of tail sampling: a key of its `attribute_ranges` is empty; expected the key of an attribute",
            "rule `ranges` of tail sampling: `c` of its `attribute_ranges` has no bounds; expected `min`, `max` or both",
            "rule `ranges` of tail sampling: a key of its `attribute_patterns` is empty; expected the key of an attribute",
            "rules 2 and 3 of tail sampling are both named `ranges`; expected a name of its own for each",
            "a rule of tail sampling is named `failed`, as is the one that `failed` stands for; expected another name",
        ]
    );
    let many = (0..1001).map(|number| TailRule::new(number.to_string(), Keep::Always));
    let tail = many.fold(TailSampling::new(0.0), TailSampling::with_rule);
    assert_eq!(problems(&tail), ["tail sampling has 1001 rules; expected at most 1000"]);
}
