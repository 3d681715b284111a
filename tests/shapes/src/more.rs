//! Methods, parameters and returns of every kind.

use super::{block_on, pause};
use std::collections::HashMap;
use std::fmt::{Debug, Display};
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
type LocalBoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

pub(crate) fn run(number: u64) {
    let account = Account { owner: "acme".to_owned(), balance: number };
    println!("{} {}", account.owner(), account.clone().richer(2).balance);
    println!("{:?} {:?}", Box::new(account.clone()).boxed(), Rc::new(account.clone()).counted());
    println!("{:?}", Arc::new(account.clone()).shared());
    let mut changed = account.clone();
    println!("{:?}", Pin::new(&mut changed).pinned(3));
    println!("{:?}", block_on(changed.settle(&account)));
    println!("{:?}", block_on(account.clone().consume()));
    println!("{}", account);
    println!("{:?}", block_on(account.fetch(number)));
    println!("{:?}", block_on(account.fetch_locally("x")));
    println!("{:?}", Account::default_of::<u8>(7).ok());
    println!("{:?}", block_on(account.load(number)));
    println!("{}", account.describe());
    println!("{:?}", sum_of([number, 2, 3]));
    println!("{:?}", longest("a", "bc"));
    println!("{:?}", applied(|value| value + number, 1));
    println!("{:?}", evens(number).collect::<Vec<_>>());
    println!("{:?}", impl_argument(&[number]));
    println!("{:?}", patterns((1, number), [1, 2], 7));
    println!("{:?}", block_on(patterns_later((1, number), [1, 2])));
    println!("{:?}", block_on(reassigned(number, "abc")));
    println!("{:?}", block_on(kept_plain("a".to_owned(), vec![number], "b")));
    println!("{:?}", block_on(kept_patterns((number, 2), "a".to_owned(), 1, vec![number])));
    println!("{:?}", returned_closure(number)(3));
    println!("{:?}", labels(number));
    println!("{:?}", let_else(Some(number)));
    println!("{:?}", let_else(None));
    println!("{:?}", factorial(number));
    println!("{:?}", block_on(factorial_later(number)));
    println!("{:?}", block_on(counted(number)));
    println!("{:?}", nested(number));
    println!("{:?}", raw(number));
    println!("{:?}", flow(number));
    println!("{:?}", word(&HashMap::from([(number, "seven".to_owned())]), 7));
    println!("{:?}", block_on(closures(vec![number])));
}

#[derive(Clone, Debug)]
struct Account {
    owner: String,
    balance: u64,
}

impl Account {
    #[cfg_attr(feature = "annotated", otelier::trace)]
    fn owner(&self) -> &str {
        &self.owner
    }

    #[cfg_attr(feature = "annotated", otelier::trace(app.balance = self.balance))]
    fn richer(mut self, by: u64) -> Self {
        if by > 100 {
            return self;
        }
        self.balance += by;
        self
    }

    #[cfg_attr(feature = "annotated", otelier::trace(app.balance = self.balance))]
    #[allow(clippy::boxed_local)]
    fn boxed(self: Box<Self>) -> Option<u64> {
        self.balance.checked_sub(2)
    }

    #[cfg_attr(feature = "annotated", otelier::trace)]
    fn counted(self: Rc<Self>) -> usize {
        Rc::strong_count(&self)
    }

    #[cfg_attr(feature = "annotated", otelier::trace)]
    fn shared(self: Arc<Self>) -> Result<u64, String> {
        if self.balance > 5 {
            return Err("too rich".to_owned());
        }
        Ok(self.balance)
    }

    #[cfg_attr(feature = "annotated", otelier::trace(app.balance = self.balance))]
    fn pinned(mut self: Pin<&mut Self>, by: u64) -> u64 {
        self.balance += by;
        self.balance
    }

    #[cfg_attr(feature = "annotated", otelier::trace)]
    async fn settle(&mut self, other: &Self) -> Result<u64, String> {
        pause().await;
        self.balance = self.balance.checked_sub(other.balance).ok_or_else(|| "too little".to_owned())?;
        Ok(self.balance)
    }

    #[cfg_attr(feature = "annotated", otelier::trace)]
    async fn consume(self) -> String {
        pause().await;
        self.owner
    }

    #[cfg_attr(feature = "annotated", otelier::trace)]
    fn fetch(&self, number: u64) -> BoxFuture<'_, Result<u64, String>> {
        Box::pin(async move {
            pause().await;
            let rest = self.balance.checked_sub(number).ok_or("too little")?;
            Ok(rest)
        })
    }

    #[cfg_attr(feature = "annotated", otelier::trace(future))]
    fn fetch_locally<'a>(&'a self, text: &'a str) -> LocalBoxFuture<'a, String> {
        let text = text.to_owned();
        let future = async move {
            pause().await;
            format!("{text} {}", self.owner)
        };
        Box::pin(future)
    }

    #[cfg_attr(feature = "annotated", otelier::trace)]
    fn default_of<T>(number: u8) -> Result<T, <T as TryFrom<u8>>::Error>
    where
        T: TryFrom<u8>,
    {
        let value = T::try_from(number)?;
        Ok(value)
    }
}

impl Display for Account {
    #[cfg_attr(feature = "annotated", otelier::trace)]
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.owner)?;
        if self.balance > 5 {
            write!(f, "!")?;
        }
        Ok(())
    }
}

trait Load {
    fn load(&self, number: u64) -> impl Future<Output = Option<u64>> + Send;

    #[cfg_attr(feature = "annotated", otelier::trace)]
    fn describe(&self) -> String {
        "nothing to say".to_owned()
    }
}

#[cfg_attr(feature = "annotated", otelier::trace)]
impl Load for Account {
    async fn load(&self, number: u64) -> Option<u64> {
        let rest = self.balance.checked_sub(number)?;
        pause().await;
        Some(rest)
    }
}

#[cfg_attr(feature = "annotated", otelier::trace)]
fn sum_of<const N: usize>(numbers: [u64; N]) -> u64 {
    numbers.iter().sum()
}

#[cfg_attr(feature = "annotated", otelier::trace)]
fn longest<'a>(first: &'a str, second: &'a str) -> &'a str {
    if first.len() > second.len() {
        return first;
    }
    second
}

#[cfg_attr(feature = "annotated", otelier::trace)]
fn applied<F>(f: F, number: u64) -> u64
where
    F: for<'a> Fn(&'a u64) -> u64,
{
    f(&number)
}

#[cfg_attr(feature = "annotated", otelier::trace)]
fn evens(number: u64) -> impl Iterator<Item = u64> {
    (0..number).filter(|value| value % 2 == 0)
}

#[cfg_attr(feature = "annotated", otelier::trace)]
fn impl_argument(values: &[impl Debug + Clone]) -> Result<String, String> {
    let first = values.first().ok_or("none")?;
    Ok(format!("{first:?}"))
}

#[cfg_attr(feature = "annotated", otelier::trace(app.left = left))]
fn patterns((left, right): (u64, u64), [first, ..]: [u64; 2], _: u64) -> u64 {
    left + right + first
}

/// Patterns, `_` and what is not there in this configuration.
#[cfg_attr(feature = "annotated", otelier::trace(app.left = left))]
async fn patterns_later(
    (left, mut right): (u64, u64),
    [first, _]: [u64; 2],
    #[cfg(any())] absent: Absent,
) -> Result<u64, String> {
    pause().await;
    right += 1;
    if right == 3 {
        return Err("three".to_owned());
    }
    Ok(left + right + first)
}

/// These stay asynchronous, for the sake of the attribute.
#[must_use = "it is only counted"]
#[cfg_attr(feature = "annotated", otelier::trace(app.text = text))]
async fn kept_plain(text: String, values: Vec<u64>, borrowed: &str) -> usize {
    pause().await;
    if borrowed.is_empty() {
        return 0;
    }
    text.len() + values.len()
}

#[must_use = "it is only counted"]
#[cfg_attr(feature = "annotated", otelier::trace)]
async fn kept_patterns((left, _): (u64, u64), mut text: String, _: u64, values: Vec<u64>) -> Result<u64, String> {
    pause().await;
    text.push('x');
    if left == 2 {
        return Err(text);
    }
    Ok(left + values.iter().sum::<u64>())
}

#[cfg_attr(feature = "annotated", otelier::trace)]
fn returned_closure(number: u64) -> impl Fn(u64) -> Option<u64> {
    let limit = if number > 5 { 5 } else { number };
    move |value| value.checked_sub(limit)
}

#[cfg_attr(feature = "annotated", otelier::trace)]
async fn reassigned(mut number: u64, mut text: &str) -> usize {
    let other = number.to_string();
    if number > 5 {
        text = &other;
    }
    number += 1;
    pause().await;
    text.len() + other.len() + usize::from(number > 7)
}

#[cfg_attr(feature = "annotated", otelier::trace)]
fn labels(number: u64) -> Option<u64> {
    let found = 'search: {
        for outer in 0..number {
            if outer == 5 {
                break 'search outer;
            }
        }
        return None;
    };
    let mut steps = 0;
    'outer: while steps < 100 {
        for step in 0..number {
            if step > 3 {
                break 'outer;
            }
            steps += found;
        }
    }
    Some(steps)
}

#[cfg_attr(feature = "annotated", otelier::trace)]
fn let_else(number: Option<u64>) -> u64 {
    let Some(number) = number else {
        return 0;
    };
    number
}

#[cfg_attr(feature = "annotated", otelier::trace)]
fn factorial(number: u64) -> u64 {
    if number == 0 { 1 } else { number * factorial(number - 1) }
}

#[cfg_attr(feature = "annotated", otelier::trace)]
async fn factorial_later(number: u64) -> u64 {
    if number == 0 { 1 } else { number * Box::pin(factorial_later(number - 1)).await }
}

#[cfg_attr(feature = "annotated", otelier::trace)]
fn counted(number: u64) -> BoxFuture<'static, u64> {
    Box::pin(async move { if number == 0 { 1 } else { counted(number - 1).await } })
}

#[cfg_attr(feature = "annotated", otelier::trace)]
fn nested(number: u64) -> Result<u64, String> {
    struct Inner(u64);
    impl Inner {
        fn value(&self) -> Result<u64, String> {
            if self.0 > 5 {
                return Err("too many".to_owned());
            }
            Ok(self.0)
        }
    }
    fn inner(number: u64) -> Inner {
        Inner(number)
    }
    inner(number).value()
}

#[cfg_attr(feature = "annotated", otelier::trace(app.r#type = r#type))]
fn raw(r#type: u64) -> u64 {
    let r#match = r#type + 1;
    if r#match > 7 {
        return 0;
    }
    r#match
}

#[cfg_attr(feature = "annotated", otelier::trace)]
fn flow(number: u64) -> ControlFlow<u64, ()> {
    for value in 0..number {
        if value > 4 {
            return ControlFlow::Break(value);
        }
    }
    ControlFlow::Continue(())
}

#[cfg_attr(feature = "annotated", otelier::trace)]
fn word(words: &HashMap<u64, String>, number: u64) -> Option<&str> {
    let word = words.get(&number)?;
    let shorter = |text: &'static str| text.len() < word.len();
    if shorter("x") {
        return Some(word);
    }
    None
}

#[cfg_attr(feature = "annotated", otelier::trace)]
async fn closures(mut values: Vec<u64>) -> Vec<u64> {
    let mut push = |value| values.push(value);
    push(1);
    pause().await;
    values.retain(|value| *value != 2);
    values
}
