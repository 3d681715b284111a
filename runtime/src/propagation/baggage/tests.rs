use super::*;
use crate::headers::Headers;
use opentelemetry::KeyValue;
use opentelemetry::baggage::KeyValueMetadata;
use std::collections::HashMap;

/// Entries in the order of their names, with their properties.
fn entries(headers: &[&str]) -> Vec<String> {
    let mut found = None;
    add(&Headers::new(headers.iter().map(|value| (HEADER, *value))), &mut found);
    let mut entries: Vec<_> = found
        .unwrap_or_default()
        .iter()
        .map(|(key, (value, properties))| format!("{key}={value};{properties}"))
        .collect();
    entries.sort_unstable();
    entries
}

fn sent(baggage: impl IntoIterator<Item = KeyValueMetadata>) -> Option<String> {
    let mut headers = HashMap::new();
    inject(&Context::new().with_baggage(baggage), &mut headers);
    assert!(headers.len() < 2);
    headers.remove(HEADER)
}

#[test]
fn members_are_read_with_white_space_properties_and_percent_signs() {
    assert_eq!(entries(&["a=1,b=2"]), ["a=1;", "b=2;"]);
    assert_eq!(entries(&[" a\t= 1 ;\tp ; q\t= r ,\tb=2 "]), ["a=1;p;q=r", "b=2;"]);
    assert_eq!(entries(&["a=%C3%A4%20b%2Cc%3b"]), ["a=ä b,c;;"]);
    assert_eq!(entries(&["a=x=y==,b="]), ["a=x=y==;", "b=;"]);
    assert_eq!(entries(&["a=1", "", "b=2"]), ["a=1;", "b=2;"]);
    assert_eq!(entries(&["a=100%,b=%zz,c=%ff,d=a+b"]), ["a=100%;", "b=%zz;", "c=\u{fffd};", "d=a+b;"]);
    assert_eq!(entries(&["a=ä b"]), ["a=ä b;"], "what should have been encoded is understood");
}

#[test]
fn members_that_are_not_of_the_format_are_skipped_and_the_others_count() {
    let broken = ["x", "=1", "a b=1", "ä=1", "a\u{0}=1", "c=a\u{7}", "(=1", ";p", "c=\u{fffd}"];
    for member in broken {
        assert_eq!(entries(&[&format!("before=1,{member},after=2")]), ["after=2;", "before=1;"], "{member:?}");
        assert!(entries(&[member]).is_empty());
    }
    assert_eq!(entries(&["a=1;p q;ok;=;x=\"y\";k=v;;"]), ["a=1;ok;k=v"], "the same with properties");
}

#[test]
fn of_two_members_with_one_name_the_last_counts() {
    assert_eq!(entries(&["a=1,b=2,a=3"]), ["a=3;", "b=2;"]);
    assert_eq!(entries(&["a=1", "a=3"]), ["a=3;"]);
}

#[test]
fn sixty_four_members_and_8192_bytes_are_carried_whole() {
    let members: Vec<_> = (10..74).map(|number| format!("key{number}={}", "v".repeat(121))).collect();
    let list = members.join(",");
    assert!((8100..=8192).contains(&list.len()), "{}", list.len());
    assert_eq!(entries(&[&list]).len(), 64);
    let mut found = None;
    add(&Headers::new([(HEADER, list.as_str())]), &mut found);
    let mut headers = HashMap::new();
    inject(&Context::new().with_baggage(pairs(&found.unwrap())), &mut headers);
    assert_eq!(headers[HEADER], list);
    let one = format!("key={}", "v".repeat(8192 - 5));
    assert_eq!(entries(&[&one]).len(), 1);
}

fn pairs(baggage: &Baggage) -> Vec<KeyValue> {
    baggage.iter().map(|(key, (value, _))| KeyValue::new(key.clone(), value.clone())).collect()
}

#[test]
fn what_is_more_than_fits_is_left_out_by_whole_members() {
    let many: Vec<_> = (0..5000).map(|number| format!("key{number}=v")).collect();
    assert_eq!(entries(&[&many.join(",")]).len(), 64);
    assert_eq!(entries(&many.iter().map(String::as_str).collect::<Vec<_>>()).len(), 64);
    let large = format!("large={},small=1", "v".repeat(10_000));
    assert_eq!(entries(&[&large]), ["small=1;"]);
    let huge = format!("a=1,huge={},b=2", "v".repeat(10_000_000));
    assert_eq!(entries(&[&huge]), ["a=1;"], "what stands behind is not looked at");
    assert!(entries(&[&",".repeat(1_000_000)]).is_empty());
    // Every byte of a value may take three.
    let list = sent((0..60).map(|number| KeyValueMetadata::new(format!("key{number}"), " ".repeat(100), ""))).unwrap();
    assert!((7800..=8192).contains(&list.len()) && list.split(',').all(|member| member.len() > 300), "{}", list.len());
}

#[test]
fn what_is_written_is_of_the_format_whatever_the_program_has_put_in() {
    let list = sent([
        KeyValueMetadata::new("a", "ä b,c;d=e%f+g\"h\\i\r\n\0", "p=1; bad one ;q"),
        KeyValueMetadata::new("b", "/?:@!$&'()*", "x,y=injected"),
        KeyValueMetadata::new("c", "", ""),
    ]);
    let expected = "a=%C3%A4%20b%2Cc%3Bd%3De%25f%2Bg%22h%5Ci%0D%0A%00;p=1;q,b=/?:@!$&'()*,c=";
    assert_eq!(list.as_deref(), Some(expected));
    assert_eq!(
        entries(&[expected]),
        ["a=ä b,c;d=e%f+g\"h\\i\r\n\0;p=1;q", "b=/?:@!$&'()*;", "c=;"],
        "and read again it is the same"
    );
    assert_eq!(sent([]), None);
}
