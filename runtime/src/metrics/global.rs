//! The pipeline's meter provider as OpenTelemetry's global one.

use super::Provider;
use crate::record::forks;
use opentelemetry::global;
use opentelemetry::metrics::{MeterProvider, NoopMeterProvider};
use std::fmt;
use std::sync::{Arc, Weak, mpsc};
use std::time::Duration;

/// The pipeline's provider in its place as the global one.
pub(crate) struct Installed(Weak<dyn MeterProvider + Send + Sync>);

impl fmt::Debug for Installed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Installed")
    }
}

impl Installed {
    /// Makes the provider the global one; `None` if that is impossible, in the child of a fork whose parent was just
    /// setting one.
    pub(crate) fn install(provider: Provider) -> Option<Self> {
        if forks() == 0 {
            let _before = set(provider);
            return Some(Self(Arc::downgrade(&global::meter_provider())));
        }
        // A thread that the child does not have may hold OpenTelemetry's lock for ever.
        let (done, is_done) = mpsc::channel();
        std::thread::spawn(move || {
            // The exporter of the parent's provider may wait for a thread that the child does not have, too.
            std::mem::forget(set(provider));
            let _ = done.send(Self(Arc::downgrade(&global::meter_provider())));
        });
        is_done.recv_timeout(Duration::from_secs(1)).ok()
    }

    /// Puts a provider that does nothing in its place, unless somebody has set another one since.
    pub(crate) fn uninstall(self) {
        if std::ptr::addr_eq(self.0.as_ptr(), Arc::as_ptr(&global::meter_provider())) {
            let _before = set(NoopMeterProvider::new());
        }
    }
}

/// Sets the global provider: the one before, whose end is not to come under OpenTelemetry's lock.
fn set(provider: impl MeterProvider + Send + Sync + 'static) -> Arc<dyn MeterProvider + Send + Sync> {
    let before = global::meter_provider();
    global::set_meter_provider(provider);
    before
}
