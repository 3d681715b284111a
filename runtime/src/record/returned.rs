//! What is inside of a returned value.
//!
//! The macros write `(&&&&Probe(&value)).otelier_returned()` for `ret(|rows| …)` and `Probe(&value).otelier_error()` for
//! `err(|error| …)`, so that the user's code sees what it is interested in, with its own type:
//!
//! | value | returned | error |
//! |-|-|-|
//! | `Result<T, E>` | `&T` inside of `Ok` | `&E` inside of `Err` |
//! | `Poll<Result<T, E>>`, `Poll<Option<Result<T, E>>>`, `Option<Result<T, E>>` | `&T` | `&E` |
//! | `ControlFlow<Result<T, E>, C>` | `&C` inside of `Continue` | `&E` |
//! | `Option<T>`, `Poll<T>`, `Poll<Option<T>>` | `&T` | does not compile |
//! | `ControlFlow<B, C>` | `&C` inside of `Continue` | does not compile |
//! | any other `T` | `&T` | does not compile |

use super::outcome::{Fallible, Probe};
use std::ops::ControlFlow;
use std::task::Poll;

impl<'a, T: ?Sized> Probe<'a, T> {
    /// The error in the value.
    #[inline]
    pub fn otelier_error(&self) -> Option<&'a T::Error>
    where
        T: Fallible,
    {
        self.0.error()
    }
}

/// First choice: what holds a `Result`.
pub trait ReturnedFallible<'a> {
    /// What the function was called for.
    type Value;
    /// What the function was called for, if there is any.
    fn otelier_returned(&self) -> Option<&'a Self::Value>;
}

impl<'a, F: Fallible> ReturnedFallible<'a> for &&&Probe<'a, F>
where
    F::Value: 'a,
{
    type Value = F::Value;

    #[inline]
    fn otelier_returned(&self) -> Option<&'a F::Value> {
        self.0.value()
    }
}

/// Second choice: an item of a stream.
pub trait ReturnedItem<'a, T> {
    /// The item, if there is one.
    fn otelier_returned(&self) -> Option<&'a T>;
}

impl<'a, T> ReturnedItem<'a, T> for &&Probe<'a, Poll<Option<T>>> {
    #[inline]
    fn otelier_returned(&self) -> Option<&'a T> {
        match self.0 {
            Poll::Ready(Some(item)) => Some(item),
            _ => None,
        }
    }
}

/// A value with something inside, or nothing.
pub trait Wrapper {
    /// What is inside.
    type Inside;
    /// What is inside, if there is any.
    fn inside(&self) -> Option<&Self::Inside>;
}

impl<T> Wrapper for Option<T> {
    type Inside = T;

    #[inline]
    fn inside(&self) -> Option<&T> {
        self.as_ref()
    }
}

impl<T> Wrapper for Poll<T> {
    type Inside = T;

    #[inline]
    fn inside(&self) -> Option<&T> {
        match self {
            Self::Ready(value) => Some(value),
            Self::Pending => None,
        }
    }
}

impl<B, C> Wrapper for ControlFlow<B, C> {
    type Inside = C;

    #[inline]
    fn inside(&self) -> Option<&C> {
        match self {
            Self::Continue(value) => Some(value),
            Self::Break(_) => None,
        }
    }
}

/// Third choice: what may be empty.
pub trait ReturnedWrapper<'a> {
    /// What is inside.
    type Value;
    /// What is inside, if there is any.
    fn otelier_returned(&self) -> Option<&'a Self::Value>;
}

impl<'a, W: Wrapper> ReturnedWrapper<'a> for &Probe<'a, W>
where
    W::Inside: 'a,
{
    type Value = W::Inside;

    #[inline]
    fn otelier_returned(&self) -> Option<&'a W::Inside> {
        self.0.inside()
    }
}

/// Everything else.
pub trait ReturnedPlain<'a, T: ?Sized> {
    /// The value.
    fn otelier_returned(&self) -> Option<&'a T>;
}

impl<'a, T: ?Sized> ReturnedPlain<'a, T> for Probe<'a, T> {
    #[inline]
    fn otelier_returned(&self) -> Option<&'a T> {
        Some(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    macro_rules! returned {
        ($value:expr) => {
            (&&&&Probe(&$value)).otelier_returned()
        };
    }

    /// The type of the binding is known without a word about it.
    #[test]
    fn what_is_inside_has_its_own_type() {
        assert_eq!(returned!(Ok::<_, u8>(vec![1, 2])).map(|rows| rows.len()), Some(2));
        let bytes: io::Result<Vec<u8>> = Ok(vec![1, 2, 3]);
        assert_eq!(returned!(bytes).map(|rows| rows.len()), Some(3));
        assert_eq!(returned!(Some(vec![1])).map(|rows| rows.len()), Some(1));
        assert_eq!(returned!(vec![1, 2]).map(|rows| rows.len()), Some(2));
        assert_eq!(returned!(*"text").map(|text| text.len()), Some(4));
        assert_eq!(returned!("text").map(|text| text.len()), Some(4));
        assert_eq!(returned!(Poll::Ready(vec![1])).map(|rows| rows.len()), Some(1));
        assert_eq!(returned!(Poll::Ready(Some(vec![1]))).map(|rows| rows.len()), Some(1));
        assert_eq!(returned!(Poll::Ready(Ok::<_, u8>(vec![1]))).map(|rows| rows.len()), Some(1));
        assert_eq!(returned!(Poll::Ready(Some(Ok::<_, u8>(vec![1])))).map(|rows| rows.len()), Some(1));
        assert_eq!(returned!(Some(Ok::<_, u8>(vec![1]))).map(|rows| rows.len()), Some(1));
        assert_eq!(returned!(ControlFlow::<u8, _>::Continue(vec![1])).map(|rows| rows.len()), Some(1));
        assert_eq!(returned!(ControlFlow::<Result<u8, u8>, _>::Continue(vec![1])).map(|rows| rows.len()), Some(1));
        fn items() -> impl Iterator<Item = u8> + Clone {
            [1, 2, 3].into_iter()
        }
        assert_eq!(returned!(items()).map(|items| items.clone().count()), Some(3));
        let result = Ok::<_, io::Error>(items());
        assert_eq!(returned!(result).map(|items| items.clone().count()), Some(3));
        fn generic<T: AsRef<str>>(value: Result<T, u8>) -> Option<usize> {
            returned!(value).map(|text| text.as_ref().len())
        }
        assert_eq!(generic(Ok("four")), Some(4));
    }

    #[test]
    fn nothing_is_inside_of_a_failure() {
        assert_eq!(returned!(Err::<u8, _>("no")), None);
        assert_eq!(returned!(None::<u8>), None);
        assert_eq!(returned!(Poll::<u8>::Pending), None);
        assert_eq!(returned!(Poll::Ready(None::<u8>)), None);
        assert_eq!(returned!(ControlFlow::<u8, u8>::Break(1)), None);
    }

    #[test]
    fn the_error_has_its_own_type() {
        let error: Result<u8, io::Error> = Err(io::ErrorKind::TimedOut.into());
        assert_eq!((&&&&Probe(&error)).otelier_error().map(|error| error.kind()), Some(io::ErrorKind::TimedOut));
        assert_eq!(Probe(&Poll::Ready(Some(Err::<u8, _>("no")))).otelier_error().map(|error| error.len()), Some(2));
        assert_eq!(Probe(&Ok::<_, &str>(1)).otelier_error(), None);
    }
}
