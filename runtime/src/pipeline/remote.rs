//! Samplers that ask a server: a thread of their own asks, and what it learns is put in as a sampler that needs to ask nobody.

use super::shared::{Shared, State};
use crate::config::{JaegerRemote, Sampler};
use crate::diagnostics::{self, LogLevel};
use crate::export::otlp::Fetcher;
use crate::export::strategies::{self, Known, Strategy};
use crate::{clock, record};
use opentelemetry::{Context, Key};
use opentelemetry_sdk::Resource;
use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How long one answer may take, connecting included.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long the end of the pipeline waits for the thread at most, which is held up only by who listens to what it says.
const LAST_WORD: Duration = Duration::from_secs(1);

/// What the pipeline knows of the servers that its sampler asks. Its lock is taken after that of the settings.
#[derive(Debug, Default)]
pub(super) struct Remote {
    /// The name that servers are asked for.
    service: OnceLock<String>,
    followed: Mutex<Followed>,
}

/// The parts of the sampler in force that ask a server.
#[derive(Debug, Default)]
struct Followed {
    /// None twice.
    parts: Vec<Part>,
    /// Counts changes of the list, so that who asked for another one learns it.
    generation: u64,
    /// `None` if nobody is asked.
    asking: Option<Asking>,
}

#[derive(Debug)]
struct Part {
    settings: JaegerRemote,
    /// `None` before the first answer.
    known: Option<Known>,
}

/// The thread that asks, until this is dropped.
#[derive(Debug)]
struct Asking {
    stop: oneshot::Sender<()>,
    ended: mpsc::Receiver<()>,
    thread: JoinHandle<()>,
}

impl Remote {
    fn followed(&self) -> MutexGuard<'_, Followed> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the thread, and waits for it, at most until then.
    pub(super) fn stop(&self, deadline: Instant) {
        let Some(Asking { stop, ended, thread }) = self.followed().asking.take() else { return };
        drop(stop);
        let left = deadline.saturating_duration_since(Instant::now()).min(LAST_WORD);
        if ended.recv_timeout(left) == Err(RecvTimeoutError::Disconnected) {
            // If it panicked, there is nothing more to learn from it.
            let _ = thread.join();
        }
    }
}

/// Asks the servers of the sampler that the pipeline begins with.
pub(super) fn begin(shared: &Arc<Shared>, resource: &Resource) {
    let name = resource.get(&Key::from_static_str("service.name")).map(|name| name.to_string());
    let _ = shared.remote.service.set(name.unwrap_or_default());
    let settings = shared.settings();
    let mut is_remote = false;
    settings.sampler.each_remote(&mut |_| is_remote = true);
    if is_remote {
        let replaced = install(shared, &settings.sampler);
        drop(settings);
        drop(replaced);
    }
}

/// Decides by this sampler from now on. To be called with the lock of the settings. Returns what has decided before, which is not to
/// be dropped with it.
#[must_use = "a sampler of the program's own may end with it"]
pub(super) fn install(shared: &Arc<Shared>, sampler: &Sampler) -> impl Sized + use<> {
    let mut wanted: Vec<&JaegerRemote> = Vec::new();
    sampler.each_remote(&mut |remote| {
        if !wanted.contains(&remote) {
            wanted.push(remote);
        }
    });
    let mut followed = shared.remote.followed();
    let is_same = followed.parts.iter().map(|part| &part.settings).eq(wanted.iter().copied());
    if !is_same {
        // Whoever asks for the old ones ends by itself.
        followed.asking = None;
        followed.generation += 1;
        let mut before = std::mem::take(&mut followed.parts);
        let part = |settings: &JaegerRemote| {
            let known = before.iter_mut().find(|part| part.settings == *settings).and_then(|part| part.known.take());
            Part { settings: settings.clone(), known }
        };
        followed.parts = wanted.into_iter().map(part).collect();
    }
    let replaced = put_in(sampler, &followed);
    if !is_same && !followed.parts.is_empty() {
        match Asking::start(shared, &followed) {
            Ok(asking) => followed.asking = Some(asking),
            Err(error) => {
                drop(followed);
                diagnostics::tell(LogLevel::Error, "Sampling.Remote.Failed", || {
                    format!("no server is asked for sampling strategies: {error}; the initial sampler decides")
                });
            }
        }
    }
    replaced
}

/// Installs the sampler with what is known in place of what has to be asked for.
#[must_use = "a sampler of the program's own may end with it"]
fn put_in(sampler: &Sampler, followed: &Followed) -> impl Sized + use<> {
    record::set_sampler(sampler.node_with(&mut |remote| {
        let part = followed.parts.iter().find(|part| part.settings == *remote)?;
        part.known.as_ref().map(Known::node)
    }))
}

impl Asking {
    fn start(shared: &Arc<Shared>, followed: &Followed) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            // The threads on which it waits for names are ours, too.
            .on_thread_start(record::never_here)
            .build()?;
        let service = shared.remote.service.get().cloned().unwrap_or_default();
        let asker = |(number, part): (usize, &Part)| Asker {
            shared: Arc::downgrade(shared),
            service: service.clone(),
            settings: part.settings.clone(),
            generation: followed.generation,
            number,
            is_failing: false,
        };
        let askers: Vec<_> = followed.parts.iter().enumerate().map(asker).collect();
        let (stop, stopped) = oneshot::channel::<()>();
        let (ends, ended) = mpsc::channel::<()>();
        let thread = std::thread::Builder::new().name("otelier-sampling".to_owned()).spawn(move || {
            let _ends = ends;
            record::never_here();
            // What is asked is not traced, or it would be sampled.
            let _suppressed = Context::enter_telemetry_suppressed_scope();
            askers.into_iter().for_each(|asker| drop(runtime.spawn(asker.run())));
            let _ = runtime.block_on(stopped);
            // Looking a name up cannot be stopped, and is not waited for.
            runtime.shutdown_background();
        })?;
        Ok(Self { stop, ended, thread })
    }
}

/// Asks one server.
struct Asker {
    shared: Weak<Shared>,
    service: String,
    settings: JaegerRemote,
    generation: u64,
    /// Which part it asks for.
    number: usize,
    /// Whether the latest answer could not be used, which has been said.
    is_failing: bool,
}

/// Nobody wants to know any more.
struct Over;

impl Asker {
    async fn run(mut self) {
        let fetcher = match self.settings.url(&self.service).map(Fetcher::new) {
            Some(Ok(fetcher)) => fetcher,
            Some(Err(problem)) => return self.failed(&problem),
            // It was checked.
            None => return,
        };
        loop {
            let next = clock::instant_after(self.settings.interval);
            let answer = fetcher.fetch(strategies::LONGEST, TIMEOUT).await;
            match answer.and_then(|answer| strategies::read(&answer)) {
                Ok(strategy) => match self.learned(strategy) {
                    Ok(()) => {}
                    Err(Over) => return,
                },
                Err(problem) => self.failed(&problem),
            }
            tokio::time::sleep_until(next.into()).await;
        }
    }

    /// Puts a strategy in force, if it is another one.
    fn learned(&mut self, strategy: Strategy) -> Result<(), Over> {
        let changed = self.put_in(strategy)?;
        let (service, url) = (&self.service, self.settings.shown());
        if std::mem::take(&mut self.is_failing) {
            diagnostics::tell(LogLevel::Info, "Sampling.Remote.Recovered", || {
                format!("sampling strategies for `{service}` come from {url} again")
            });
        }
        if let Some(changed) = changed {
            diagnostics::tell(LogLevel::Info, "Sampling.Remote.Changed", || {
                format!("the sampling strategy for `{service}` from {url} is {changed}")
            });
        }
        Ok(())
    }

    /// What has changed, if something has.
    fn put_in(&self, strategy: Strategy) -> Result<Option<String>, Over> {
        let shared = self.shared.upgrade().filter(|shared| shared.is_here()).ok_or(Over)?;
        // Held until the sampler is there; the end of the pipeline waits for it before another can start.
        let settings = shared.settings();
        let mut followed = shared.remote.followed();
        if shared.state() != State::Running || followed.generation != self.generation {
            return Err(Over);
        }
        let part = followed.parts.get_mut(self.number).ok_or(Over)?;
        let before = part.known.as_ref();
        if before.is_some_and(|before| before.strategy == strategy) {
            return Ok(None);
        }
        let changed = strategy.after(before.map(|before| &before.strategy));
        part.known = Some(Known::new(strategy, before));
        let replaced = put_in(&settings.sampler, &followed);
        drop((followed, settings));
        drop(replaced);
        Ok(Some(changed))
    }

    fn failed(&mut self, problem: &str) {
        if std::mem::replace(&mut self.is_failing, true) {
            return;
        }
        let service = &self.service;
        diagnostics::tell(LogLevel::Warn, "Sampling.Remote.Failed", || {
            format!("no sampling strategy for `{service}`, so what decided before goes on: {problem}")
        });
    }
}
