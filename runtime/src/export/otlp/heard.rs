//! What a connection with TLS failed for, kept for those who only learn that it is closed.
//!
//! A receiver refuses a client's certificate after the handshake is over for the client. Over HTTP/2 somebody else reads the
//! connection then than the one who waits for an answer, and keeps the reason to himself.

use super::tls::Connector;
use http::Uri;
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use tower_service::Service;

type Net = <Connector as Service<Uri>>::Response;

/// Why the last connection broke, if it said so.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard(Arc<Mutex<Option<io::Error>>>);

impl Heard {
    pub(super) fn take(&self) -> Option<io::Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn set(&self, error: Option<io::Error>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = error;
    }
}

/// Connects to one endpoint with TLS, whatever it is asked for.
#[derive(Clone)]
pub(super) struct Secure {
    pub(super) connector: Connector,
    pub(super) to: Uri,
    pub(super) heard: Heard,
}

impl Service<Uri> for Secure {
    type Response = Stream;
    type Error = <Connector as Service<Uri>>::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::poll_ready(&mut self.connector, cx)
    }

    fn call(&mut self, _plain: Uri) -> Self::Future {
        let connecting = Service::call(&mut self.connector, self.to.clone());
        let heard = self.heard.clone();
        // What an earlier connection said is no reason for this one.
        heard.set(None);
        Box::pin(async move { connecting.await.map(|stream| Stream { stream, heard, failure: None }) })
    }
}

/// A connection whose errors are kept.
pub(super) struct Stream {
    stream: Net,
    heard: Heard,
    /// Writing has failed for this, which is told when reading has come to an end, too.
    failure: Option<io::Error>,
}

impl Stream {
    /// Keeps an alert of TLS; how the operating system says that it is over is known elsewhere.
    fn hear(&self, error: &io::Error) {
        if let Some(alert) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            self.heard.set(Some(io::Error::new(error.kind(), alert.clone())));
        }
    }

    /// What came of writing. Nobody reads any more once it has failed, so the failure is told when there is nothing left of
    /// what the receiver said before it hung up; it has, or writing would not fail.
    fn written<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match written {
            Poll::Ready(Err(error)) => self.failure = Some(error),
            written => return written,
        }
        self.last_words(cx)
    }

    fn last_words<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let mut bytes = [0; 1024];
        loop {
            let mut buffer = ReadBuf::new(&mut bytes);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, buffer.unfilled())) {
                Ok(()) if !buffer.filled().is_empty() => {}
                Ok(()) => break,
                Err(error) => {
                    self.hear(&error);
                    break;
                }
            }
        }
        let failure = self.failure.take();
        Poll::Ready(Err(failure.unwrap_or_else(|| io::ErrorKind::BrokenPipe.into())))
    }
}

impl Read for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let done = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
        Poll::Ready(done.inspect_err(|error| self.hear(error)))
    }
}

impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.failure.is_some() {
            return self.last_words(cx);
        }
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.failure.is_some() {
            return self.last_words(cx);
        }
        let written = Pin::new(&mut self.stream).poll_flush(cx);
        self.written(cx, written)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.failure.is_some() {
            return self.last_words(cx);
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.written(cx, written)
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        self.stream.connected()
    }
}
