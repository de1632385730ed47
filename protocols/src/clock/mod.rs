//! The offset between the viewer's clock and the server's, from four time stamps (RFC 5905 section 8): datagrams
//! 0x02 and 0x82 of `stream.md`. Owns their layout and the client's [`Estimator`].

mod estimator;

pub use estimator::{Estimator, Schedule};

use crate::Error;
use crate::wire::{Reader, put};

/// Client → server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ping {
    /// Client's clock at sending, in µs.
    pub t0: u64,
}

/// Server → client, at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pong {
    /// The ping's.
    pub t0: u64,
    /// Server's clock when the ping arrived, in µs.
    pub t1: u64,
    /// Server's clock when this was sent, in µs.
    pub t2: u64,
}

impl Ping {
    /// The first byte.
    pub const KIND: u8 = 0x02;

    /// Reads a datagram, kind byte included.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut r = Reader::of_kind(bytes, Self::KIND)?;
        let ping = Self { t0: r.u64()? };
        r.end()?;
        Ok(ping)
    }

    /// The datagram's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(9);
        put!(out, Self::KIND, self.t0);
        out
    }
}

impl Pong {
    /// The first byte.
    pub const KIND: u8 = 0x82;

    /// Reads a datagram, kind byte included.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut r = Reader::of_kind(bytes, Self::KIND)?;
        let pong = Self {
            t0: r.u64()?,
            t1: r.u64()?,
            t2: r.u64()?,
        };
        r.end()?;
        Ok(pong)
    }

    /// The datagram's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(25);
        put!(out, Self::KIND, self.t0, self.t1, self.t2);
        out
    }
}
