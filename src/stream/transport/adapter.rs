//! One transport for `moq_net` over two: a WebTransport session (wtransport) and a bare QUIC connection (quinn).
//!
//! `moq_net` wants `web_transport_trait::poll` 0.4; both crates below are async, so each pending accept or open is a
//! future kept in the handle. Writes and reads go straight to quinn's streams. Also counts, for each session, what
//! quinn has taken and whether it is refusing more: that is how a slow viewer is seen ([`Meter`]).

use bytes::Bytes;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
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

/// WebTransport's application codes inside HTTP/3's (draft-ietf-webtrans-http3, section 4.3): every 31st is reserved.
const HTTP3_FIRST: u64 = 0x52e4_a40f_a8db;

fn to_http3(code: u32) -> quinn::VarInt {
    let code = u64::from(code);
    // At most HTTP3_FIRST + 2^32 * 31/30: far below 2^62.
    quinn::VarInt::from_u64(HTTP3_FIRST + code + code / 0x1e).unwrap_or(quinn::VarInt::MAX)
}

fn from_http3(code: u64) -> Option<u32> {
    let shifted = code.checked_sub(HTTP3_FIRST)?;
    u32::try_from(shifted - shifted / 0x1f).ok()
}

/// An outgoing stream.
pub struct SendStream {
    stream: Outgoing,
    stopped: Option<Boxed<Result<(), Error>>>,
    meter: Option<Arc<Meter>>,
    blocked: bool,
    ended: bool,
}

enum Outgoing {
    Web(wtransport::SendStream),
    Raw(quinn::SendStream),
}

impl SendStream {
    fn web(stream: wtransport::SendStream) -> Self {
        Self {
            stream: Outgoing::Web(stream),
            stopped: None,
            meter: None,
            blocked: false,
            ended: false,
        }
    }

    fn raw(stream: quinn::SendStream) -> Self {
        Self {
            stream: Outgoing::Raw(stream),
            stopped: None,
            meter: None,
            blocked: false,
            ended: false,
        }
    }

    fn quic(&mut self) -> &mut quinn::SendStream {
        match &mut self.stream {
            Outgoing::Web(s) => s.quic_stream_mut(),
            Outgoing::Raw(s) => s,
        }
    }

    fn set_blocked(&mut self, blocked: bool) {
        if let Some(meter) = &self.meter
            && blocked != self.blocked
        {
            self.blocked = blocked;
            if blocked {
                meter.blocked.fetch_add(1, Ordering::Relaxed);
            } else {
                meter.blocked.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    fn code_in(&self, code: u64) -> Option<u32> {
        if matches!(self.stream, Outgoing::Web(_)) {
            from_http3(code)
        } else {
            u32::try_from(code).ok()
        }
    }

    fn code_out(&self, code: u32) -> quinn::VarInt {
        if matches!(self.stream, Outgoing::Web(_)) {
            to_http3(code)
        } else {
            code.into()
        }
    }
}

impl poll::SendStream for SendStream {
    type Error = Error;

    fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize, Error>> {
        let result = Pin::new(self.quic()).poll_write(cx, buf);
        self.set_blocked(result.is_pending());
        let result = ready!(result);
        if let (Some(meter), Ok(count)) = (&self.meter, &result) {
            meter.accepted.fetch_add(*count as u64, Ordering::Relaxed);
        }
        Poll::Ready(result.map_err(|error| {
            let stream = match &error {
                quinn::WriteError::Stopped(code) => self.code_in(code.into_inner()),
                _ => None,
            };
            Error {
                stream,
                ..Error::new(error)
            }
        }))
    }

    fn set_priority(&mut self, order: u8) {
        // Fails only on a stream that has ended, whose priority doesn't matter.
        let _ = self.quic().set_priority(order.into());
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.ended = true;
        self.quic().finish().map_err(Error::new)
    }

    fn reset(&mut self, code: u32) {
        self.ended = true;
        self.set_blocked(false);
        let code = self.code_out(code);
        // Fails only if it has ended already.
        let _ = self.quic().reset(code);
    }

    fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let web = matches!(self.stream, Outgoing::Web(_));
        let stopped = match &self.stream {
            Outgoing::Web(s) => s.quic_stream(),
            Outgoing::Raw(s) => s,
        };
        drive(&mut self.stopped, cx, || {
            let stopped = stopped.stopped();
            Box::pin(async move {
                match stopped.await {
                    Ok(None) => Ok(()),
                    Ok(Some(code)) => {
                        let code = code.into_inner();
                        let stream = if web {
                            from_http3(code)
                        } else {
                            u32::try_from(code).ok()
                        };
                        Err(Error {
                            stream,
                            ..Error::new("the peer has stopped the stream")
                        })
                    }
                    Err(quinn::StoppedError::ConnectionLost(error)) => Err(error.into()),
                    Err(error) => Err(Error::new(error)),
                }
            })
        })
    }
}

impl Drop for SendStream {
    fn drop(&mut self) {
        self.set_blocked(false);
        if !self.ended {
            // quinn would finish it, and half a group would look like a whole one.
            poll::SendStream::reset(self, 0);
        }
    }
}

/// An incoming stream.
pub struct RecvStream {
    stream: Incoming,
}

enum Incoming {
    Web(wtransport::RecvStream),
    Raw(quinn::RecvStream),
}

impl RecvStream {
    fn web(stream: wtransport::RecvStream) -> Self {
        Self {
            stream: Incoming::Web(stream),
        }
    }

    fn raw(stream: quinn::RecvStream) -> Self {
        Self {
            stream: Incoming::Raw(stream),
        }
    }

    fn quic(&mut self) -> &mut quinn::RecvStream {
        match &mut self.stream {
            Incoming::Web(s) => s.quic_stream_mut(),
            Incoming::Raw(s) => s,
        }
    }

    fn is_web(&self) -> bool {
        matches!(self.stream, Incoming::Web(_))
    }

    fn failed(&self, error: quinn::ReadError) -> Error {
        let stream = match &error {
            quinn::ReadError::Reset(code) if self.is_web() => from_http3(code.into_inner()),
            quinn::ReadError::Reset(code) => u32::try_from(code.into_inner()).ok(),
            _ => None,
        };
        Error {
            stream,
            ..Error::new(error)
        }
    }
}

impl poll::RecvStream for RecvStream {
    type Error = Error;

    fn poll_read(&mut self, cx: &mut Context<'_>, dst: &mut [u8]) -> Poll<Result<Option<usize>, Error>> {
        if dst.is_empty() {
            return Poll::Ready(Ok(Some(0)));
        }
        let mut buf = tokio::io::ReadBuf::new(dst);
        match ready!(self.quic().poll_read_buf(cx, &mut buf)) {
            Ok(()) if buf.filled().is_empty() => Poll::Ready(Ok(None)),
            Ok(()) => Poll::Ready(Ok(Some(buf.filled().len()))),
            Err(error) => Poll::Ready(Err(self.failed(error))),
        }
    }

    fn stop(&mut self, code: u32) {
        let code = if self.is_web() { to_http3(code) } else { code.into() };
        // Fails only if it has ended already.
        let _ = self.quic().stop(code);
    }

    fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut reset = std::pin::pin!(self.quic().received_reset());
        match ready!(reset.as_mut().poll(cx)) {
            Ok(_) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(Error::new(error))),
        }
    }
}

fn web_pair((send, recv): (wtransport::SendStream, wtransport::RecvStream)) -> (SendStream, RecvStream) {
    (SendStream::web(send), RecvStream::web(recv))
}

fn raw_pair((send, recv): (quinn::SendStream, quinn::RecvStream)) -> (SendStream, RecvStream) {
    (SendStream::raw(send), RecvStream::raw(recv))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_survive_http3() {
        for code in [0, 1, 0x1d, 0x1e, 0x1f, 0xff, 0xffff, u32::MAX] {
            assert_eq!(from_http3(to_http3(code).into_inner()), Some(code));
        }
        assert_eq!(from_http3(0x10c), None);
    }
}
