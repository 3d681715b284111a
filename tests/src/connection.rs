//! A connection that can be reset, cut off and slowed down in the middle of an answer.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// What is to happen to one connection, said by who answers on it.
#[derive(Debug)]
pub(crate) struct Wire {
    /// Connections are counted from 0.
    pub(crate) number: u64,
    /// Whether it ends with RST instead of FIN.
    reset: AtomicBool,
    /// How many bytes are still written before it is reset; `usize::MAX` for all.
    left: AtomicUsize,
    /// The pause before each byte in nanoseconds; 0 for none.
    pause: AtomicU64,
    reader: Mutex<Option<Waker>>,
}

impl Wire {
    pub(crate) fn new(number: u64) -> Arc<Self> {
        Arc::new(Self {
            number,
            reset: AtomicBool::new(false),
            left: AtomicUsize::new(usize::MAX),
            pause: AtomicU64::new(0),
            reader: Mutex::default(),
        })
    }

    /// Ends the connection with RST, now.
    pub(crate) fn reset(&self) {
        self.reset.store(true, Relaxed);
        if let Some(waker) = self.reader.lock().unwrap_or_else(PoisonError::into_inner).take() {
            waker.wake();
        }
    }

    /// Resets the connection after so many bytes.
    pub(crate) fn reset_after(&self, bytes: usize) {
        self.left.store(bytes, Relaxed);
    }

    /// From now on every byte waits so long.
    pub(crate) fn drip(&self, pause: Duration) {
        self.pause.store((pause.as_nanos() as u64).max(1), Relaxed);
    }
}

pub(crate) struct Connection {
    stream: TcpStream,
    wire: Arc<Wire>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream, wire: Arc<Wire>) -> Self {
        // The answer must not wait until the client has acknowledged the one before.
        let _ = stream.set_nodelay(true);
        Self { stream, wire, sleep: None }
    }

    fn broken(&self) -> io::Result<()> {
        let reset = self.wire.reset.load(Relaxed);
        if reset { Err(io::Error::new(io::ErrorKind::ConnectionReset, "reset on purpose")) } else { Ok(()) }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.wire.reset.load(Relaxed) {
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl tonic::transport::server::Connected for Connection {
    type ConnectInfo = Arc<Wire>;

    fn connect_info(&self) -> Arc<Wire> {
        Arc::clone(&self.wire)
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        *self.wire.reader.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
        self.broken()?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.broken()?;
        let mut most = self.wire.left.load(Relaxed);
        if most == 0 {
            self.wire.reset();
            self.broken()?;
        }
        let pause = self.wire.pause.load(Relaxed);
        if pause > 0 {
            let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(Duration::from_nanos(pause))));
            std::task::ready!(sleep.as_mut().poll(cx));
            self.sleep = None;
            most = most.min(1);
        }
        let most = most.min(buf.len());
        let written = std::task::ready!(Pin::new(&mut self.stream).poll_write(cx, &buf[..most]))?;
        let left = self.wire.left.load(Relaxed);
        if left != usize::MAX {
            self.wire.left.store(left - written.min(left), Relaxed);
            if left <= written {
                self.wire.reset();
            }
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
