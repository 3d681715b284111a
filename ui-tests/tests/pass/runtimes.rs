//! Annotations above and below the attributes of a runtime and of a test harness.
#![deny(warnings, clippy::all, unused)]

use otelier::prelude::*;

#[trace(app.above = true)]
#[tokio::main(flavor = "current_thread")]
async fn above(n: u8) -> Result<u8, String> {
    tokio::task::yield_now().await;
    if n == 0 {
        return Err("none".to_owned());
    }
    Ok(n)
}

#[tokio::main(flavor = "current_thread")]
#[trace(app.above = false)]
async fn below(mut n: u8) -> Result<u8, String> {
    tokio::task::yield_now().await;
    n += 1;
    let n = n.checked_sub(2).ok_or("none")?;
    Ok(n)
}

#[test]
#[trace]
fn test_below() {}

#[trace]
#[test]
fn test_above() -> Result<(), String> {
    Ok(())
}

#[tokio::test]
#[trace]
async fn asynchronous_test_below() -> Result<(), String> {
    tokio::task::yield_now().await;
    let _: u8 = "7".parse().map_err(|_| "none".to_owned())?;
    Ok(())
}

#[trace]
#[tokio::test]
async fn asynchronous_test_above() {
    tokio::task::yield_now().await;
}

#[tokio::main(flavor = "current_thread")]
#[trace]
pub async fn main() {
    std::thread::spawn(|| {
        assert_eq!(above(1), Ok(1));
        assert!(below(0).is_err());
    })
    .join()
    .unwrap_or_default();
}
