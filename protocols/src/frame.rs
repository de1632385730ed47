//! Per-frame time lines: the server tells a viewer what happened to a frame until it was sent, the viewer tells
//! the server the rest. Datagrams 0x83 and 0x03 of `stream.md`.

use crate::Error;
use crate::wire::{Reader, put};

/// The most frames one [`Report`] carries; keeps it within one datagram.
pub const MAX_SEEN: usize = 32;

/// What a viewer saw of some frames.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Add this to the times to get the server's clock, in µs ([`crate::clock::Estimator::offset`]); `None`: the
    /// viewer does not know it yet.
    pub offset: Option<i64>,
    /// One entry a frame, at most [`MAX_SEEN`].
    pub frames: Vec<Seen>,
}

/// What a viewer saw of one frame; µs of one clock; zero: not (yet).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Seen {
    /// The frame.
    pub frame: u64,
    /// Its last byte arrived.
    pub received: u64,
    /// The decoder gave it out.
    pub decoded: u64,
    /// It was painted.
    pub painted: u64,
}

impl Report {
    /// The first byte.
    pub const KIND: u8 = 0x03;
    /// On the wire: no offset known.
    const UNKNOWN: i64 = i64::MIN;

    /// Reads a datagram, kind byte included.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut r = Reader::of_kind(bytes, Self::KIND)?;
        let offset = Some(r.i64()?).filter(|o| *o != Self::UNKNOWN);
        let count = r.u8()? as usize;
        if count > MAX_SEEN {
            return Err(Error::TooLong {
                what: "frames",
                len: count,
                cap: MAX_SEEN,
            });
        }
        let frames = (0..count)
            .map(|_| {
                Ok(Seen {
                    frame: r.u64()?,
                    received: r.u64()?,
                    decoded: r.u64()?,
                    painted: r.u64()?,
                })
            })
            .collect::<Result<_, Error>>()?;
        r.end()?;
        Ok(Self { offset, frames })
    }

    /// The datagram's bytes; frames beyond [`MAX_SEEN`] are left out.
    pub fn encode(&self) -> Vec<u8> {
        let frames = &self.frames[..self.frames.len().min(MAX_SEEN)];
        let mut out = Vec::with_capacity(10 + frames.len() * 32);
        put!(
            out,
            Self::KIND,
            self.offset.unwrap_or(Self::UNKNOWN),
            frames.len() as u8
        );
        for s in frames {
            put!(out, s.frame, s.received, s.decoded, s.painted);
        }
        out
    }

    /// The same report with its times in the server's clock; `None` while the viewer doesn't know its offset.
    pub fn in_server_clock(&self) -> Option<Self> {
        let offset = self.offset?;
        // Zero stays zero: it means "not yet" on both sides.
        let shift = |t: u64| if t == 0 { 0 } else { t.saturating_add_signed(offset) };
        let frames = self.frames.iter().map(|s| Seen {
            frame: s.frame,
            received: shift(s.received),
            decoded: shift(s.decoded),
            painted: shift(s.painted),
        });
        Some(Self {
            offset: Some(0),
            frames: frames.collect(),
        })
    }
}

/// What the server did with one frame; µs of the server's clock; zero: did not happen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Times {
    /// The frame's id, counted from 1.
    pub frame: u64,
    /// Its time stamp in the video container: µs from [`crate::control::ToClient::Welcome`]'s `start_us` to the
    /// commit. A viewer finds the frame by it.
    pub pts_us: u64,
    /// The game's commit arrived.
    pub commit: u64,
    /// The compositor chose this content.
    pub latch: u64,
    /// Composition ended.
    pub rendered: u64,
    /// The encoder took it.
    pub encode_start: u64,
    /// Pixel conversion ended.
    pub converted: u64,
    /// The encoder gave the packet out.
    pub encoded: u64,
    /// The packet was handed to QUIC.
    pub sent: u64,
    /// It starts a group.
    pub key: bool,
    /// Size of the packet.
    pub bytes: u32,
}

impl Times {
    /// The first byte.
    pub const KIND: u8 = 0x83;

    /// Reads a datagram, kind byte included.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut r = Reader::of_kind(bytes, Self::KIND)?;
        let times = Self {
            frame: r.u64()?,
            pts_us: r.u64()?,
            commit: r.u64()?,
            latch: r.u64()?,
            rendered: r.u64()?,
            encode_start: r.u64()?,
            converted: r.u64()?,
            encoded: r.u64()?,
            sent: r.u64()?,
            key: r.bool("key")?,
            bytes: r.u32()?,
        };
        r.end()?;
        Ok(times)
    }

    /// The datagram's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(78);
        put!(
            out,
            Self::KIND,
            self.frame,
            self.pts_us,
            self.commit,
            self.latch,
            self.rendered
        );
        put!(
            out,
            self.encode_start,
            self.converted,
            self.encoded,
            self.sent,
            u8::from(self.key),
            self.bytes
        );
        out
    }
}
