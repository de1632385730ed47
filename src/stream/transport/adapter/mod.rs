//! One transport for `moq_net` over two: a WebTransport session (wtransport) and a bare QUIC connection (quinn).
//!
//! `moq_net` wants `web_transport_trait::poll` 0.4; both crates below are async, so each pending accept or open is a
//! future kept in the handle. Writes and reads go straight to quinn's streams. Also counts, for each session, what
//! quinn has taken and whether it is refusing more: that is how a slow viewer is seen ([`Meter`]).

mod streams;

pub use streams::{RecvStream, SendStream};

use bytes::Bytes;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use streams::{raw_pair, to_http3, web_pair};
use web_transport_trait::poll;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send + Sync>>;

/// What left `moq_net` for QUIC on one session's outgoing unidirectional streams.
#[derive(Debug, Default)]
pub struct Meter {
    accepted: AtomicU64,
    blocked: AtomicUsize,
}

impl Meter {
    /// Bytes that quinn has taken.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Whether some stream has bytes that quinn has refused for now.
    pub fn is_blocked(&self) -> bool {
        self.blocked.load(Ordering::Relaxed) > 0
    }
}

/// Why an operation on a session or stream failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{text}")]
pub struct Error {
    text: String,
    session: Option<(u32, String)>,
    stream: Option<u32>,
}

impl Error {
    fn new(error: impl std::fmt::Display) -> Self {
        Self {
            text: error.to_string(),
            session: None,
            stream: None,
        }
    }
}

impl From<quinn::ConnectionError> for Error {
    fn from(error: quinn::ConnectionError) -> Self {
        let session = match &error {
            quinn::ConnectionError::ApplicationClosed(close) => {
                let code = u32::try_from(close.error_code.into_inner()).ok();
                code.map(|code| (code, String::from_utf8_lossy(&close.reason).into_owned()))
            }
            _ => None,
        };
        Self {
            text: error.to_string(),
            session,
            stream: None,
        }
    }
}

impl web_transport_trait::Error for Error {
    fn session_error(&self) -> Option<(u32, String)> {
        self.session.clone()
    }

    fn stream_error(&self) -> Option<u32> {
        self.stream
    }
}

#[derive(Clone)]
enum Connection {
    Web(wtransport::Connection),
    Raw(quinn::Connection),
}

impl Connection {
    fn quic(&self) -> &quinn::Connection {
        match self {
            Self::Web(c) => c.quic_connection(),
            Self::Raw(c) => c,
        }
    }
}

/// A session, as `moq_net` wants it. A clone is the same session with operations of its own.
pub struct Session {
    connection: Connection,
    protocol: Option<Arc<str>>,
    meter: Arc<Meter>,
    accept_uni: Option<Boxed<Result<RecvStream, Error>>>,
    accept_bi: Option<Boxed<Result<(SendStream, RecvStream), Error>>>,
    open_uni: Option<Boxed<Result<SendStream, Error>>>,
    open_bi: Option<Boxed<Result<(SendStream, RecvStream), Error>>>,
    datagram: Option<Boxed<Result<Bytes, Error>>>,
    closed: Option<Boxed<Error>>,
}

impl Clone for Session {
    fn clone(&self) -> Self {
        Self::new(self.connection.clone(), self.protocol.clone(), self.meter.clone())
    }
}

impl Session {
    fn new(connection: Connection, protocol: Option<Arc<str>>, meter: Arc<Meter>) -> Self {
        let (accept_uni, accept_bi, open_uni, open_bi) = (None, None, None, None);
        Self {
            connection,
            protocol,
            meter,
            accept_uni,
            accept_bi,
            open_uni,
            open_bi,
            datagram: None,
            closed: None,
        }
    }

    /// Over WebTransport; `protocol` is the negotiated subprotocol.
    pub fn web(connection: wtransport::Connection, protocol: Option<&str>) -> Self {
        Self::new(Connection::Web(connection), protocol.map(Into::into), Arc::default())
    }

    /// Over bare QUIC; `alpn` is the negotiated protocol.
    pub fn raw(connection: quinn::Connection, alpn: &str) -> Self {
        Self::new(Connection::Raw(connection), Some(alpn.into()), Arc::default())
    }

    /// The session's meter.
    pub fn meter(&self) -> Arc<Meter> {
        self.meter.clone()
    }

    /// The connection under it.
    pub fn quic(&self) -> &quinn::Connection {
        self.connection.quic()
    }

    fn is_web(&self) -> bool {
        matches!(self.connection, Connection::Web(_))
    }
}

/// Polls the future in `slot`, made by `start` if there is none, and forgets it once it has given its result.
fn drive<T>(slot: &mut Option<Boxed<T>>, cx: &mut Context<'_>, start: impl FnOnce() -> Boxed<T>) -> Poll<T> {
    let result = ready!(slot.get_or_insert_with(start).as_mut().poll(cx));
    *slot = None;
    Poll::Ready(result)
}

impl poll::Session for Session {
    type SendStream = SendStream;
    type RecvStream = RecvStream;
    type Error = Error;

    fn poll_accept_uni(&mut self, cx: &mut Context<'_>) -> Poll<Result<RecvStream, Error>> {
        let c = self.connection.clone();
        drive(&mut self.accept_uni, cx, || {
            Box::pin(async move {
                Ok(match c {
                    Connection::Web(c) => RecvStream::web(c.accept_uni().await.map_err(Error::new)?),
                    Connection::Raw(c) => RecvStream::raw(c.accept_uni().await?),
                })
            })
        })
    }

    fn poll_accept_bi(&mut self, cx: &mut Context<'_>) -> Poll<Result<(SendStream, RecvStream), Error>> {
        let c = self.connection.clone();
        drive(&mut self.accept_bi, cx, || {
            Box::pin(async move {
                Ok(match c {
                    Connection::Web(c) => web_pair(c.accept_bi().await.map_err(Error::new)?),
                    Connection::Raw(c) => raw_pair(c.accept_bi().await?),
                })
            })
        })
    }

    fn poll_open_uni(&mut self, cx: &mut Context<'_>) -> Poll<Result<SendStream, Error>> {
        let (c, meter) = (self.connection.clone(), self.meter.clone());
        drive(&mut self.open_uni, cx, || {
            Box::pin(async move {
                let mut stream = match c {
                    Connection::Web(c) => {
                        SendStream::web(c.open_uni().await.map_err(Error::new)?.await.map_err(Error::new)?)
                    }
                    Connection::Raw(c) => SendStream::raw(c.open_uni().await?),
                };
                stream.meter = Some(meter);
                Ok(stream)
            })
        })
    }

    fn poll_open_bi(&mut self, cx: &mut Context<'_>) -> Poll<Result<(SendStream, RecvStream), Error>> {
        let c = self.connection.clone();
        drive(&mut self.open_bi, cx, || {
            Box::pin(async move {
                Ok(match c {
                    Connection::Web(c) => web_pair(c.open_bi().await.map_err(Error::new)?.await.map_err(Error::new)?),
                    Connection::Raw(c) => raw_pair(c.open_bi().await?),
                })
            })
        })
    }

    fn poll_send_datagram(&mut self, _cx: &mut Context<'_>, payload: &[u8]) -> Poll<Result<(), Error>> {
        // quinn makes room by dropping its oldest, so there is always room.
        Poll::Ready(match &self.connection {
            Connection::Web(c) => c.send_datagram(payload).map_err(Error::new),
            Connection::Raw(c) => c.send_datagram(Bytes::copy_from_slice(payload)).map_err(Error::new),
        })
    }

    fn poll_recv_datagram(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Error>> {
        let c = self.connection.clone();
        drive(&mut self.datagram, cx, || {
            Box::pin(async move {
                Ok(match c {
                    Connection::Web(c) => c.receive_datagram().await.map_err(Error::new)?.payload(),
                    Connection::Raw(c) => c.read_datagram().await?,
                })
            })
        })
    }

    fn max_datagram_size(&self) -> usize {
        match &self.connection {
            Connection::Web(c) => c.max_datagram_size(),
            Connection::Raw(c) => c.max_datagram_size(),
        }
        .unwrap_or(0)
    }

    fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    fn close(&mut self, code: u32, reason: &str) {
        let code = if self.is_web() { to_http3(code) } else { code.into() };
        self.connection.quic().close(code, reason.as_bytes());
    }

    fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let c = self.connection.quic().clone();
        drive(&mut self.closed, cx, || {
            Box::pin(async move { c.closed().await.into() })
        })
    }

    fn stats(&self) -> impl web_transport_trait::Stats {
        Stats(self.connection.quic().stats())
    }
}

struct Stats(quinn::ConnectionStats);

impl web_transport_trait::Stats for Stats {
    fn bytes_sent(&self) -> Option<u64> {
        Some(self.0.udp_tx.bytes)
    }

    fn bytes_received(&self) -> Option<u64> {
        Some(self.0.udp_rx.bytes)
    }

    fn bytes_lost(&self) -> Option<u64> {
        Some(self.0.path.lost_bytes)
    }

    fn packets_sent(&self) -> Option<u64> {
        Some(self.0.path.sent_packets)
    }

    fn packets_received(&self) -> Option<u64> {
        Some(self.0.udp_rx.datagrams)
    }

    fn packets_lost(&self) -> Option<u64> {
        Some(self.0.path.lost_packets)
    }

    fn rtt(&self) -> Option<Duration> {
        Some(self.0.path.rtt)
    }

    fn estimated_send_rate(&self) -> Option<u64> {
        let micros = u64::try_from(self.0.path.rtt.as_micros()).unwrap_or(u64::MAX).max(1);
        Some(self.0.path.cwnd.saturating_mul(8_000_000) / micros)
    }
}
