//! Spans of `tracing` where one subscriber is the default of the whole process, as in a program: `tracing` comes back into
//! itself from the code of a value, and spans are closed on any thread.

mod reentrant;
mod stress;
mod threads;

use std::sync::Once;
use tracing_subscriber::layer::SubscriberExt;

/// Makes the layer the default of the process.
fn everywhere() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let layer = otelier::tracing::layer().with_location(false).with_target(false);
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).expect("nobody was first");
    });
}
