//! Methods with every receiver, of every kind of block, by hand and by `async-trait`.
#![deny(warnings, clippy::all, unused)]
#![forbid(unsafe_code)]

use otelier::prelude::*;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
type LocalBoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

#[derive(Clone)]
pub struct Pool<'a, T, const N: usize> {
    name: &'a str,
    values: [T; N],
}

/// Documented.
#[trace(app.pool = self.name)]
impl<'a, T: Clone + Send + Sync + 'a, const N: usize> Pool<'a, T, N> {
    const SIZE: usize = N;

    #[trace(skip)]
    pub fn new(name: &'a str, values: [T; N]) -> Self {
        Self { name, values }
    }

    #[must_use]
    pub const fn size() -> usize {
        Self::SIZE
    }

    fn by_value(self) -> [T; N] {
        self.values
    }

    fn by_mutable_value(mut self, value: T) -> Self {
        self.values[0] = value;
        self
    }

    fn by_reference(&self) -> &T {
        &self.values[0]
    }

    fn by_reference_for(&'a self) -> &'a str {
        self.name
    }

    fn by_mutable_reference(&mut self) -> Option<&mut T> {
        let first = self.values.first_mut()?;
        Some(first)
    }

    #[allow(clippy::boxed_local)]
    fn by_box(self: Box<Self>) -> usize {
        self.values.len()
    }

    fn by_rc(self: Rc<Self>) -> Rc<Self> {
        self
    }

    fn by_arc(self: Arc<Self>) -> Result<Arc<Self>, String> {
        if self.values.is_empty() {
            return Err("empty".to_owned());
        }
        Ok(self)
    }

    fn by_pin(self: Pin<&mut Self>) -> usize {
        self.values.len()
    }

    async fn later(self: Arc<Self>) -> Option<T> {
        let first = self.values.first()?;
        std::future::ready(()).await;
        Some(first.clone())
    }

    async fn later_mutably(&mut self, value: T) -> &mut T {
        self.values[0] = value;
        std::future::ready(()).await;
        &mut self.values[0]
    }

    fn boxed<'b>(&'b self, more: &'b str) -> BoxFuture<'b, Result<usize, String>> {
        Box::pin(async move {
            let length = self.name.len() + more.len();
            if length == 0 {
                return Err("none".to_owned());
            }
            Ok(length)
        })
    }

    #[trace(future)]
    fn boxed_elsewhere(&self) -> LocalBoxFuture<'_, usize> {
        let future = async move { self.name.len() };
        Box::pin(future)
    }
}

trait Store {
    const NAME: &'static str;
    type Row;

    fn load(&self, id: u64) -> impl Future<Output = Result<Self::Row, String>> + Send;

    #[trace(app.id = id)]
    fn save(&mut self, id: u64) -> Result<(), String> {
        if id == 0 {
            Err(Self::NAME.to_owned())
        } else {
            Ok(())
        }
    }
}

#[trace]
impl Store for u8 {
    const NAME: &'static str = "u8";
    type Row = u8;

    async fn load(&self, id: u64) -> Result<u8, String> {
        std::future::ready(()).await;
        let id = u8::try_from(id).map_err(|error| error.to_string())?;
        Ok(id + *self)
    }
}

#[trace]
trait Describe {
    fn name(&self) -> String;

    fn describe(&self) -> String {
        format!("the {}", self.name())
    }

    async fn describe_later(&self) -> String
    where
        Self: Sync,
    {
        std::future::ready(()).await;
        self.describe()
    }
}

impl Describe for u8 {
    #[trace]
    fn name(&self) -> String {
        "number".to_owned()
    }
}

/// Attributes of both kinds, in both orders.
mod by_async_trait {
    use otelier::prelude::*;

    #[async_trait::async_trait]
    pub trait Load {
        async fn load(&self, id: u64) -> Result<u64, String>;

        #[trace]
        async fn twice(&self, mut id: u64) -> u64 {
            id *= 2;
            self.load(id).await.unwrap_or_default()
        }
    }

    pub struct Above;
    pub struct Below;
    pub struct Methods;

    #[trace(app.above = true)]
    #[async_trait::async_trait]
    impl Load for Above {
        async fn load(&self, id: u64) -> Result<u64, String> {
            std::future::ready(()).await;
            if id == 0 {
                return Err("none".to_owned());
            }
            Ok(id)
        }
    }

    #[async_trait::async_trait]
    #[trace(app.above = false)]
    impl Load for Below {
        async fn load(&self, mut id: u64) -> Result<u64, String> {
            std::future::ready(()).await;
            id += 1;
            let id = u64::from(u8::try_from(id).map_err(|error| error.to_string())?);
            Ok(id)
        }
    }

    #[async_trait::async_trait]
    impl Load for Methods {
        #[trace(app.id = id)]
        async fn load(&self, id: u64) -> Result<u64, String> {
            Ok(id)
        }

        #[trace(app.id = id)]
        async fn twice(&self, id: u64) -> u64 {
            let other: Box<dyn Load + Send + Sync> = Box::new(Above);
            other.load(id).await.unwrap_or_default()
        }
    }

    #[async_trait::async_trait(?Send)]
    #[trace]
    pub trait Local {
        async fn local<T>(&mut self, value: T, (left, _): (u8, u8)) -> T
        where
            T: Clone + 'static,
        {
            let kept = std::rc::Rc::new(value);
            std::future::ready(left).await;
            T::clone(&kept)
        }
    }

    impl Local for Above {}
}

fn needs_send<F: Future + Send>(future: F) -> F {
    future
}

pub fn main() {
    use by_async_trait::{Above, Below, Load, Local, Methods};
    let mut pool = Pool::new("pool", [1, 2]);
    assert_eq!(Pool::<u8, 2>::size(), 2);
    let _ = (pool.clone().by_value(), pool.clone().by_mutable_value(3), pool.by_reference(), pool.by_reference_for());
    let _ = pool.by_mutable_reference();
    let (boxed, rc, arc) = (Box::new(pool.clone()), Rc::new(pool.clone()), Arc::new(pool.clone()));
    let _ = (boxed.by_box(), rc.by_rc(), Arc::clone(&arc).by_arc());
    Pin::new(&mut pool).by_pin();
    drop(needs_send(arc.later()));
    drop(needs_send(pool.later_mutably(3)));
    drop(needs_send(pool.boxed("x")));
    drop(pool.boxed_elsewhere());
    drop(needs_send(1u8.load(2)));
    let _ = 1u8.save(0);
    drop(needs_send(1u8.describe_later()));
    drop(needs_send(Above.load(1)));
    drop(needs_send(Below.twice(1)));
    drop(needs_send(Methods.load(1)));
    drop(needs_send(Methods.twice(1)));
    drop(Above.local(1, (2, 3)));
}
