//! The control stream: one bidirectional stream that the client opens on `/control`, with length-prefixed
//! messages both ways. Owns their layout and the incremental [`Decoder`].

use crate::Error;
use crate::audio::Playback;
use crate::wire::{Reader, put, put_text};
use std::marker::PhantomData;

/// The version both ends must agree on.
pub const VERSION: u16 = 1;
/// The longest message (kind byte and body), in bytes.
pub const MAX_MESSAGE: usize = 64 * 1024;
/// The longest text a client may send at once, in bytes.
pub const MAX_TEXT: usize = 4096;
/// The longest viewer's name, in bytes.
pub const MAX_NAME: usize = 64;
/// The longest title, in bytes.
pub const MAX_TITLE: usize = 256;
/// The longest reason, in bytes.
pub const MAX_REASON: usize = 256;
/// The most channels of sound.
pub const MAX_CHANNELS: u8 = 8;

/// Client → server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToServer {
    /// The first message.
    Hello {
        /// [`VERSION`].
        version: u16,
        /// Take the input role if nobody holds it.
        want_input: bool,
        /// What to call this viewer, at most [`MAX_NAME`] bytes.
        name: String,
    },
    /// Take the input role, also from another holder.
    TakeInput,
    /// Give the input role up.
    DropInput,
    /// Text to type, at most [`MAX_TEXT`] bytes.
    Text(String),
    /// The picture is damaged; start afresh.
    RequestKeyFrame,
    /// How many channels of sound this viewer can play, 1 to [`MAX_CHANNELS`]; at the start and at each change.
    Loudspeakers(u8),
    /// This viewer's microphone is turned on or off. Only where it is allowed ([`ToClient::Microphone`]).
    Microphone(bool),
    /// How the sound is being played: every ten seconds, and soon after the drift or a jump was noticed.
    Playback(Playback),
}

/// Server → client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToClient {
    /// Answers `Hello`.
    Welcome {
        /// [`VERSION`].
        version: u16,
        /// This viewer's id.
        viewer: u64,
        /// Output width in pixels.
        width: u32,
        /// Output height in pixels.
        height: u32,
        /// Output refresh in millihertz.
        refresh_mhz: u32,
        /// The server's clock, in µs, at the video container's time stamp 0.
        start_us: u64,
    },
    /// Who holds the input role; sent after `Welcome` and at each change.
    Role {
        /// This viewer holds it.
        input: bool,
        /// Somebody holds it.
        holder: bool,
    },
    /// The output or the game's wishes changed.
    Scene {
        /// Output width in pixels.
        width: u32,
        /// Output height in pixels.
        height: u32,
        /// Output refresh in millihertz.
        refresh_mhz: u32,
        /// The game wants relative motion only.
        pointer_locked: bool,
        /// The focused window's title, at most [`MAX_TITLE`] bytes.
        title: String,
    },
    /// The server ends the session.
    Bye {
        /// For people, at most [`MAX_REASON`] bytes.
        reason: String,
    },
    /// How it is with microphones; sent after `Welcome` if the session has one, at each change, and as the answer to
    /// [`ToServer::Microphone`].
    Microphone {
        /// This viewer may turn its own on: its token lets it, and not as many speak as may at once.
        allowed: bool,
        /// This viewer's is on: its packets are played.
        on: bool,
        /// Somebody's is on.
        live: bool,
    },
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::ToServer {}
    impl Sealed for super::ToClient {}
}

/// A direction of the control stream.
pub trait Message: Sized + sealed::Sealed {
    /// Reads a message (kind byte and body, without the length).
    fn decode(bytes: &[u8]) -> Result<Self, Error>;
    /// The message with its length in front. Texts above their cap are cut at a character boundary.
    fn encode(&self) -> Vec<u8>;
}

/// Length, kind byte and what `body` writes.
fn framed(kind: u8, body: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = vec![0, 0, 0, 0, kind];
    body(&mut out);
    let len = (out.len() - 4) as u32;
    out[..4].copy_from_slice(&len.to_le_bytes());
    out
}

impl Message for ToServer {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut r = Reader::new(bytes);
        let message = match r.u8()? {
            0x01 => Self::Hello {
                version: r.u16()?,
                want_input: r.bool("want_input")?,
                name: r.text("name", MAX_NAME)?,
            },
            0x02 => Self::TakeInput,
            0x03 => Self::DropInput,
            0x04 => Self::Text(r.text("text", MAX_TEXT)?),
            0x05 => Self::RequestKeyFrame,
            0x06 => Self::Loudspeakers(match r.u8()? {
                channels @ 1..=MAX_CHANNELS => channels,
                channels => {
                    let (what, value) = ("channels", channels.into());
                    return Err(Error::Value { what, value });
                }
            }),
            0x07 => Self::Microphone(r.bool("microphone")?),
            0x08 => Self::Playback(Playback {
                delay: r.u32()?,
                depth: r.u32()?,
                drift: r.i32()?,
                played: r.u32()?,
                concealed: r.u32()?,
                missing: r.u32()?,
                late: r.u32()?,
                resyncs: r.u32()?,
                excursions: r.u32()?,
            }),
            kind => return Err(Error::Kind(kind)),
        };
        r.end()?;
        Ok(message)
    }

    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Hello {
                version,
                want_input,
                name,
            } => framed(0x01, |out| {
                put!(out, version, u8::from(*want_input));
                put_text(out, name, MAX_NAME);
            }),
            Self::TakeInput => framed(0x02, |_| ()),
            Self::DropInput => framed(0x03, |_| ()),
            Self::Text(text) => framed(0x04, |out| put_text(out, text, MAX_TEXT)),
            Self::RequestKeyFrame => framed(0x05, |_| ()),
            Self::Loudspeakers(channels) => framed(0x06, |out| out.push((*channels).clamp(1, MAX_CHANNELS))),
            Self::Microphone(on) => framed(0x07, |out| out.push(u8::from(*on))),
            Self::Playback(p) => framed(0x08, |out| {
                put!(
                    out,
                    p.delay,
                    p.depth,
                    p.drift,
                    p.played,
                    p.concealed,
                    p.missing,
                    p.late,
                    p.resyncs,
                    p.excursions
                );
            }),
        }
    }
}

impl Message for ToClient {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut r = Reader::new(bytes);
        let message = match r.u8()? {
            0x81 => Self::Welcome {
                version: r.u16()?,
                viewer: r.u64()?,
                width: r.u32()?,
                height: r.u32()?,
                refresh_mhz: r.u32()?,
                start_us: r.u64()?,
            },
            0x82 => Self::Role {
                input: r.bool("input")?,
                holder: r.bool("holder")?,
            },
            0x83 => Self::Scene {
                width: r.u32()?,
                height: r.u32()?,
                refresh_mhz: r.u32()?,
                pointer_locked: r.bool("pointer_locked")?,
                title: r.text("title", MAX_TITLE)?,
            },
            0x84 => Self::Bye {
                reason: r.text("reason", MAX_REASON)?,
            },
            0x85 => Self::Microphone {
                allowed: r.bool("allowed")?,
                on: r.bool("on")?,
                live: r.bool("live")?,
            },
            kind => return Err(Error::Kind(kind)),
        };
        r.end()?;
        Ok(message)
    }

    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Welcome {
                version,
                viewer,
                width,
                height,
                refresh_mhz,
                start_us,
            } => framed(0x81, |out| {
                put!(out, version, viewer, width, height, refresh_mhz, start_us)
            }),
            Self::Role { input, holder } => framed(0x82, |out| put!(out, u8::from(*input), u8::from(*holder))),
            Self::Scene {
                width,
                height,
                refresh_mhz,
                pointer_locked,
                title,
            } => framed(0x83, |out| {
                put!(out, width, height, refresh_mhz, u8::from(*pointer_locked));
                put_text(out, title, MAX_TITLE);
            }),
            Self::Bye { reason } => framed(0x84, |out| put_text(out, reason, MAX_REASON)),
            Self::Microphone { allowed, on, live } => framed(0x85, |out| {
                put!(out, u8::from(*allowed), u8::from(*on), u8::from(*live));
            }),
        }
    }
}

/// Cuts a stream of bytes into messages of one direction.
///
/// After each [`push`](Self::push), [`pop`](Self::pop) until it gives `None`. The first error stays: the peer's
/// stream can't be trusted after it.
#[derive(Debug)]
pub struct Decoder<M> {
    buffer: Vec<u8>,
    /// Where the next message starts in `buffer`.
    start: usize,
    failed: Option<Error>,
    message: PhantomData<fn() -> M>,
}

impl<M> Default for Decoder<M> {
    fn default() -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            failed: None,
            message: PhantomData,
        }
    }
}

impl<M: Message> Decoder<M> {
    /// The most bytes that may wait to be popped: a whole message, its length, and a read of the same size.
    const MAX_BUFFER: usize = 2 * (MAX_MESSAGE + 4);

    /// A decoder at a stream's start.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what was read from the stream.
    ///
    /// # Errors
    /// More than two longest messages are waiting: nothing was popped, or `bytes` is longer than one.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let len = self.buffer.len() + bytes.len();
        if len > Self::MAX_BUFFER {
            let error = Error::TooLong {
                what: "unread messages",
                len,
                cap: Self::MAX_BUFFER,
            };
            return Err(self.failed.get_or_insert(error).clone());
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// The next whole message, if there is one.
    pub fn pop(&mut self) -> Result<Option<M>, Error> {
        match &self.failed {
            Some(error) => Err(error.clone()),
            None => self.next().inspect_err(|error| self.failed = Some(error.clone())),
        }
    }

    fn next(&mut self) -> Result<Option<M>, Error> {
        let waiting = &self.buffer[self.start..];
        let Some((length, rest)) = waiting.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let len = u32::from_le_bytes(*length) as usize;
        if len > MAX_MESSAGE {
            return Err(Error::TooLong {
                what: "message",
                len,
                cap: MAX_MESSAGE,
            });
        }
        let Some(message) = rest.get(..len) else {
            return Ok(None);
        };
        let message = M::decode(message)?;
        self.start += 4 + len;
        Ok(Some(message))
    }

    /// Whether the stream may end here: no part of a message waits.
    pub fn is_empty(&self) -> bool {
        self.start == self.buffer.len()
    }
}
