//! Signatures and bodies of every kind.
#![deny(warnings, clippy::all, unused)]

use otelier::prelude::*;
use std::collections::HashMap;
use std::fmt::{self, Debug, Display};
use std::ops::ControlFlow;
use std::task::Poll;

/// Documented, and the text stays.
#[trace]
#[must_use]
#[inline]
#[deprecated = "only to see that it stays"]
pub fn documented() -> u8 {
    1
}

#[trace]
#[doc(hidden)]
#[cold]
#[track_caller]
pub fn with_attributes_below() -> u32 {
    std::panic::Location::caller().line()
}

#[trace]
unsafe fn dangerous(pointer: *const u8) -> u8 {
    // SAFETY: the caller's.
    unsafe { *pointer }
}

#[trace(app.n = n)]
unsafe extern "C" fn called_by_c(n: u8) -> u8 {
    n
}

#[trace]
#[unsafe(no_mangle)]
pub extern "C" fn otelier_exported(n: u8) -> u8 {
    n + 1
}

#[unsafe(no_mangle)]
#[trace]
pub extern "C" fn otelier_exported_below(n: u8) -> u8 {
    n + 1
}

#[trace]
async unsafe fn dangerous_later(n: u8) -> u8 {
    n
}

#[trace]
fn higher_ranked<F>(f: F, g: impl for<'a> Fn(&'a str) -> &'a str, h: &dyn Fn(&u8) -> u8) -> usize
where
    F: for<'a> Fn(&'a [u8]) -> Option<&'a u8>,
{
    f(&[1]).map_or(0, |first| usize::from(h(first))) + g("x").len()
}

struct Borrowed<'a>(&'a str);

#[trace]
fn hidden_lifetime(borrowed: &Borrowed<'_>) -> Borrowed<'static> {
    let _ = borrowed.0;
    Borrowed("x")
}

#[trace]
async fn hidden_lifetime_later(borrowed: Borrowed<'_>, f: &mut fmt::Formatter<'_>) -> Result<usize, fmt::Error> {
    std::future::ready(()).await;
    f.write_str(borrowed.0)?;
    Ok(borrowed.0.len())
}

#[trace]
async fn two_lifetimes<'a, 'b: 'a>(first: &'a str, second: &'b str) -> &'a str {
    std::future::ready(()).await;
    if first.is_empty() {
        return second;
    }
    first
}

#[trace]
async fn returns_impl(n: u8) -> Result<impl Iterator<Item = u8> + Send, String> {
    if n == 0 {
        return Err("none".to_owned());
    }
    Ok(0..n)
}

#[trace]
async fn takes_impl(values: impl IntoIterator<Item = impl Display + Send> + Send) -> String {
    let mut text = String::new();
    for value in values {
        text += &value.to_string();
    }
    text
}

#[trace]
async fn takes_a_closure<F, T>(f: F) -> T::Owned
where
    F: AsyncFn(u8) -> T,
    T: ToOwned,
{
    f(1).await.to_owned()
}

#[trace]
fn constants<const N: usize, const FLAG: bool>(values: [u8; N]) -> [[u8; N]; 2] {
    if FLAG { [values; 2] } else { [[0; N]; 2] }
}

#[trace]
async fn constants_later<const N: usize>(values: [u8; N]) -> [u8; 1 + 1] {
    [values[0]; 2]
}

#[trace]
fn recursive(n: u64) -> u64 {
    if n < 2 { n } else { recursive(n - 1) + recursive(n - 2) }
}

#[trace]
async fn recursive_later(n: u64) -> u64 {
    if n == 0 {
        return 0;
    }
    Box::pin(recursive_later(n - 1)).await + 1
}

struct Point {
    x: i32,
    y: i32,
}

#[trace(app.x = x)]
fn patterns(Point { x, y: ref upright }: Point, &(mut a, b): &(i32, i32), [first, rest @ ..]: [i32; 3], _: u8) -> i32 {
    a += b;
    a + x + upright + first + rest[0]
}

#[trace(app.x = x)]
async fn patterns_later(Point { x, y }: Point, &(mut a, b): &(i32, i32), whole @ [first, ..]: [i32; 3], _: String) -> i32 {
    std::future::ready(()).await;
    a += b;
    a + x + y + first + whole[1]
}

#[trace]
fn absent(n: u8, #[cfg(any())] absent: Absent, #[cfg(all())] mut present: u8) -> u8 {
    present += n;
    present
}

#[trace(app.n = n)]
#[cfg(all())]
async fn absent_later(#[cfg(any())] absent: Absent, #[allow(unused_mut)] mut n: u8, #[cfg(all())] mut present: u8) -> u8 {
    present += n;
    std::future::ready(()).await;
    present
}

#[trace]
async fn reassigned<'a>(mut text: &'a str, mut numbers: Vec<u8>, other: &'a String) -> Result<&'a str, String> {
    while let Some(number) = numbers.pop() {
        std::future::ready(()).await;
        if number == 3 {
            text = other;
        }
    }
    numbers = vec![1];
    if numbers.len() > 1 { Err("two".to_owned()) } else { Ok(text) }
}

#[trace(app.r#type = r#type)]
fn r#match(r#type: u8) -> Option<u8> {
    let r#loop = r#type.checked_add(1)?;
    Some(r#loop)
}

#[trace]
fn labels(n: u8) -> Result<u8, String> {
    let sum = 'sum: {
        let mut sum = 0u8;
        'outer: for left in 0..n {
            for right in 0..n {
                if left == 5 {
                    break 'outer;
                }
                if right == 5 {
                    continue 'outer;
                }
                sum = match sum.checked_add(right) {
                    Some(sum) => sum,
                    None => break 'sum Err("too many".to_owned()),
                };
            }
        }
        Ok(sum)
    }?;
    let value = loop {
        break sum;
    };
    Ok(value)
}

#[trace]
async fn let_else(value: Option<&str>) -> Result<usize, String> {
    let Some(text) = value else {
        return Err("none".to_owned());
    };
    if let Some(first) = text.chars().next()
        && first == 'x'
    {
        return Ok(1);
    }
    Ok(text.len())
}

#[trace]
fn closures<'a>(values: &'a [String], words: &'a mut HashMap<String, u8>) -> impl Fn(usize) -> Option<&'a str> + 'a {
    let mut count = |word: &str| *words.entry(word.to_owned()).or_default() += 1;
    values.iter().for_each(|value| count(value));
    move |at| values.get(at).map(|value| value.as_str())
}

#[trace]
async fn returns_a_closure_later(n: u8) -> impl Fn(&str) -> Option<u8> {
    std::future::ready(()).await;
    move |text: &str| text.len().try_into().ok().filter(|length| *length > n)
}

#[trace]
fn polls(n: u8) -> Poll<Option<Result<u8, String>>> {
    if n == 0 {
        return Poll::Pending;
    }
    Poll::Ready(Some(Ok(n)))
}

#[trace]
fn flows(n: u8) -> ControlFlow<String, u8> {
    if n == 0 {
        return ControlFlow::Break("none".to_owned());
    }
    ControlFlow::Continue(n)
}

#[trace]
async fn never() -> ! {
    std::process::exit(0)
}

#[trace]
fn diverges(n: u8) -> Result<std::convert::Infallible, String> {
    loop {
        if n == 1 {
            return Err("one".to_owned());
        }
    }
}

#[trace]
fn items(n: u8) -> impl Debug {
    use std::num::NonZero;
    const LIMIT: u8 = 3;
    static NAME: &str = "name";
    #[derive(Debug)]
    struct Inner(#[allow(dead_code)] Option<NonZero<u8>>, #[allow(dead_code)] &'static str);
    enum Kind {
        Large,
        Small,
    }
    impl Kind {
        fn of(n: u8) -> Self {
            if n > LIMIT {
                return Self::Large;
            }
            Self::Small
        }
    }
    macro_rules! inner {
        ($n:expr) => {
            Inner(NonZero::new($n), NAME)
        };
    }
    match Kind::of(n) {
        Kind::Large => inner!(n),
        Kind::Small => inner!(0),
    }
}

/// Names of the standard library that mean something else here.
mod shadowed {
    #![allow(dead_code, non_camel_case_types, unused_macros)]
    use otelier::{trace, trace_block};

    pub mod std {}
    pub mod core {}
    pub mod alloc {}
    pub struct Option;
    pub struct Result;
    pub struct Box;
    pub struct String;
    pub struct Some;
    pub struct Ok;
    pub struct Err;
    pub struct Guard;
    pub trait Future {}
    pub trait Drop {}
    pub trait Send {}
    pub fn drop() {}
    macro_rules! panic {
        () => {};
    }
    macro_rules! unreachable {
        () => {};
    }

    #[trace(app.n = n)]
    pub fn synchronous(n: u8) -> ::core::result::Result<u8, u8> {
        if n == 0 {
            return ::core::result::Result::Err(1);
        }
        ::core::result::Result::Ok(n)
    }

    #[trace(app.n = n)]
    pub async fn asynchronous(n: u8) -> ::core::option::Option<u8> {
        if n == 0 {
            return ::core::option::Option::None;
        }
        ::core::option::Option::Some(n)
    }

    #[trace(future)]
    pub fn boxed(n: u8) -> ::core::pin::Pin<::std::boxed::Box<dyn ::core::future::Future<Output = u8>>> {
        ::std::boxed::Box::pin(asynchronous_number(n))
    }

    #[trace]
    async fn asynchronous_number(n: u8) -> u8 {
        trace_block!(name = "inside", { n })
    }
}

macro_rules! every_fragment {
    (
        $(#[$meta:meta])* $vis:vis $name:ident $lifetime:lifetime $type:ty, $pattern:pat, $expression:expr, $literal:literal,
        $path:path, $block:block, $body:tt $item:item
    ) => {
        $(#[$meta])*
        #[trace(app.value = $expression, app.literal = $literal, app.path = ?$path)]
        $vis fn $name<$lifetime>(value: &$lifetime $type, $pattern: (u8, u8)) -> &$lifetime $type {
            let _: u8 = $block;
            let _: u8 = $body;
            value
        }

        #[trace]
        $item

        $(#[$meta])*
        #[trace(app.value = $expression)]
        $vis async fn later<$lifetime>(value: &$lifetime $type, $pattern: (u8, u8)) -> Result<&$lifetime $type, String> {
            std::future::ready(()).await;
            Ok(value)
        }
    };
}

mod fragments {
    use otelier::prelude::*;

    every_fragment! {
        /// Documented.
        pub(crate) fragments 'a Vec<u8>, (_left, _), 1 + 2, "text", u8::MAX, { 3 }, { 4 }
        pub(crate) fn item(n: u8) -> Option<u8> { let n = n.checked_sub(1)?; Some(n) }
    }
}

macro_rules! whole_body {
    ($name:ident $body:block) => {
        #[trace]
        fn $name() -> Result<u8, std::num::ParseIntError> $body

        mod $name {
            use otelier::prelude::*;
            #[trace]
            pub(super) async fn later() -> Result<u8, std::num::ParseIntError> $body
        }
    };
}
whole_body!(body { let n = "3".parse()?; Ok(n) });

fn main() {
    #[expect(deprecated)]
    let _ = documented();
    assert_eq!(with_attributes_below(), line!());
    // SAFETY: the pointer is that of a reference.
    let _ = unsafe { dangerous(&1) };
    // SAFETY: nothing is asked for.
    let _ = unsafe { called_by_c(1) };
    let _ = (otelier_exported(1), otelier_exported_below(1));
    // SAFETY: nothing is asked for.
    drop(unsafe { dangerous_later(1) });
    higher_ranked(|values| values.first(), |text| text, &|n| *n);
    hidden_lifetime(&Borrowed("x"));
    let _ = hidden_lifetime_later;
    drop(two_lifetimes("a", "b"));
    drop((returns_impl(1), takes_impl([1, 2]), constants_later([1])));
    drop(takes_a_closure(async |_| "x"));
    constants::<1, true>([1]);
    recursive(2);
    drop(recursive_later(2));
    patterns(Point { x: 1, y: 2 }, &(1, 2), [1, 2, 3], 4);
    drop(patterns_later(Point { x: 1, y: 2 }, &(1, 2), [1, 2, 3], String::new()));
    absent(1, 2);
    drop(absent_later(1, 2));
    drop(reassigned("x", vec![3], &String::new()));
    let _ = (r#match(1), labels(3), polls(1), flows(1), diverges(1), items(1));
    drop(let_else(None));
    assert_eq!(closures(&["x".to_owned()], &mut HashMap::new())(0), Some("x"));
    drop((never(), returns_a_closure_later(1)));
    let _ = shadowed::synchronous(1);
    drop((shadowed::asynchronous(1), shadowed::boxed(1)));
    fragments::fragments(&vec![1], (1, 2));
    drop(fragments::later(&vec![1], (1, 2)));
    let _ = fragments::item(1);
    let _ = body();
    drop(body::later());
}
