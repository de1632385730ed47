//! Streams of both kinds, and the error codes that WebTransport wraps.

use super::{Boxed, Error, Meter, drive};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use web_transport_trait::poll;

/// WebTransport's application codes inside HTTP/3's (draft-ietf-webtrans-http3, section 4.3): every 31st is reserved.
const HTTP3_FIRST: u64 = 0x52e4_a40f_a8db;

pub(super) fn to_http3(code: u32) -> quinn::VarInt {
    let code = u64::from(code);
    // At most HTTP3_FIRST + 2^32 * 31/30: far below 2^62.
    quinn::VarInt::from_u64(HTTP3_FIRST + code + code / 0x1e).unwrap_or(quinn::VarInt::MAX)
}

pub(super) fn from_http3(code: u64) -> Option<u32> {
    let shifted = code.checked_sub(HTTP3_FIRST)?;
    u32::try_from(shifted - shifted / 0x1f).ok()
}

/// MoQ's stream error for what is no longer wanted (0 is an internal error).
const CANCEL: u32 = 1;

/// An outgoing stream.
pub struct SendStream {
    stream: Outgoing,
    stopped: Option<Boxed<Result<(), Error>>>,
    pub(super) meter: Option<Arc<Meter>>,
    blocked: bool,
    ended: bool,
}

enum Outgoing {
    Web(wtransport::SendStream),
    Raw(quinn::SendStream),
}

impl SendStream {
    pub(super) fn web(stream: wtransport::SendStream) -> Self {
        Self {
            stream: Outgoing::Web(stream),
            stopped: None,
            meter: None,
            blocked: false,
            ended: false,
        }
    }

    pub(super) fn raw(stream: quinn::SendStream) -> Self {
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
            poll::SendStream::reset(self, CANCEL);
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
    pub(super) fn web(stream: wtransport::RecvStream) -> Self {
        Self {
            stream: Incoming::Web(stream),
        }
    }

    pub(super) fn raw(stream: quinn::RecvStream) -> Self {
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

pub(super) fn web_pair((send, recv): (wtransport::SendStream, wtransport::RecvStream)) -> (SendStream, RecvStream) {
    (SendStream::web(send), RecvStream::web(recv))
}

pub(super) fn raw_pair((send, recv): (quinn::SendStream, quinn::RecvStream)) -> (SendStream, RecvStream) {
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
