//! The whole trace of the `shapes` example, compared with `tests/snapshots/shapes.txt`.
//!
//! After a change that is meant, the file is written anew by `OTELIER_SNAPSHOTS=overwrite cargo test -p quickstart`.

use otelier::testing::capture_async;
use shop::shapes::evening;

#[test]
fn every_shape_of_code_has_its_span() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let spans = runtime.block_on(capture_async(evening()));
    spans.assert_snapshot("shapes");
}
