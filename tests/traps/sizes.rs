//! What an annotation adds to the size of a future.

use std::mem::size_of_val;

/// A function that hands its argument on to the next one, and awaits that.
macro_rules! level {
    ($name:ident { $(#[$attribute:meta])* }) => {
        $(#[$attribute])*
        pub(super) async fn $name(argument: [u8; 64]) -> u64 {
            std::future::ready(()).await;
            u64::from(argument[0])
        }
    };
    ($name:ident => $next:ident { $(#[$attribute:meta])* }) => {
        $(#[$attribute])*
        pub(super) async fn $name(argument: [u8; 64]) -> u64 {
            $next(argument).await + 1
        }
    };
}

/// Nine of them.
macro_rules! nine {
    ($module:ident $attributes:tt) => {
        mod $module {
            level! { last $attributes }
            level! { eighth => last $attributes }
            level! { seventh => eighth $attributes }
            level! { sixth => seventh $attributes }
            level! { fifth => sixth $attributes }
            level! { fourth => fifth $attributes }
            level! { third => fourth $attributes }
            level! { second => third $attributes }
            level! { first => second $attributes }
        }
    };
}

nine! { plain {} }
nine! { desugared { #[otelier::trace] } }
// An attribute that another macro may stand behind keeps the `async fn`.
nine! { kept { #[otelier::trace] #[must_use] } }

/// Both sizes, and how many hundredths the second is of the first.
fn of(plain: usize, traced: usize) -> usize {
    let hundredths = traced * 100 / plain;
    println!("plain {plain} bytes, annotated {traced} bytes: {hundredths} %");
    hundredths
}

#[test]
fn nine_annotated_futures_inside_of_each_other_are_a_third_larger_at_most() {
    let plain = plain::first([0; 64]);
    let traced = desugared::first([0; 64]);
    assert!(of(size_of_val(&plain), size_of_val(&traced)) <= 135);
}

#[test]
fn futures_of_functions_that_stay_asynchronous_are_less_than_two_and_a_third_times_as_large() {
    let plain = plain::first([0; 64]);
    let traced = kept::first([0; 64]);
    assert!(of(size_of_val(&plain), size_of_val(&traced)) <= 230);
}
